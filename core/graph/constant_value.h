// What shape inference may know of values: constants, and small integer vectors computed from shapes and constants.
#pragma once

#include "core/graph/graph.h"

namespace tw {

class ConstantValues {
 public:
  // Looks at nodes only while the call lasts; the caller holds the graph's lock.
  explicit ConstantValues(const std::vector<std::unique_ptr<Node>>& nodes) : nodes_(nodes) {}

  // The tensor an output surely is; nothing when that takes more than integer arithmetic on shapes to tell.
  std::optional<Tensor> value(Output o) const;
  // The shape that an integer vector spells as far as it is known; nothing when not even its length is.
  std::optional<Shape> spelled_shape(Output o) const;

 private:
  // Integers of which some may be unknown; rank 0 or 1.
  struct Partial {
    int rank = 1;
    std::vector<std::optional<int64_t>> values;
  };
  std::optional<Partial> partial(Output o, int depth) const;
  std::optional<Partial> elementwise(const Node& n, int depth) const;
  std::optional<Partial> strided_slice(const Node& n, int depth) const;
  const Node& node(Output o) const { return *nodes_[static_cast<size_t>(o.node)]; }
  const std::vector<std::unique_ptr<Node>>& nodes_;
};

}  // namespace tw
