#include "core/framework/tensor.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "core/framework/resource.h"
#include "core/platform/alloc.h"

namespace tw {
namespace {

// Calls fn(TypeTag<T>) for the C++ type of a dtype whose elements are objects.
template <typename Fn>
void visit_object(DType t, Fn&& fn) {
  if (t == DType::kString) fn(TypeTag<std::string>{});
  if (t == DType::kResource) fn(TypeTag<ResourceHandle>{});
  if (t == DType::kVariant) fn(TypeTag<Variant>{});
}

// Sits in the first 64 bytes of its own block; the elements follow.
class HeapBuffer final : public Buffer {
 public:
  static constexpr size_t kHeader = kAlignment;
  static Ref<Buffer> make(DType dtype, int64_t count, size_t bytes) {
    void* block = allocate(kHeader + bytes);
    if (block == nullptr) return {};
    return Ref<Buffer>::adopt(new (block) HeapBuffer(static_cast<char*>(block) + kHeader, bytes, dtype, count));
  }

 private:
  HeapBuffer(void* data, size_t bytes, DType dtype, int64_t count)
      : Buffer(data, bytes, true), count_(count), dtype_(dtype) {
    visit_object(dtype,
                 [&]<typename T>(TypeTag<T>) { std::uninitialized_value_construct_n(static_cast<T*>(data), count); });
  }
  ~HeapBuffer() override {
    visit_object(dtype_, [&]<typename T>(TypeTag<T>) { std::destroy_n(static_cast<T*>(data_), count_); });
  }
  void destroy() override {
    this->~HeapBuffer();
    deallocate(this);
  }
  int64_t count_;
  DType dtype_;
};
static_assert(sizeof(HeapBuffer) <= HeapBuffer::kHeader);

class ForeignBuffer final : public Buffer {
 public:
  ForeignBuffer(void* data, size_t bytes, bool writable, void* context, void (*release)(void*))
      : Buffer(data, bytes, writable), context_(context), release_(release) {}

 private:
  ~ForeignBuffer() override {
    if (release_ != nullptr) release_(context_);
  }
  void* context_;
  void (*release_)(void*);
};

template <typename T>
void append_number(std::string* out, T value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  out->append(text, end);
}

}  // namespace

Ref<Buffer> wrap_memory(void* data, size_t bytes, bool writable, void* context, void (*release)(void* context)) {
  return Ref<Buffer>::adopt(new ForeignBuffer(data, bytes, writable, context, release));
}

Result<Tensor> Tensor::make(DType dtype, const Shape& shape) {
  dtype = base_dtype(dtype);
  if (dtype_size(dtype) == 0)
    return invalid_argument("A tensor needs a valid dtype, but got ", static_cast<int>(dtype));
  if (!shape.fully_known()) return invalid_argument("A tensor needs a fully known shape, but got ", shape);
  TW_RETURN_IF_ERROR(Shape::make(shape.dims()).status());
  const int64_t count = shape.num_elements();
  const size_t size = dtype_size(dtype);
  if (static_cast<uint64_t>(count) > (uint64_t{1} << 62) / size) {
    return invalid_argument("A tensor of shape ", shape, " and type ", dtype_name(dtype), " does not fit in memory");
  }
  const size_t bytes = static_cast<size_t>(count) * size;
  Ref<Buffer> buffer = HeapBuffer::make(dtype, count, bytes);
  if (!buffer) {
    return resource_exhausted("OOM when allocating tensor with shape", shape, " and type ", dtype_name(dtype));
  }
  return Tensor(dtype, shape, std::move(buffer));
}

Tensor Tensor::make_or_die(DType dtype, const Shape& shape) {
  Result<Tensor> t = make(dtype, shape);
  if (!t.ok()) {
    std::fprintf(stderr, "thalweg: %s\n", t.status().to_string().c_str());
    std::abort();
  }
  return std::move(*t);
}

Tensor Tensor::reshaped(const Shape& shape) const {
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::viewed(DType dtype, const Shape& shape) const {
  Tensor t = reshaped(shape);
  t.dtype_ = dtype;
  return t;
}

Result<Tensor> Tensor::clone() const {
  TW_ASSIGN_OR_RETURN(Tensor copy, make(dtype_, shape_));
  copy_elements(dtype_, data_, copy.data_, num_elements());
  return copy;
}

std::string Tensor::summary(int max_values) const {
  if (!valid()) return "<no tensor>";
  std::string text(dtype_name(dtype_));
  text += ' ';
  text += shape_.to_string();
  text += " =";
  const int64_t shown = std::min<int64_t>(num_elements(), max_values);
  for (int64_t i = 0; i < shown; ++i) {
    text += ' ';
    if (dtype_ == DType::kBool) {
      text += data<bool>()[i] ? "true" : "false";
    } else if (dtype_ == DType::kString) {
      text += '"' + data<std::string>()[i] + '"';
    } else if (dtype_ == DType::kResource) {
      const ResourceHandle& h = data<ResourceHandle>()[i];
      text += h ? h->describe() : "<none>";
    } else {
      const bool number = visit_number(dtype_, [&]<typename T>(TypeTag<T>) {
        const T v = data<T>()[i];
        if constexpr (is_complex(dtype_of<T>)) {
          text += '(';
          append_number(&text, v.real());
          text += ',';
          append_number(&text, v.imag());
          text += ')';
        } else if constexpr (is_floating(dtype_of<T>) && sizeof(T) == 2) {
          append_number(&text, static_cast<float>(v));
        } else if constexpr (is_integer(dtype_of<T>)) {
          text += std::to_string(v);
        } else {
          append_number(&text, v);
        }
      });
      if (!number) text += '?';
    }
  }
  if (shown < num_elements()) text += " ...";
  return text;
}

void copy_elements(DType dtype, const void* from, void* to, int64_t count) {
  if (count <= 0) return;
  if (is_plain(dtype)) {
    std::memcpy(to, from, static_cast<size_t>(count) * dtype_size(dtype));
    return;
  }
  visit_object(dtype,
               [&]<typename T>(TypeTag<T>) { std::copy_n(static_cast<const T*>(from), count, static_cast<T*>(to)); });
}

int64_t index_value(const Tensor& t, int64_t i) {
  return t.dtype() == DType::kInt32 ? t.data<int32_t>()[i] : t.data<int64_t>()[i];
}

Result<Shape> shape_from_tensor(const Tensor& t, bool allow_unknown) {
  if (t.dtype() != DType::kInt32 && t.dtype() != DType::kInt64) {
    return invalid_argument("A shape must be int32 or int64, but is ", t.summary());
  }
  // A scalar -1 spells "unknown", as TF's shape functions read it.
  if (t.shape().is_scalar() && allow_unknown && index_value(t, 0) == -1) return Shape::unknown();
  if (t.shape().rank() != 1) return invalid_argument("A shape must be a vector, but is ", t.summary());
  const int64_t rank = t.num_elements();
  if (rank > kMaxRank) {
    return invalid_argument("Shapes of rank ", rank, " are not supported: the largest rank is ", kMaxRank);
  }
  std::array<int64_t, kMaxRank> dims;
  for (int64_t i = 0; i < rank; ++i) dims[static_cast<size_t>(i)] = index_value(t, i);
  return Shape::make(std::span<const int64_t>(dims.data(), static_cast<size_t>(rank)), allow_unknown);
}

}  // namespace tw
