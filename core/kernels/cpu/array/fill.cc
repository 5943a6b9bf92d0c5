// Fill, Empty, ZerosLike, OnesLike, OneHot, Range and LinSpace.
#include "core/kernels/move/fill.h"

#include <algorithm>
#include <cmath>

#include "core/framework/tensor_list.h"
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/move/stream_copy.h"

namespace tw {
namespace {

struct State : KernelState {
  bool dynamic = false;
  int64_t axis = -1;  // OneHot
};

constexpr int64_t kBlockBytes = 16 << 10;       // of OneHot's result that is written at once
constexpr int64_t kBytesPerThread = 128 << 10;  // about 10 us of writing

Status prepare(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<State>();
  state.dynamic = output_is_dynamic(ctx, 0);
  if (ctx.attrs().has("axis")) state.axis = ctx.attrs().integer("axis");
  return {};
}

Status run_fill(const RunContext& ctx) {
  const Value& dims = ctx.input(0);
  if (dims.shape->rank() != 1) return invalid_argument("dims must be a vector of int32, got shape ", *dims.shape);
  if (ctx.input(1).shape->rank() != 0)
    return invalid_argument("value must be a scalar, got shape ", *ctx.input(1).shape);
  TW_ASSIGN_OR_RETURN(const Shape shape, shape_from_tensor(value_view(dims)));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  fill_elements(ctx.output(0).dtype, ctx.input(1).data, to, shape.num_elements(), ctx.pool());
  return {};
}

// Memory that is never read before it is written may as well be zero.
Status run_empty(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Shape shape, shape_from_tensor(value_view(ctx.input(0))));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  fill_elements(ctx.output(0).dtype, nullptr, to, shape.num_elements(), ctx.pool());
  return {};
}

// A list of zeros of the elements' shapes; an element never set stays so.
Result<Variant> zeros_of(const Variant& v, WorkerPool& pool) {
  const auto* list = dynamic_cast<const TensorList*>(v.get());
  if (list == nullptr) return invalid_argument("ZerosLike of a variant that holds no tensor list");
  auto zeros = make_ref<TensorList>();
  zeros->dtype = list->dtype;
  zeros->element_shape = list->element_shape;
  zeros->resize(list->size());
  for (int64_t i = 0; i < list->size(); ++i) {
    if (!list->is_set(i)) continue;
    const Shape& shape = list->shape(i);
    TW_ASSIGN_OR_RETURN(void* to, zeros->place(i, shape, false));
    Tensor z;
    if (to == nullptr) {
      TW_ASSIGN_OR_RETURN(z, Tensor::make(list->dtype, shape));
      to = z.raw();
    }
    if (list->dtype == DType::kVariant) {
      for (int64_t k = 0; k < z.num_elements(); ++k) {
        TW_ASSIGN_OR_RETURN(z.data<Variant>()[k], zeros_of(static_cast<const Variant*>(list->data(i))[k], pool));
      }
    } else {
      fill_elements(list->dtype, nullptr, to, shape.num_elements(), pool);
    }
    if (z.valid()) TW_RETURN_IF_ERROR(zeros->keep(i, std::move(z)));
  }
  return Variant(zeros);
}

Status run_zeros_like(const RunContext& ctx) {
  const Value in = ctx.input(0);
  const Shape shape = *in.shape;
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  if (in.dtype != DType::kVariant) {
    fill_elements(in.dtype, nullptr, to, shape.num_elements(), ctx.pool());
    return {};
  }
  for (int64_t i = 0; i < shape.num_elements(); ++i) {
    TW_ASSIGN_OR_RETURN(Variant zeros, zeros_of(static_cast<const Variant*>(in.data)[i], ctx.pool()));
    static_cast<Variant*>(to)[i] = std::move(zeros);
  }
  return {};
}

Status run_ones_like(const RunContext& ctx) {
  const DType dtype = ctx.input(0).dtype;
  const Shape shape = *ctx.input(0).shape;
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  const bool yes = true;
  if (dtype == DType::kBool) {
    fill_elements(dtype, &yes, to, shape.num_elements(), ctx.pool());
    return {};
  }
  const bool known = visit_number(dtype, [&](auto tag) {
    const auto one = static_cast<typename decltype(tag)::type>(1.0f);
    fill_elements(dtype, &one, to, shape.num_elements(), ctx.pool());
  });
  return known ? Status() : unimplemented("OnesLike has no one of dtype ", dtype_name(dtype));
}

// `out`: where slice `begin` lies.
template <typename Index>
void set_hot(const Index* indices, int64_t begin, int64_t end, int64_t depth, int64_t inner, DType dtype,
             const void* on, void* out) {
  const size_t size = dtype_size(dtype);
  for (int64_t o = begin; o < end; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto index = static_cast<int64_t>(indices[o * inner + i]);
      if (index < 0 || index >= depth) continue;
      copy_elements(dtype, on,
                    static_cast<char*>(out) + static_cast<size_t>(((o - begin) * depth + index) * inner + i) * size, 1);
    }
  }
}

Status run_one_hot(const RunContext& ctx) {
  const Value& indices = ctx.input(0);
  const Shape& in = *indices.shape;
  const int64_t axis = ctx.state<State>().axis;
  if (axis < -1 || axis > in.rank()) {
    return invalid_argument("Expected axis to be -1 or between [0, ", in.rank() + 1, ").  But received: ", axis);
  }
  static constexpr const char* kNames[] = {"", "depth", "on_value", "off_value"};
  for (int i = 1; i < 4; ++i) {
    if (ctx.input(i).shape->rank() != 0) {
      return invalid_argument(kNames[i], " must be a scalar, but got: ", *ctx.input(i).shape);
    }
  }
  const int64_t depth = index_at(ctx.input(1));
  if (depth < 0) return invalid_argument("depth must be non-negative, got: ", depth);
  if (in.rank() == kMaxRank) return invalid_argument("OneHot would give a rank above ", kMaxRank, ": ", in);
  const int at = axis < 0 ? in.rank() : static_cast<int>(axis);
  std::array<int64_t, kMaxRank> dims;
  for (int d = 0; d <= in.rank(); ++d) dims[static_cast<size_t>(d)] = d == at ? depth : in[d < at ? d : d - 1];
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make({dims.data(), static_cast<size_t>(in.rank() + 1)}));
  const int64_t outer = in.product(0, at), inner = in.product(at, in.rank());
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  const DType dtype = ctx.output(0).dtype;
  const void* on = ctx.input(2).data;
  // A few slices at a time: filled, and set while they are in the cache. Of a result beyond the caches each block is
  // made in one place that stays there, and streamed.
  const auto slice = static_cast<int64_t>(dtype_size(dtype)) * depth * inner;
  if (slice == 0) return {};
  const int64_t block = std::max<int64_t>(1, kBlockBytes / slice);
  const bool streams = is_plain(dtype) && slice <= kBlockBytes && outer > kStreamBytes / slice;
  ctx.pool().parallel_for(outer, std::max<int64_t>(1, kBytesPerThread / slice), [&](int64_t begin, int64_t end) {
    alignas(kLineBytes) char made[kBlockBytes];
    for (int64_t o = begin; o < end; o += block) {
      const int64_t last = std::min(end, o + block), bytes = (last - o) * slice;
      char* const result = static_cast<char*>(to) + o * slice;
      char* const at = streams ? made : result;
      fill_elements(dtype, ctx.input(3).data, at, (last - o) * depth * inner);
      if (indices.dtype == DType::kUint8) set_hot(ctx.in<uint8_t>(0), o, last, depth, inner, dtype, on, at);
      if (indices.dtype == DType::kInt32) set_hot(ctx.in<int32_t>(0), o, last, depth, inner, dtype, on, at);
      if (indices.dtype == DType::kInt64) set_hot(ctx.in<int64_t>(0), o, last, depth, inner, dtype, on, at);
      if (streams) stream_copy(made, result, static_cast<size_t>(bytes));
    }
    if (streams) stream_fence();
  });
  return {};
}

template <typename T>
Status range(const RunContext& ctx) {
  // Compared as the type that bfloat16 computes in.
  using Wide = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;
  const Wide start = *ctx.in<T>(0), limit = *ctx.in<T>(1), delta = *ctx.in<T>(2);
  if (delta == 0) return invalid_argument("Requires delta != 0: ", delta);
  if (delta > 0 && start > limit) {
    return invalid_argument("Requires start <= limit when delta > 0: ", start, "/", limit);
  }
  if (delta < 0 && start < limit) {
    return invalid_argument("Requires start >= limit when delta < 0: ", start, "/", limit);
  }
  int64_t n;
  if constexpr (std::is_integral_v<T>) {
    const uint64_t span = delta > 0 ? static_cast<uint64_t>(limit) - static_cast<uint64_t>(start)
                                    : static_cast<uint64_t>(start) - static_cast<uint64_t>(limit);
    const uint64_t step = delta > 0 ? static_cast<uint64_t>(delta) : uint64_t{0} - static_cast<uint64_t>(delta);
    n = static_cast<int64_t>(span / step + (span % step != 0 ? 1 : 0));
  } else {
    const double steps = std::ceil(std::abs((limit - start) / delta));
    if (!(steps < 0x1p62))
      return invalid_argument("Requires a finite number of steps: ", start, "/", limit, "/", delta);
    n = static_cast<int64_t>(steps);
  }
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, Shape{n}, ctx.state<State>().dynamic));
  T* out = static_cast<T*>(to);
  // Added up step by step, as TensorFlow does, so that floats round alike.
  T value = static_cast<T>(start);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = value;
    if (i + 1 < n) value = static_cast<T>(value + delta);
  }
  return {};
}

Status run_range(const RunContext& ctx) {
  static constexpr const char* kNames[] = {"start", "limit", "delta"};
  for (int i = 0; i < 3; ++i) {
    if (ctx.input(i).shape->num_elements() != 1) {
      return invalid_argument(kNames[i], " must be a scalar, not shape ", *ctx.input(i).shape);
    }
  }
  switch (ctx.input(0).dtype) {
    case DType::kFloat: return range<float>(ctx);
    case DType::kDouble: return range<double>(ctx);
    case DType::kBfloat16: return range<bfloat16>(ctx);
    case DType::kInt32: return range<int32_t>(ctx);
    case DType::kInt64: return range<int64_t>(ctx);
    default: return unimplemented("Range of dtype ", dtype_name(ctx.input(0).dtype));
  }
}

template <typename T>
Status lin_space(const RunContext& ctx, int64_t n) {
  const T start = *ctx.in<T>(0), stop = *ctx.in<T>(1);
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, Shape{n}, ctx.state<State>().dynamic));
  T* out = static_cast<T*>(to);
  out[0] = start;
  if (n == 1) return {};
  const T step = static_cast<T>(static_cast<T>(stop - start) / static_cast<T>(static_cast<float>(n - 1)));
  for (int64_t i = 1; i < n; ++i)
    out[i] = static_cast<T>(start + static_cast<T>(step * static_cast<T>(static_cast<float>(i))));
  return {};
}

Status run_lin_space(const RunContext& ctx) {
  static constexpr const char* kNames[] = {"start", "stop", "num"};
  for (int i = 0; i < 3; ++i) {
    if (ctx.input(i).shape->num_elements() != 1) {
      return invalid_argument(kNames[i], " must be a scalar, not shape ", *ctx.input(i).shape);
    }
  }
  const int64_t n = index_at(ctx.input(2));
  if (n <= 0) return invalid_argument("Requires num > 0: ", n);
  switch (ctx.input(0).dtype) {
    case DType::kFloat: return lin_space<float>(ctx, n);
    case DType::kDouble: return lin_space<double>(ctx, n);
    case DType::kBfloat16: return lin_space<bfloat16>(ctx, n);
    default: return unimplemented("LinSpace of dtype ", dtype_name(ctx.input(0).dtype));
  }
}

}  // namespace

TW_KERNEL(Fill, prepare, run_fill);
TW_KERNEL(Empty, prepare, run_empty);
TW_KERNEL(ZerosLike, prepare, run_zeros_like);
TW_KERNEL(OnesLike, prepare, run_ones_like);
TW_KERNEL(OneHot, prepare, run_one_hot);
TW_KERNEL(Range, prepare, run_range);
TW_KERNEL(LinSpace, prepare, run_lin_space);

}  // namespace tw
