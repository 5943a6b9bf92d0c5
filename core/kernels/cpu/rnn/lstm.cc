#include "core/kernels/cpu/rnn/lstm.h"

#include <cstring>

#include "core/kernels/cpu/map/tape_writer.h"

namespace tw {
namespace rnn {

Result<LstmShape> lstm_shape(const PrepareContext& ctx) {
  LstmShape s;
  const AttrReader& attrs = ctx.attrs();
  s.dtype = attrs.dtype("T");
  s.size = dtype_size(s.dtype);
  s.first = ctx.op().inputs[0].name == "seq_len_max" ? 1 : 0;
  s.peephole = attrs.boolean("use_peephole");
  // Backward ops take neither: what the clip does is not differentiated.
  if (attrs.has("cell_clip")) s.cell_clip = attrs.real("cell_clip");
  if (attrs.has("forget_bias")) s.forget_bias = attrs.real("forget_bias");
  if (ctx.op().name.ends_with("V2")) s.order = {0, 2, 1, 3};
  const Shape &x = ctx.input_shape(s.first), &cs = ctx.input_shape(s.first + 1);
  const int rank = s.first + 2;
  if (x.rank() != rank) return invalid_argument("x must be ", rank, "D, but has shape ", x);
  if (cs.rank() != 2) return invalid_argument("cs_prev must be 2D, but has shape ", cs);
  if (s.first == 1) {
    s.steps = x[0];
    if (ctx.input_shape(0).num_elements() != 1) {
      return invalid_argument("seq_len_max must be a scalar, but has shape ", ctx.input_shape(0));
    }
  }
  s.batch = x[rank - 2], s.inputs = x[rank - 1], s.cell = cs[1];
  TW_RETURN_IF_ERROR(check_shape(ctx, s.first + 1, Shape{s.batch, s.cell}));
  TW_RETURN_IF_ERROR(check_shape(ctx, s.first + 2, Shape{s.batch, s.cell}));
  TW_RETURN_IF_ERROR(check_shape(ctx, s.first + 3, Shape{s.inputs + s.cell, 4 * s.cell}));
  // The forward op over all steps wants them of their size also where it has no peepholes.
  const bool check_peepholes = s.peephole || (s.first == 1 && attrs.has("cell_clip"));
  for (int i = 4; i < 7 && check_peepholes; ++i) TW_RETURN_IF_ERROR(check_shape(ctx, s.first + i, Shape{s.cell}));
  TW_RETURN_IF_ERROR(check_shape(ctx, s.first + 7, Shape{4 * s.cell}));
  return s;
}

Result<int64_t> LstmShape::length(const RunContext& ctx) const {
  if (first == 0) return steps;
  const int64_t n = *ctx.in<int64_t>(0);
  if (n < 0 || n > steps) return invalid_argument("seq_len_max = ", n, " is not in [0, ", steps, "], the steps of x");
  return n;
}

}  // namespace rnn

namespace {

using namespace rnn;

struct LstmState : KernelState {
  LstmShape shape;
  Product from_x, from_h;
  GateCopy gates;
  std::shared_ptr<const MapPlan> cell;
  size_t sums = 0, rows = 0, parts = 0;  // in the workspace
};

// Inputs: the four sums by the weights' order, cs before, and with peepholes wci, wcf, wco.
Tape cell_tape(const LstmShape& s) {
  const DType t = s.dtype;
  TapeWriter w({t, t, t, t, t, t, t, t}, {s.forget_bias, s.cell_clip, -s.cell_clip}, t);
  auto i = w.in(s.order.i), ci = w.in(s.order.ci), f = w.in(s.order.f), o = w.in(s.order.o), cs_before = w.in(4);
  if (s.forget_bias != 0) f = f + w.constant(0);
  if (s.peephole) {
    i = i + cs_before * w.in(5);
    f = f + cs_before * w.in(6);
  }
  i = i.apply(MicroOp::k_sigmoid);
  f = f.apply(MicroOp::k_sigmoid);
  ci = ci.apply(MicroOp::k_tanh);
  auto cs = ci * i + f * cs_before;
  if (s.cell_clip > 0) {
    cs = w.emit(MicroOp::k_minimum, cs, w.constant(1));
    cs = w.emit(MicroOp::k_maximum, cs, w.constant(2));
  }
  if (s.peephole) o = o + cs * w.in(7);
  o = o.apply(MicroOp::k_sigmoid);
  const auto co = cs.apply(MicroOp::k_tanh);
  return w.finish({i, cs, f, o, ci, co, o * co});
}

Status prepare_lstm(PrepareContext& ctx) {
  auto& k = ctx.emplace_state<LstmState>();
  TW_ASSIGN_OR_RETURN(k.shape, lstm_shape(ctx));
  const LstmShape& s = k.shape;
  const Tensor* w = ctx.constant(s.first + 3);
  Layout layout;
  using Add = Product::Spec::Add;
  // The rows of w for x and for h lie one after the other, so that [x, h] * w needs no [x, h]. Those of all steps' x
  // come from one product.
  TW_RETURN_IF_ERROR(k.from_x.prepare(
      s.dtype, {s.steps * s.batch, 4 * s.cell, s.inputs, false, false, Add::kRow, w != nullptr ? w->raw() : nullptr},
      ctx.threads(), &layout));
  TW_RETURN_IF_ERROR(
      k.from_h.prepare(s.dtype,
                       {s.batch, 4 * s.cell, s.cell, false, false, Add::kMatrix,
                        w != nullptr ? at(static_cast<const void*>(w->raw()), s.inputs * 4 * s.cell, s.size) : nullptr},
                       ctx.threads(), &layout));
  k.gates = GateCopy(s.batch, 4, s.cell, s.size);
  const Shape state{s.batch, s.cell}, row{s.cell};
  TW_ASSIGN_OR_RETURN(k.cell,
                      plan_map(cell_tape(s), std::array{state, state, state, state, state, row, row, row}, state));
  k.sums = layout.add(s.steps * s.batch * 4 * s.cell, s.size);
  k.rows = layout.add(s.batch * 4 * s.cell, s.size);
  k.parts = layout.add(s.batch * 4 * s.cell, s.size);
  ctx.set_workspace(layout.bytes());
  Cost c;
  c.flops = k.from_x.plan->flops() + static_cast<double>(s.steps) * (k.from_h.plan->flops() + k.cell->flops());
  ctx.set_cost(c);
  return {};
}

Status run_lstm(const RunContext& ctx) {
  const auto& k = ctx.state<LstmState>();
  const LstmShape& s = k.shape;
  TW_ASSIGN_OR_RETURN(const int64_t length, s.length(ctx));
  char* workspace = static_cast<char*>(ctx.workspace());
  const auto input = [&](int i) { return static_cast<const void*>(ctx.input(s.first + i).data); };
  const void *x = input(0), *cs = input(1), *h = input(2), *w = input(3);
  void *sums = workspace + k.sums, *rows = workspace + k.rows, *parts = workspace + k.parts;
  if (length > 0) TW_RETURN_IF_ERROR(k.from_x.run(ctx, x, w, input(7), sums));
  const void* w_h = at(w, s.inputs * 4 * s.cell, s.size);
  for (int64_t t = 0; t < length; ++t) {
    TW_RETURN_IF_ERROR(k.from_h.run(ctx, h, w_h, at(sums, t * 4 * s.state(), s.size), rows));
    k.gates.apart.run(rows, parts, ctx.pool());
    std::array<const void*, 8> in{};
    for (int g = 0; g < 4; ++g) in[static_cast<size_t>(g)] = at(parts, g * s.state(), s.size);
    in[4] = cs;
    for (int p = 0; p < 3; ++p) in[static_cast<size_t>(5 + p)] = s.peephole ? input(4 + p) : input(7);
    std::array<void*, 7> out{};
    for (int o = 0; o < 7; ++o) out[static_cast<size_t>(o)] = at(ctx.output(o).data, t * s.state(), s.size);
    TW_RETURN_IF_ERROR(k.cell->run(in.data(), out.data(), ctx.pool()));
    cs = out[1];
    h = out[6];
  }
  for (int o = 0; o < 7 && length < s.steps; ++o) {
    std::memset(at(ctx.output(o).data, length * s.state(), s.size), 0,
                static_cast<size_t>((s.steps - length) * s.state()) * s.size);
  }
  return {};
}

}  // namespace

TW_KERNEL(LSTMBlock, prepare_lstm, run_lstm);

}  // namespace tw
