// An array of tensors that one step writes and reads element by element (TensorArrayV3 and its family), with the array
// of its gradients beside it.
#pragma once

#include <map>
#include <mutex>

#include "core/framework/kernel.h"

namespace tw {

struct TensorArrayOptions {
  std::string name;
  DType dtype = DType::kInvalid;
  Shape element_shape = Shape::unknown();
  bool identical_element_shapes = false;
  bool dynamic_size = false;
  bool clear_after_read = true;
  bool add_writes = false;  // a second write to an element is added to it: gradients
};

// Thread-safe. An element may be written once, unless writes are added up; reading one that is cleared after reading
// may happen once. Errors are InvalidArgument with TensorFlow's words.
class TensorArray : public Resource {
 public:
  TensorArray(TensorArrayOptions options, int64_t size);
  std::string describe() const override { return internal::concat("tensor array '", options_.name, "'"); }

  DType dtype() const { return options_.dtype; }
  Result<int64_t> size() const;
  bool dynamic_size() const { return options_.dynamic_size; }
  Shape element_shape() const;
  // Narrows what elements may be.
  Status merge_element_shape(const Shape& s);
  // Takes a reference to the value's storage.
  Status write(int64_t index, Tensor value);
  Result<Tensor> read(int64_t index);
  void close();
  // The array of gradients that `source` asks for, made when it is asked for first: one element for each of this, zeros
  // of its shape so far.
  Result<Ref<TensorArray>> gradient(const std::string& source);

 private:
  struct Element {
    Tensor value;  // not valid() where nothing was written, where it was cleared, and for zeros of `shape`
    Shape shape;
    bool written = false, was_read = false, cleared = false, own = false;
  };
  template <typename... Parts>
  Status fail(const Parts&... parts) const {
    return invalid_argument("TensorArray ", options_.name, ": ", parts...);
  }
  Status check_open() const;
  Status add(Element& e, int64_t index, Tensor value);

  mutable std::mutex mutex_;
  TensorArrayOptions options_;
  std::vector<Element> elements_;
  std::map<std::string, Ref<TensorArray>> gradients_;
  bool closed_ = false, added_up_ = false;
};

// The array behind the handle in input `i`.
Result<TensorArray*> tensor_array_input(const RunContext& ctx, int i, DType dtype = DType::kInvalid);

}  // namespace tw
