// Places of extremes: argmax and argmin.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/reduce/places.cc"
#include "core/kernels/simd.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/kernels/extremes-inl.h"
#include "core/kernels/prefetch.h"
#include "core/kernels/reduce/combine.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
constexpr int64_t kAhead = kRowAhead / static_cast<int64_t>(sizeof(T));

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
    return larger(x, acc);
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
    return smaller(x, acc);
  }
  template <class D, class V>
  static HWY_INLINE V lanes(D d, V v) {
    return hn::MinOfLanes(d, v);
  }
};

// The extreme of n elements and of `extreme`.
template <class Order, class T>
HWY_INLINE T extreme_of(const T* p, int64_t n, T extreme) {
  if constexpr (std::is_floating_point_v<T>) {
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    if (n >= lanes) {
      // Four, since each waits for the result of the vector before.
      auto a = hn::Set(d, extreme), b = a, c = a, e = a;
      int64_t i = 0;
      for (; i + 4 * lanes <= n; i += 4 * lanes) {
        for (int64_t k = 0; k < 4; ++k) prefetch_second_level(p + i + k * lanes + kAhead<T>);
        a = Order::v(a, hn::LoadU(d, p + i));
        b = Order::v(b, hn::LoadU(d, p + i + lanes));
        c = Order::v(c, hn::LoadU(d, p + i + 2 * lanes));
        e = Order::v(e, hn::LoadU(d, p + i + 3 * lanes));
      }
      for (; i + lanes <= n; i += lanes) a = Order::v(a, hn::LoadU(d, p + i));
      // The last vector may overlap the one before it.
      b = Order::v(b, hn::LoadU(d, p + n - lanes));
      return hn::GetLane(Order::lanes(d, Order::v(Order::v(a, b), Order::v(c, e))));
    }
  }
  for (int64_t i = 0; i < n; ++i) extreme = Order::better(p[i], extreme) ? p[i] : extreme;
  return extreme;
}

// The first of n elements that equals `wanted`; 0 if none does.
template <class T>
HWY_INLINE int64_t place_of(const T* p, int64_t n, T wanted) {
  int64_t i = 0;
  if constexpr (std::is_floating_point_v<T>) {
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto v = hn::Set(d, wanted);
    const auto equal = [&](int64_t k) { return hn::Eq(hn::LoadU(d, p + i + k * lanes), v); };
    // Four at a time are skipped: a jump for each vector takes longer than comparing it.
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      if (!hn::AllFalse(d, hn::Or(hn::Or(equal(0), equal(1)), hn::Or(equal(2), equal(3))))) break;
    }
    for (; i + lanes <= n; i += lanes) {
      const intptr_t place = hn::FindFirstTrue(d, equal(0));
      if (place >= 0) return i + place;
    }
  }
  while (i < n && !(p[i] == wanted)) ++i;
  return i == n ? 0 : i;
}

template <class Order, class T>
void arg_rows(const void* x, int64_t rows, int64_t n, int64_t* index) {
  // Long enough that the ends cost little; one of them is searched again for the place, when all of the row was seen.
  constexpr int64_t kPiece = 1024;
  for (int64_t r = 0; r < rows; ++r) {
    const T* p = static_cast<const T*>(x) + r * n;
    T best = Order::template worst<T>();
    int64_t piece = 0;
    for (int64_t i = 0; i < n; i += kPiece) {
      const T extreme = extreme_of<Order>(p + i, std::min(kPiece, n - i), best);
      if (Order::better(extreme, best)) best = extreme, piece = i;
    }
    index[r] = piece + place_of(p + piece, std::min(kPiece, n - piece), best);
  }
}

template <class Order, class T>
void arg_columns(const void* x, int64_t rows, int64_t stride, int64_t n, int64_t* index) {
  // Indices as wide as the values, so that comparing and choosing stay in the same lanes.
  using Index = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  T best[ArgFns::kMaxColumns];
  Index place[ArgFns::kMaxColumns];
  for (int64_t j = 0; j < n; ++j) best[j] = Order::template worst<T>(), place[j] = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const T* p = static_cast<const T*>(x) + r * stride;
    for (int64_t j = 0; j < n; j += kLine) prefetch_second_level(p + j + 8 * stride);
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
HWY_EXPORT(get_arg);
ArgFns find_arg(bool max, DType t) { return HWY_DYNAMIC_DISPATCH(get_arg)(max, t); }
}  // namespace tw
#endif
