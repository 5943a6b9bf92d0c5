// Shape, ShapeN, Size, Rank, ConcatOffset, BroadcastArgs, BroadcastGradientArgs and InvertPermutation: small vectors of
// sizes and indices.
#include <algorithm>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct State : KernelState {
  bool dynamic = false;
};

Status prepare_small(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<State>();
  for (int o = 0; o < ctx.num_outputs(); ++o) state.dynamic |= output_is_dynamic(ctx, o);
  return {};
}

// Writes output o as an int32 or int64 tensor of that shape.
Status write_indices(const RunContext& ctx, int o, const Shape& shape, std::span<const int64_t> values) {
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, o, shape, ctx.state<State>().dynamic));
  const bool narrow = ctx.output(o).dtype == DType::kInt32;
  for (size_t i = 0; i < values.size(); ++i) {
    if (narrow && values[i] != static_cast<int32_t>(values[i])) {
      return invalid_argument("output does not fit in int32: got ", values[i]);
    }
    if (narrow) static_cast<int32_t*>(to)[i] = static_cast<int32_t>(values[i]);
    if (!narrow) static_cast<int64_t*>(to)[i] = values[i];
  }
  return {};
}

Status run_shape(const RunContext& ctx) {
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    const Shape in = *ctx.input(i).shape;
    TW_RETURN_IF_ERROR(write_indices(ctx, i, Shape{in.rank()}, in.dims()));
  }
  return {};
}

Status run_size(const RunContext& ctx) {
  const int64_t n[] = {ctx.input(0).shape->num_elements()};
  return write_indices(ctx, 0, Shape{}, n);
}

Status run_rank(const RunContext& ctx) {
  const int64_t n[] = {ctx.input(0).shape->rank()};
  return write_indices(ctx, 0, Shape{}, n);
}

Status run_concat_offset(const RunContext& ctx) {
  if (!ctx.input(0).shape->is_scalar()) {
    return invalid_argument("Concat dim tensor should be a scalar integer, but got shape ", *ctx.input(0).shape);
  }
  const int64_t given = index_at(ctx.input(0));
  const int count = ctx.num_inputs() - 1;
  const Value& model = ctx.input(1);
  if (model.shape->rank() != 1) return invalid_argument("input 1 should be a vector, but got shape ", *model.shape);
  const int64_t rank = model.shape->num_elements(), axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis >= rank) return invalid_argument("Concat dim is out of range: ", given, " vs. ", rank);
  if (rank > kMaxRank)
    return invalid_argument("Shapes of rank ", rank, " are not supported: the largest rank is ", kMaxRank);
  std::array<int64_t, kMaxRank> offset{};
  for (int i = 0; i < count; ++i) {
    const Value& s = ctx.input(1 + i);
    if (*s.shape != Shape{rank}) {
      return invalid_argument("input ", i, " should contain ", rank, " elements, but got ", s.shape->num_elements());
    }
    for (int64_t d = 0; d < rank; ++d) {
      if (d == axis || index_at(s, d) == index_at(model, d)) continue;
      return invalid_argument("All dimensions except ", axis, " must match. Input ", i, " has dimension ", d,
                              " of size ", index_at(s, d), " where input 0 has ", index_at(model, d));
    }
    const std::array<int64_t, kMaxRank> now = offset;
    offset[static_cast<size_t>(axis)] += index_at(s, axis);
    TW_RETURN_IF_ERROR(write_indices(ctx, i, Shape{rank}, {now.data(), static_cast<size_t>(rank)}));
  }
  return {};
}

// The two shapes, aligned at the right with ones before.
struct Pair {
  int64_t rank;
  std::array<int64_t, 2 * kMaxRank> a, b;
};

Result<Pair> read_pair(const RunContext& ctx) {
  Pair p{0, {}, {}};
  for (int i = 0; i < 2; ++i) {
    const Shape& s = *ctx.input(i).shape;
    if (s.rank() != 1) return invalid_argument("In[", i, "] must be a vector.", s);
    if (s[0] > kMaxRank)
      return invalid_argument("Shapes of rank ", s[0], " are not supported: the largest rank is ", kMaxRank);
    p.rank = std::max(p.rank, s[0]);
  }
  for (int i = 0; i < 2; ++i) {
    const int64_t n = ctx.input(i).shape->num_elements();
    auto& to = i == 0 ? p.a : p.b;
    for (int64_t d = 0; d < p.rank; ++d) {
      to[static_cast<size_t>(d)] = d < p.rank - n ? 1 : index_at(ctx.input(i), d - (p.rank - n));
    }
  }
  return p;
}

Status incompatible(const RunContext& ctx) {
  const auto text = [&](int i) {
    std::string s = "[";
    for (int64_t d = 0; d < ctx.input(i).shape->num_elements(); ++d) {
      s += (d == 0 ? "" : ",") + std::to_string(index_at(ctx.input(i), d));
    }
    return s + "]";
  };
  return invalid_argument("Incompatible shapes: ", text(0), " vs. ", text(1));
}

Status run_broadcast_args(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Pair p, read_pair(ctx));
  std::array<int64_t, kMaxRank> out{};
  for (size_t d = 0; d < static_cast<size_t>(p.rank); ++d) {
    if (p.a[d] != p.b[d] && p.a[d] != 1 && p.b[d] != 1) return incompatible(ctx);
    out[d] = p.a[d] == 1 ? p.b[d] : p.a[d];
  }
  return write_indices(ctx, 0, Shape{p.rank}, {out.data(), static_cast<size_t>(p.rank)});
}

// The axes over which the gradient of a broadcast op is summed for each of its operands.
Status run_broadcast_gradient_args(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Pair p, read_pair(ctx));
  std::array<int64_t, kMaxRank> r0{}, r1{};
  size_t n0 = 0, n1 = 0;
  bool same = *ctx.input(0).shape == *ctx.input(1).shape;
  for (size_t d = 0; d < static_cast<size_t>(p.rank); ++d) same = same && p.a[d] == p.b[d];
  for (size_t d = 0; !same && d < static_cast<size_t>(p.rank); ++d) {
    if (p.a[d] != p.b[d] && p.a[d] != 1 && p.b[d] != 1) return incompatible(ctx);
    // Where both are 1 the sum changes nothing but drops the dimension, which the reshape after it restores.
    if (p.a[d] == 1) r0[n0++] = static_cast<int64_t>(d);
    if (p.b[d] == 1) r1[n1++] = static_cast<int64_t>(d);
  }
  TW_RETURN_IF_ERROR(write_indices(ctx, 0, Shape{static_cast<int64_t>(n0)}, {r0.data(), n0}));
  return write_indices(ctx, 1, Shape{static_cast<int64_t>(n1)}, {r1.data(), n1});
}

template <typename T>
Status invert(const T* x, int64_t n, T* y) {
  std::fill(y, y + n, T{-1});
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] < 0 || x[i] >= n) return invalid_argument(x[i], " is not between 0 and ", n);
    if (y[x[i]] != -1) return invalid_argument(x[i], " is duplicated in the input.");
    y[x[i]] = static_cast<T>(i);
  }
  return {};
}

Status run_invert_permutation(const RunContext& ctx) {
  const Shape shape = *ctx.input(0).shape;
  if (shape.rank() != 1) return invalid_argument("invert_permutation expects a 1D vector.");
  const int64_t n = shape[0];
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  if (ctx.input(0).dtype == DType::kInt32) return invert(ctx.in<int32_t>(0), n, static_cast<int32_t*>(to));
  return invert(ctx.in<int64_t>(0), n, static_cast<int64_t*>(to));
}

}  // namespace

TW_KERNEL(Shape, prepare_small, run_shape);
TW_KERNEL(ShapeN, prepare_small, run_shape);
TW_KERNEL(Size, prepare_small, run_size);
TW_KERNEL(Rank, prepare_small, run_rank);
TW_KERNEL(ConcatOffset, prepare_small, run_concat_offset);
TW_KERNEL(BroadcastArgs, prepare_small, run_broadcast_args);
TW_KERNEL(BroadcastGradientArgs, prepare_small, run_broadcast_gradient_args);
TW_KERNEL(InvertPermutation, prepare_small, run_invert_permutation);

}  // namespace tw
