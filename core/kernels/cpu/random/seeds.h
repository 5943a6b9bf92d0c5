// The generator that a stateless op's seed tensor stands for.
#pragma once

#include "core/framework/kernel.h"
#include "core/kernels/cpu/random/philox.h"

namespace tw {

// InvalidArgument unless the value is a pair of int32 or int64.
Result<Philox> stateless_generator(const Value& seed);

}  // namespace tw
