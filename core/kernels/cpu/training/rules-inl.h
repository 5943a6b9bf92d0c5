// The optimizers' formulas, one element at a time. Included once per vector target, inside its namespace: each rule is
// an object made from the scalars of a step, whose call operator the compiler vectorises. A rule's flags are template
// parameters, so that no loop has a branch.
#if defined(CORE_KERNELS_CPU_TRAINING_RULES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_CPU_TRAINING_RULES_INL_H_
#undef CORE_KERNELS_CPU_TRAINING_RULES_INL_H_
#else
#define CORE_KERNELS_CPU_TRAINING_RULES_INL_H_
#endif

#include <cmath>

#include "core/kernels/cpu/training/training.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {

template <typename F>
HWY_INLINE F sign_of(F x) {
  return (x > 0 ? F(1) : F(0)) - (x < 0 ? F(1) : F(0));
}
template <typename F>
HWY_INLINE F positive_part(F x) {
  return x > 0 ? x : F(0);
}
template <typename F>
HWY_INLINE F larger(F a, F b) {
  return a < b ? b : a;
}

// lr
template <typename F>
struct GradientDescent {
  F lr;
  explicit GradientDescent(const TrainingArgs& a) : lr(F(a.scalars[0])) {}
  HWY_INLINE void operator()(F g, F& var) const { var -= g * lr; }
};

// lr, momentum
template <typename F, bool kNesterov>
struct Momentum {
  F lr, momentum;
  explicit Momentum(const TrainingArgs& a) : lr(F(a.scalars[0])), momentum(F(a.scalars[1])) {}
  HWY_INLINE void operator()(F g, F& var, F& accum) const {
    accum = accum * momentum + g;
    var -= kNesterov ? g * lr + accum * momentum * lr : accum * lr;
  }
};

template <typename F, bool kNesterov>
struct KerasMomentum {
  F lr, momentum;
  explicit KerasMomentum(const TrainingArgs& a) : lr(F(a.scalars[0])), momentum(F(a.scalars[1])) {}
  HWY_INLINE void operator()(F g, F& var, F& accum) const {
    accum = accum * momentum - g * lr;
    var += kNesterov ? accum * momentum - g * lr : accum;
  }
};

// lr
template <typename F, bool kUpdateSlots>
struct Adagrad {
  F lr;
  explicit Adagrad(const TrainingArgs& a) : lr(F(a.scalars[0])) {}
  HWY_INLINE void operator()(F g, F& var, F& accum) const {
    if (kUpdateSlots) accum += g * g;
    var -= g * lr / std::sqrt(accum);
  }
};

// lr, epsilon
template <typename F, bool kUpdateSlots>
struct AdagradV2 {
  F lr, epsilon;
  explicit AdagradV2(const TrainingArgs& a) : lr(F(a.scalars[0])), epsilon(F(a.scalars[1])) {}
  HWY_INLINE void operator()(F g, F& var, F& accum) const {
    if (kUpdateSlots) accum += g * g;
    var -= g * lr / (std::sqrt(accum) + epsilon);
  }
};

// lr, l1, l2 and the global step
template <typename F, bool kL1>
struct AdagradDA {
  F lr, l1_step, l2_step_lr;
  explicit AdagradDA(const TrainingArgs& a)
      : lr(F(a.scalars[0])),
        l1_step(F(a.global_step) * F(a.scalars[1])),
        l2_step_lr(F(a.scalars[2]) * (F(a.global_step) * lr)) {}
  HWY_INLINE void operator()(F g, F& var, F& sum, F& squares) const {
    sum += g;
    squares += g * g;
    const F shrunk = kL1 ? sign_of(sum) * positive_part(std::fabs(sum) - l1_step) : sum;
    var = -lr * shrunk / (l2_step_lr + std::sqrt(squares));
  }
};

// lr, rho, epsilon
template <typename F>
struct Adadelta {
  F lr, rho, epsilon;
  explicit Adadelta(const TrainingArgs& a) : lr(F(a.scalars[0])), rho(F(a.scalars[1])), epsilon(F(a.scalars[2])) {}
  HWY_INLINE void operator()(F g, F& var, F& accum, F& accum_update) const {
    accum = accum * rho + g * g * (1 - rho);
    const F update = std::sqrt(accum_update + epsilon) / std::sqrt(accum + epsilon) * g;
    var -= update * lr;
    accum_update = accum_update * rho + update * update * (1 - rho);
  }
};

// lr, rho, momentum, epsilon
template <typename F>
struct RMSProp {
  F lr, rho, momentum, epsilon;
  explicit RMSProp(const TrainingArgs& a)
      : lr(F(a.scalars[0])), rho(F(a.scalars[1])), momentum(F(a.scalars[2])), epsilon(F(a.scalars[3])) {}
  HWY_INLINE void operator()(F g, F& var, F& ms, F& mom) const {
    ms += (g * g - ms) * (1 - rho);
    mom = mom * momentum + g * lr / std::sqrt(ms + epsilon);
    var -= mom;
  }
};

template <typename F>
struct CenteredRMSProp {
  F lr, rho, momentum, epsilon;
  explicit CenteredRMSProp(const TrainingArgs& a)
      : lr(F(a.scalars[0])), rho(F(a.scalars[1])), momentum(F(a.scalars[2])), epsilon(F(a.scalars[3])) {}
  HWY_INLINE void operator()(F g, F& var, F& mg, F& ms, F& mom) const {
    ms += (g * g - ms) * (1 - rho);
    mg += (g - mg) * (1 - rho);
    mom = mom * momentum + g * lr / std::sqrt(ms - mg * mg + epsilon);
    var -= mom;
  }
};

// beta1_power, beta2_power, lr, beta1, beta2, epsilon
template <typename F, bool kNesterov>
struct Adam {
  F alpha, beta1, beta2, epsilon;
  explicit Adam(const TrainingArgs& a)
      : alpha(F(a.scalars[2]) * std::sqrt(F(1) - F(a.scalars[1])) / (F(1) - F(a.scalars[0]))),
        beta1(F(a.scalars[3])),
        beta2(F(a.scalars[4])),
        epsilon(F(a.scalars[5])) {}
  HWY_INLINE void operator()(F g, F& var, F& m, F& v) const {
    m += (g - m) * (1 - beta1);
    v += (g * g - v) * (1 - beta2);
    const F direction = kNesterov ? g * (1 - beta1) + beta1 * m : m;
    var -= direction * alpha / (std::sqrt(v) + epsilon);
  }
};

template <typename F>
struct AdamWithAmsgrad {
  F alpha, beta1, beta2, epsilon;
  explicit AdamWithAmsgrad(const TrainingArgs& a)
      : alpha(F(a.scalars[2]) * std::sqrt(F(1) - F(a.scalars[1])) / (F(1) - F(a.scalars[0]))),
        beta1(F(a.scalars[3])),
        beta2(F(a.scalars[4])),
        epsilon(F(a.scalars[5])) {}
  HWY_INLINE void operator()(F g, F& var, F& m, F& v, F& vhat) const {
    m += (g - m) * (1 - beta1);
    v += (g * g - v) * (1 - beta2);
    vhat = larger(vhat, v);
    var -= m * alpha / (std::sqrt(vhat) + epsilon);
  }
};

// beta1_power, lr, beta1, beta2, epsilon
template <typename F>
struct AdaMax {
  F alpha, beta1, beta2, epsilon;
  explicit AdaMax(const TrainingArgs& a)
      : alpha(F(a.scalars[1]) / (F(1) - F(a.scalars[0]))),
        beta1(F(a.scalars[2])),
        beta2(F(a.scalars[3])),
        epsilon(F(a.scalars[4])) {}
  HWY_INLINE void operator()(F g, F& var, F& m, F& v) const {
    m += (g - m) * (1 - beta1);
    v = larger(beta2 * v, std::fabs(g));
    var -= alpha * (m / (v + epsilon));
  }
};

// lr, l1, l2, shrinkage, lr_power. The power -1/2 of almost every user needs no pow.
template <typename F, bool kHalfPower>
struct FtrlStep {
  F lr, l1, l2, shrinkage, lr_power;
  HWY_INLINE F root(F x) const { return kHalfPower ? std::sqrt(x) : std::pow(x, -lr_power); }
  HWY_INLINE void operator()(F g, F& var, F& accum, F& linear) const {
    const F shrunk = g + 2 * shrinkage * var;
    const F new_accum = accum + g * g;
    const F new_root = root(new_accum);
    linear += shrunk - (new_root - root(accum)) / lr * var;
    const F candidate = (l1 * sign_of(linear) - linear) / (new_root / lr + 2 * l2);
    var = std::fabs(linear) > l1 ? candidate : F(0);
    accum = new_accum;
  }
};

template <typename F, bool kHalfPower>
struct Ftrl : FtrlStep<F, kHalfPower> {
  explicit Ftrl(const TrainingArgs& a)
      : FtrlStep<F, kHalfPower>{F(a.scalars[0]), F(a.scalars[1]), F(a.scalars[2]), F(0), F(a.scalars[3])} {}
};

template <typename F, bool kHalfPower>
struct FtrlV2 : FtrlStep<F, kHalfPower> {
  explicit FtrlV2(const TrainingArgs& a)
      : FtrlStep<F, kHalfPower>{F(a.scalars[0]), F(a.scalars[1]), F(a.scalars[2]), F(a.scalars[3]), F(a.scalars[4])} {}
};

// The proximal step from `moved`, at the rate that l1 and l2 are scaled with.
template <typename F, bool kL1>
HWY_INLINE F proximal(F moved, F rate, F l1, F l2) {
  const F shrunk = kL1 ? sign_of(moved) * positive_part(std::fabs(moved) - rate * l1) : moved;
  return shrunk / (1 + l2 * rate);
}

// lr, l1, l2
template <typename F, bool kL1>
struct ProximalGradientDescent {
  F lr, l1, l2;
  explicit ProximalGradientDescent(const TrainingArgs& a)
      : lr(F(a.scalars[0])), l1(F(a.scalars[1])), l2(F(a.scalars[2])) {}
  HWY_INLINE void operator()(F g, F& var) const { var = proximal<F, kL1>(var - g * lr, lr, l1, l2); }
};

template <typename F, bool kL1>
struct ProximalAdagrad {
  F lr, l1, l2;
  explicit ProximalAdagrad(const TrainingArgs& a) : lr(F(a.scalars[0])), l1(F(a.scalars[1])), l2(F(a.scalars[2])) {}
  HWY_INLINE void operator()(F g, F& var, F& accum) const {
    accum += g * g;
    const F rate = lr / std::sqrt(accum);
    var = proximal<F, kL1>(var - g * rate, rate, l1, l2);
  }
};

// lr, alpha, sign_decay, beta
template <typename F>
struct AddSign {
  F lr, alpha, sign_decay, beta;
  explicit AddSign(const TrainingArgs& a)
      : lr(F(a.scalars[0])), alpha(F(a.scalars[1])), sign_decay(F(a.scalars[2])), beta(F(a.scalars[3])) {}
  HWY_INLINE void operator()(F g, F& var, F& m) const {
    m = m * beta + g * (1 - beta);
    var -= lr * (alpha + sign_decay * (sign_of(g) * sign_of(m))) * g;
  }
};

// lr, logbase, sign_decay, beta. The exponent takes three values only: they are computed once.
template <typename F>
struct PowerSign {
  F lr, beta, agree, differ;
  explicit PowerSign(const TrainingArgs& a)
      : lr(F(a.scalars[0])),
        beta(F(a.scalars[3])),
        agree(std::exp(F(a.scalars[1]) * F(a.scalars[2]))),
        differ(std::exp(-F(a.scalars[1]) * F(a.scalars[2]))) {}
  HWY_INLINE void operator()(F g, F& var, F& m) const {
    m = m * beta + g * (1 - beta);
    const F s = sign_of(g) * sign_of(m);
    const F scale = s > 0 ? agree : (s < 0 ? differ : F(1));
    var -= lr * scale * g;
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#endif
