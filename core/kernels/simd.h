// Highway with the targets we ship: SSE4, AVX2 and AVX-512 on x86 (each target compiles every kernel once more), and
// Highway's own choice elsewhere. A kernel file begins with
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "core/kernels/.../file.cc"
//   #include "core/kernels/simd.h"
// A file of element types that few programs use defines TW_RARE_TYPES first, and is not compiled for AVX-512.
// Included once per target, so the guard covers the settings only.
#ifndef CORE_KERNELS_SIMD_H_
#define CORE_KERNELS_SIMD_H_

#if defined(TW_ONE_TARGET)
#define HWY_COMPILE_ONLY_STATIC
#elif defined(__x86_64__) || defined(_M_X64)
// x86-64-v2 is the oldest processor we support, so that no scalar target is needed below it.
#define HWY_BASELINE_TARGETS HWY_SSE4
#if defined(TW_RARE_TYPES)
#define HWY_DISABLED_TARGETS (~(HWY_SSE4 | HWY_AVX2))
#else
#define HWY_DISABLED_TARGETS (~(HWY_SSE4 | HWY_AVX2 | HWY_AVX3))
#endif
#endif

// Before a loop whose iterations are independent even when its output is one of its inputs: the compiler may then
// vectorise without a check for overlap. Cheap loops are written so, once for all lane widths.
#if defined(__clang__)
#define TW_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define TW_INDEPENDENT _Pragma("GCC ivdep")
#else
#define TW_INDEPENDENT __pragma(loop(ivdep))
#endif

#endif  // CORE_KERNELS_SIMD_H_

#ifdef HWY_TARGET_INCLUDE
#include "hwy/foreach_target.h"
#endif
#include "hwy/highway.h"
