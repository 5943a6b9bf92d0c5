// The tapes of element-wise op rows.
#pragma once

#include "core/framework/op_def.h"
#include "core/framework/tape.h"

namespace tw {

// The tape of a row with a `map`, for a node with these attributes: dtypes that the text names after type attributes
// and constants that it takes from float or int attributes ("const T attr(alpha)") get the node's values. Input i of
// the tape is input i of the op.
Result<Tape> instantiate_map(const OpDef& op, const AttrReader& attrs);

}  // namespace tw
