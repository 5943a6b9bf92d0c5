// Conversions between all plain number types. Half and bfloat16 convert by way of float, as do all ops on them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/cast.cc"
#include "core/kernels/simd.h"

#include <complex>
#include <cstring>
#include <type_traits>

#include "core/framework/dtype.h"
#include "core/kernels/map/loops-inl.h"
#include "core/kernels/map/micro_ops.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
inline constexpr bool kIsComplex = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;
template <class T>
inline constexpr bool kIsShortFloat = std::is_same_v<T, half> || std::is_same_v<T, bfloat16>;

template <class From, class To>
HWY_INLINE To convert(From x) {
  if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr (kIsComplex<From>) {
    if constexpr (kIsComplex<To>) {
      return To(static_cast<typename To::value_type>(x.real()), static_cast<typename To::value_type>(x.imag()));
    } else {
      return convert<typename From::value_type, To>(x.real());
    }
  } else if constexpr (kIsComplex<To>) {
    return To(convert<From, typename To::value_type>(x), 0);
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4) {
    // By way of int32, like the processors' conversions; the direct form is undefined outside of the type's range.
    return static_cast<To>(static_cast<int32_t>(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_unsigned_v<To>) {
    // Negative numbers wrap around, as they do on the processors; the direct form is undefined for them.
    constexpr From kTop = static_cast<From>(uint64_t{1} << 63);
    return x < kTop ? static_cast<To>(static_cast<int64_t>(x)) : static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To>
void cast_block(const void* a, const void*, const void*, void* out, size_t n) {
  const From* x = static_cast<const From*>(a);
  To* o = static_cast<To*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) o[i] = convert<From, To>(x[i]);
}

// The types whose loop serves From -> To: of integers that become no wider only the width matters, and what goes into
// 16 bits or fewer by way of int32 gives the same bits for both signs. A bool is a byte of 0 or 1.
template <class From, class To>
struct CastOf {
  using from = From;
  using to = To;
};
template <class To>
  requires(!std::is_same_v<To, bool>)
struct CastOf<bool, To> : CastOf<uint8_t, To> {};
template <class From, class To>
  requires(std::is_integral_v<From> && !std::is_same_v<From, bool> && std::is_integral_v<To> &&
           !std::is_same_v<To, bool>)
struct CastOf<From, To> {
  using from = std::conditional_t<(sizeof(From) >= sizeof(To)), std::make_unsigned_t<From>, From>;
  using to = std::make_unsigned_t<To>;
};
template <class From, class To>
  requires(std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4 && !std::is_same_v<To, bool>)
struct CastOf<From, To> {
  using from = From;
  using to = std::make_unsigned_t<To>;
};

template <size_t kSize>
void copy_block(const void* a, const void*, const void*, void* out, size_t n) {
  if (a != out) std::memmove(out, a, n * kSize);
}

// The scalar codecs of float16.h as integer arithmetic on vectors, so that every target has them.
HWY_INLINE uint32_t widen_half(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t magnitude = h & 0x7fff;
  // A magnitude moved into a float's fields is the value scaled by 2^-112, subnormals included.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  const uint32_t finite = std::bit_cast<uint32_t>(scaled);
  const uint32_t special = 0x7f800000u | (magnitude << 13);
  return sign | (magnitude >= 0x7c00 ? special : finite);
}
HWY_INLINE uint16_t narrow_half(uint32_t x) {
  const uint32_t sign = (x >> 16) & 0x8000;
  const uint32_t m = x & 0x7fffffff;
  const uint32_t special = m > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const uint32_t small = std::bit_cast<uint32_t>(std::bit_cast<float>(m) + 0.5f) - 0x3f000000u;
  const uint32_t normal = (m + 0xc8000fffu + ((m >> 13) & 1)) >> 13;
  return static_cast<uint16_t>(sign | (m >= 0x47800000u ? special : m < 0x38800000u ? small : normal));
}
void half_to_float(const void* a, const void*, const void*, void* out, size_t n) {
  const uint16_t* x = static_cast<const uint16_t*>(a);
  uint32_t* o = static_cast<uint32_t*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) o[i] = widen_half(x[i]);
}
void float_to_half(const void* a, const void*, const void*, void* out, size_t n) {
  const uint32_t* x = static_cast<const uint32_t*>(a);
  uint16_t* o = static_cast<uint16_t*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) o[i] = narrow_half(x[i]);
}
void bfloat16_to_float(const void* a, const void*, const void*, void* out, size_t n) {
  const uint16_t* x = static_cast<const uint16_t*>(a);
  uint32_t* o = static_cast<uint32_t*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) o[i] = static_cast<uint32_t>(x[i]) << 16;
}
void float_to_bfloat16(const void* a, const void*, const void*, void* out, size_t n) {
  const uint32_t* x = static_cast<const uint32_t*>(a);
  uint16_t* o = static_cast<uint16_t*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) {
    const uint32_t v = x[i];
    const uint32_t rounded = (v + 0x7fff + ((v >> 16) & 1)) >> 16;
    o[i] = static_cast<uint16_t>((v & 0x7fffffff) > 0x7f800000 ? (v >> 16) | 0x40 : rounded);
  }
}

// Calls fn for the type of every dtype but half and bfloat16.
template <class Fn>
BlockFn visit_storage(DType t, Fn&& fn) {
  switch (t) {
    case DType::kFloat: return fn(TypeTag<float>{});
    case DType::kDouble: return fn(TypeTag<double>{});
    case DType::kInt8:
    case DType::kQint8: return fn(TypeTag<int8_t>{});
    case DType::kInt16:
    case DType::kQint16: return fn(TypeTag<int16_t>{});
    case DType::kInt32:
    case DType::kQint32: return fn(TypeTag<int32_t>{});
    case DType::kInt64: return fn(TypeTag<int64_t>{});
    case DType::kUint8:
    case DType::kQuint8: return fn(TypeTag<uint8_t>{});
    case DType::kUint16:
    case DType::kQuint16: return fn(TypeTag<uint16_t>{});
    case DType::kUint32: return fn(TypeTag<uint32_t>{});
    case DType::kUint64: return fn(TypeTag<uint64_t>{});
    case DType::kBool: return fn(TypeTag<bool>{});
    case DType::kComplex64: return fn(TypeTag<std::complex<float>>{});
    case DType::kComplex128: return fn(TypeTag<std::complex<double>>{});
    default: return nullptr;
  }
}

}  // namespace

BlockFn get_cast(DType from, DType to) {
  if (from == DType::kHalf || from == DType::kBfloat16) {
    if (to == from) return copy_block<2>;
    if (to != DType::kFloat) return nullptr;
    return from == DType::kHalf ? half_to_float : bfloat16_to_float;
  }
  if (to == DType::kHalf || to == DType::kBfloat16) {
    if (from != DType::kFloat) return nullptr;
    return to == DType::kHalf ? float_to_half : float_to_bfloat16;
  }
  return visit_storage(from, [to](auto f) -> BlockFn {
    using From = typename decltype(f)::type;
    return visit_storage(to, [](auto t) -> BlockFn {
      using To = typename decltype(t)::type;
      using F = typename CastOf<From, To>::from;
      using T = typename CastOf<From, To>::to;
      if constexpr (std::is_same_v<F, T>) return copy_block<sizeof(T)>;
      else return cast_block<F, T>;
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_cast);
BlockFn micro::find_cast(DType from, DType to) { return HWY_DYNAMIC_DISPATCH(get_cast)(from, to); }
}  // namespace tw
#endif
