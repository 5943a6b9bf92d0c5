// Scatters that combine: each row of updates is put into, added to or taken from a row of the target.
#pragma once

#include "core/framework/dtype.h"

namespace tw {

enum class Combine : uint8_t { kUpdate, kAdd, kSub };

// to[i] = to[i] OP from[i] for i < count; false when the dtype cannot be added.
bool combine_elements(Combine op, DType dtype, const void* from, void* to, int64_t count);

}  // namespace tw
