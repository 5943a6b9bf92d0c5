// The gated recurrent unit (Cho et al.) and its gradient:
//   [r, u] = sigmoid([x, h] * w_ru + b_ru), c = tanh([x, h * r] * w_c + b_c), h' = u * h + (1 - u) * c.
#include "core/kernels/cpu/map/tape_writer.h"
#include "core/kernels/cpu/rnn/gates.h"

namespace tw {
namespace {

using namespace rnn;
using Add = Product::Spec::Add;
constexpr size_t kSize = sizeof(float);

struct GruState : KernelState {
  int64_t batch = 0, inputs = 0, cell = 0;
  GateCopy gates;
  Product x_ru, h_ru, x_c, h_c;  // forward; in the gradient ru and c to x and to h
  std::shared_ptr<const MapPlan> first, second;
  size_t rows = 0, more_rows = 0, parts = 0, product = 0;  // in the workspace
};

Status prepare_shapes(PrepareContext& ctx, GruState* k) {
  const Shape &x = ctx.input_shape(0), &h = ctx.input_shape(1);
  if (x.rank() != 2) return invalid_argument("x must be 2D, but has shape ", x);
  if (h.rank() != 2) return invalid_argument("h_prev must be 2D, but has shape ", h);
  k->batch = x[0], k->inputs = x[1], k->cell = h[1];
  const Shape state{k->batch, k->cell};
  TW_RETURN_IF_ERROR(check_shape(ctx, 1, state));
  TW_RETURN_IF_ERROR(check_shape(ctx, 2, Shape{k->inputs + k->cell, 2 * k->cell}));
  TW_RETURN_IF_ERROR(check_shape(ctx, 3, Shape{k->inputs + k->cell, k->cell}));
  TW_RETURN_IF_ERROR(check_shape(ctx, 4, Shape{2 * k->cell}));
  TW_RETURN_IF_ERROR(check_shape(ctx, 5, Shape{k->cell}));
  for (int i = 6; i < ctx.num_inputs(); ++i) TW_RETURN_IF_ERROR(check_shape(ctx, i, state));
  k->gates = GateCopy(k->batch, 2, k->cell, kSize);
  ctx.set_cost({6.0 * static_cast<double>(k->batch * (k->inputs + k->cell) * k->cell), 0});
  return {};
}

Status prepare_gru(PrepareContext& ctx) {
  auto& k = ctx.emplace_state<GruState>();
  TW_RETURN_IF_ERROR(prepare_shapes(ctx, &k));
  const DType t = DType::kFloat;
  Layout layout;
  const int threads = ctx.threads();
  TW_RETURN_IF_ERROR(k.x_ru.prepare(t, {k.batch, 2 * k.cell, k.inputs, false, false, Add::kRow}, threads, &layout));
  TW_RETURN_IF_ERROR(k.h_ru.prepare(t, {k.batch, 2 * k.cell, k.cell, false, false, Add::kMatrix}, threads, &layout));
  TW_RETURN_IF_ERROR(k.x_c.prepare(t, {k.batch, k.cell, k.inputs, false, false, Add::kRow}, threads, &layout));
  TW_RETURN_IF_ERROR(k.h_c.prepare(t, {k.batch, k.cell, k.cell, false, false, Add::kMatrix}, threads, &layout));
  const Shape state{k.batch, k.cell};
  {
    TapeWriter w({t, t, t});  // the sums of r and u, h
    const auto r = w.in(0).apply(MicroOp::k_sigmoid);
    const Tape tape = w.finish({r, w.in(1).apply(MicroOp::k_sigmoid), w.in(2) * r});
    TW_ASSIGN_OR_RETURN(k.first, plan_map(tape, std::array{state, state, state}, state));
  }
  {
    TapeWriter w({t, t, t}, {1.0}, t);  // the sum of c, u, h
    const auto c = w.in(0).apply(MicroOp::k_tanh);
    const Tape tape = w.finish({c, w.in(1) * w.in(2) + (w.constant(0) - w.in(1)) * c});
    TW_ASSIGN_OR_RETURN(k.second, plan_map(tape, std::array{state, state, state}, state));
  }
  k.rows = layout.add(k.batch * 2 * k.cell, kSize);
  k.more_rows = layout.add(k.batch * 2 * k.cell, kSize);
  k.parts = layout.add(k.batch * 2 * k.cell, kSize);
  k.product = layout.add(k.batch * k.cell, kSize);
  ctx.set_workspace(layout.bytes());
  return {};
}

Status run_gru(const RunContext& ctx) {
  const auto& k = ctx.state<GruState>();
  char* workspace = static_cast<char*>(ctx.workspace());
  const auto input = [&](int i) { return static_cast<const void*>(ctx.input(i).data); };
  const int64_t state = k.batch * k.cell;
  void *rows = workspace + k.rows, *more = workspace + k.more_rows, *parts = workspace + k.parts;
  void* reset = workspace + k.product;
  TW_RETURN_IF_ERROR(k.x_ru.run(ctx, input(0), input(2), input(4), rows));
  TW_RETURN_IF_ERROR(k.h_ru.run(ctx, input(1), at(input(2), k.inputs * 2 * k.cell, kSize), rows, more));
  k.gates.apart.run(more, parts, ctx.pool());
  {
    const void* in[] = {parts, at(parts, state, kSize), input(1)};
    void* out[] = {ctx.output(0).data, ctx.output(1).data, reset};
    TW_RETURN_IF_ERROR(k.first->run(in, out, ctx.pool()));
  }
  TW_RETURN_IF_ERROR(k.x_c.run(ctx, input(0), input(3), input(5), rows));
  TW_RETURN_IF_ERROR(k.h_c.run(ctx, reset, at(input(3), k.inputs * k.cell, kSize), rows, more));
  const void* in[] = {more, ctx.output(1).data, input(1)};
  void* out[] = {ctx.output(2).data, ctx.output(3).data};
  return k.second->run(in, out, ctx.pool());
}

// Inputs behind the forward op's: r, u, c, d_h. Outputs: d_x, d_h_prev, d_c_bar, d_r_bar_u_bar.
Status prepare_gru_grad(PrepareContext& ctx) {
  auto& k = ctx.emplace_state<GruState>();
  TW_RETURN_IF_ERROR(prepare_shapes(ctx, &k));
  const DType t = DType::kFloat;
  Layout layout;
  const int threads = ctx.threads();
  TW_RETURN_IF_ERROR(k.x_c.prepare(t, {k.batch, k.inputs, k.cell, false, true}, threads, &layout));
  TW_RETURN_IF_ERROR(k.h_c.prepare(t, {k.batch, k.cell, k.cell, false, true}, threads, &layout));
  TW_RETURN_IF_ERROR(k.x_ru.prepare(t, {k.batch, k.inputs, 2 * k.cell, false, true, Add::kMatrix}, threads, &layout));
  TW_RETURN_IF_ERROR(k.h_ru.prepare(t, {k.batch, k.cell, 2 * k.cell, false, true, Add::kMatrix}, threads, &layout));
  const Shape state{k.batch, k.cell};
  {
    TapeWriter w({t, t, t, t}, {1.0}, t);  // u, c, h, d_h
    const auto u = w.in(0), c = w.in(1), dh = w.in(3), one = w.constant(0);
    const Tape tape = w.finish({dh * (one - u) * (one - c * c), dh * (w.in(2) - c) * (u * (one - u))});
    TW_ASSIGN_OR_RETURN(k.first, plan_map(tape, std::array{state, state, state, state}, state));
  }
  {
    TapeWriter w({t, t, t, t, t}, {1.0}, t);  // the derivative of h * r, h, r, d_h, u
    const auto d = w.in(0), r = w.in(2);
    const Tape tape = w.finish({d * w.in(1) * (r * (w.constant(0) - r)), d * r + w.in(3) * w.in(4)});
    TW_ASSIGN_OR_RETURN(k.second, plan_map(tape, std::array{state, state, state, state, state}, state));
  }
  k.rows = layout.add(k.batch * std::max(k.inputs, k.cell), kSize);
  k.parts = layout.add(k.batch * 2 * k.cell, kSize);
  k.product = layout.add(k.batch * k.cell, kSize);
  k.more_rows = layout.add(k.batch * k.cell, kSize);
  ctx.set_workspace(layout.bytes());
  return {};
}

Status run_gru_grad(const RunContext& ctx) {
  const auto& k = ctx.state<GruState>();
  char* workspace = static_cast<char*>(ctx.workspace());
  const auto input = [&](int i) { return static_cast<const void*>(ctx.input(i).data); };
  const void *h = input(1), *w_ru = input(2), *w_c = input(3), *r = input(6), *u = input(7), *c = input(8),
             *dh = input(9);
  void *dc = ctx.output(2).data, *dru = ctx.output(3).data;
  void *dr = workspace + k.parts, *du = at(dr, k.batch * k.cell, kSize);
  void *reset = workspace + k.product, *direct = workspace + k.more_rows, *from_c = workspace + k.rows;
  {
    const void* in[] = {u, c, h, dh};
    void* out[] = {dc, du};
    TW_RETURN_IF_ERROR(k.first->run(in, out, ctx.pool()));
  }
  TW_RETURN_IF_ERROR(k.h_c.run(ctx, dc, at(w_c, k.inputs * k.cell, kSize), nullptr, reset));
  {
    const void* in[] = {reset, h, r, dh, u};
    void* out[] = {dr, direct};
    TW_RETURN_IF_ERROR(k.second->run(in, out, ctx.pool()));
  }
  k.gates.together.run(dr, dru, ctx.pool());
  TW_RETURN_IF_ERROR(k.x_c.run(ctx, dc, w_c, nullptr, from_c));
  TW_RETURN_IF_ERROR(k.x_ru.run(ctx, dru, w_ru, from_c, ctx.output(0).data));
  return k.h_ru.run(ctx, dru, at(w_ru, k.inputs * 2 * k.cell, kSize), direct, ctx.output(1).data);
}

}  // namespace

TW_KERNEL(GRUBlockCell, prepare_gru, run_gru);
TW_KERNEL(GRUBlockCellGrad, prepare_gru_grad, run_gru_grad);

}  // namespace tw
