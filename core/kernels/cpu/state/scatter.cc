// Scatter updates of variables: rows by index (ResourceScatterAdd, ...) and slices by coordinates
// (ResourceScatterNdAdd,
// ...). All indices are checked before the first write, so that a failed step changes nothing; updates of equal index
// apply one after another in the order given.
#include <complex>
#include <cstring>
#include <limits>

#include "core/kernels/cpu/state/variable_access.h"
#include "core/kernels/prefetch.h"

namespace tw {
namespace {

enum class Scatter { kUpdate, kAdd, kSub, kMul, kDiv, kMin, kMax };

template <Scatter kOp, typename T>
T combine(T a, T b) {
  if constexpr (kOp == Scatter::kAdd) return static_cast<T>(a + b);
  if constexpr (kOp == Scatter::kSub) return static_cast<T>(a - b);
  if constexpr (kOp == Scatter::kMul) return static_cast<T>(a * b);
  if constexpr (kOp == Scatter::kDiv) return static_cast<T>(a / b);
  if constexpr (kOp == Scatter::kMin) return b < a ? b : a;
  if constexpr (kOp == Scatter::kMax) return a < b ? b : a;
  return b;
}

// Applies `count` updates to `to`; a step of 0 repeats one update.
using RowFn = void (*)(void* to, const void* from, int64_t count, int64_t from_step);

template <Scatter kOp, typename T>
void combine_row(void* to, const void* from, int64_t count, int64_t from_step) {
  T* a = static_cast<T*>(to);
  const T* b = static_cast<const T*>(from);
  for (int64_t i = 0; i < count; ++i) a[i] = combine<kOp, T>(a[i], b[i * from_step]);
}

template <Scatter kOp>
RowFn row_function(DType dtype) {
  RowFn fn = nullptr;
  if constexpr (kOp == Scatter::kMin || kOp == Scatter::kMax) {
    visit_real(dtype, [&](auto tag) { fn = combine_row<kOp, typename decltype(tag)::type>; });
  } else if constexpr (kOp != Scatter::kUpdate) {
    visit_number(dtype, [&](auto tag) { fn = combine_row<kOp, typename decltype(tag)::type>; });
    if constexpr (kOp == Scatter::kAdd || kOp == Scatter::kSub) {
      if (dtype == DType::kBool) fn = combine_row<kOp, bool>;  // or, and "differ"
    }
  }
  return fn;
}

struct ScatterState : KernelState {
  Scatter op = Scatter::kUpdate;
  DType dtype = DType::kInvalid;
  DType index_dtype = DType::kInvalid;
  RowFn row = nullptr;  // null for kUpdate, which copies
};

template <Scatter kOp>
Status prepare_scatter(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<ScatterState>();
  state.op = kOp;
  state.dtype = ctx.input_dtype(2);
  state.index_dtype = ctx.input_dtype(1);
  state.row = row_function<kOp>(state.dtype);
  if (!state.row && kOp != Scatter::kUpdate) {
    return unimplemented(ctx.op().name, " does not take variables of dtype ", dtype_name(state.dtype));
  }
  return {};
}

// Of integers; dividing floats by zero is defined.
bool has_zero(const Value& v) {
  bool zero = false;
  visit_real(v.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const T* data = static_cast<const T*>(v.data);
      zero = std::find(data, data + v.shape->num_elements(), T{}) != data + v.shape->num_elements();
    }
  });
  return zero;
}

int64_t index_at(const Value& v, int64_t i) {
  return v.dtype == DType::kInt32 ? static_cast<const int32_t*>(v.data)[i] : static_cast<const int64_t*>(v.data)[i];
}

// Where flat position `i` lies in a tensor of that shape: "[1,2]"; nothing for a scalar.
std::string position(const Shape& shape, int64_t i) {
  if (shape.rank() == 0) return {};
  std::string text = "]";
  for (int d = shape.rank(); d-- > 0;) {
    text = (d > 0 ? "," : "[") + std::to_string(i % shape[d]) + text;
    i /= shape[d];
  }
  return text;
}

// One update of `row` elements at element `offset` of the variable.
void apply_row(const ScatterState& state, const Tensor& to, int64_t offset, const Value& updates, int64_t from,
               int64_t row, bool scalar) {
  const size_t size = dtype_size(state.dtype);
  char* target = static_cast<char*>(to.raw()) + static_cast<size_t>(offset) * size;
  const char* source = static_cast<const char*>(updates.data) + static_cast<size_t>(scalar ? 0 : from) * size;
  if (state.row) {
    state.row(target, source, row, scalar ? 0 : 1);
  } else if (scalar) {
    for (int64_t i = 0; i < row; ++i) copy_elements(state.dtype, source, target + static_cast<size_t>(i) * size, 1);
  } else {
    copy_elements(state.dtype, source, target, row);
  }
}

Status run_scatter(const RunContext& ctx) {
  const auto& state = ctx.state<ScatterState>();
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, state.dtype));
  const Value& indices = ctx.input(1);
  const Value& updates = ctx.input(2);
  std::lock_guard lock(variable->mutex());
  TW_ASSIGN_OR_RETURN(Tensor * params, variable->writable_locked());
  const Shape& shape = params->shape();
  if (shape.rank() < 1) return invalid_argument("params must be at least 1-D, got shape ", shape);

  bool fits = updates.shape->rank() == indices.shape->rank() + shape.rank() - 1;
  for (int i = 0; fits && i < updates.shape->rank(); ++i) {
    const int k = i - indices.shape->rank();
    fits = (*updates.shape)[i] == (k < 0 ? (*indices.shape)[i] : shape[k + 1]);
  }
  const bool scalar = updates.shape->rank() == 0;
  if (!fits && !scalar) {
    return invalid_argument("Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got ",
                            "updates.shape ", *updates.shape, ", indices.shape ", *indices.shape, ", params.shape ",
                            shape);
  }
  const int64_t count = indices.shape->num_elements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = index_at(indices, i);
    if (index < 0 || index >= shape[0]) {
      return invalid_argument("indices", position(*indices.shape, i), " = ", index, " is not in [0, ", shape[0], ")");
    }
  }
  if (state.op == Scatter::kDiv && has_zero(updates)) return invalid_argument("Integer division by zero");
  const int64_t row = shape.product(1, shape.rank());
  const auto row_bytes = static_cast<size_t>(row) * dtype_size(state.dtype);
  for (int64_t i = 0; i < count; ++i) {
    if (i + kRowsAhead < count) {
      prefetch_indexed_row(params->data<char>() + static_cast<size_t>(index_at(indices, i + kRowsAhead)) * row_bytes,
                           row_bytes);
    }
    apply_row(state, *params, index_at(indices, i) * row, updates, i * row, row, scalar);
  }
  return {};
}

Status run_scatter_nd(const RunContext& ctx) {
  const auto& state = ctx.state<ScatterState>();
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, state.dtype));
  const Value& indices = ctx.input(1);
  const Value& updates = ctx.input(2);
  std::lock_guard lock(variable->mutex());
  TW_ASSIGN_OR_RETURN(Tensor * params, variable->writable_locked());
  const Shape& shape = params->shape();
  if (shape.rank() < 1) return invalid_argument("Output must be at least 1-D, got shape: ", shape);

  // A vector of indices is a list of coordinates of length one.
  const int batch_dims = indices.shape->rank() > 1 ? indices.shape->rank() - 1 : indices.shape->rank();
  const int64_t depth = indices.shape->rank() > 1 ? (*indices.shape)[batch_dims] : 1;
  bool fits = depth <= shape.rank() && updates.shape->rank() == batch_dims + shape.rank() - static_cast<int>(depth);
  for (int i = 0; fits && i < updates.shape->rank(); ++i) {
    fits =
        (*updates.shape)[i] == (i < batch_dims ? (*indices.shape)[i] : shape[i - batch_dims + static_cast<int>(depth)]);
  }
  if (!fits) {
    for (int d = 0; d < std::min(batch_dims, updates.shape->rank()); ++d) {
      if ((*updates.shape)[d] == (*indices.shape)[d]) continue;
      return invalid_argument("The outermost dimension of updates and indices must match. Got indices.shape ",
                              *indices.shape, ", updates.shape ", *updates.shape);
    }
    return invalid_argument("Must have updates.shape = indices.shape[:batch_dim] + params_shape[slice_dim:], got ",
                            "updates.shape: ", *updates.shape, ", indices.shape: ", *indices.shape,
                            ", params_shape: ", shape, ", slice_dim: ", depth, ", and batch_dim: ", batch_dims);
  }
  const int slice_dims = static_cast<int>(depth);
  const int64_t row = shape.product(slice_dims, shape.rank());
  const int64_t count = indices.shape->product(0, batch_dims);
  // The offset of slice i, or -1 when a coordinate is out of range.
  const auto offset_of = [&](int64_t i) {
    int64_t offset = 0;
    for (int d = 0; d < slice_dims; ++d) {
      const int64_t index = index_at(indices, i * depth + d);
      if (index < 0 || index >= shape[d]) return int64_t{-1};
      offset = offset * shape[d] + index;
    }
    return offset * row;
  };
  for (int64_t i = 0; i < count; ++i) {
    if (offset_of(i) >= 0) continue;
    std::string coordinates;
    for (int d = 0; d < slice_dims; ++d) {
      coordinates += (d > 0 ? ", " : "") + std::to_string(index_at(indices, i * depth + d));
    }
    const Shape outer(indices.shape->dims().first(static_cast<size_t>(batch_dims)));
    return invalid_argument("indices", position(outer, i), " = [", coordinates, "] does not index into shape ", shape);
  }
  for (int64_t i = 0; i < count; ++i) apply_row(state, *params, offset_of(i), updates, i * row, row, false);
  return {};
}

}  // namespace

TW_KERNEL(ResourceScatterUpdate, prepare_scatter<Scatter::kUpdate>, run_scatter);
TW_KERNEL(ResourceScatterAdd, prepare_scatter<Scatter::kAdd>, run_scatter);
TW_KERNEL(ResourceScatterSub, prepare_scatter<Scatter::kSub>, run_scatter);
TW_KERNEL(ResourceScatterMul, prepare_scatter<Scatter::kMul>, run_scatter);
TW_KERNEL(ResourceScatterDiv, prepare_scatter<Scatter::kDiv>, run_scatter);
TW_KERNEL(ResourceScatterMin, prepare_scatter<Scatter::kMin>, run_scatter);
TW_KERNEL(ResourceScatterMax, prepare_scatter<Scatter::kMax>, run_scatter);
TW_KERNEL(ResourceScatterNdUpdate, prepare_scatter<Scatter::kUpdate>, run_scatter_nd);
TW_KERNEL(ResourceScatterNdAdd, prepare_scatter<Scatter::kAdd>, run_scatter_nd);
TW_KERNEL(ResourceScatterNdSub, prepare_scatter<Scatter::kSub>, run_scatter_nd);

}  // namespace tw
