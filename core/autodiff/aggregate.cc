#include "core/autodiff/aggregate.h"

#include <algorithm>

namespace tw {
namespace {

Output concat_rows(Builder& b, std::vector<Output> parts) {
  parts.push_back(b.scalar<int32_t>(0));
  return Output{b.add("ConcatV2", std::move(parts)), 0};
}

Output add_n(Builder& b, std::vector<Output> terms) {
  if (terms.size() == 1) return terms[0];
  return Output{b.add("AddN", std::move(terms)), 0};
}

Grad sum_sparse(Builder& b, const std::vector<Grad>& terms) {
  std::vector<Output> values, indices;
  const bool wide =
      std::any_of(terms.begin(), terms.end(), [&](const Grad& g) { return b.dtype(g.indices) == DType::kInt64; });
  Grad sum;
  for (const Grad& g : terms) {
    values.push_back(g.values);
    const bool cast = wide && b.dtype(g.indices) != DType::kInt64;
    indices.push_back(cast ? Output{b.add("Cast", {g.indices}, {{"DstT", DType::kInt64}}), 0} : g.indices);
    if (!sum.dense_shape.valid()) sum.dense_shape = g.dense_shape;
  }
  sum.values = concat_rows(b, std::move(values));
  sum.indices = concat_rows(b, std::move(indices));
  return sum;
}

}  // namespace

Grad aggregate(Builder& b, const std::vector<Grad>& terms, Aggregation how) {
  if (terms.empty()) return {};
  if (terms.size() == 1) return terms[0];
  if (std::all_of(terms.begin(), terms.end(), [](const Grad& g) { return g.sparse(); })) return sum_sparse(b, terms);

  std::vector<Output> dense;
  Shape shape = Shape::unknown();
  for (const Grad& g : terms) {
    dense.push_back(densify(b, g));
    if (const auto merged = merge(shape, b.shape(dense.back())); merged.ok()) shape = *merged;
  }
  if (how == Aggregation::kAccumulate && dense.size() > 2 && shape.fully_known() &&
      find_op("AccumulateNV2") != nullptr) {
    return Grad::of(Output{b.add("AccumulateNV2", std::move(dense), {{"shape", shape}}), 0});
  }
  if (how == Aggregation::kAddN) return Grad::of(add_n(b, std::move(dense)));
  Output sum = dense[0];
  for (size_t i = 1; i < dense.size(); ++i) sum = add_n(b, {sum, dense[i]});
  return Grad::of(sum);
}

Output densify(Builder& b, const Grad& g) {
  if (!g.sparse()) return g.dense;
  if (!g.dense_shape.valid()) {
    b.fail(invalid_argument("Tensor conversion requested for IndexedSlices without dense_shape: ",
                            b.graph().node(g.values.node).name));
    return {};
  }
  Output rows;
  if (const auto shape = b.graph().constant_value(g.dense_shape); shape && shape->num_elements() > 0) {
    rows = b.scalar<int32_t>(static_cast<int32_t>(index_value(*shape, 0)));
  } else {
    const Output first = b.vector<int32_t>({0}), second = b.vector<int32_t>({1}), step = b.vector<int32_t>({1});
    rows = Output{b.add("StridedSlice", {g.dense_shape, first, second, step}, {{"shrink_axis_mask", 1}}), 0};
  }
  return Output{b.add("UnsortedSegmentSum", {g.values, g.indices, rows}), 0};
}

}  // namespace tw
