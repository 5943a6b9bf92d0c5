// State that outlives a step: variables and other named objects, and the values that tensors of dtype resource and
// variant carry.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/framework/tensor.h"

namespace tw {

class Resource : public RefCounted {
 public:
  virtual std::string describe() const = 0;  // for messages: "variable float [3,4]"
};

// Element of a tensor of dtype resource.
using ResourceHandle = Ref<Resource>;
template <>
inline constexpr DType dtype_of<ResourceHandle> = DType::kResource;

// Element of a tensor of dtype variant: an immutable, shared value such as a tensor list.
class VariantValue : public RefCounted {};
using Variant = Ref<VariantValue>;
template <>
inline constexpr DType dtype_of<Variant> = DType::kVariant;

// A variable's value, copy-on-write: readers hold a counted view of the buffer, and a writer that finds the buffer
// shared writes a new one. So a step that reads never sees a half-written update, and an update that nobody watches
// happens in place. All methods are thread-safe.
class Variable : public Resource {
 public:
  Variable(std::string name, DType dtype, Shape static_shape)
      : name_(std::move(name)), dtype_(dtype), static_shape_(static_shape) {}

  const std::string& name() const { return name_; }
  DType dtype() const { return dtype_; }
  const Shape& static_shape() const { return static_shape_; }
  std::string describe() const override;

  bool initialized() const;
  // FailedPrecondition "Attempting to use uninitialized value NAME" before the first assign.
  Result<Tensor> read() const;
  void assign(Tensor value);
  // Drops the value; the variable is uninitialised again.
  void clear();
  // Calls fn(tensor) under the variable's lock with storage that fn may overwrite in place.
  Status update(const std::function<Status(Tensor&)>& fn);
  // The lock that serialises writers, for kernels that update several variables at once (take in address order).
  std::mutex& mutex() const { return mutex_; }
  // As read() and update()'s storage rule, for a caller that holds mutex(): makes the value exclusive by copying it
  // when someone else watches, and returns it.
  Result<Tensor*> writable_locked();
  // For a caller that holds mutex(): the value as it is (not valid() before the first assign), the value when nobody
  // else watches it (else null), and its replacement.
  const Tensor& value_locked() const { return value_; }
  Tensor* exclusive_locked() { return value_.exclusive() ? &value_ : nullptr; }
  void assign_locked(Tensor value) { value_ = std::move(value); }

 private:
  std::string name_;
  DType dtype_;
  Shape static_shape_;
  mutable std::mutex mutex_;
  Tensor value_;
};

// Named resources of a session, by (container, name). Thread-safe.
class ResourceManager {
 public:
  // Returns the resource of that name, made by `create` if there is none.
  Result<ResourceHandle> find_or_create(const std::string& container, const std::string& name,
                                        const std::function<Result<ResourceHandle>()>& create);
  Result<ResourceHandle> find(const std::string& container, const std::string& name) const;
  Status remove(const std::string& container, const std::string& name);
  // Drops all of a container, or all containers when `container` is empty.
  void clear(const std::string& container = {});

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, ResourceHandle> resources_;
};

}  // namespace tw
