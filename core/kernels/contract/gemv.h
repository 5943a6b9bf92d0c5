// A matrix stored by rows times a vector: the form of product that packing cannot help, since each element of the
// matrix is used once.
#pragma once

#include "core/kernels/contract.h"

namespace tw::contract {

// Whether the spec is such a product in float or double.
bool is_gemv(const GemmSpec& spec);
Result<std::unique_ptr<ContractPlan>> plan_gemv(const GemmSpec& spec, int threads);

}  // namespace tw::contract
