// What becomes of a column of sums in registers, once per vector target.
#if defined(CORE_KERNELS_CONTRACT_FINISH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_CONTRACT_FINISH_INL_H_
#undef CORE_KERNELS_CONTRACT_FINISH_INL_H_
#else
#define CORE_KERNELS_CONTRACT_FINISH_INL_H_
#endif

#include "core/kernels/contract/finish.h"
#include "core/kernels/extremes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sums[i * kStep], i < kCount, belong to result(i), of which the first is that of the Finish's column. load(p) gives as
// many floats as a sum has.
template <int kCount, int kStep, class D, class Load, class ResultOf>
HWY_INLINE void finish_sums(const Finish& f, D d, const Load& load, const ResultOf& result, hn::Vec<D>* sums) {
  if (f.scale != nullptr) {
    const auto scale = load(f.scale);
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) sums[i * kStep] = hn::Mul(sums[i * kStep], scale);
  }
  if (f.shift != nullptr) {
    const auto shift = load(f.shift);
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) sums[i * kStep] = hn::Add(sums[i * kStep], shift);
  }
  if (f.addend != 0) {
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) sums[i * kStep] = hn::Add(sums[i * kStep], load(f.addend_of(result(i))));
  }
  const auto low = hn::Set(d, f.low), high = hn::Set(d, f.high);
#pragma GCC unroll 16
  for (int i = 0; i < kCount; ++i) {
    sums[i * kStep] = tw::HWY_NAMESPACE::smaller(high, tw::HWY_NAMESPACE::larger(low, sums[i * kStep]));
  }
}

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
