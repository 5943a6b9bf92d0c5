// The gradients of the LSTM ops, back through time.
#include <cstring>

#include "core/kernels/cpu/map/tape_writer.h"
#include "core/kernels/cpu/rnn/lstm.h"

namespace tw {
namespace {

using namespace rnn;

// Inputs of the op behind those of the forward one, counted from `first`. The cell's op has no h; the derivatives of cs
// and h come last.
enum { kI = 8, kCs, kF, kO, kCi, kCo, kH };

struct LstmGradState : KernelState {
  LstmShape shape;
  bool block = false;  // a whole sequence
  std::shared_ptr<const MapPlan> cell;
  GateCopy gates;
  Product to_h, to_x, w_from_x, w_from_h, w_from_first;
  size_t parts = 0, rows = 0, dcs = 0, x = 0, sums = 0, w_rows = 0;  // in the workspace
};

// Derivatives of the gates' sums and of the state before. Inputs: cs_before, cs, i, f, o, ci, co, dcs and dh from above
// and from the step after, wci, wcf, wco. Outputs: the four by the weights' order, and dcs_before.
Tape cell_tape(const LstmShape& s) {
  const DType t = s.dtype;
  TapeWriter w({t, t, t, t, t, t, t, t, t, t, t, t, t, t}, {1.0}, t);
  const auto cs_before = w.in(0), i = w.in(2), f = w.in(3), o = w.in(4), ci = w.in(5), co = w.in(6);
  const auto one = w.constant(0);
  const auto dh = w.in(8) + w.in(10);
  const auto d_o = o * (one - o) * dh * co;
  auto dcs = (one - co * co) * dh * o + w.in(7) + w.in(9);
  if (s.peephole) dcs = dcs + d_o * w.in(13);
  const auto dci = (one - ci * ci) * dcs * i;
  const auto df = f * (one - f) * dcs * cs_before;
  const auto di = i * (one - i) * dcs * ci;
  auto before = dcs * f;
  if (s.peephole) before = before + di * w.in(11) + df * w.in(12);
  TapeWriter::Value gates[4] = {di, di, di, di};
  gates[s.order.ci] = dci, gates[s.order.f] = df, gates[s.order.o] = d_o;
  return w.finish({gates[0], gates[1], gates[2], gates[3], before});
}

Status prepare_grad(PrepareContext& ctx) {
  auto& k = ctx.emplace_state<LstmGradState>();
  TW_ASSIGN_OR_RETURN(k.shape, lstm_shape(ctx));
  const LstmShape& s = k.shape;
  k.block = s.first == 1;
  const Shape state{s.batch, s.cell}, row{s.cell};
  const Shape values = k.block ? Shape{s.steps, s.batch, s.cell} : state;
  for (int i = kI; i < ctx.num_inputs() - s.first; ++i) TW_RETURN_IF_ERROR(check_shape(ctx, s.first + i, values));
  std::array<Shape, 14> shapes;
  shapes.fill(state);
  for (size_t i = 11; i < 14; ++i) shapes[i] = row;
  TW_ASSIGN_OR_RETURN(k.cell, plan_map(cell_tape(s), shapes, state));
  k.gates = GateCopy(s.batch, 4, s.cell, s.size);
  Layout layout;
  k.parts = layout.add(4 * s.state(), s.size);
  k.dcs = layout.add(s.state(), s.size);
  k.sums = layout.add(7 * s.cell, sizeof(float));
  if (k.block) {
    using Add = Product::Spec::Add;
    const int64_t all = s.steps * s.batch, four = 4 * s.cell;
    k.rows = layout.add(all * four, s.size);
    k.x = layout.add(all * s.inputs, s.size);
    k.w_rows = layout.add(s.cell * four, s.size);
    const int threads = ctx.threads();
    TW_RETURN_IF_ERROR(k.to_h.prepare(s.dtype, {s.batch, s.cell, four, false, true}, threads, &layout));
    TW_RETURN_IF_ERROR(k.to_x.prepare(s.dtype, {all, s.inputs, four, false, true}, threads, &layout));
    TW_RETURN_IF_ERROR(k.w_from_x.prepare(s.dtype, {s.inputs, four, all, true}, threads, &layout));
    TW_RETURN_IF_ERROR(
        k.w_from_h.prepare(s.dtype, {s.cell, four, std::max<int64_t>(all - s.batch, 0), true}, threads, &layout));
    TW_RETURN_IF_ERROR(
        k.w_from_first.prepare(s.dtype, {s.cell, four, s.batch, true, false, Add::kMatrix}, threads, &layout));
  }
  ctx.set_workspace(layout.bytes());
  ctx.set_cost({static_cast<double>(s.steps * s.batch) * static_cast<double>((s.inputs + s.cell) * s.cell) * 16, 0});
  return {};
}

// One step's derivatives of the sums into `rows` [batch, 4 * cell], and those of the state before into dcs_before,
// which may be dcs_next.
Status step(const RunContext& ctx, int64_t t, const void* cs_before, const void* dcs_next, const void* dh_next,
            void* rows, void* dcs_before) {
  const auto& k = ctx.state<LstmGradState>();
  const LstmShape& s = k.shape;
  const auto input = [&](int i) { return static_cast<const void*>(ctx.input(s.first + i).data); };
  const auto now = [&](int i) { return at(input(i), t * s.state(), s.size); };
  const int dcs = ctx.num_inputs() - s.first - 2;
  std::array<const void*, 14> in{cs_before, now(kCs),     now(kI),  now(kF), now(kO),  now(kCi), now(kCo),
                                 now(dcs),  now(dcs + 1), dcs_next, dh_next, input(7), input(7), input(7)};
  for (int p = 0; p < 3 && s.peephole; ++p) in[static_cast<size_t>(11 + p)] = input(4 + p);
  void* parts = static_cast<char*>(ctx.workspace()) + k.parts;
  std::array<void*, 5> out{};
  for (int g = 0; g < 4; ++g) out[static_cast<size_t>(g)] = at(parts, g * s.state(), s.size);
  out[4] = dcs_before;
  TW_RETURN_IF_ERROR(k.cell->run(in.data(), out.data(), ctx.pool()));
  k.gates.together.run(parts, rows, ctx.pool());
  if (!s.peephole) return {};
  float* sums = reinterpret_cast<float*>(static_cast<char*>(ctx.workspace()) + k.sums);
  const auto part = [&](int g) { return at(static_cast<const void*>(parts), g * s.state(), s.size); };
  add_column_sums(s.dtype, part(s.order.i), cs_before, s.batch, s.cell, sums);
  add_column_sums(s.dtype, part(s.order.f), cs_before, s.batch, s.cell, sums + s.cell);
  add_column_sums(s.dtype, part(s.order.o), now(kCs), s.batch, s.cell, sums + 2 * s.cell);
  return {};
}

// Outputs: cs_prev_grad, dicfo, wci_grad, wcf_grad, wco_grad.
Status run_cell_grad(const RunContext& ctx) {
  const auto& k = ctx.state<LstmGradState>();
  const LstmShape& s = k.shape;
  char* workspace = static_cast<char*>(ctx.workspace());
  float* sums = reinterpret_cast<float*>(workspace + k.sums);
  std::memset(sums, 0, static_cast<size_t>(7 * s.cell) * sizeof(float));
  std::memset(workspace + k.dcs, 0, static_cast<size_t>(s.state()) * s.size);
  TW_RETURN_IF_ERROR(
      step(ctx, 0, ctx.input(1).data, workspace + k.dcs, workspace + k.dcs, ctx.output(1).data, ctx.output(0).data));
  for (int p = 0; p < 3; ++p) store_sums(s.dtype, sums + p * s.cell, s.cell, ctx.output(2 + p).data);
  return {};
}

// Outputs: x_grad, cs_prev_grad, h_prev_grad, w_grad, wci_grad, wcf_grad, wco_grad, b_grad.
Status run_block_grad(const RunContext& ctx) {
  const auto& k = ctx.state<LstmGradState>();
  const LstmShape& s = k.shape;
  TW_ASSIGN_OR_RETURN(const int64_t length, s.length(ctx));
  char* workspace = static_cast<char*>(ctx.workspace());
  const auto input = [&](int i) { return static_cast<const void*>(ctx.input(s.first + i).data); };
  const int64_t four = 4 * s.cell, rows_of_step = s.batch * four;
  void *rows = workspace + k.rows, *dcs = ctx.output(1).data, *dh = ctx.output(2).data;
  float* sums = reinterpret_cast<float*>(workspace + k.sums);
  std::memset(sums, 0, static_cast<size_t>(7 * s.cell) * sizeof(float));
  for (void* p : {dcs, dh}) std::memset(p, 0, static_cast<size_t>(s.state()) * s.size);
  // Steps that did not run have no part in any sum.
  std::memset(at(rows, length * rows_of_step, s.size), 0,
              static_cast<size_t>((s.steps - length) * rows_of_step) * s.size);
  const void *w = input(3), *w_h = at(w, s.inputs * four, s.size);
  for (int64_t t = length; t-- > 0;) {
    const void* cs_before = t == 0 ? input(1) : at(input(kCs), (t - 1) * s.state(), s.size);
    void* const now = at(rows, t * rows_of_step, s.size);
    TW_RETURN_IF_ERROR(step(ctx, t, cs_before, dcs, dh, now, dcs));
    TW_RETURN_IF_ERROR(k.to_h.run(ctx, now, w_h, nullptr, dh));
  }
  TW_RETURN_IF_ERROR(k.to_x.run(ctx, rows, w, nullptr, ctx.output(0).data));
  // Products over all steps at once. What lies in x behind the last step may be anything: zeros take its place.
  const void* x = input(0);
  if (length < s.steps) {
    const size_t given = static_cast<size_t>(length * s.batch * s.inputs) * s.size;
    const size_t all = static_cast<size_t>(s.steps * s.batch * s.inputs) * s.size;
    std::memcpy(workspace + k.x, x, given);
    std::memset(workspace + k.x + given, 0, all - given);
    x = workspace + k.x;
  }
  void *dw = ctx.output(3).data, *dw_h = at(dw, s.inputs * four, s.size), *partial = workspace + k.w_rows;
  TW_RETURN_IF_ERROR(k.w_from_x.run(ctx, x, rows, nullptr, dw));
  TW_RETURN_IF_ERROR(
      k.w_from_h.run(ctx, input(kH), at(rows, s.steps > 0 ? rows_of_step : 0, s.size), nullptr, partial));
  if (s.steps > 0) TW_RETURN_IF_ERROR(k.w_from_first.run(ctx, input(2), rows, partial, dw_h));
  else std::memset(dw_h, 0, static_cast<size_t>(s.cell * four) * s.size);
  add_column_sums(s.dtype, rows, nullptr, s.steps * s.batch, four, sums + 3 * s.cell);
  for (int p = 0; p < 3; ++p) store_sums(s.dtype, sums + p * s.cell, s.cell, ctx.output(4 + p).data);
  store_sums(s.dtype, sums + 3 * s.cell, four, ctx.output(7).data);
  return {};
}

}  // namespace

TW_KERNEL(LSTMBlockCellGrad, prepare_grad, run_cell_grad);
TW_KERNEL(BlockLSTMGrad, prepare_grad, run_block_grad);

}  // namespace tw
