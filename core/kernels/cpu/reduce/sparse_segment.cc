// Sums, means and root-n sums of chosen rows by sorted segment id, and their gradients.
#include <algorithm>
#include <cmath>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

enum class Weight : uint8_t { kSum, kMean, kSqrtN };

struct SparseSegmentState : KernelState {
  Weight weight = Weight::kSum;
  bool dynamic = false;
  int64_t count = 0, rows = 0, inner = 1, outputs = 0;
};

double weight_of(Weight w, int64_t n) {
  if (w == Weight::kSum || n == 0) return 1;
  return 1 / (w == Weight::kMean ? static_cast<double>(n) : std::sqrt(static_cast<double>(n)));
}

Status prepare_common(PrepareContext& ctx, SparseSegmentState& s) {
  const Shape &data = ctx.input_shape(0), &indices = ctx.input_shape(1), &ids = ctx.input_shape(2);
  if (data.rank() < 1) return invalid_argument("input must be at least 1-D, got shape ", data);
  if (indices.rank() != 1) return invalid_argument("indices should be a vector, got shape ", indices);
  if (ids.rank() != 1) return invalid_argument("segment_ids should be a vector, got shape ", ids);
  if (indices[0] != ids[0]) {
    return invalid_argument("segment_ids and indices should have same size, got ", ids[0], " and ", indices[0]);
  }
  s.count = ids[0];
  s.rows = data[0];
  s.inner = data.product(1, data.rank());
  const std::string_view name = ctx.op().name;
  s.weight = name.find("SqrtN") != name.npos  ? Weight::kSqrtN
             : name.find("Mean") != name.npos ? Weight::kMean
                                              : Weight::kSum;
  ctx.set_cost({static_cast<double>(s.count * s.inner),
                2.0 * static_cast<double>(s.count * s.inner) * static_cast<double>(dtype_size(ctx.input_dtype(0)))});
  return {};
}

Status prepare_forward(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<SparseSegmentState>();
  s.dynamic = output_is_dynamic(ctx, 0);
  return prepare_common(ctx, s);
}

Status run_forward(const RunContext& ctx) {
  const auto& s = ctx.state<SparseSegmentState>();
  const Value &indices = ctx.input(1), &ids = ctx.input(2);
  int64_t segments = 0;
  for (int64_t i = 0; i < s.count; ++i) {
    const int64_t id = index_at(ids, i), row = index_at(indices, i);
    if (id < 0) return invalid_argument("segment ids must be >= 0");
    if (id < segments - 1) return invalid_argument("segment ids are not increasing");
    if (row < 0 || row >= s.rows) {
      return invalid_argument("Bad: indices[", i, "] == ", row, " out of range [0, ", s.rows, ")");
    }
    segments = id + 1;
  }
  if (ctx.num_inputs() > 3) {
    if (!ctx.input(3).shape->is_scalar()) {
      return invalid_argument("num_segments should be a scalar, not shape ", *ctx.input(3).shape);
    }
    const int64_t asked = index_at(ctx.input(3));
    if (asked < segments) {
      return invalid_argument("segment ids must be < num_segments: the last is ", segments - 1, ", num_segments ",
                              asked);
    }
    segments = asked;
  }
  Shape shape{segments};
  for (int i = 1; i < ctx.input(0).shape->rank(); ++i) shape.add_dim((*ctx.input(0).shape)[i]);
  TW_ASSIGN_OR_RETURN(void* const storage, output_storage(ctx, 0, shape, s.dynamic));
  visit_real(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Sum = std::conditional_t<std::is_class_v<T>, float, T>;
    const T* data = ctx.in<T>(0);
    T* out = static_cast<T*>(storage);
    std::fill_n(out, segments * s.inner, T(0));
    for (int64_t i = 0; i < s.count;) {
      const int64_t id = index_at(ids, i);
      int64_t end = i + 1;
      while (end < s.count && index_at(ids, end) == id) ++end;
      const double weight = weight_of(s.weight, end - i);
      T* to = out + id * s.inner;
      for (int64_t c = 0; c < s.inner; ++c) {
        Sum sum = 0;
        for (int64_t k = i; k < end; ++k)
          sum = static_cast<Sum>(sum + static_cast<Sum>(data[index_at(indices, k) * s.inner + c]));
        to[c] = weight == 1 ? T(sum) : T(static_cast<Sum>(static_cast<double>(sum) * weight));
      }
      i = end;
    }
  });
  return {};
}

Status prepare_grad(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<SparseSegmentState>();
  s.outputs = index_value(*ctx.constant(3), 0);
  if (s.outputs < 0) return invalid_argument("output_dim0 must not be negative, got ", s.outputs);
  TW_RETURN_IF_ERROR(prepare_common(ctx, s));
  ctx.set_workspace(static_cast<size_t>(s.rows) * sizeof(double));
  return {};
}

// Each chosen row gets the gradient of its segment, weighted as the segment was.
Status run_grad(const RunContext& ctx) {
  const auto& s = ctx.state<SparseSegmentState>();
  const Value &indices = ctx.input(1), &ids = ctx.input(2);
  double* weights = static_cast<double*>(ctx.workspace());
  std::fill_n(weights, s.rows, 0.0);
  for (int64_t i = 0; i < s.count; ++i) {
    const int64_t id = index_at(ids, i), row = index_at(indices, i);
    if (id < 0 || id >= s.rows) return invalid_argument("Segment id ", id, " out of range [0, ", s.rows, ").");
    if (row < 0 || row >= s.outputs) return invalid_argument("Index ", row, " out of range [0, ", s.outputs, ").");
    ++weights[id];
  }
  for (int64_t i = 0; i < s.rows; ++i) weights[i] = weight_of(s.weight, static_cast<int64_t>(weights[i]));
  visit_floating(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using F = std::conditional_t<std::is_same_v<T, double>, double, float>;
    T* out = ctx.out<T>(0);
    std::fill_n(out, s.outputs * s.inner, T(0));
    for (int64_t i = 0; i < s.count; ++i) {
      const T* from = ctx.in<T>(0) + index_at(ids, i) * s.inner;
      T* to = out + index_at(indices, i) * s.inner;
      const F w = static_cast<F>(weights[index_at(ids, i)]);
      for (int64_t c = 0; c < s.inner; ++c) to[c] = T(static_cast<F>(to[c]) + static_cast<F>(from[c]) * w);
    }
  });
  return {};
}

}  // namespace

TW_KERNEL(SparseSegment, prepare_forward, run_forward);
TW_KERNEL(SparseSegmentGrad, prepare_grad, run_grad);

}  // namespace tw
