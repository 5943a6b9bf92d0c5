// Select: elements of one of two tensors, by a condition of their shape, of their first dimension, or a scalar.
#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct State : KernelState {
  bool dynamic = false;
};

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<State>().dynamic = output_is_dynamic(ctx, 0);
  if (ctx.input_shape(0) == ctx.input_shape(1)) {
    ctx.allow_in_place(1, 0);
    ctx.allow_in_place(2, 0);
  }
  return {};
}

// Branch-free, so that the compiler blends vectors.
template <typename T>
void blend(const bool* c, const void* t, const void* e, void* out, int64_t begin, int64_t end) {
  const T* a = static_cast<const T*>(t);
  const T* b = static_cast<const T*>(e);
  T* to = static_cast<T*>(out);
  for (int64_t i = begin; i < end; ++i) {
    const T x = a[i], y = b[i];
    to[i] = c[i] ? x : y;
  }
}

Status run(const RunContext& ctx) {
  const Value cond = ctx.input(0), then_value = ctx.input(1), else_value = ctx.input(2);
  const Shape shape = *then_value.shape;
  const Shape& cs = *cond.shape;
  if (shape != *else_value.shape) {
    return invalid_argument("Dimensions of inputs should match: then is ", shape, " and else is ", *else_value.shape);
  }
  const bool rows = cs.rank() == 1 && shape.rank() >= 1 && cs != shape;
  if (rows && cs[0] != shape[0]) {
    return invalid_argument("Number of batches of 'then' must match size of 'cond', but saw: ", shape[0], " vs. ",
                            cs[0]);
  }
  if (!rows && cs.rank() != 0 && cs != shape) {
    return invalid_argument("'cond' must be a scalar, a vector of the first dimension or of the shape of 'then' ",
                            shape, ", but saw shape: ", cs);
  }
  const DType dtype = then_value.dtype;
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  const bool* c = static_cast<const bool*>(cond.data);
  const int64_t n = shape.num_elements();
  if (!rows && cs.rank() != 0 && is_plain(dtype) && size <= 8) {
    ctx.pool().parallel_for(n, grain_for_ns(0.5), [&](int64_t begin, int64_t end) {
      const void *t = then_value.data, *e = else_value.data;
      if (size == 1) blend<uint8_t>(c, t, e, to, begin, end);
      if (size == 2) blend<uint16_t>(c, t, e, to, begin, end);
      if (size == 4) blend<uint32_t>(c, t, e, to, begin, end);
      if (size == 8) blend<uint64_t>(c, t, e, to, begin, end);
    });
    return {};
  }
  // A scalar condition takes all as one row, a full one takes each element as a row.
  const int64_t row = cs.rank() == 0 ? n : rows ? shape.product(1, shape.rank()) : 1;
  for (int64_t i = 0; i * row < n; ++i) {
    const void* from = c[cs.rank() == 0 ? 0 : i] ? then_value.data : else_value.data;
    const char* source = static_cast<const char*>(from) + i * row * size;
    char* dest = static_cast<char*>(to) + i * row * size;
    if (source != dest) copy_elements(dtype, source, dest, row);
  }
  return {};
}

}  // namespace

TW_KERNEL(Select, prepare, run);

}  // namespace tw
