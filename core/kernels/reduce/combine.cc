#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/reduce/combine.cc"
#include "core/kernels/simd.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <type_traits>

#include "hwy/cache_control.h"

#include "core/kernels/reduce/combine.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Integers wrap: unsigned, and wide enough that C++'s promotions do not overflow.
template <class T>
struct WrapOf {
  using type = T;
};
template <class T>
  requires std::is_integral_v<T>
struct WrapOf<T> {
  using type = std::conditional_t<(sizeof(T) < 4), uint32_t, std::make_unsigned_t<T>>;
};

template <class T>
struct UnsignedOf {
  using type = T;
};
template <class T>
  requires std::is_integral_v<T>
struct UnsignedOf<T> {
  using type = std::make_unsigned_t<T>;
};

struct SumOp {
  static constexpr bool kRepeats = false;
  template <class T>
  static constexpr T identity() {
    return T(0);
  }
  template <class T>
  static HWY_INLINE T f(T a, T b) {
    using W = typename WrapOf<T>::type;
    return T(W(a) + W(b));
  }
  template <class V>
  static HWY_INLINE V v(V a, V b) {
    return hn::Add(a, b);
  }
  template <class D, class V>
  static HWY_INLINE auto lanes(D d, V a) {
    return hn::GetLane(hn::SumOfLanes(d, a));
  }
};
struct ProdOp {
  static constexpr bool kRepeats = false;
  template <class T>
  static constexpr T identity() {
    return T(1);
  }
  template <class T>
  static HWY_INLINE T f(T a, T b) {
    if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
      return T(a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real());
    } else {
      using W = typename WrapOf<T>::type;
      return T(W(a) * W(b));
    }
  }
  template <class V>
  static HWY_INLINE V v(V a, V b) {
    return hn::Mul(a, b);
  }
  template <class D, class V>
  static HWY_INLINE auto lanes(D d, V a) {
    HWY_ALIGN hn::TFromD<D> buffer[HWY_MAX_BYTES / sizeof(hn::TFromD<D>)];
    hn::Store(a, d, buffer);
    auto r = buffer[0];
    for (size_t i = 1; i < hn::Lanes(d); ++i) r *= buffer[i];
    return r;
  }
};
// A NaN, once seen, stays.
struct MaxOp {
  static constexpr bool kRepeats = true;
  template <class T>
  static constexpr T identity() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    else return std::numeric_limits<T>::lowest();
  }
  template <class T>
  static HWY_INLINE T f(T a, T b) {
    return a > b || a != a ? a : b;
  }
  template <class V>
  static HWY_INLINE V v(V a, V b) {
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
  }
  template <class D, class V>
  static HWY_INLINE auto lanes(D d, V a) {
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::IsNaN(a)))) return std::numeric_limits<hn::TFromD<D>>::quiet_NaN();
    return hn::GetLane(hn::MaxOfLanes(d, a));
  }
};
struct MinOp {
  static constexpr bool kRepeats = true;
  template <class T>
  static constexpr T identity() {
    if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
    else return std::numeric_limits<T>::max();
  }
  template <class T>
  static HWY_INLINE T f(T a, T b) {
    return a < b || a != a ? a : b;
  }
  template <class V>
  static HWY_INLINE V v(V a, V b) {
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
  }
  template <class D, class V>
  static HWY_INLINE auto lanes(D d, V a) {
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::IsNaN(a)))) return std::numeric_limits<hn::TFromD<D>>::quiet_NaN();
    return hn::GetLane(hn::MinOfLanes(d, a));
  }
};
struct AllOp {
  static constexpr bool kRepeats = true;
  template <class T>
  static constexpr T identity() {
    return T(1);
  }
  template <class T>
  static HWY_INLINE T f(T a, T b) {
    return T(a & b);
  }
};
struct AnyOp {
  static constexpr bool kRepeats = true;
  template <class T>
  static constexpr T identity() {
    return T(0);
  }
  template <class T>
  static HWY_INLINE T f(T a, T b) {
    return T(a | b);
  }
};

template <class Op, class T>
void identity_of(void* acc, int64_t n) {
  std::fill_n(static_cast<T*>(acc), n, Op::template identity<T>());
}

template <class Op, class T>
HWY_INLINE T row_of(const T* x, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    int64_t i = 0;
    T result = Op::template identity<T>();
    if (n >= lanes) {
      auto a0 = hn::LoadU(d, x);
      i = lanes;
      if (n >= 8 * lanes) {
        auto a1 = hn::LoadU(d, x + lanes), a2 = hn::LoadU(d, x + 2 * lanes), a3 = hn::LoadU(d, x + 3 * lanes);
        for (i = 4 * lanes; i + 4 * lanes <= n; i += 4 * lanes) {
          a0 = Op::v(a0, hn::LoadU(d, x + i));
          a1 = Op::v(a1, hn::LoadU(d, x + i + lanes));
          a2 = Op::v(a2, hn::LoadU(d, x + i + 2 * lanes));
          a3 = Op::v(a3, hn::LoadU(d, x + i + 3 * lanes));
        }
        a0 = Op::v(Op::v(a0, a1), Op::v(a2, a3));
      }
      for (; i + lanes <= n; i += lanes) a0 = Op::v(a0, hn::LoadU(d, x + i));
      if constexpr (Op::kRepeats) {
        // Elements may count twice.
        a0 = Op::v(a0, hn::LoadU(d, x + n - lanes));
        i = n;
      }
      result = Op::lanes(d, a0);
    }
    for (; i < n; ++i) result = Op::f(result, x[i]);
    return result;
  } else {
    T result = Op::template identity<T>();
    for (int64_t i = 0; i < n; ++i) result = Op::f(result, x[i]);
    return result;
  }
}

template <class Op, class T>
void rows_of(const void* x, int64_t rows, int64_t n, void* acc) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(acc);
  for (int64_t r = 0; r < rows; ++r) to[r] = Op::f(to[r], row_of<Op, T>(from + r * n, n));
}

// Elements [j, n) of columns_of in whole vectors of D, eight rows; where it stopped.
template <class Op, class D, class T = hn::TFromD<D>>
HWY_INLINE int64_t eight_rows(D d, const T* p, int64_t stride, int64_t j, int64_t n, T* to) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; j + lanes <= n; j += lanes) {
    const T* x = p + j;
    // Each row is too short a stream for the processor to see what comes next.
    for (int64_t r = 8; r < 16; ++r) hwy::Prefetch(x + r * stride);
    const auto row = [&](int64_t r) HWY_ATTR { return hn::LoadU(d, x + r * stride); };
    const auto a = Op::v(Op::v(row(0), row(1)), Op::v(row(2), row(3)));
    const auto b = Op::v(Op::v(row(4), row(5)), Op::v(row(6), row(7)));
    hn::StoreU(Op::v(hn::LoadU(d, to + j), Op::v(a, b)), d, to + j);
  }
  return j;
}

template <class Op, class T>
void columns_of(const void* x, int64_t rows, int64_t stride, int64_t n, void* acc) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(acc);
  int64_t r = 0;
  // Eight rows as a tree: one pass over the accumulators, and an eighth of the rounding steps.
  for (; r + 8 <= rows; r += 8) {
    const T* p = from + r * stride;
    int64_t j = 0;
    if constexpr (std::is_floating_point_v<T>) {
      j = eight_rows<Op>(hn::ScalableTag<T>(), p, stride, j, n, to);
      j = eight_rows<Op>(hn::CappedTag<T, 8>(), p, stride, j, n, to);
      j = eight_rows<Op>(hn::CappedTag<T, 4>(), p, stride, j, n, to);
    }
    TW_INDEPENDENT
    for (; j < n; ++j) {
      const T a = Op::f(Op::f(p[j], p[j + stride]), Op::f(p[j + 2 * stride], p[j + 3 * stride]));
      const T b = Op::f(Op::f(p[j + 4 * stride], p[j + 5 * stride]), Op::f(p[j + 6 * stride], p[j + 7 * stride]));
      to[j] = Op::f(to[j], Op::f(a, b));
    }
  }
  for (; r < rows; ++r) {
    const T* p = from + r * stride;
    TW_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) to[j] = Op::f(to[j], p[j]);
  }
}

template <class T>
void scale_of(void* acc, int64_t n, double scale) {
  T* to = static_cast<T*>(acc);
  if constexpr (std::is_integral_v<T>) {
    const T divisor = static_cast<T>(std::llround(1 / scale));
    for (int64_t i = 0; i < n && divisor != T(0); ++i) to[i] = T(to[i] / divisor);
  } else if constexpr (std::is_floating_point_v<T>) {
    const T s = static_cast<T>(scale);
    for (int64_t i = 0; i < n; ++i) to[i] *= s;
  } else {
    const auto s = static_cast<typename T::value_type>(scale);
    for (int64_t i = 0; i < n; ++i) to[i] *= s;
  }
}

template <class Op, class T>
CombineFns fns_of() {
  const bool rounds = std::is_same_v<Op, SumOp> && !std::is_integral_v<T>;
  // Sums and products that wrap have the same bits for both signs: one loop serves them.
  using U = typename std::conditional_t<std::is_same_v<Op, SumOp> || std::is_same_v<Op, ProdOp>, UnsignedOf<T>,
                                        std::type_identity<T>>::type;
  return {sizeof(T), rounds, identity_of<Op, U>, rows_of<Op, U>, columns_of<Op, U>, scale_of<T>};
}

template <class T>
CombineFns real_fns(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum: return fns_of<SumOp, T>();
    case ReduceOp::kProd: return fns_of<ProdOp, T>();
    case ReduceOp::kMax: return fns_of<MaxOp, T>();
    case ReduceOp::kMin: return fns_of<MinOp, T>();
    default: return {};
  }
}
template <class T>
CombineFns complex_fns(ReduceOp op) {
  if (op == ReduceOp::kSum) return fns_of<SumOp, T>();
  return op == ReduceOp::kProd ? fns_of<ProdOp, T>() : CombineFns{};
}

// NaN is never an extreme; where nothing exceeds the lowest number the place is 0.
struct Greater {
  template <class T>
  static constexpr T worst() {
    return std::numeric_limits<T>::lowest();
  }
  template <class T>
  static HWY_INLINE bool better(T a, T b) {
    return a > b;
  }
  template <class V>
  static HWY_INLINE V v(V acc, V x) {
    return hn::IfThenElse(hn::Gt(x, acc), x, acc);
  }
  template <class D, class V>
  static HWY_INLINE V lanes(D d, V v) {
    return hn::MaxOfLanes(d, v);
  }
};
struct Less {
  template <class T>
  static constexpr T worst() {
    return std::numeric_limits<T>::max();
  }
  template <class T>
  static HWY_INLINE bool better(T a, T b) {
    return a < b;
  }
  template <class V>
  static HWY_INLINE V v(V acc, V x) {
    return hn::IfThenElse(hn::Lt(x, acc), x, acc);
  }
  template <class D, class V>
  static HWY_INLINE V lanes(D d, V v) {
    return hn::MinOfLanes(d, v);
  }
};

template <class Order, class T>
void arg_rows(const void* x, int64_t rows, int64_t n, int64_t* index) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* p = static_cast<const T*>(x) + r * n;
    T best = Order::template worst<T>();
    int64_t found = 0;
    if constexpr (std::is_floating_point_v<T>) {
      const hn::ScalableTag<T> d;
      const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
      if (n >= lanes) {
        // The last vector may overlap the one before it.
        auto acc = hn::Set(d, best), other = acc;
        int64_t i = 0;
        for (; i + 2 * lanes <= n; i += 2 * lanes) {
          acc = Order::v(acc, hn::LoadU(d, p + i));
          other = Order::v(other, hn::LoadU(d, p + i + lanes));
        }
        if (i + lanes <= n) acc = Order::v(acc, hn::LoadU(d, p + i));
        acc = Order::v(Order::v(acc, other), hn::LoadU(d, p + n - lanes));
        const auto wanted = Order::lanes(d, acc);
        for (i = 0; i < n; i += lanes) {
          const int64_t at = std::min(i, n - lanes);
          const intptr_t first = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, p + at), wanted));
          if (first >= 0) {
            found = at + first;
            break;
          }
        }
        index[r] = found;
        continue;
      }
    }
    for (int64_t i = 0; i < n; ++i) best = Order::better(p[i], best) ? p[i] : best;
    while (found < n && !(p[found] == best)) ++found;
    index[r] = found == n ? 0 : found;
  }
}

template <class Order, class T>
void arg_columns(const void* x, int64_t rows, int64_t stride, int64_t n, int64_t* index) {
  // Indices as wide as the values, so that comparing and choosing stay in the same lanes.
  using Index = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  T best[ArgFns::kMaxColumns];
  Index place[ArgFns::kMaxColumns];
  for (int64_t j = 0; j < n; ++j) best[j] = Order::template worst<T>(), place[j] = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const T* p = static_cast<const T*>(x) + r * stride;
    TW_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) {
      const T v = p[j], b = best[j];
      const bool better = Order::better(v, b);
      best[j] = better ? v : b;
      place[j] = better ? static_cast<Index>(r) : place[j];
    }
  }
  for (int64_t j = 0; j < n; ++j) index[j] = place[j];
}

template <class T>
ArgFns arg_fns(bool max) {
  if (max) return {arg_rows<Greater, T>, arg_columns<Greater, T>};
  return {arg_rows<Less, T>, arg_columns<Less, T>};
}

}  // namespace

CombineFns get_combine(ReduceOp op, DType t) {
  switch (t) {
    case DType::kFloat: return real_fns<float>(op);
    case DType::kDouble: return real_fns<double>(op);
    case DType::kInt8: return real_fns<int8_t>(op);
    case DType::kInt16: return real_fns<int16_t>(op);
    case DType::kInt32: return real_fns<int32_t>(op);
    case DType::kInt64: return real_fns<int64_t>(op);
    case DType::kUint8: return real_fns<uint8_t>(op);
    case DType::kUint16: return real_fns<uint16_t>(op);
    case DType::kUint32: return real_fns<uint32_t>(op);
    case DType::kUint64: return real_fns<uint64_t>(op);
    case DType::kComplex64: return complex_fns<std::complex<float>>(op);
    case DType::kComplex128: return complex_fns<std::complex<double>>(op);
    case DType::kBool:
      if (op == ReduceOp::kAll) return fns_of<AllOp, uint8_t>();
      return op == ReduceOp::kAny ? fns_of<AnyOp, uint8_t>() : CombineFns{};
    default: return {};
  }
}

ArgFns get_arg(bool max, DType t) {
  switch (t) {
    case DType::kFloat: return arg_fns<float>(max);
    case DType::kDouble: return arg_fns<double>(max);
    case DType::kInt8: return arg_fns<int8_t>(max);
    case DType::kInt16: return arg_fns<int16_t>(max);
    case DType::kInt32: return arg_fns<int32_t>(max);
    case DType::kInt64: return arg_fns<int64_t>(max);
    case DType::kUint8: return arg_fns<uint8_t>(max);
    case DType::kUint16: return arg_fns<uint16_t>(max);
    case DType::kUint32: return arg_fns<uint32_t>(max);
    case DType::kUint64: return arg_fns<uint64_t>(max);
    default: return {};
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_combine);
HWY_EXPORT(get_arg);
CombineFns find_combine(ReduceOp op, DType t) { return HWY_DYNAMIC_DISPATCH(get_combine)(op, t); }
ArgFns find_arg(bool max, DType t) { return HWY_DYNAMIC_DISPATCH(get_arg)(max, t); }
}  // namespace tw
#endif
