// Products of a few rows with a large matrix that is stored so that it can be read once, in order, where it lies:
// reading it is the work, and packing it would double that.
#pragma once

#include "core/kernels/contract.h"

namespace tw::contract {

// Whether the spec is such a product in float or double.
bool is_skinny(const GemmSpec& spec);
Result<std::unique_ptr<ContractPlan>> plan_skinny(const GemmSpec& spec, int threads);

}  // namespace tw::contract
