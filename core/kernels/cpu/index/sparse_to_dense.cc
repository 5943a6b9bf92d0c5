// SparseToDense.
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/move/fill.h"

namespace tw {
namespace {

struct State : KernelState {
  bool dynamic = false, validate = true;
};

Status prepare(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<State>();
  state.dynamic = output_is_dynamic(ctx, 0);
  state.validate = ctx.attrs().boolean("validate_indices");
  return {};
}

Status run(const RunContext& ctx) {
  const auto& state = ctx.state<State>();
  const Value indices = ctx.input(0), sparse_values = ctx.input(2), default_value = ctx.input(3);
  const Shape& is = *indices.shape;
  if (is.rank() > 2) {
    return invalid_argument("sparse_indices should be a scalar, vector, or matrix, got shape ", is);
  }
  const int64_t count = is.rank() > 0 ? is[0] : 1, depth = is.rank() > 1 ? is[1] : 1;
  const Shape& os = *ctx.input(1).shape;
  if (os.rank() != 1) return invalid_argument("output_shape should be a vector, got shape ", os);
  if (os[0] != depth) {
    return invalid_argument("output_shape has incorrect number of elements: ", os[0], " should be: ", depth);
  }
  TW_ASSIGN_OR_RETURN(const Shape shape, shape_from_tensor(value_view(ctx.input(1))));
  const Shape& vs = *sparse_values.shape;
  if (vs.rank() != 0 && vs != Shape{count}) {
    return invalid_argument("sparse_values has incorrect shape ", vs, ", should be [] or [", count, "]");
  }
  if (default_value.shape->rank() != 0) return invalid_argument("default_value should be a scalar.");

  const auto coordinates = [&](int64_t i) {
    std::string text = "[";
    for (int64_t d = 0; d < depth; ++d) text += (d == 0 ? "" : ",") + std::to_string(index_at(indices, i * depth + d));
    return text + "]";
  };
  int64_t last = -1;
  const auto offset = [&](int64_t i) {
    int64_t at = 0;
    for (int64_t d = 0; d < depth; ++d) {
      const int64_t x = index_at(indices, i * depth + d), size = shape[static_cast<int>(d)];
      if (x < 0 || x >= size) return int64_t{-1};
      at = at * size + x;
    }
    return at;
  };
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = offset(i);
    if (!state.validate) {
      if (at < 0) return invalid_argument("Indices are not valid (out of bounds).  Shape: ", shape);
      continue;
    }
    if (at < 0) {
      return invalid_argument("indices[", i, "] = ", coordinates(i), " is out of bounds: need 0 <= index < ", shape);
    }
    if (at == last) return invalid_argument("indices[", i, "] = ", coordinates(i), " is repeated");
    if (at < last) {
      return invalid_argument("indices[", i, "] = ", coordinates(i),
                              " is out of order. Many sparse ops require sorted indices.");
    }
    last = at;
  }
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, state.dynamic));
  const DType dtype = default_value.dtype;
  fill_elements(dtype, default_value.data, to, shape.num_elements(), ctx.pool());
  const size_t size = dtype_size(dtype);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = vs.rank() == 0 ? 0 : i;
    copy_elements(dtype, static_cast<const char*>(sparse_values.data) + static_cast<size_t>(from) * size,
                  static_cast<char*>(to) + static_cast<size_t>(offset(i)) * size, 1);
  }
  return {};
}

}  // namespace

TW_KERNEL(SparseToDense, prepare, run);

}  // namespace tw
