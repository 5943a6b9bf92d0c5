// Multinomial and StatelessMultinomial: draws from the classes of each row of logits.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/random/distributions.h"
#include "core/kernels/cpu/random/rng_state.h"
#include "core/kernels/cpu/random/seeds.h"

namespace tw {
namespace {

struct State : KernelState {
  explicit State(const AttrReader& attrs) : rng(attrs) {}
  RngLookup rng;
  bool dynamic = false;
};
struct StatelessState : KernelState {
  bool dynamic = false;
};

// The running sums of the row's probabilities, not normalised; the last is their total.
template <typename T>
void accumulate(const T* logits, int64_t classes, std::vector<double>* cdf) {
  double most = static_cast<double>(std::numeric_limits<float>::lowest());
  if constexpr (!std::is_same_v<T, half> && !std::is_same_v<T, bfloat16>) {
    most = static_cast<double>(std::numeric_limits<T>::lowest());
  }
  for (int64_t j = 0; j < classes; ++j) {
    const auto x = static_cast<double>(logits[j]);
    if (std::isfinite(x)) most = std::max(most, x);
  }
  double total = 0;
  for (int64_t j = 0; j < classes; ++j) {
    const auto x = static_cast<double>(logits[j]);
    if (std::isfinite(x)) total += std::exp(x - most);
    (*cdf)[static_cast<size_t>(j)] = total;
  }
}

template <typename T>
void sample(const RunContext& ctx, const Philox& gen, const Value& logits, int64_t samples, bool narrow, void* to) {
  const int64_t batch = (*logits.shape)[0], classes = (*logits.shape)[1];
  const double ns = static_cast<double>(classes) * 12 + static_cast<double>(samples) * 20;
  ctx.pool().parallel_for(batch, grain_for_ns(ns), [&](int64_t begin, int64_t end) {
    // Each draw takes two words, and rows follow each other in the sequence.
    const int64_t first = begin * samples * 2;
    Philox here = gen;
    here.skip(static_cast<uint64_t>(first / 4));
    PhiloxWords words(here);
    for (int64_t i = 0; i < first % 4; ++i) words();
    std::vector<double> cdf(static_cast<size_t>(classes));
    for (int64_t b = begin; b < end; ++b) {
      accumulate(static_cast<const T*>(logits.data) + b * classes, classes, &cdf);
      for (int64_t j = 0; j < samples; ++j) {
        const uint32_t x0 = words(), x1 = words();
        const double target = unit_double(x0, x1) * cdf.back();
        const int64_t chosen = std::upper_bound(cdf.begin(), cdf.end(), target) - cdf.begin();
        if (narrow) static_cast<int32_t*>(to)[b * samples + j] = static_cast<int32_t>(chosen);
        if (!narrow) static_cast<int64_t*>(to)[b * samples + j] = chosen;
      }
    }
  });
}

template <typename Generator>
Status run_any(const RunContext& ctx, bool dynamic, const Generator& generator) {
  const Value logits = ctx.input(0);
  if (logits.shape->rank() != 2) return invalid_argument("logits should be a matrix, got shape ", *logits.shape);
  if (ctx.input(1).shape->rank() != 0) {
    return invalid_argument("num_samples should be a scalar, got shape ", *ctx.input(1).shape);
  }
  const int64_t samples = index_at(ctx.input(1)), batch = (*logits.shape)[0], classes = (*logits.shape)[1];
  if (samples < 0) return invalid_argument("num_samples should be nonnegative, got ", samples);
  if (classes <= 0) return invalid_argument("num_classes should be positive, got ", classes);
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, Shape{batch, samples}, dynamic));
  if (samples == 0 || batch == 0) return {};
  TW_ASSIGN_OR_RETURN(const Philox gen, generator(batch * ((samples + 3) / 4 * 4) * 2));
  const bool narrow = ctx.output(0).dtype == DType::kInt32;
  visit_real(logits.dtype,
             [&](auto tag) { sample<typename decltype(tag)::type>(ctx, gen, logits, samples, narrow, to); });
  return {};
}

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<State>(ctx.attrs()).dynamic = output_is_dynamic(ctx, 0);
  return {};
}
Status prepare_stateless(PrepareContext& ctx) {
  ctx.emplace_state<StatelessState>().dynamic = output_is_dynamic(ctx, 0);
  return {};
}

Status run(const RunContext& ctx) {
  return run_any(ctx, ctx.state<State>().dynamic, [&](int64_t elements) -> Result<Philox> {
    TW_ASSIGN_OR_RETURN(RngState * rng, ctx.state<State>().rng.get(ctx));
    return rng->reserve_elements(elements);
  });
}

Status run_stateless(const RunContext& ctx) {
  return run_any(ctx, ctx.state<StatelessState>().dynamic, [&](int64_t) { return stateless_generator(ctx.input(2)); });
}

}  // namespace

TW_KERNEL(Multinomial, prepare, run);
TW_KERNEL(StatelessMultinomial, prepare_stateless, run_stateless);

}  // namespace tw
