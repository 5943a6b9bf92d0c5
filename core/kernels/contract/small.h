// Products of small matrices, mostly many of a batch: their operands lie in the near caches, so that what is set up
// around the tiles costs as much as the sums.
#pragma once

#include "core/kernels/contract.h"

namespace tw::contract {

// Whether the spec is such a product, in float or double, and the processor has tiles for it.
bool is_small(const GemmSpec& spec, int threads);
Result<std::unique_ptr<ContractPlan>> plan_small(const GemmSpec& spec, int threads);

}  // namespace tw::contract
