// What the kernels of Qr, Svd and SelfAdjointEigV2 share. Each of them has a file of its own, because Eigen's
// decompositions are the slowest of the tree to compile.
#pragma once

#include "core/kernels/cpu/linalg/matrices.h"

namespace tw::linalg {

struct FactorState : KernelState {
  bool full = false, vectors = true;
};

inline Status prepare_factor(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<FactorState>();
  if (ctx.attrs().has("full_matrices")) s.full = ctx.attrs().boolean("full_matrices");
  if (ctx.attrs().has("compute_uv")) s.vectors = ctx.attrs().boolean("compute_uv");
  if (ctx.attrs().has("compute_v")) s.vectors = ctx.attrs().boolean("compute_v");
  return check_matrices(ctx, 0, ctx.op().name == "SelfAdjointEigV2");
}

// Calls fn(matrix, index, TypeTag<T>) for each matrix of input 0.
template <bool kNative = false, typename Fn>
Status each_input(const RunContext& ctx, const Fn& fn) {
  const Batch b = Batch::matrices(*ctx.input(0).shape);
  const auto run = [&](auto t, auto c) {
    using T = typename decltype(t)::type;
    using C = typename decltype(c)::type;
    return each_matrix(ctx.pool(), b.count, 4 * cubic_ns(std::max(b.rows, b.columns)), [&](int64_t i) {
      return fn(load<C>(ctx.in<T>(0) + i * b.rows * b.columns, b.rows, b.columns), i, t);
    });
  };
  if constexpr (kNative) return visit_native(ctx.input(0).dtype, run);
  else return visit_scalar(ctx.input(0).dtype, run);
}

}  // namespace tw::linalg
