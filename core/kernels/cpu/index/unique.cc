// Unique, UniqueWithCounts and ListDiff.
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct State : KernelState {
  bool narrow = true;  // indices of int32
};

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<State>().narrow = ctx.output_dtype(1) == DType::kInt32;
  return {};
}

// The value that elements are told apart by: equal ones have equal keys.
template <typename T>
auto key_of(const T& v) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string_view(v);
  } else if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>) {
    return static_cast<float>(v);
  } else {
    return v;
  }
}

template <typename K>
struct KeyHash {
  size_t operator()(const K& k) const { return std::hash<K>()(k); }
};
template <typename F>
struct KeyHash<std::complex<F>> {
  size_t operator()(const std::complex<F>& k) const { return std::hash<F>()(k.real()) * 31 + std::hash<F>()(k.imag()); }
};

// Calls fn for the type to compare as: only the width of an integer matters.
template <typename Fn>
Status visit_comparable(DType dtype, const char* op, const Fn& fn) {
  switch (dtype) {
    case DType::kBool:
    case DType::kInt8:
    case DType::kUint8: return fn(TypeTag<uint8_t>{});
    case DType::kInt16:
    case DType::kUint16: return fn(TypeTag<uint16_t>{});
    case DType::kInt32:
    case DType::kUint32: return fn(TypeTag<uint32_t>{});
    case DType::kInt64:
    case DType::kUint64: return fn(TypeTag<uint64_t>{});
    case DType::kHalf: return fn(TypeTag<half>{});
    case DType::kBfloat16: return fn(TypeTag<bfloat16>{});
    case DType::kFloat: return fn(TypeTag<float>{});
    case DType::kDouble: return fn(TypeTag<double>{});
    case DType::kComplex64: return fn(TypeTag<std::complex<float>>{});
    case DType::kComplex128: return fn(TypeTag<std::complex<double>>{});
    case DType::kString: return fn(TypeTag<std::string>{});
    default: return unimplemented(op, " has no kernel for elements of dtype ", dtype_name(dtype));
  }
}

void store(void* to, bool narrow, int64_t i, int64_t value) {
  if (narrow) static_cast<int32_t*>(to)[i] = static_cast<int32_t>(value);
  if (!narrow) static_cast<int64_t*>(to)[i] = value;
}

// Values in the order of their first appearance. With float elements each NaN is unlike all others.
Status run_unique(const RunContext& ctx) {
  const Value in = ctx.input(0);
  if (in.shape->rank() != 1) return invalid_argument("unique expects a 1D vector.");
  const int64_t n = in.shape->num_elements();
  const bool narrow = ctx.state<State>().narrow;
  TW_ASSIGN_OR_RETURN(void* const idx, ctx.allocate_output(1, Shape{n}));
  return visit_comparable(in.dtype, "Unique", [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using Key = decltype(key_of(T{}));
    const T* x = static_cast<const T*>(in.data);
    std::unordered_map<Key, int64_t, KeyHash<Key>> seen;
    seen.reserve(static_cast<size_t>(2 * n));
    std::vector<int64_t> first, counts;
    for (int64_t i = 0; i < n; ++i) {
      const auto [it, fresh] = seen.emplace(key_of(x[i]), static_cast<int64_t>(first.size()));
      if (fresh) {
        first.push_back(i);
        counts.push_back(0);
      }
      ++counts[static_cast<size_t>(it->second)];
      store(idx, narrow, i, it->second);
    }
    const auto kept = static_cast<int64_t>(first.size());
    TW_ASSIGN_OR_RETURN(void* const y, ctx.allocate_output(0, Shape{kept}));
    for (int64_t i = 0; i < kept; ++i) static_cast<T*>(y)[i] = x[first[static_cast<size_t>(i)]];
    if (ctx.num_outputs() < 3) return {};
    TW_ASSIGN_OR_RETURN(void* const c, ctx.allocate_output(2, Shape{kept}));
    for (int64_t i = 0; i < kept; ++i) store(c, narrow, i, counts[static_cast<size_t>(i)]);
    return {};
  });
}

// UniqueV2: along an axis, whole slices are told apart. Without an axis it is Unique.
Status run_unique_slices(const RunContext& ctx) {
  const Value in = ctx.input(0), axes = ctx.input(1);
  const Shape& shape = *in.shape;
  if (axes.shape->rank() != 1) return invalid_argument("axis expects a 1D vector.");
  if (axes.shape->num_elements() > 1) {
    return invalid_argument("axis does not support input tensors larger than 1 elements");
  }
  if (axes.shape->num_elements() == 0) return run_unique(ctx);
  const int rank = shape.rank();
  const int64_t given = index_at(axes), at = given < 0 ? given + rank : given;
  if (at < 0 || at >= rank) {
    return invalid_argument("axis has to be between 0 and ", rank, ", but is ", given);
  }
  const int axis = static_cast<int>(at);
  const int64_t n = shape[axis], inner = shape.product(axis + 1, rank), outer = shape.product(0, axis);
  const bool narrow = ctx.state<State>().narrow;
  TW_ASSIGN_OR_RETURN(void* const idx, ctx.allocate_output(1, Shape{n}));
  return visit_comparable(in.dtype, "UniqueV2", [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const T* x = static_cast<const T*>(in.data);
    const auto element = [&](int64_t slice, int64_t i) -> const T& {
      return x[(i / inner * n + slice) * inner + i % inner];
    };
    const auto hash = [&](int64_t slice) {
      size_t h = 0;
      for (int64_t i = 0; i < outer * inner; ++i) {
        h = h * 1000003 ^ KeyHash<decltype(key_of(T{}))>()(key_of(element(slice, i)));
      }
      return h;
    };
    const auto equal = [&](int64_t a, int64_t b) {
      for (int64_t i = 0; i < outer * inner; ++i) {
        if (!(key_of(element(a, i)) == key_of(element(b, i)))) return false;
      }
      return true;
    };
    std::unordered_map<int64_t, int64_t, decltype(hash), decltype(equal)> seen(static_cast<size_t>(2 * n + 1), hash,
                                                                               equal);
    std::vector<int64_t> first, counts;
    for (int64_t i = 0; i < n; ++i) {
      const auto [it, fresh] = seen.emplace(i, static_cast<int64_t>(first.size()));
      if (fresh) {
        first.push_back(i);
        counts.push_back(0);
      }
      ++counts[static_cast<size_t>(it->second)];
      store(idx, narrow, i, it->second);
    }
    const auto kept = static_cast<int64_t>(first.size());
    Shape out = shape;
    out.set_dim(axis, kept);
    TW_ASSIGN_OR_RETURN(void* const y, ctx.allocate_output(0, out));
    for (int64_t k = 0; k < kept; ++k) {
      for (int64_t i = 0; i < outer * inner; ++i) {
        static_cast<T*>(y)[(i / inner * kept + k) * inner + i % inner] = element(first[static_cast<size_t>(k)], i);
      }
    }
    if (ctx.num_outputs() < 3) return {};
    TW_ASSIGN_OR_RETURN(void* const c, ctx.allocate_output(2, Shape{kept}));
    for (int64_t i = 0; i < kept; ++i) store(c, narrow, i, counts[static_cast<size_t>(i)]);
    return {};
  });
}

// The elements of x that are not in y, duplicates kept, and where they were.
Status run_list_diff(const RunContext& ctx) {
  const Value in = ctx.input(0), without = ctx.input(1);
  if (in.shape->rank() != 1) return invalid_argument("x should be a 1D vector.");
  if (without.shape->rank() != 1) return invalid_argument("y should be a 1D vector.");
  return visit_comparable(in.dtype, "ListDiff", [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using Key = decltype(key_of(T{}));
    const T* x = static_cast<const T*>(in.data);
    const T* y = static_cast<const T*>(without.data);
    std::unordered_set<Key, KeyHash<Key>> gone;
    for (int64_t i = 0; i < without.shape->num_elements(); ++i) gone.insert(key_of(y[i]));
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < in.shape->num_elements(); ++i) {
      if (gone.find(key_of(x[i])) == gone.end()) kept.push_back(i);
    }
    const Shape shape{static_cast<int64_t>(kept.size())};
    TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, shape));
    TW_ASSIGN_OR_RETURN(void* const idx, ctx.allocate_output(1, shape));
    for (size_t i = 0; i < kept.size(); ++i) {
      static_cast<T*>(out)[i] = x[kept[i]];
      store(idx, ctx.state<State>().narrow, static_cast<int64_t>(i), kept[i]);
    }
    return {};
  });
}

}  // namespace

TW_KERNEL(Unique, prepare, run_unique);
TW_KERNEL(UniqueWithCounts, prepare, run_unique);
TW_KERNEL(UniqueV2, prepare, run_unique_slices);
TW_KERNEL(ListDiff, prepare, run_list_diff);

}  // namespace tw
