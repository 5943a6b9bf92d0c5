// Comparisons, tests of floats, logic and select. Bools are bytes of 0 or 1.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/compare.cc"
#include "core/kernels/simd.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "core/kernels/element_size.h"
#include "core/kernels/map/loops-inl.h"
#include "core/kernels/map/micro_ops.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

TW_OP2(Eq, uint8_t(x == y))
TW_OP2(Ne, uint8_t(x != y))
TW_OP2(Lt, uint8_t(x < y))
TW_OP2(Le, uint8_t(x <= y))
TW_OP2(Gt, uint8_t(x > y))
TW_OP2(Ge, uint8_t(x >= y))
TW_OP1(IsNan, uint8_t(x != x))
TW_OP1(IsInf, uint8_t(std::abs(x) > std::numeric_limits<T>::max()))
TW_OP1(IsFinite, uint8_t(std::abs(x) <= std::numeric_limits<T>::max()))
TW_OP2(And, uint8_t(x& y))
TW_OP2(Or, uint8_t(x | y))
TW_OP1(Not, uint8_t(x ^ 1))

// Integers are equal when their bits are, whatever the sign means.
template <class T>
struct BitsOf {
  using type = T;
};
template <class T>
  requires std::is_integral_v<T>
struct BitsOf<T> {
  using type = std::make_unsigned_t<T>;
};

template <class T>
BlockFn compare_of(MicroOp op) {
  switch (op) {
    case MicroOp::k_eq: return block2<Eq, typename BitsOf<T>::type, uint8_t>;
    case MicroOp::k_ne: return block2<Ne, typename BitsOf<T>::type, uint8_t>;
    case MicroOp::k_lt: return block2<Lt, T, uint8_t>;
    case MicroOp::k_le: return block2<Le, T, uint8_t>;
    case MicroOp::k_gt: return block2<Gt, T, uint8_t>;
    case MicroOp::k_ge: return block2<Ge, T, uint8_t>;
    default: break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    switch (op) {
      case MicroOp::k_isnan: return block1<IsNan, T, uint8_t>;
      case MicroOp::k_isinf: return block1<IsInf, T, uint8_t>;
      case MicroOp::k_isfinite: return block1<IsFinite, T, uint8_t>;
      default: break;
    }
  }
  return nullptr;
}

BlockFn logic(MicroOp op) {
  switch (op) {
    case MicroOp::k_eq: return block2<Eq, uint8_t>;
    case MicroOp::k_ne: return block2<Ne, uint8_t>;
    case MicroOp::k_logical_and: return block2<And, uint8_t>;
    case MicroOp::k_logical_or: return block2<Or, uint8_t>;
    case MicroOp::k_logical_not: return block1<Not, uint8_t>;
    default: return nullptr;
  }
}

template <class T>
void select_block(const void* a, const void* b, const void* c, void* out, size_t n) {
  const uint8_t* condition = static_cast<const uint8_t*>(a);
  const T* x = static_cast<const T*>(b);
  const T* y = static_cast<const T*>(c);
  T* o = static_cast<T*>(out);
  TW_INDEPENDENT
  for (size_t i = 0; i < n; ++i) {
    const T u = x[i], v = y[i];
    o[i] = condition[i] ? u : v;
  }
}

}  // namespace

BlockFn get_compare(MicroOp op, DType t) {
  switch (t) {
    case DType::kFloat: return compare_of<float>(op);
    case DType::kDouble: return compare_of<double>(op);
    case DType::kInt8: return compare_of<int8_t>(op);
    case DType::kInt16: return compare_of<int16_t>(op);
    case DType::kInt32: return compare_of<int32_t>(op);
    case DType::kInt64: return compare_of<int64_t>(op);
    case DType::kUint8: return compare_of<uint8_t>(op);
    case DType::kUint16: return compare_of<uint16_t>(op);
    case DType::kUint32: return compare_of<uint32_t>(op);
    case DType::kUint64: return compare_of<uint64_t>(op);
    case DType::kBool: return logic(op);
    default: return nullptr;
  }
}

BlockFn get_select(size_t element_size) {
  switch (element_size) {
    case 1: return select_block<uint8_t>;
    case 2: return select_block<uint16_t>;
    case 4: return select_block<uint32_t>;
    case 8: return select_block<uint64_t>;
    case 16: return select_block<Wide>;
    default: return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_compare);
HWY_EXPORT(get_select);
BlockFn micro::find_compare(MicroOp op, DType t) { return HWY_DYNAMIC_DISPATCH(get_compare)(op, t); }
BlockFn micro::find_select(size_t element_size) { return HWY_DYNAMIC_DISPATCH(get_select)(element_size); }
}  // namespace tw
#endif
