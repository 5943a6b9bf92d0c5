// RandomUniform, RandomUniformInt, RandomStandardNormal, TruncatedNormal and their stateless forms.
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/random/fill_random.h"
#include "core/kernels/cpu/random/rng_state.h"
#include "core/kernels/cpu/random/seeds.h"

namespace tw {
namespace {

enum class Kind { kUniform, kNormal, kTruncated, kInteger };

struct RandomKernelState : KernelState {
  explicit RandomKernelState(const AttrReader& attrs) : rng(attrs) {}
  RngLookup rng;
  bool dynamic = false;
};
struct StatelessState : KernelState {
  bool dynamic = false;
};

Status prepare_stateful(PrepareContext& ctx) {
  ctx.emplace_state<RandomKernelState>(ctx.attrs()).dynamic = output_is_dynamic(ctx, 0);
  return {};
}
Status prepare_stateless(PrepareContext& ctx) {
  ctx.emplace_state<StatelessState>().dynamic = output_is_dynamic(ctx, 0);
  return {};
}

// The half-open interval of the integer ops, from two inputs.
template <typename T>
Result<UniformIntDist<T>> read_interval(const RunContext& ctx, int minval, int maxval) {
  const T lo = *ctx.in<T>(minval), hi = *ctx.in<T>(maxval);
  if (lo >= hi) return invalid_argument("Need minval < maxval, got ", lo, " >= ", hi);
  using U = std::make_unsigned_t<T>;
  return UniformIntDist<T>{lo, static_cast<U>(static_cast<U>(hi) - static_cast<U>(lo))};
}

template <typename T>
Status fill_integers(const RunContext& ctx, const Philox& gen, int minval, void* to, int64_t count) {
  TW_ASSIGN_OR_RETURN(const UniformIntDist<T> dist, read_interval<T>(ctx, minval, minval + 1));
  fill_random(gen, dist, static_cast<T*>(to), count, 3, ctx.pool());
  return {};
}

template <Kind kKind>
Status fill(const RunContext& ctx, const Philox& gen, DType dtype, void* to, int64_t count, int minval) {
  if constexpr (kKind == Kind::kInteger) {
    if (dtype == DType::kInt32) return fill_integers<int32_t>(ctx, gen, minval, to, count);
    return fill_integers<int64_t>(ctx, gen, minval, to, count);
  } else {
    const bool known = visit_floating(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* out = static_cast<T*>(to);
      if constexpr (kKind == Kind::kUniform) fill_random(gen, UniformDist<T>(), out, count, 0.6, ctx.pool());
      if constexpr (kKind == Kind::kNormal) fill_random(gen, NormalDist<T>(), out, count, 15, ctx.pool());
      if constexpr (kKind == Kind::kTruncated) fill_truncated_normal(gen, out, count, ctx.pool());
    });
    return known ? Status() : unimplemented("No random numbers of dtype ", dtype_name(dtype));
  }
}

// The shape, and for the integer ops scalar bounds.
Result<Shape> read_shape(const RunContext& ctx, int minval) {
  const Value& shape = ctx.input(0);
  if (shape.shape->rank() != 1) {
    return invalid_argument("shape must be a vector of {int32,int64}, got shape ", *shape.shape);
  }
  if (minval > 0) {
    if (ctx.input(minval).shape->rank() != 0)
      return invalid_argument("minval must be 0-D, got shape ", *ctx.input(minval).shape);
    if (ctx.input(minval + 1).shape->rank() != 0) {
      return invalid_argument("maxval must be 0-D, got shape ", *ctx.input(minval + 1).shape);
    }
  }
  return shape_from_tensor(value_view(shape));
}

template <Kind kKind>
Status run_stateful(const RunContext& ctx) {
  const auto& state = ctx.state<RandomKernelState>();
  constexpr int kMinval = kKind == Kind::kInteger ? 1 : 0;
  TW_ASSIGN_OR_RETURN(const Shape shape, read_shape(ctx, kMinval));
  TW_ASSIGN_OR_RETURN(RngState * rng, state.rng.get(ctx));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, state.dynamic));
  const int64_t count = shape.num_elements();
  if (count == 0) return {};
  return fill<kKind>(ctx, rng->reserve_elements(count), ctx.output(0).dtype, to, count, kMinval);
}

template <Kind kKind>
Status run_stateless(const RunContext& ctx) {
  constexpr int kMinval = kKind == Kind::kInteger ? 2 : 0;
  TW_ASSIGN_OR_RETURN(const Shape shape, read_shape(ctx, kMinval));
  TW_ASSIGN_OR_RETURN(const Philox gen, stateless_generator(ctx.input(1)));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<StatelessState>().dynamic));
  const int64_t count = shape.num_elements();
  if (count == 0) return {};
  return fill<kKind>(ctx, gen, ctx.output(0).dtype, to, count, kMinval);
}

}  // namespace

TW_KERNEL(RandomUniform, prepare_stateful, run_stateful<Kind::kUniform>);
TW_KERNEL(RandomStandardNormal, prepare_stateful, run_stateful<Kind::kNormal>);
TW_KERNEL(TruncatedNormal, prepare_stateful, run_stateful<Kind::kTruncated>);
TW_KERNEL(RandomUniformInt, prepare_stateful, run_stateful<Kind::kInteger>);
TW_KERNEL(StatelessRandomUniform, prepare_stateless, run_stateless<Kind::kUniform>);
TW_KERNEL(StatelessRandomNormal, prepare_stateless, run_stateless<Kind::kNormal>);
TW_KERNEL(StatelessTruncatedNormal, prepare_stateless, run_stateless<Kind::kTruncated>);
TW_KERNEL(StatelessRandomUniformInt, prepare_stateless, run_stateless<Kind::kInteger>);

}  // namespace tw
