// Loops of block functions, once per vector target.
#if defined(CORE_KERNELS_MAP_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_MAP_LOOPS_INL_H_
#undef CORE_KERNELS_MAP_LOOPS_INL_H_
#else
#define CORE_KERNELS_MAP_LOOPS_INL_H_
#endif

#include <cstddef>

#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {

// Op is a struct whose static function f takes elements; the loops have the type BlockFn.
template <class Op, class In, class Out = In>
void block1(const void* a, const void*, const void*, void* out, size_t n) {
  const In* x = static_cast<const In*>(a);
  Out* o = static_cast<Out*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) o[i] = Op::template f<In>(x[i]);
}

template <class Op, class In, class Out = In>
void block2(const void* a, const void* b, const void*, void* out, size_t n) {
  const In* x = static_cast<const In*>(a);
  const In* y = static_cast<const In*>(b);
  Out* o = static_cast<Out*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) o[i] = Op::template f<In>(x[i], y[i]);
}

template <class Op, class In, class Out = In>
void block3(const void* a, const void* b, const void* c, void* out, size_t n) {
  const In* x = static_cast<const In*>(a);
  const In* y = static_cast<const In*>(b);
  const In* z = static_cast<const In*>(c);
  Out* o = static_cast<Out*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) o[i] = Op::template f<In>(x[i], y[i], z[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

// TW_OP1(Neg, -x): an element function for the loops. T is the element type.
#ifndef TW_OP1
#define TW_OP1(name, expr)          \
  struct name {                     \
    template <class T>              \
    static HWY_INLINE auto f(T x) { \
      return expr;                  \
    }                               \
  };
#define TW_OP2(name, expr)               \
  struct name {                          \
    template <class T>                   \
    static HWY_INLINE auto f(T x, T y) { \
      return expr;                       \
    }                                    \
  };
#define TW_OP3(name, expr)                    \
  struct name {                               \
    template <class T>                        \
    static HWY_INLINE auto f(T x, T y, T z) { \
      return expr;                            \
    }                                         \
  };
#endif

#endif
