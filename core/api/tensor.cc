// Tensors over the C border: storage, strings, foreign memory.
#include <cstdint>

#include "core/api/handles.h"
#include "core/platform/alloc.h"

using namespace tw;
using namespace tw::api;

namespace {

Status plain_dtype(int32_t dtype) {
  if (!dtype_valid(dtype)) return invalid_argument(dtype, " is not a dtype");
  if (!is_plain(static_cast<DType>(dtype))) {
    return invalid_argument("a tensor of dtype ", dtype_name(static_cast<DType>(dtype)), " has no plain memory");
  }
  return {};
}

Status expect_bytes(DType dtype, const Shape& shape, size_t size) {
  const size_t want = static_cast<size_t>(shape.num_elements()) * dtype_size(dtype);
  if (want == size) return {};
  return invalid_argument("a tensor of dtype ", dtype_name(dtype), " and shape ", shape.to_string(), " takes ", want,
                          " bytes, but ", size, " were given");
}

// Kernels load whole vectors: memory must start on a vector boundary, and the bytes behind its end must be readable,
// which a whole last line on the same page promises.
bool fits_kernels(const void* data, size_t size) {
  const auto begin = reinterpret_cast<uintptr_t>(data);
  constexpr uintptr_t kPage = 4096;
  return begin % kAlignment == 0 && size > 0 && (begin + size - 1) / kPage == (begin + size - 1 + kTailPadding) / kPage;
}

}  // namespace

extern "C" {

tw_status* tw_tensor_create(int32_t dtype, const int64_t* dims, int32_t rank, tw_tensor** out) {
  return guard([&]() -> Status {
    if (!dtype_valid(dtype) || is_ref(static_cast<DType>(dtype))) return invalid_argument(dtype, " is not a dtype");
    TW_ASSIGN_OR_RETURN(const Shape shape, full_shape(dims, rank));
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(static_cast<DType>(dtype), shape));
    *out = new tw_tensor{std::move(t)};
    return {};
  });
}

tw_status* tw_tensor_copy_from(int32_t dtype, const int64_t* dims, int32_t rank, const void* data, size_t size,
                               tw_tensor** out) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(plain_dtype(dtype));
    TW_ASSIGN_OR_RETURN(const Shape shape, full_shape(dims, rank));
    TW_RETURN_IF_ERROR(expect_bytes(static_cast<DType>(dtype), shape, size));
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(static_cast<DType>(dtype), shape));
    if (size > 0) std::memcpy(t.raw(), data, size);
    *out = new tw_tensor{std::move(t)};
    return {};
  });
}

tw_status* tw_tensor_wrap(int32_t dtype, const int64_t* dims, int32_t rank, void* data, size_t size, void* context,
                          void (*release)(void* context), tw_tensor** out) {
  if (!fits_kernels(data, size)) {
    tw_status* s = tw_tensor_copy_from(dtype, dims, rank, data, size, out);
    if (s == nullptr && release != nullptr) release(context);
    return s;
  }
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(plain_dtype(dtype));
    TW_ASSIGN_OR_RETURN(const Shape shape, full_shape(dims, rank));
    TW_RETURN_IF_ERROR(expect_bytes(static_cast<DType>(dtype), shape, size));
    void (*const nothing)(void*) = [](void*) {};
    Ref<Buffer> buffer = wrap_memory(data, size, /*writable=*/false, context, release ? release : nothing);
    *out = new tw_tensor{Tensor(static_cast<DType>(dtype), shape, std::move(buffer))};
    return {};
  });
}

tw_status* tw_tensor_from_strings(const int64_t* dims, int32_t rank, const tw_str* strings, size_t count,
                                  tw_tensor** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(const Shape shape, full_shape(dims, rank));
    if (static_cast<size_t>(shape.num_elements()) != count) {
      return invalid_argument("a tensor of shape ", shape.to_string(), " takes ", shape.num_elements(),
                              " strings, but ", count, " were given");
    }
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(DType::kString, shape));
    for (size_t i = 0; i < count; ++i) t.data<std::string>()[i].assign(strings[i].data, strings[i].size);
    *out = new tw_tensor{std::move(t)};
    return {};
  });
}

tw_tensor* tw_tensor_share(const tw_tensor* tensor) { return new tw_tensor{tensor->tensor}; }
void tw_tensor_release(tw_tensor* tensor) { delete tensor; }
int32_t tw_tensor_dtype(const tw_tensor* t) { return static_cast<int32_t>(t->tensor.dtype()); }
int32_t tw_tensor_rank(const tw_tensor* t) { return t->tensor.shape().rank(); }
const int64_t* tw_tensor_dims(const tw_tensor* t) { return t->tensor.shape().dims().data(); }
int64_t tw_tensor_num_elements(const tw_tensor* t) { return t->tensor.valid() ? t->tensor.num_elements() : 0; }
void* tw_tensor_data(const tw_tensor* t) { return is_plain(t->tensor.dtype()) ? t->tensor.raw() : nullptr; }
size_t tw_tensor_size(const tw_tensor* t) { return is_plain(t->tensor.dtype()) ? t->tensor.bytes() : 0; }
int32_t tw_tensor_exclusive(const tw_tensor* t) { return t->tensor.exclusive() ? 1 : 0; }

tw_status* tw_tensor_string(const tw_tensor* tensor, int64_t i, tw_str* out) {
  return guard([&]() -> Status {
    const Tensor& t = tensor->tensor;
    if (t.dtype() != DType::kString)
      return invalid_argument("a tensor of dtype ", dtype_name(t.dtype()), " has no strings");
    if (i < 0 || i >= t.num_elements())
      return out_of_range("string ", i, " of a tensor of shape ", t.shape().to_string());
    *out = c_str(t.data<std::string>()[i]);
    return {};
  });
}

}  // extern "C"
