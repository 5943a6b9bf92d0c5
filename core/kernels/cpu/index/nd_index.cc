#include "core/kernels/cpu/index/nd_index.h"

#include "core/kernels/cpu/array/outputs.h"

namespace tw {

int64_t NdIndex::offset(const Value& indices, const Shape& target, int64_t i) const {
  int64_t at = 0;
  for (int d = 0; d < depth; ++d) {
    const int64_t x = index_at(indices, i * depth + d);
    if (x < 0 || x >= target[d]) return -1;
    at = at * target[d] + x;
  }
  return at * slice;
}

int64_t NdIndex::first_bad(const Value& indices, const Shape& target) const {
  for (int64_t i = 0; i < count; ++i) {
    if (offset(indices, target, i) < 0) return i;
  }
  return -1;
}

std::string NdIndex::describe(const Value& indices, int64_t i) const {
  std::string text = "indices" + element_position(outer, i) + " = [";
  for (int d = 0; d < depth; ++d) text += (d == 0 ? "" : ", ") + std::to_string(index_at(indices, i * depth + d));
  return text + "]";
}

NdIndex nd_index(const Shape& indices, const Shape& target) {
  NdIndex n;
  const int last = indices.rank() - 1;
  n.outer = Shape(indices.dims().first(static_cast<size_t>(last)));
  n.depth = static_cast<int>(indices[last]);
  n.count = n.outer.num_elements();
  n.slice = target.product(n.depth, target.rank());
  return n;
}

}  // namespace tw
