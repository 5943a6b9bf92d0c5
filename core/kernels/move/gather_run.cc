#include "core/kernels/move/gather_run.h"

#include <algorithm>

#include "core/kernels/element_size.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/move/gather_run.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> reversed(D d, hn::Vec<D> v) {
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    // Not every target reverses vectors of bytes.
    const hn::Repartition<uint16_t, D> d2;
    const auto pairs = hn::Reverse(d2, hn::BitCast(d2, v));
    return hn::BitCast(d, hn::Or(hn::ShiftLeft<8>(pairs), hn::ShiftRight<8>(pairs)));
  } else {
    return hn::Reverse(d, v);
  }
}

template <typename T>
void gather(const T* from, int64_t step, T* to, int64_t count) {
  if (step == 0) {
    std::fill_n(to, count, *from);
    return;
  }
  int64_t i = 0;
  if constexpr (sizeof(T) <= 8) {
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    if (step == -1) {
      // From the end, so that memory is read forwards.
      for (; count >= lanes; count -= lanes) {
        hn::StoreU(reversed(d, hn::LoadU(d, from - count + 1)), d, to + count - lanes);
      }
    } else if (step == 2) {
      // What lies behind the last element is not to be read.
      for (; i + lanes < count; i += lanes) {
        hn::Vec<decltype(d)> even, odd;
        hn::LoadInterleaved2(d, from + 2 * i, even, odd);
        hn::StoreU(even, d, to + i);
      }
    }
  }
  for (; i < count; ++i) to[i] = from[i * step];
}

void gather_bytes(const void* from, int64_t step, void* to, int64_t count, size_t element_size) {
  visit_size(element_size,
             [&]<typename T>(T) HWY_ATTR { gather(static_cast<const T*>(from), step, static_cast<T*>(to), count); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(gather_bytes);

void gather_run(const void* from, int64_t step, void* to, int64_t count, size_t element_size) {
  HWY_DYNAMIC_DISPATCH(gather_bytes)(from, step, to, count, element_size);
}

}  // namespace tw
#endif
