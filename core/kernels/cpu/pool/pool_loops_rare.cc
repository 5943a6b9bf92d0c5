// Pooling of 16-bit floats and integers.
#ifndef TW_RARE_TYPES
#define TW_RARE_TYPES
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/cpu/pool/pool_loops_rare.cc"
// clang-format off: the order matters
#include "core/kernels/simd.h"
#include "core/kernels/cpu/pool/pool_loops-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tw::pool::HWY_NAMESPACE {
TW_POOL_RARE(TW_POOL_MAX)
TW_POOL_SHORT_FLOATS(TW_POOL_AVG)
}  // namespace tw::pool::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::pool {
TW_POOL_RARE(TW_POOL_EXPORT_MAX)
TW_POOL_SHORT_FLOATS(TW_POOL_EXPORT_AVG)
}  // namespace tw::pool
#endif
