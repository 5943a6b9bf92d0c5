// Element types. Numbers equal TensorFlow's DataType, so that they can cross the wire unchanged.
#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/framework/float16.h"

namespace tw {

enum class DType : uint8_t {
  kInvalid = 0,
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kString = 7,
  kComplex64 = 8,
  kInt64 = 9,
  kBool = 10,
  kQint8 = 11,
  kQuint8 = 12,
  kQint32 = 13,
  kBfloat16 = 14,
  kQint16 = 15,
  kQuint16 = 16,
  kUint16 = 17,
  kComplex128 = 18,
  kHalf = 19,
  kResource = 20,
  kVariant = 21,
  kUint32 = 22,
  kUint64 = 23,
  // A reference to a variable's storage has its base type's number plus 100.
};

inline constexpr int kRefOffset = 100;
constexpr bool is_ref(DType t) { return static_cast<int>(t) > kRefOffset; }
constexpr DType base_dtype(DType t) { return is_ref(t) ? static_cast<DType>(static_cast<int>(t) - kRefOffset) : t; }
constexpr DType ref_dtype(DType t) { return is_ref(t) ? t : static_cast<DType>(static_cast<int>(t) + kRefOffset); }

// Bytes per element in a tensor's buffer; for string, resource and variant the size of the C++ object held there.
size_t dtype_size(DType t);
// TF's lower-case name ("float", "int32", "half", "float_ref"); "invalid" for numbers that name no type.
std::string_view dtype_name(DType t);
// numpy-like ("float32", "float64_ref"), as TF's Python messages say it.
std::string_view dtype_python_name(DType t);
// The inverse; also takes numpy-like spellings ("float32", "float64", "float16"). kInvalid when unknown.
DType dtype_from_name(std::string_view name);
bool dtype_valid(int number);

constexpr bool is_floating(DType t) {
  return t == DType::kFloat || t == DType::kDouble || t == DType::kHalf || t == DType::kBfloat16;
}
constexpr bool is_complex(DType t) { return t == DType::kComplex64 || t == DType::kComplex128; }
constexpr bool is_integer(DType t) {
  switch (t) {
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64:
    case DType::kUint8:
    case DType::kUint16:
    case DType::kUint32:
    case DType::kUint64: return true;
    default: return false;
  }
}
// Types whose elements can be copied with memcpy.
constexpr bool is_plain(DType t) {
  return t != DType::kString && t != DType::kResource && t != DType::kVariant && t != DType::kInvalid;
}

// dtype_of<T>: the DType of a C++ element type.
template <typename T>
inline constexpr DType dtype_of = DType::kInvalid;
template <>
inline constexpr DType dtype_of<float> = DType::kFloat;
template <>
inline constexpr DType dtype_of<double> = DType::kDouble;
template <>
inline constexpr DType dtype_of<int8_t> = DType::kInt8;
template <>
inline constexpr DType dtype_of<int16_t> = DType::kInt16;
template <>
inline constexpr DType dtype_of<int32_t> = DType::kInt32;
template <>
inline constexpr DType dtype_of<int64_t> = DType::kInt64;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::kUint8;
template <>
inline constexpr DType dtype_of<uint16_t> = DType::kUint16;
template <>
inline constexpr DType dtype_of<uint32_t> = DType::kUint32;
template <>
inline constexpr DType dtype_of<uint64_t> = DType::kUint64;
template <>
inline constexpr DType dtype_of<bool> = DType::kBool;
template <>
inline constexpr DType dtype_of<half> = DType::kHalf;
template <>
inline constexpr DType dtype_of<bfloat16> = DType::kBfloat16;
template <>
inline constexpr DType dtype_of<std::complex<float>> = DType::kComplex64;
template <>
inline constexpr DType dtype_of<std::complex<double>> = DType::kComplex128;
template <>
inline constexpr DType dtype_of<std::string> = DType::kString;

template <typename T>
struct TypeTag {
  using type = T;
};

// Calls fn(TypeTag<T>{}) for the C++ type of a real numeric dtype (bool not included); returns false for others.
template <typename Fn>
bool visit_real(DType t, Fn&& fn) {
  switch (t) {
    case DType::kFloat: fn(TypeTag<float>{}); return true;
    case DType::kDouble: fn(TypeTag<double>{}); return true;
    case DType::kHalf: fn(TypeTag<half>{}); return true;
    case DType::kBfloat16: fn(TypeTag<bfloat16>{}); return true;
    case DType::kInt8: fn(TypeTag<int8_t>{}); return true;
    case DType::kInt16: fn(TypeTag<int16_t>{}); return true;
    case DType::kInt32: fn(TypeTag<int32_t>{}); return true;
    case DType::kInt64: fn(TypeTag<int64_t>{}); return true;
    case DType::kUint8: fn(TypeTag<uint8_t>{}); return true;
    case DType::kUint16: fn(TypeTag<uint16_t>{}); return true;
    case DType::kUint32: fn(TypeTag<uint32_t>{}); return true;
    case DType::kUint64: fn(TypeTag<uint64_t>{}); return true;
    default: return false;
  }
}
// As visit_real, with complex types too.
template <typename Fn>
bool visit_number(DType t, Fn&& fn) {
  if (t == DType::kComplex64) return fn(TypeTag<std::complex<float>>{}), true;
  if (t == DType::kComplex128) return fn(TypeTag<std::complex<double>>{}), true;
  return visit_real(t, fn);
}
template <typename Fn>
bool visit_floating(DType t, Fn&& fn) {
  switch (t) {
    case DType::kFloat: fn(TypeTag<float>{}); return true;
    case DType::kDouble: fn(TypeTag<double>{}); return true;
    case DType::kHalf: fn(TypeTag<half>{}); return true;
    case DType::kBfloat16: fn(TypeTag<bfloat16>{}); return true;
    default: return false;
  }
}
// int32 and int64, the types of indices.
template <typename Fn>
bool visit_index(DType t, Fn&& fn) {
  if (t == DType::kInt32) return fn(TypeTag<int32_t>{}), true;
  if (t == DType::kInt64) return fn(TypeTag<int64_t>{}), true;
  return false;
}

}  // namespace tw
