#include "core/framework/resource.h"

namespace tw {

std::string Variable::describe() const { return internal::concat("variable ", dtype_name(dtype_), ' ', static_shape_); }

bool Variable::initialized() const {
  std::lock_guard lock(mutex_);
  return value_.valid();
}

Result<Tensor> Variable::read() const {
  std::lock_guard lock(mutex_);
  if (!value_.valid()) return failed_precondition("Attempting to use uninitialized value ", name_);
  return value_;
}

void Variable::assign(Tensor value) {
  // The old value is freed after the lock is.
  std::lock_guard lock(mutex_);
  std::swap(value_, value);
}

void Variable::clear() { assign(Tensor()); }

Status Variable::update(const std::function<Status(Tensor&)>& fn) {
  std::lock_guard lock(mutex_);
  TW_ASSIGN_OR_RETURN(Tensor * value, writable_locked());
  return fn(*value);
}

Result<Tensor*> Variable::writable_locked() {
  if (!value_.valid()) return failed_precondition("Attempting to use uninitialized value ", name_);
  if (!value_.exclusive()) {
    TW_ASSIGN_OR_RETURN(Tensor copy, value_.clone());
    value_ = std::move(copy);
  }
  return &value_;
}

Result<ResourceHandle> ResourceManager::find_or_create(const std::string& container, const std::string& name,
                                                       const std::function<Result<ResourceHandle>()>& create) {
  std::lock_guard lock(mutex_);
  const auto key = std::make_pair(container, name);
  const auto it = resources_.find(key);
  if (it != resources_.end()) return it->second;
  TW_ASSIGN_OR_RETURN(ResourceHandle made, create());
  return resources_.emplace(key, std::move(made)).first->second;
}

Result<ResourceHandle> ResourceManager::find(const std::string& container, const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto it = resources_.find(std::make_pair(container, name));
  if (it == resources_.end()) return not_found("Resource ", container, "/", name, " does not exist.");
  return it->second;
}

Status ResourceManager::remove(const std::string& container, const std::string& name) {
  ResourceHandle doomed;
  std::lock_guard lock(mutex_);
  const auto it = resources_.find(std::make_pair(container, name));
  if (it == resources_.end()) return not_found("Resource ", container, "/", name, " does not exist.");
  doomed = std::move(it->second);
  resources_.erase(it);
  return {};
}

void ResourceManager::clear(const std::string& container) {
  // Resources may be destroyed by this; not under the lock, for their destructors may come back here.
  std::vector<ResourceHandle> doomed;
  std::lock_guard lock(mutex_);
  for (auto it = resources_.begin(); it != resources_.end();) {
    if (!container.empty() && it->first.first != container) {
      ++it;
      continue;
    }
    doomed.push_back(std::move(it->second));
    it = resources_.erase(it);
  }
}

}  // namespace tw
