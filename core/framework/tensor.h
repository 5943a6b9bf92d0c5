// Tensors: a dtype, a fully known shape, and a counted view of a buffer.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/framework/dtype.h"
#include "core/framework/shape.h"
#include "core/platform/ref.h"

namespace tw {

// Memory with an owner. Elements of non-plain dtypes (std::string, Ref<Resource>, Variant) are constructed objects,
// destroyed with the buffer.
class Buffer : public RefCounted {
 public:
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // False for memory the core may read but must not write (constants in a file, lent numpy arrays).
  bool writable() const { return writable_; }

 protected:
  Buffer(void* data, size_t bytes, bool writable) : data_(data), bytes_(bytes), writable_(writable) {}
  void* data_;
  size_t bytes_;
  bool writable_;
};

// Foreign memory: `release(context)` is called once, on whichever thread drops the last reference.
Ref<Buffer> wrap_memory(void* data, size_t bytes, bool writable, void* context, void (*release)(void* context));

class Tensor {
 public:
  Tensor() = default;  // no dtype, no buffer: the "absent" tensor
  Tensor(DType dtype, const Shape& shape, Ref<Buffer> buffer, size_t byte_offset = 0)
      : buffer_(std::move(buffer)),
        data_(static_cast<char*>(buffer_->data()) + byte_offset),
        shape_(shape),
        dtype_(dtype) {}

  // New storage, uninitialised for plain dtypes and default-constructed for the others.
  // ResourceExhausted when there is no memory; InvalidArgument when the size overflows.
  static Result<Tensor> make(DType dtype, const Shape& shape);
  // The same for sizes known to be small; ends the process when there is no memory.
  static Tensor make_or_die(DType dtype, const Shape& shape);
  template <typename T>
  static Tensor scalar(const T& value) {
    Tensor t = make_or_die(dtype_of<T>, Shape{});
    t.data<T>()[0] = value;
    return t;
  }
  template <typename T>
  static Tensor vector(std::span<const T> values) {
    Tensor t = make_or_die(dtype_of<T>, Shape{static_cast<int64_t>(values.size())});
    for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
    return t;
  }
  template <typename T>
  static Tensor vector(std::initializer_list<T> values) {
    return vector<T>(std::span<const T>(values.begin(), values.size()));
  }

  bool valid() const { return dtype_ != DType::kInvalid; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t num_elements() const { return shape_.num_elements(); }
  size_t bytes() const { return static_cast<size_t>(num_elements()) * dtype_size(dtype_); }
  void* raw() const { return data_; }
  template <typename T>
  T* data() const {
    return static_cast<T*>(data_);
  }
  template <typename T>
  std::span<T> flat() const {
    return {data<T>(), static_cast<size_t>(num_elements())};
  }
  const Ref<Buffer>& buffer() const { return buffer_; }
  // True when nothing else refers to the storage and it may be written.
  bool exclusive() const { return buffer_ && buffer_->unique() && buffer_->writable(); }
  // The same storage under another shape of as many elements (checked by the caller).
  Tensor reshaped(const Shape& shape) const;
  // The same storage seen as another dtype of equal element size and `shape`.
  Tensor viewed(DType dtype, const Shape& shape) const;
  // A deep copy with storage of its own.
  Result<Tensor> clone() const;

  // dtype, shape and the first values, for messages: "float [2,3] = 1 2 3 ...".
  std::string summary(int max_values = 3) const;

 private:
  Ref<Buffer> buffer_;
  void* data_ = nullptr;
  Shape shape_;
  DType dtype_ = DType::kInvalid;
};

// Copies elements between storages that do not overlap, whatever the dtype.
void copy_elements(DType dtype, const void* from, void* to, int64_t count);
// An integer tensor's values as int64; precondition: dtype int32 or int64.
int64_t index_value(const Tensor& t, int64_t i);
// The shape a 1-D int32/int64 tensor spells; -1 allowed only when allow_unknown.
Result<Shape> shape_from_tensor(const Tensor& t, bool allow_unknown = false);

}  // namespace tw
