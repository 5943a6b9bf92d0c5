// Sums of derivatives.
#pragma once

#include "core/autodiff/autodiff.h"

namespace tw {

// The sum of one or more derivatives: sparse ones are concatenated, and a mix of dense and sparse is dense.
Grad aggregate(Builder& b, const std::vector<Grad>& terms, Aggregation how);

}  // namespace tw
