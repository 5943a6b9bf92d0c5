// The optimizer loops, compiled once per vector target. The loops are plain C++ that the compiler vectorises.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/cpu/training/loops.cc"
#include "core/kernels/simd.h"
// clang-format off: the order matters
#include "core/kernels/cpu/training/rules-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {

template <typename Rule, typename F>
void apply(const Rule& rule, void* const* slots, const void* grad, int64_t n) {
  const F* g = static_cast<const F*>(grad);
  F* a = static_cast<F*>(slots[0]);
  if constexpr (std::is_invocable_v<Rule, F, F&>) {
    TW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) rule(g[i], a[i]);
  } else if constexpr (std::is_invocable_v<Rule, F, F&, F&>) {
    F* b = static_cast<F*>(slots[1]);
    TW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
      F x = a[i], y = b[i];
      rule(g[i], x, y);
      a[i] = x;
      b[i] = y;
    }
  } else if constexpr (std::is_invocable_v<Rule, F, F&, F&, F&>) {
    F* b = static_cast<F*>(slots[1]);
    F* c = static_cast<F*>(slots[2]);
    TW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
      F x = a[i], y = b[i], z = c[i];
      rule(g[i], x, y, z);
      a[i] = x;
      b[i] = y;
      c[i] = z;
    }
  } else {
    F* b = static_cast<F*>(slots[1]);
    F* c = static_cast<F*>(slots[2]);
    F* d = static_cast<F*>(slots[3]);
    TW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
      F x = a[i], y = b[i], z = c[i], w = d[i];
      rule(g[i], x, y, z, w);
      a[i] = x;
      b[i] = y;
      c[i] = z;
      d[i] = w;
    }
  }
}

// What a rule's flag means, read when a loop is called.
struct Nesterov {
  static bool on(const TrainingArgs& a) { return a.use_nesterov; }
};
struct UpdateSlots {
  static bool on(const TrainingArgs& a) { return a.update_slots; }
};
struct HasL1 {
  static bool on(const TrainingArgs& a) { return a.scalars[1] > 0; }
};
template <int kScalar>
struct HalfPower {
  static bool on(const TrainingArgs& a) { return a.scalars[kScalar] == -0.5; }
};

template <template <typename> class Rule, typename F>
void plain(void* const* slots, const void* grad, const TrainingArgs& args, int64_t n) {
  apply<Rule<F>, F>(Rule<F>(args), slots, grad, n);
}
template <template <typename, bool> class Rule, typename Flag, typename F>
void flagged(void* const* slots, const void* grad, const TrainingArgs& args, int64_t n) {
  if (Flag::on(args)) {
    apply<Rule<F, true>, F>(Rule<F, true>(args), slots, grad, n);
  } else {
    apply<Rule<F, false>, F>(Rule<F, false>(args), slots, grad, n);
  }
}

template <typename F>
TrainingLoop loop_of(TrainingRule rule) {
  switch (rule) {
    case TrainingRule::kGradientDescent: return plain<GradientDescent, F>;
    case TrainingRule::kMomentum: return flagged<Momentum, Nesterov, F>;
    case TrainingRule::kKerasMomentum: return flagged<KerasMomentum, Nesterov, F>;
    case TrainingRule::kAdagrad: return flagged<Adagrad, UpdateSlots, F>;
    case TrainingRule::kAdagradV2: return flagged<AdagradV2, UpdateSlots, F>;
    case TrainingRule::kAdagradDA: return flagged<AdagradDA, HasL1, F>;
    case TrainingRule::kAdadelta: return plain<Adadelta, F>;
    case TrainingRule::kRMSProp: return plain<RMSProp, F>;
    case TrainingRule::kCenteredRMSProp: return plain<CenteredRMSProp, F>;
    case TrainingRule::kAdam: return flagged<Adam, Nesterov, F>;
    case TrainingRule::kAdamWithAmsgrad: return plain<AdamWithAmsgrad, F>;
    case TrainingRule::kAdaMax: return plain<AdaMax, F>;
    case TrainingRule::kFtrl: return flagged<Ftrl, HalfPower<3>, F>;
    case TrainingRule::kFtrlV2: return flagged<FtrlV2, HalfPower<4>, F>;
    case TrainingRule::kProximalGradientDescent: return flagged<ProximalGradientDescent, HasL1, F>;
    case TrainingRule::kProximalAdagrad: return flagged<ProximalAdagrad, HasL1, F>;
    case TrainingRule::kAddSign: return plain<AddSign, F>;
    case TrainingRule::kPowerSign: return plain<PowerSign, F>;
    case TrainingRule::kCount: break;
  }
  return nullptr;
}

TrainingLoop find_loop(TrainingRule rule, DType dtype) {
  return dtype == DType::kDouble ? loop_of<double>(rule) : loop_of<float>(rule);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(find_loop);
TrainingLoop find_training_loop(TrainingRule rule, DType dtype) { return HWY_DYNAMIC_DISPATCH(find_loop)(rule, dtype); }
}  // namespace tw
#endif
