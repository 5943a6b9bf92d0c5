#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/reduce/combine.cc"
#include "core/kernels/simd.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <type_traits>

#include "core/framework/float16.h"
#include "core/kernels/prefetch.h"
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
    if constexpr (!hwy::IsFloat<hn::TFromV<V>>()) return hn::Max(a, b);
    else return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
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
    if constexpr (!hwy::IsFloat<hn::TFromV<V>>()) return hn::Min(a, b);
    else return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
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
  template <class V>
  static HWY_INLINE V v(V a, V b) {
    return hn::And(a, b);
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
  template <class V>
  static HWY_INLINE V v(V a, V b) {
    return hn::Or(a, b);
  }
};

template <class Op, class T>
void identity_of(void* acc, int64_t n) {
  std::fill_n(static_cast<T*>(acc), n, Op::template identity<T>());
}

// Elements of S, which are T or 16-bit floats that become T = float.
template <class D, class S>
HWY_INLINE hn::Vec<D> load(D d, const S* p) {
  if constexpr (std::is_same_v<S, hn::TFromD<D>>) {
    return hn::LoadU(d, p);
  } else if constexpr (std::is_same_v<S, half>) {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::float16_t, D>(), reinterpret_cast<const hwy::float16_t*>(p)));
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::bfloat16_t, D>(), reinterpret_cast<const hwy::bfloat16_t*>(p)));
  }
}

template <class S>
constexpr int64_t kAhead = kRowAhead / static_cast<int64_t>(sizeof(S));

// What a row's elements become before they are combined.
struct Plain {
  template <class D, class V>
  HWY_INLINE V v(D, V x) const {
    return x;
  }
  template <class T>
  HWY_INLINE T f(T x) const {
    return x;
  }
};
template <class T>
struct SquareAround {
  T center;
  template <class D, class V>
  HWY_INLINE V v(D d, V x) const {
    const V e = hn::Sub(x, hn::Set(d, center));
    return hn::Mul(e, e);
  }
  HWY_INLINE T f(T x) const { return (x - center) * (x - center); }
};

template <class Op, class T, class S, class Map = Plain>
HWY_INLINE T row_of(const S* x, int64_t n, Map map = {}) {
  T result = Op::template identity<T>();
  int64_t i = 0;
  if constexpr (std::is_floating_point_v<T>) {
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    auto sum = hn::Set(d, result);
    if (n >= 8 * lanes) {
      // Shorter rows gain nothing from requests.
      const bool far = n >= 4 * kAhead<S>;
      // Four sums in step; each takes kChain elements of a lane, so that rounding errors grow slowly. The loads have
      // one stride throughout, which is what the processor's prefetchers look for.
      constexpr int64_t kChain = 64;
      const auto none = hn::Set(d, result);
      auto b0 = none, b1 = none, b2 = none, b3 = none;
      while (i + 4 * lanes <= n) {
        auto a0 = none, a1 = none, a2 = none, a3 = none;
        for (const int64_t end = std::min(n, i + kChain * 4 * lanes); i + 4 * lanes <= end; i += 4 * lanes) {
          for (int64_t k = 0; far && k < 4 * lanes; k += 64 / static_cast<int64_t>(sizeof(S))) {
            prefetch_second_level(x + i + kAhead<S> + k);
          }
          a0 = Op::v(a0, map.v(d, load(d, x + i)));
          a1 = Op::v(a1, map.v(d, load(d, x + i + lanes)));
          a2 = Op::v(a2, map.v(d, load(d, x + i + 2 * lanes)));
          a3 = Op::v(a3, map.v(d, load(d, x + i + 3 * lanes)));
        }
        b0 = Op::v(b0, a0), b1 = Op::v(b1, a1), b2 = Op::v(b2, a2), b3 = Op::v(b3, a3);
      }
      sum = Op::v(Op::v(b0, b1), Op::v(b2, b3));
    }
    for (; i + lanes <= n; i += lanes) sum = Op::v(sum, map.v(d, load(d, x + i)));
    if constexpr (Op::kRepeats) {
      // Elements may count twice.
      if (i < n && n >= lanes) {
        sum = Op::v(sum, map.v(d, load(d, x + n - lanes)));
        i = n;
      }
    }
#if !HWY_MEM_OPS_MIGHT_FAULT
    if constexpr (std::is_same_v<S, T>) {
      if (i < n) {
        const auto rest = hn::FirstN(d, static_cast<size_t>(n - i));
        sum = Op::v(sum, hn::IfThenElse(rest, map.v(d, hn::MaskedLoad(rest, d, x + i)), hn::Set(d, result)));
        i = n;
      }
    }
#endif
    result = Op::lanes(d, sum);
  }
  for (; i < n; ++i) result = Op::f(result, map.f(static_cast<T>(x[i])));
  return result;
}

template <class Op, class T, class S = T>
void rows_of(const void* x, int64_t rows, int64_t n, void* acc) {
  const S* from = static_cast<const S*>(x);
  T* to = static_cast<T*>(acc);
  for (int64_t r = 0; r < rows; ++r) to[r] = Op::f(to[r], row_of<Op, T>(from + r * n, n));
}

template <class T>
void squares_of(const void* x, const void* center, int64_t rows, int64_t n, void* acc) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(acc);
  for (int64_t r = 0; r < rows; ++r) {
    to[r] += row_of<SumOp, T>(from + r * n, n, SquareAround<T>{static_cast<const T*>(center)[r]});
  }
}

// kCount rows as a tree.
template <class Op, int kCount, class D, class S>
HWY_INLINE hn::Vec<D> tree(D d, const S* x, int64_t stride) {
  if constexpr (kCount == 1) {
    return load(d, x);
  } else {
    return Op::v(tree<Op, kCount / 2>(d, x, stride), tree<Op, kCount / 2>(d, x + kCount / 2 * stride, stride));
  }
}

// Elements [j, n) of kCount rows in whole vectors of D; where it stopped. `ahead` elements on is what is read next, if
// it should be asked for.
template <class Op, int kCount, class D, class S, class T = hn::TFromD<D>>
HWY_INLINE int64_t add_rows(D d, const S* p, int64_t stride, int64_t ahead, int64_t j, int64_t n, T* to) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; j + lanes <= n; j += lanes) {
    for (int64_t r = 0; r < kCount && ahead > 0; ++r) prefetch_second_level(p + j + r * stride + ahead);
    hn::StoreU(Op::v(hn::LoadU(d, to + j), tree<Op, kCount>(d, p + j, stride)), d, to + j);
  }
  return j;
}

template <class Op, int kCount, class T, class S>
void add_rows(const S* p, int64_t stride, int64_t ahead, int64_t n, T* to) {
  int64_t j = 0;
  // There is no product of vectors of bytes.
  if constexpr (std::is_floating_point_v<T> ||
                (std::is_integral_v<T> && !(std::is_same_v<Op, ProdOp> && sizeof(T) == 1))) {
    j = add_rows<Op, kCount>(hn::ScalableTag<T>(), p, stride, ahead, j, n, to);
    if constexpr (std::is_floating_point_v<T>) {
      j = add_rows<Op, kCount>(hn::CappedTag<T, 8>(), p, stride, ahead, j, n, to);
      j = add_rows<Op, kCount>(hn::CappedTag<T, 4>(), p, stride, ahead, j, n, to);
    }
  }
  for (; j < n; ++j) {
    T sums[kCount];
    for (int r = 0; r < kCount; ++r) sums[r] = static_cast<T>(p[j + r * stride]);
    for (int step = 1; step < kCount; step *= 2) {
      for (int r = 0; r < kCount; r += 2 * step) sums[r] = Op::f(sums[r], sums[r + step]);
    }
    to[j] = Op::f(to[j], sums[0]);
  }
}

template <class Op, class T, class S = T>
void columns_of(const void* x, int64_t rows, int64_t stride, int64_t n, void* acc, bool far) {
  if constexpr (std::is_same_v<Op, SumOp> &&
                (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>)) {
    return columns_of<Op, typename T::value_type>(x, rows, 2 * stride, 2 * n, acc, far);
  } else {
    const S* from = static_cast<const S*>(x);
    T* to = static_cast<T*>(acc);
    // Rows that follow each other are asked for 16 KB ahead or more, others eight ahead while there are so many.
    const int64_t group = std::max<int64_t>(8 * stride, 1), near = far ? kAhead<S> / 4 : 0;
    const int64_t flat = far ? (4 * kAhead<S> + group - 1) / group * group : 0;
    int64_t r = 0;
    // Eight rows as a tree: one pass over the accumulators, and an eighth of the rounding steps.
    for (; r + 8 <= rows; r += 8) {
      const int64_t next = far && r + 16 <= rows ? group : near;
      add_rows<Op, 8>(from + r * stride, stride, stride == n ? flat : next, n, to);
    }
    if (r + 4 <= rows) {
      add_rows<Op, 4>(from + r * stride, stride, near, n, to);
      r += 4;
    }
    for (; r < rows; ++r) add_rows<Op, 1>(from + r * stride, stride, near, n, to);
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
  CombineFns fns{sizeof(T), rounds, identity_of<Op, U>, rows_of<Op, U>, nullptr, columns_of<Op, U>, scale_of<T>};
  if constexpr (std::is_same_v<Op, SumOp> && std::is_floating_point_v<T>) fns.squares = squares_of<T>;
  return fns;
}

template <class Op, class S>
CombineFns widening_fns() {
  return {sizeof(float), std::is_same_v<Op, SumOp>, identity_of<Op, float>, rows_of<Op, float, S>,
          nullptr,       columns_of<Op, float, S>,  scale_of<float>};
}
template <class S>
CombineFns widening(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum: return widening_fns<SumOp, S>();
    case ReduceOp::kProd: return widening_fns<ProdOp, S>();
    case ReduceOp::kMax: return widening_fns<MaxOp, S>();
    case ReduceOp::kMin: return widening_fns<MinOp, S>();
    default: return {};
  }
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

CombineFns get_widening(ReduceOp op, DType t) {
  if (t == DType::kBfloat16) return widening<bfloat16>(op);
  // Highway's conversion of half knows neither infinity nor NaN where the processor has none.
  constexpr bool converts = (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || HWY_ARCH_ARM_A64;
  if constexpr (converts) {
    if (t == DType::kHalf) return widening<half>(op);
  }
  return {};
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_combine);
HWY_EXPORT(get_widening);
CombineFns find_combine(ReduceOp op, DType t) { return HWY_DYNAMIC_DISPATCH(get_combine)(op, t); }
CombineFns find_widening(ReduceOp op, DType t) { return HWY_DYNAMIC_DISPATCH(get_widening)(op, t); }
}  // namespace tw
#endif
