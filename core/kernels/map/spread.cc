#include "core/kernels/map/spread.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/spread.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void spread(const uint32_t* from, int64_t stride, int64_t rows, int64_t n, uint32_t* to) {
  const hn::ScalableTag<uint32_t> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < rows; ++r, to += n) {
    if (n < lanes) {
      std::fill_n(to, n, from[r * stride]);
      continue;
    }
    const auto v = hn::Set(d, from[r * stride]);
    for (int64_t j = 0; j + lanes <= n; j += lanes) hn::StoreU(v, d, to + j);
    hn::StoreU(v, d, to + n - lanes);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(spread);

void spread_rows(const void* from, int64_t stride, int64_t rows, int64_t n, void* to) {
  HWY_DYNAMIC_DISPATCH(spread)(static_cast<const uint32_t*>(from), stride, rows, n, static_cast<uint32_t*>(to));
}

}  // namespace tw
#endif
