// The plan of ArgMax and ArgMin: places of extremes along one axis.
#pragma once

#include "core/kernels/reduce.h"

namespace tw {

// InvalidArgument for an axis that is empty or not there; Unimplemented for tapes and dtypes without an order.
Result<std::unique_ptr<ReducePlan>> plan_arg_reduce(const ReduceSpec& spec);

}  // namespace tw
