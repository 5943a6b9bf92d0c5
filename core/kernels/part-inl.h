// Loads and stores of a part of a vector, once per vector target. Nothing past it is read or written.
#if defined(CORE_KERNELS_PART_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_PART_INL_H_
#undef CORE_KERNELS_PART_INL_H_
#else
#define CORE_KERNELS_PART_INL_H_
#endif

#include <cstddef>

#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {

// Where masked loads and stores touch the part alone. Elsewhere they may touch the whole vector, which has to be
// aligned.
#if HWY_HAVE_SCALABLE || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)
#define TW_MASKED_PARTS 1
#else
#define TW_MASKED_PARTS 0
#endif

// The first n < Lanes(d) elements, of float or double, and zeros, or `fill`.
template <class D, class T = hwy::HWY_NAMESPACE::TFromD<D>>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load_first(D d, const T* p, size_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
#if TW_MASKED_PARTS
  return hn::MaskedLoad(hn::FirstN(d, n), d, p);
#else
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
  for (size_t i = 0; i < n; ++i) buffer[i] = p[i];
  return hn::Load(d, buffer);
#endif
}
template <class D, class T = hwy::HWY_NAMESPACE::TFromD<D>>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load_first(D d, const T* p, size_t n, T fill) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::IfThenElse(hn::FirstN(d, n), load_first(d, p, n), hn::Set(d, fill));
}
template <class D, class T = hwy::HWY_NAMESPACE::TFromD<D>>
HWY_INLINE void store_first(hwy::HWY_NAMESPACE::Vec<D> v, D d, T* p, size_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
#if TW_MASKED_PARTS
  hn::BlendedStore(v, hn::FirstN(d, n), d, p);
#else
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(v, d, buffer);
  for (size_t i = 0; i < n; ++i) p[i] = buffer[i];
#endif
}

#undef TW_MASKED_PARTS

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();
#endif
