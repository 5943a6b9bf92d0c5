// Where a kernel writes: storage that the plan laid out, or the step heap when the shape was not known beforehand.
#pragma once

#include "core/framework/kernel.h"
#include "core/framework/resource.h"

namespace tw {

// Decided by prepare().
inline bool output_is_dynamic(const PrepareContext& ctx, int i) {
  return ctx.op().has(kDataDependent) || !ctx.output_shape(i).fully_known();
}

// Storage for output i of `shape`. A planned output must have that shape already.
inline Result<void*> output_storage(const RunContext& ctx, int i, const Shape& shape, bool dynamic) {
  if (dynamic) return ctx.allocate_output(i, shape);
  const Value& out = ctx.output(i);
  if (*out.shape != shape) {
    return internal_error("output ", i, " was planned with shape ", *out.shape, " but has shape ", shape);
  }
  return out.data;
}

inline Tensor value_view(const Value& v) {
  const size_t bytes = static_cast<size_t>(v.shape->num_elements()) * dtype_size(v.dtype);
  return Tensor(v.dtype, *v.shape, wrap_memory(v.data, bytes, false, nullptr, nullptr));
}

// What scalar variant input i holds, taken out of it, when nobody else has it: the kernel may change it. Else null.
Ref<VariantValue> take_alone(const RunContext& ctx, int i);

// An int32 or int64 input's value number i.
inline int64_t index_at(const Value& v, int64_t i = 0) {
  return v.dtype == DType::kInt32 ? static_cast<const int32_t*>(v.data)[i] : static_cast<const int64_t*>(v.data)[i];
}

// Where element number `flat` lies in a tensor of that shape, for messages: "[1,2]", and nothing for a scalar.
std::string element_position(const Shape& shape, int64_t flat);

}  // namespace tw
