// DLPack in and out: tensors that cross to numpy, PyTorch or JAX without a copy.
#include "thalweg/dlpack.h"

#include "core/api/handles.h"

using namespace tw;
using namespace tw::api;

namespace {

struct Export {
  DLManagedTensor managed;
  Tensor tensor;
  std::vector<int64_t> shape;
};

Result<DLDataType> dl_type(DType t) {
  const auto bits = static_cast<uint8_t>(8 * dtype_size(t));
  if (t == DType::kBool) return DLDataType{TW_DL_BOOL, 8, 1};
  if (t == DType::kBfloat16) return DLDataType{TW_DL_BFLOAT, 16, 1};
  if (is_floating(t)) return DLDataType{TW_DL_FLOAT, bits, 1};
  if (is_complex(t)) return DLDataType{TW_DL_COMPLEX, bits, 1};
  switch (t) {
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64: return DLDataType{TW_DL_INT, bits, 1};
    case DType::kUint8:
    case DType::kUint16:
    case DType::kUint32:
    case DType::kUint64: return DLDataType{TW_DL_UINT, bits, 1};
    default: return invalid_argument("DLPack has no type for dtype ", dtype_name(t));
  }
}

DType from_dl_type(DLDataType t) {
  if (t.lanes != 1) return DType::kInvalid;
  for (int n = 1; n <= static_cast<int>(DType::kUint64); ++n) {
    const auto dtype = static_cast<DType>(n);
    if (!dtype_valid(n) || !is_plain(dtype)) continue;
    const auto r = dl_type(dtype);
    if (r.ok() && r->code == t.code && r->bits == t.bits) return dtype;
  }
  return DType::kInvalid;
}

// Copies a strided block to row-major order.
void gather(const char* from, const int64_t* shape, const int64_t* strides, int rank, size_t size, char*& to) {
  if (rank == 0) {
    std::memcpy(to, from, size);
    to += size;
    return;
  }
  for (int64_t i = 0; i < shape[0]; ++i) {
    gather(from + i * strides[0] * static_cast<int64_t>(size), shape + 1, strides + 1, rank - 1, size, to);
  }
}

bool row_major(const DLTensor& t) {
  if (t.strides == nullptr) return true;
  int64_t expect = 1;
  for (int i = t.ndim - 1; i >= 0; --i) {
    if (t.shape[i] != 1 && t.strides[i] != expect) return false;
    expect *= t.shape[i];
  }
  return true;
}

void call_deleter(void* managed) {
  auto* m = static_cast<DLManagedTensor*>(managed);
  if (m->deleter) m->deleter(m);
}

}  // namespace

extern "C" {

tw_status* tw_tensor_to_dlpack(const tw_tensor* tensor, void** managed) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(const DLDataType type, dl_type(tensor->tensor.dtype()));
    auto* e = new Export{{}, tensor->tensor, {}};
    const auto dims = e->tensor.shape().dims();
    e->shape.assign(dims.begin(), dims.end());
    e->managed.dl_tensor = {
        e->tensor.raw(), {TW_DL_CPU, 0}, static_cast<int32_t>(e->shape.size()), type, e->shape.data(), nullptr, 0};
    e->managed.manager_ctx = e;
    e->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Export*>(self->manager_ctx); };
    *managed = &e->managed;
    return {};
  });
}

tw_status* tw_tensor_from_dlpack(void* managed, tw_tensor** out) {
  auto* m = static_cast<DLManagedTensor*>(managed);
  const DLTensor& t = m->dl_tensor;
  const DType dtype = from_dl_type(t.dtype);
  if (dtype == DType::kInvalid) {
    return c_status(invalid_argument("no dtype for DLPack type code ", int{t.dtype.code}, " of ", int{t.dtype.bits},
                                     " bits and ", t.dtype.lanes, " lanes"));
  }
  if (t.device.device_type != TW_DL_CPU) {
    return c_status(invalid_argument("DLPack memory on device type ", t.device.device_type, " is not on the CPU"));
  }
  char* data = static_cast<char*>(t.data) + t.byte_offset;
  if (!row_major(t)) {
    return guard([&]() -> Status {
      TW_ASSIGN_OR_RETURN(const Shape shape, full_shape(t.shape, t.ndim));
      TW_ASSIGN_OR_RETURN(Tensor copy, Tensor::make(dtype, shape));
      char* to = static_cast<char*>(copy.raw());
      gather(data, t.shape, t.strides, t.ndim, dtype_size(dtype), to);
      *out = new tw_tensor{std::move(copy)};
      call_deleter(m);
      return {};
    });
  }
  size_t bytes = dtype_size(dtype);
  for (int i = 0; i < t.ndim; ++i) bytes *= static_cast<size_t>(t.shape[i]);
  return tw_tensor_wrap(static_cast<int32_t>(dtype), t.shape, t.ndim, data, bytes, m, call_deleter, out);
}

}  // extern "C"
