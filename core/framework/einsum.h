// Equations of Einsum: "ij,jk->ik". A letter is an axis; "..." stands for the axes that have none, counted from the
// right, which broadcast.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/framework/shape.h"

namespace tw {

struct EinsumLabels {
  std::vector<std::vector<int>> inputs;  // of the axes of each input
  std::vector<int> output;
  static constexpr int kEllipsis = 256;  // and above: axes of "..."
};

// InvalidArgument unless the equation has "->" and a part for each input, whose letters fit the ranks.
Result<EinsumLabels> parse_einsum(std::string_view equation, std::span<const int> ranks);

// label -> size in `sizes`, which grows to hold it; kUnknownDim where no input tells. InvalidArgument when axes of one
// letter differ; those of "..." may be 1.
Status einsum_sizes(const EinsumLabels& labels, std::span<const Shape> shapes, std::vector<int64_t>* sizes);

}  // namespace tw
