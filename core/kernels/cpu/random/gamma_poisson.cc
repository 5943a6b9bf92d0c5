// RandomGamma and RandomPoissonV2: rejection sampling, each sample from its own stretch of the generator's sequence, so
// that the numbers do not depend on the split over threads.
#include <cmath>
#include <limits>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/random/distributions.h"
#include "core/kernels/cpu/random/rng_state.h"
#include "core/kernels/map/special.h"

namespace tw {
namespace {

struct State : KernelState {
  explicit State(const AttrReader& attrs) : rng(attrs) {}
  RngLookup rng;
  bool dynamic = false;
};

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<State>(ctx.attrs()).dynamic = output_is_dynamic(ctx, 0);
  return {};
}

// Uniform and normal doubles from one sequence of blocks; each kind takes a block for two numbers and gives the second
// of them first, as TensorFlow does.
class Draws {
 public:
  explicit Draws(const Philox& gen) : gen_(gen) {}
  double uniform() {
    if (uniforms_ == 0) {
      const Philox::Block b = gen_();
      UniformDist<double>()(b.data(), uniform_);
      uniforms_ = 2;
    }
    return uniform_[--uniforms_];
  }
  double normal() {
    if (normals_ == 0) {
      const Philox::Block b = gen_();
      NormalDist<double>()(b.data(), normal_);
      normals_ = 2;
    }
    return normal_[--normals_];
  }

 private:
  Philox gen_;
  double uniform_[2] = {}, normal_[2] = {};
  int uniforms_ = 0, normals_ = 0;
};

// Marsaglia and Tsang, "A simple method for generating gamma variables".
double gamma_sample(double alpha, Draws& draws) {
  if (alpha == 1.0) return -std::log(1 - draws.uniform());
  const bool small = alpha < 1;
  const double d = alpha + (small ? 2.0 / 3 : -1.0 / 3), c = 1.0 / 3 / std::sqrt(d);
  for (;;) {
    const double x = draws.normal();
    double v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    const double u = draws.uniform();
    if (u >= 1 - 0.0331 * (x * x) * (x * x) && std::log(u) >= 0.5 * x * x + d * (1 - v + std::log(v))) continue;
    const double result = d * v;
    return small ? result * std::pow(draws.uniform(), 1 / alpha) : result;
  }
}

// Knuth's product of uniforms for small rates; Hörmann's transformed rejection (PTRS) for the others.
double poisson_sample(double rate, double most, Draws& draws) {
  if (!std::isfinite(rate) || rate < 0) return std::nan("");
  if (rate < 10) {
    const double limit = std::exp(-rate);
    double product = 1, x = 0;
    for (;; x += 1) {
      product *= draws.uniform();
      if (product <= limit && x <= most) return x;
    }
  }
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), log_rate = std::log(rate);
  for (;;) {
    const double u = draws.uniform() - 0.5, v = draws.uniform();
    const double shifted = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / shifted + b) * u + rate + 0.43);
    if (k > most) continue;
    if (shifted >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
    if (k < 0 || (shifted < 0.013 && v > shifted)) continue;
    const double s = std::log(v * inverse_alpha / (a / (shifted * shifted) + b));
    if (s <= -rate + k * log_rate - special::lgamma(k + 1)) return k;
  }
}

double parameter(const Value& v, int64_t i) {
  double x = 0;
  visit_real(v.dtype,
             [&](auto tag) { x = static_cast<double>(static_cast<const typename decltype(tag)::type*>(v.data)[i]); });
  return x;
}

// Output of shape (shape input) + (parameters' shape); sample s of parameter p is number p * samples + s of the
// sequence's stretches.
template <typename Sample>
Status run(const RunContext& ctx, const Sample& sample) {
  const Value shape_value = ctx.input(0), parameters = ctx.input(1);
  if (shape_value.shape->rank() != 1) {
    return invalid_argument("shape must be a vector of {int32,int64}, got shape ", *shape_value.shape);
  }
  TW_ASSIGN_OR_RETURN(const Shape samples_shape, shape_from_tensor(value_view(shape_value)));
  std::array<int64_t, 2 * kMaxRank> dims;
  size_t rank = 0;
  for (int64_t d : samples_shape.dims()) dims[rank++] = d;
  for (int64_t d : parameters.shape->dims()) dims[rank++] = d;
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make({dims.data(), rank}));
  TW_ASSIGN_OR_RETURN(RngState * rng, ctx.state<State>().rng.get(ctx));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  const int64_t samples = samples_shape.num_elements(), count = parameters.shape->num_elements();
  if (samples * count == 0) return {};
  const Philox gen = rng->reserve_elements(samples * count);
  visit_real(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    double most = std::numeric_limits<float>::infinity();
    if constexpr (std::is_arithmetic_v<T>) most = static_cast<double>(std::numeric_limits<T>::max());
    if constexpr (std::is_same_v<T, half>) most = 65504;
    T* out = static_cast<T*>(to);
    ctx.pool().parallel_for(samples * count, grain_for_ns(150), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Philox here = gen;
        here.skip(static_cast<uint64_t>(i) * 256);
        Draws draws(here);
        const double x = sample(parameter(parameters, i / samples), most, draws);
        T value;
        if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>) {
          value = T(static_cast<float>(x));
        } else if constexpr (std::is_integral_v<T>) {
          value = std::isnan(x) ? T{0} : static_cast<T>(x);
        } else {
          value = static_cast<T>(x);
        }
        out[i % samples * count + i / samples] = value;
      }
    });
  });
  return {};
}

Status run_gamma(const RunContext& ctx) {
  return run(ctx, [](double alpha, double, Draws& draws) { return gamma_sample(alpha, draws); });
}
Status run_poisson(const RunContext& ctx) {
  return run(ctx, [](double rate, double most, Draws& draws) { return poisson_sample(rate, most, draws); });
}

}  // namespace

TW_KERNEL(RandomGamma, prepare, run_gamma);
TW_KERNEL(RandomPoissonV2, prepare, run_poisson);

}  // namespace tw
