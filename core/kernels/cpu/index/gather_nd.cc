// GatherNd, ResourceGatherNd, ScatterNd and TensorScatter: slices by coordinates.
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/index/nd_index.h"
#include "core/kernels/cpu/state/variable_access.h"
#include "core/kernels/move/combine.h"
#include "core/kernels/move/fill.h"
#include "core/kernels/move/small_copy.h"
#include "core/kernels/prefetch.h"

namespace tw {
namespace {

struct NdState : KernelState {
  bool dynamic = false;
};

Status prepare_nd(PrepareContext& ctx) {
  ctx.emplace_state<NdState>().dynamic = output_is_dynamic(ctx, 0);
  return {};
}

// TensorScatter may work in its first input's storage.
Status prepare_tensor_scatter(PrepareContext& ctx) {
  ctx.allow_in_place(0, 0);
  return prepare_nd(ctx);
}

Status gather_nd(const RunContext& ctx, const Value& params, const Value& indices) {
  const Shape& p = *params.shape;
  if (p.rank() < 1) return invalid_argument("params must be at least a vector");
  if (indices.shape->rank() < 1) return invalid_argument("indices must be at least a vector");
  const int64_t depth = (*indices.shape)[indices.shape->rank() - 1];
  if (depth > p.rank()) {
    return invalid_argument("index innermost dimension length must be <= params rank; saw: ", depth, " vs. ", p.rank());
  }
  const NdIndex index = nd_index(*indices.shape, p);
  if (index.count > 0 && p.num_elements() == 0 && index.slice != 0) {
    return invalid_argument("Requested more than 0 entries, but params is empty.  Params shape: ", p);
  }
  const int64_t bad = index.first_bad(indices, p);
  if (bad >= 0) return invalid_argument(index.describe(indices, bad), " does not index into param shape ", p);
  if (index.outer.rank() + p.rank() - index.depth > kMaxRank) {
    return invalid_argument("GatherNd would give a rank above ", kMaxRank);
  }
  Shape shape = index.outer;
  for (int d = index.depth; d < p.rank(); ++d) shape.add_dim(p[d]);
  const DType dtype = params.dtype;
  const char* from = static_cast<const char*>(params.data);
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<NdState>().dynamic));
  const auto size = static_cast<int64_t>(dtype_size(dtype)), bytes = index.slice * size;
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const char* source = from + index.offset(indices, p, i) * size;
      char* dest = static_cast<char*>(to) + i * bytes;
      if (is_plain(dtype)) copy_run(source, dest, static_cast<size_t>(bytes));
      if (!is_plain(dtype)) copy_elements(dtype, source, dest, index.slice);
    }
  };
  if (is_plain(dtype)) {
    ctx.pool().parallel_for(index.count, grain_for_ns(10 + static_cast<double>(bytes) / 8), rows);
  } else {
    rows(0, index.count);
  }
  return {};
}

Status run_gather_nd(const RunContext& ctx) { return gather_nd(ctx, ctx.input(0), ctx.input(1)); }

Status run_resource_gather_nd(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, ctx.output(0).dtype));
  TW_ASSIGN_OR_RETURN(const Tensor params, variable->read());
  return gather_nd(ctx, Value{params.raw(), &params.shape(), nullptr, params.dtype()}, ctx.input(1));
}

// Checks that the updates are slices of `target` at the indices.
Result<NdIndex> check_scatter(const Value& indices, const Value& updates, const Shape& target) {
  const Shape& i = *indices.shape;
  const Shape& u = *updates.shape;
  if (target.rank() < 1) return invalid_argument("Output must be at least 1-D, got shape: ", target);
  if (i.rank() < 1) return invalid_argument("Indices shape must have rank at least one. Found:", i);
  if (u.rank() < 1) return invalid_argument("Updates shape must have rank at least one. Found:", u);
  if (target.num_elements() == 0 && i.num_elements() + u.num_elements() > 0) {
    return invalid_argument("Indices and updates specified for empty output shape");
  }
  const int64_t depth = i[i.rank() - 1];
  if (depth > target.rank()) {
    return invalid_argument("The innermost dimension of indices.shape=", i,
                            " must be at most the rank of the output: ", target);
  }
  const NdIndex index = nd_index(i, target);
  const int outer = index.outer.rank(), inner = target.rank() - index.depth;
  bool fits = u.rank() >= outer;
  for (int d = 0; fits && d < outer; ++d) fits = u[d] == i[d];
  if (!fits) {
    return invalid_argument("Outer dimensions of indices and update must match. Indices shape: ", i,
                            ", updates shape:", u);
  }
  fits = u.rank() - outer == inner;
  for (int d = 0; fits && d < inner; ++d) fits = u[outer + d] == target[index.depth + d];
  if (!fits) {
    return invalid_argument("The inner ", inner, " dimensions of output.shape=", target, " must match the inner ",
                            u.rank() - outer, " dimensions of updates.shape=", u);
  }
  const int64_t bad = index.first_bad(indices, target);
  if (bad >= 0) return invalid_argument(index.describe(indices, bad), " does not index into shape ", target);
  return index;
}

Status apply(Combine op, const NdIndex& index, const Value& indices, const Value& updates, const Shape& target,
             void* to) {
  const auto size = static_cast<int64_t>(dtype_size(updates.dtype));
  for (int64_t i = 0; i < index.count; ++i) {
    const char* source = static_cast<const char*>(updates.data) + i * index.slice * size;
    if (i + kRowsAhead < index.count) {
      prefetch_indexed_row(static_cast<char*>(to) + index.offset(indices, target, i + kRowsAhead) * size,
                           static_cast<size_t>(index.slice * size));
    }
    char* dest = static_cast<char*>(to) + index.offset(indices, target, i) * size;
    if (!combine_elements(op, updates.dtype, source, dest, index.slice)) {
      return unimplemented("Elements of dtype ", dtype_name(updates.dtype), " cannot be added");
    }
  }
  return {};
}

Status run_scatter_nd(const RunContext& ctx) {
  const Value indices = ctx.input(0), updates = ctx.input(1);
  TW_ASSIGN_OR_RETURN(const Shape shape, shape_from_tensor(value_view(ctx.input(2))));
  TW_ASSIGN_OR_RETURN(const NdIndex index, check_scatter(indices, updates, shape));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<NdState>().dynamic));
  fill_elements(updates.dtype, nullptr, to, shape.num_elements(), ctx.pool());
  return apply(Combine::kAdd, index, indices, updates, shape, to);
}

template <Combine kOp>
Status run_tensor_scatter(const RunContext& ctx) {
  const Value tensor = ctx.input(0), indices = ctx.input(1), updates = ctx.input(2);
  const Shape shape = *tensor.shape;
  TW_ASSIGN_OR_RETURN(const NdIndex index, check_scatter(indices, updates, shape));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<NdState>().dynamic));
  if (to != tensor.data) copy_elements(tensor.dtype, tensor.data, to, shape.num_elements());
  return apply(kOp, index, indices, updates, shape, to);
}

}  // namespace

TW_KERNEL(GatherNd, prepare_nd, run_gather_nd);
TW_KERNEL(ResourceGatherNd, prepare_nd, run_resource_gather_nd);
TW_KERNEL(ScatterNd, prepare_nd, run_scatter_nd);
TW_KERNEL(TensorScatterUpdate, prepare_tensor_scatter, run_tensor_scatter<Combine::kUpdate>);
TW_KERNEL(TensorScatterAdd, prepare_tensor_scatter, run_tensor_scatter<Combine::kAdd>);
TW_KERNEL(TensorScatterSub, prepare_tensor_scatter, run_tensor_scatter<Combine::kSub>);
TW_KERNEL(ScatterNdNonAliasingAdd, prepare_tensor_scatter, run_tensor_scatter<Combine::kAdd>);

}  // namespace tw
