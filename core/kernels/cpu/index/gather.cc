// Gather, GatherV2 and ResourceGather: slices of one axis by index.
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/state/variable_access.h"
#include "core/kernels/move/rows.h"

namespace tw {
namespace {

struct GatherState : KernelState {
  bool dynamic = false;
  int64_t batch_dims = 0;
};

Status prepare_gather(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<GatherState>();
  state.dynamic = output_is_dynamic(ctx, 0);
  if (ctx.attrs().has("batch_dims")) state.batch_dims = ctx.attrs().integer("batch_dims");
  if (!state.dynamic) {
    const auto bytes =
        static_cast<double>(ctx.output_shape(0).num_elements()) * static_cast<double>(dtype_size(ctx.output_dtype(0)));
    ctx.set_cost({0, 2 * bytes});
  }
  return {};
}

template <typename Index>
Status gather(const RunContext& ctx, const Value& params, const Value& indices, int64_t given_axis) {
  const auto& state = ctx.state<GatherState>();
  const Shape& p = *params.shape;
  const Shape& n = *indices.shape;
  if (p.rank() < 1) return invalid_argument("params must be at least 1 dimensional");
  if (given_axis < -p.rank() || given_axis >= p.rank()) {
    return invalid_argument("Expected axis in the range [", -p.rank(), ", ", p.rank(), "), but got ", given_axis);
  }
  const int axis = static_cast<int>(given_axis < 0 ? given_axis + p.rank() : given_axis);
  const int64_t given_batch = state.batch_dims;
  if (given_batch != 0 && (given_batch < -n.rank() || given_batch >= n.rank())) {
    return invalid_argument("Expected batch_dims in the range [", -n.rank(), ", ", n.rank(), "), but got ",
                            given_batch);
  }
  const int batch_dims = static_cast<int>(given_batch < 0 ? given_batch + n.rank() : given_batch);
  if (batch_dims >= p.rank()) {
    return invalid_argument("batch_dims (", batch_dims, ") must be less than rank(params) (", p.rank(), ").");
  }
  if (axis < batch_dims) {
    return invalid_argument("batch_dims (", batch_dims, ") must be less than or equal to axis (", axis, ").");
  }
  std::array<int64_t, 2 * kMaxRank> dims;
  size_t rank = 0;
  for (int d = 0; d < batch_dims; ++d) {
    if (p[d] != n[d]) {
      return invalid_argument("params.shape[", d, "]: ", p[d], " should be equal to indices.shape[", d, "]: ", n[d]);
    }
  }
  for (int d = 0; d < axis; ++d) dims[rank++] = p[d];
  for (int d = batch_dims; d < n.rank(); ++d) dims[rank++] = n[d];
  for (int d = axis + 1; d < p.rank(); ++d) dims[rank++] = p[d];
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make({dims.data(), rank}));

  const auto* index = static_cast<const Index*>(indices.data);
  const int64_t bad = first_bad_index(index, n.num_elements(), p[axis]);
  if (bad >= 0) {
    return invalid_argument("indices", element_position(n, bad), " = ", static_cast<int64_t>(index[bad]),
                            " is not in [0, ", p[axis], ")");
  }
  const DType dtype = params.dtype;
  const int64_t batch = p.product(0, batch_dims), outer = p.product(batch_dims, axis),
                inner = p.product(axis + 1, p.rank());
  const int64_t count = n.product(batch_dims, n.rank()), dim = p[axis];
  TW_ASSIGN_OR_RETURN(void* const storage, output_storage(ctx, 0, shape, state.dynamic));
  const char* from = static_cast<const char*>(params.data);
  char* to = static_cast<char*>(storage);
  if (batch * outer == 1) {
    gather_rows(dtype, from, index, count, inner, to, ctx.pool());
    return {};
  }
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  const double ns = static_cast<double>(count) * (5 + static_cast<double>(inner * size) / 8);
  const auto blocks = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      gather_rows(dtype, from + i * dim * inner * size, index + i / outer * count, count, inner,
                  to + i * count * inner * size);
    }
  };
  if (is_plain(dtype)) {
    ctx.pool().parallel_for(batch * outer, grain_for_ns(ns), blocks);
  } else {
    blocks(0, batch * outer);
  }
  return {};
}

Status gather_any(const RunContext& ctx, const Value& params, const Value& indices, int64_t axis) {
  return indices.dtype == DType::kInt32 ? gather<int32_t>(ctx, params, indices, axis)
                                        : gather<int64_t>(ctx, params, indices, axis);
}

Status run_gather(const RunContext& ctx) { return gather_any(ctx, ctx.input(0), ctx.input(1), 0); }

Status run_gather_v2(const RunContext& ctx) {
  if (ctx.input(2).shape->num_elements() != 1) return invalid_argument("axis must be scalar");
  return gather_any(ctx, ctx.input(0), ctx.input(1), index_at(ctx.input(2)));
}

Status run_resource_gather(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, ctx.output(0).dtype));
  TW_ASSIGN_OR_RETURN(const Tensor params, variable->read());
  const Value view{params.raw(), &params.shape(), nullptr, params.dtype()};
  return gather_any(ctx, view, ctx.input(1), ctx.state<GatherState>().batch_dims);
}

}  // namespace

TW_KERNEL(Gather, prepare_gather, run_gather);
TW_KERNEL(GatherV2, prepare_gather, run_gather_v2);
TW_KERNEL(ResourceGather, prepare_gather, run_resource_gather);

}  // namespace tw
