#include "core/kernels/cpu/array/move_kernel.h"

#include <complex>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/move/fill.h"

namespace tw {
namespace {

struct MoveState : KernelState {
  MovePlan plan;
  bool dynamic = false;
  AttrMap attrs;  // kept only for a deferred plan
};

template <typename T>
void conjugate(void* data, int64_t count, WorkerPool& pool) {
  T* x = static_cast<T*>(data);
  pool.parallel_for(count, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] = std::conj(x[i]);
  });
}

Status execute(const RunContext& ctx, const MovePlan& plan, bool dynamic) {
  for (int o = 0; o < ctx.num_outputs(); ++o) {
    TW_RETURN_IF_ERROR(output_storage(ctx, o, plan.shapes[static_cast<size_t>(o)], dynamic).status());
  }
  WorkerPool& pool = ctx.pool();
  const void* const value = plan.fill_input < 0 ? nullptr : ctx.input(plan.fill_input).data;
  if (plan.padded) plan.padded->run(ctx.input(0).data, value, ctx.output(0).data, pool);
  if (plan.fill) {
    const Value& out = ctx.output(0);
    fill_elements(out.dtype, value, out.data, out.shape->num_elements(), pool);
  }
  for (const MovePlan::Piece& p : plan.pieces) {
    const Value& in = ctx.input(p.in);
    const Value& out = ctx.output(p.out);
    const auto size = static_cast<int64_t>(dtype_size(in.dtype));
    const char* from = static_cast<const char*>(in.data) + p.from * size;
    char* to = static_cast<char*>(out.data) + p.to * size;
    if (from == to) continue;
    if (is_plain(in.dtype)) {
      p.copy.run(from, to, pool);
    } else {
      strided_assign(in.dtype, p.dims, p.from_strides, p.to_strides, from, to);
    }
  }
  if (plan.conjugate) {
    const Value& out = ctx.output(0);
    const int64_t n = out.shape->num_elements();
    if (out.dtype == DType::kComplex64) conjugate<std::complex<float>>(out.data, n, pool);
    if (out.dtype == DType::kComplex128) conjugate<std::complex<double>>(out.data, n, pool);
  }
  return {};
}

}  // namespace

MoveArgs::MoveArgs(const RunContext& ctx, const AttrReader& attrs)
    : run_(&ctx), attrs_(&attrs), values_(static_cast<size_t>(ctx.num_inputs())) {}

const Tensor* MoveArgs::value(int i) const {
  if (prepare_) return prepare_->constant(i);
  Tensor& t = values_[static_cast<size_t>(i)];
  if (!t.valid()) t = value_view(run_->input(i));
  return &t;
}

void add_piece(const MoveArgs& args, MovePlan* plan, int in, int64_t from, std::span<const int64_t> from_strides,
               int out, int64_t to, std::span<const int64_t> to_strides, std::span<const int64_t> dims) {
  const DType dtype = args.dtype(in);
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  if (count == 0) return;
  MovePlan::Piece piece{in, out, from, to, {}, {}, {}, {}};
  if (is_plain(dtype)) {
    piece.copy = StridedCopy(dims, from_strides.first(dims.size()), to_strides.first(dims.size()), dtype_size(dtype));
  } else {
    piece.dims.assign(dims.begin(), dims.end());
    piece.from_strides.assign(from_strides.begin(), from_strides.begin() + static_cast<ptrdiff_t>(dims.size()));
    piece.to_strides.assign(to_strides.begin(), to_strides.begin() + static_cast<ptrdiff_t>(dims.size()));
  }
  plan->pieces.push_back(std::move(piece));
}

Status prepare_move(PrepareContext& ctx, MovePlanner planner) {
  auto& state = ctx.emplace_state<MoveState>();
  for (int o = 0; o < ctx.num_outputs(); ++o) state.dynamic |= output_is_dynamic(ctx, o);
  TW_RETURN_IF_ERROR(planner(MoveArgs(ctx), &state.plan));
  if (state.plan.deferred) {
    state.attrs = ctx.attrs().map();
    return {};
  }
  double bytes = 0;
  for (int o = 0; o < ctx.num_outputs(); ++o) {
    const Shape& planned = ctx.output_shape(o);
    const Shape& shape = state.plan.shapes[static_cast<size_t>(o)];
    if (planned.fully_known() && planned != shape) {
      return internal_error(ctx.op().name, ": output ", o, " was inferred as ", planned, " but has shape ", shape);
    }
    bytes += 2.0 * static_cast<double>(shape.num_elements()) * static_cast<double>(dtype_size(ctx.output_dtype(o)));
  }
  ctx.set_cost({0, bytes});
  return {};
}

Status run_move(const RunContext& ctx, MovePlanner planner) {
  const MoveState& state = ctx.state<MoveState>();
  if (!state.plan.deferred) return execute(ctx, state.plan, state.dynamic);
  const AttrReader attrs(state.attrs);
  MovePlan plan;
  TW_RETURN_IF_ERROR(planner(MoveArgs(ctx, attrs), &plan));
  return execute(ctx, plan, state.dynamic);
}

}  // namespace tw
