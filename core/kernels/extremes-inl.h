// The larger and the smaller of two, once per vector target.
#if defined(CORE_KERNELS_EXTREMES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_EXTREMES_INL_H_
#undef CORE_KERNELS_EXTREMES_INL_H_
#else
#define CORE_KERNELS_EXTREMES_INL_H_
#endif

#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {

// a > b ? a : b and a < b ? a : b, of floats or doubles. When one is NaN the second one is the result, as x86's
// instructions have it; Highway's Max and Min promise nothing of NaN elsewhere.
template <class V>
HWY_INLINE V larger(V a, V b) {
  namespace hn = hwy::HWY_NAMESPACE;
  return HWY_ARCH_X86 ? hn::Max(a, b) : hn::IfThenElse(hn::Gt(a, b), a, b);
}
template <class V>
HWY_INLINE V smaller(V a, V b) {
  namespace hn = hwy::HWY_NAMESPACE;
  return HWY_ARCH_X86 ? hn::Min(a, b) : hn::IfThenElse(hn::Lt(a, b), a, b);
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#endif
