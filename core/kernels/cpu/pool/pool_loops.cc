// Pooling of float and double.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/cpu/pool/pool_loops.cc"
// clang-format off: the order matters
#include "core/kernels/simd.h"
#include "core/kernels/cpu/pool/pool_loops-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tw::pool::HWY_NAMESPACE {
TW_POOL_COMMON(TW_POOL_MAX)
TW_POOL_COMMON(TW_POOL_AVG)
}  // namespace tw::pool::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::pool {
TW_POOL_COMMON(TW_POOL_EXPORT_MAX)
TW_POOL_COMMON(TW_POOL_EXPORT_AVG)
}  // namespace tw::pool
#endif
