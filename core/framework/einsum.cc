#include "core/framework/einsum.h"

#include <algorithm>

namespace tw {
namespace {

constexpr std::string_view kDots = "...";

// Labels of one part; an ellipsis stands for `hidden` axes.
Result<std::vector<int>> labels_of(std::string_view part, int hidden) {
  std::vector<int> labels;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part.substr(i, 3) == kDots) {
      for (int k = hidden - 1; k >= 0; --k) labels.push_back(EinsumLabels::kEllipsis + k);
      i += 2;
    } else if ((part[i] >= 'a' && part[i] <= 'z') || (part[i] >= 'A' && part[i] <= 'Z')) {
      labels.push_back(part[i]);
    } else if (part[i] != ' ') {
      return invalid_argument("Invalid character in einsum equation: '", part.substr(i, 1), "' in '", part, "'");
    }
  }
  return labels;
}

}  // namespace

Result<EinsumLabels> parse_einsum(std::string_view equation, std::span<const int> ranks) {
  const size_t arrow = equation.find("->");
  if (arrow == std::string_view::npos || equation.find("->", arrow + 2) != std::string_view::npos) {
    return invalid_argument("Expecting exactly one '->' in einsum equation: ", equation);
  }
  std::vector<std::string_view> parts;
  for (std::string_view rest = equation.substr(0, arrow);;) {
    const size_t comma = rest.find(',');
    parts.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (parts.size() != ranks.size()) {
    return invalid_argument("Expected ", parts.size(), " inputs for equation ", equation, " but got: ", ranks.size());
  }
  EinsumLabels result;
  int widest = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t dots = parts[i].find(kDots);
    TW_ASSIGN_OR_RETURN(const std::vector<int> named, labels_of(parts[i], 0));
    const int hidden = ranks[i] - static_cast<int>(named.size());
    if (hidden < 0 || (dots == std::string_view::npos && hidden > 0)) {
      return invalid_argument("Expected input ", i, " of equation ", equation, " to have rank ", named.size(),
                              dots == std::string_view::npos ? "" : " or more", " but got: ", ranks[i]);
    }
    if (dots != std::string_view::npos && parts[i].find(kDots, dots + 3) != std::string_view::npos) {
      return invalid_argument("More than one ellipsis in an input of einsum equation: ", equation);
    }
    widest = std::max(widest, hidden);
    TW_ASSIGN_OR_RETURN(std::vector<int> labels, labels_of(parts[i], hidden));
    result.inputs.push_back(std::move(labels));
  }
  TW_ASSIGN_OR_RETURN(result.output, labels_of(equation.substr(arrow + 2), widest));
  for (const int label : result.output) {
    const bool known = std::any_of(result.inputs.begin(), result.inputs.end(), [&](const std::vector<int>& in) {
      return std::find(in.begin(), in.end(), label) != in.end();
    });
    if (!known) return invalid_argument("An output label of einsum equation ", equation, " is in no input");
  }
  return result;
}

Status einsum_sizes(const EinsumLabels& labels, std::span<const Shape> shapes, std::vector<int64_t>* sizes) {
  for (size_t i = 0; i < shapes.size(); ++i) {
    for (size_t d = 0; d < labels.inputs[i].size(); ++d) {
      const auto label = static_cast<size_t>(labels.inputs[i][d]);
      if (sizes->size() <= label) sizes->resize(label + 1, kUnknownDim);
      int64_t& size = (*sizes)[label];
      const int64_t n = shapes[i][static_cast<int>(d)];
      const bool broadcasts = label >= static_cast<size_t>(EinsumLabels::kEllipsis);
      if (n == kUnknownDim || (broadcasts && n == 1 && size != kUnknownDim)) continue;
      if (size == kUnknownDim || (broadcasts && size == 1)) {
        size = n;
      } else if (size != n) {
        return invalid_argument("Expected dimension ", size, " at axis ", d, " of the input shaped ", shapes[i],
                                " but got dimension ", n);
      }
    }
  }
  return {};
}

}  // namespace tw
