#include "core/kernels/cpu/lookup/table.h"

#include <algorithm>
#include <cstring>

namespace tw {

std::string LookupTable::key_bytes(const Tensor& keys, int64_t i) {
  if (keys.dtype() == DType::kString) return keys.data<std::string>()[i];
  const size_t size = dtype_size(keys.dtype());
  return {static_cast<const char*>(keys.raw()) + static_cast<size_t>(i) * size, size};
}

void LookupTable::forbid(const Tensor& key, std::string_view what) {
  forbidden_.push_back({key_bytes(key, 0), std::string(what)});
}

Status LookupTable::check_keys(const Tensor& keys) const {
  if (keys.dtype() != spec_.key) {
    return invalid_argument("Key must be type ", dtype_name(spec_.key), " but got ", dtype_name(keys.dtype()), " (",
                            describe(), ")");
  }
  if (forbidden_.empty()) return {};
  for (int64_t i = 0; i < keys.num_elements(); ++i) {
    for (const auto& [key, what] : forbidden_) {
      if (key_bytes(keys, i) == key) {
        return invalid_argument("Using the ", what, " as a table key is not allowed (", describe(), ")");
      }
    }
  }
  return {};
}

Status LookupTable::check(const Tensor& keys, const Tensor& values) const {
  TW_RETURN_IF_ERROR(check_keys(keys));
  if (values.dtype() != spec_.value) {
    return invalid_argument("Value must be type ", dtype_name(spec_.value), " but got ", dtype_name(values.dtype()),
                            " (", describe(), ")");
  }
  std::vector<int64_t> dims(keys.shape().dims().begin(), keys.shape().dims().end());
  dims.insert(dims.end(), spec_.value_shape.dims().begin(), spec_.value_shape.dims().end());
  TW_ASSIGN_OR_RETURN(const Shape expected, Shape::make(dims));
  if (values.shape() == expected) return {};
  return invalid_argument("Expected shape ", expected, " for value, got ", values.shape(), " (", describe(), ")");
}

Status LookupTable::check_changeable() const {
  return fixed_ ? unimplemented(describe(), " is filled once and cannot be changed") : Status();
}

void LookupTable::put(const std::string& key, const Tensor& values, int64_t i) {
  const auto n = static_cast<size_t>(spec_.value_shape.num_elements());
  const size_t bytes = n * dtype_size(spec_.value);
  const bool text = spec_.value == DType::kString;
  const auto [it, added] = slots_.try_emplace(key, 0);
  if (added) {
    if (!free_.empty()) {
      it->second = free_.back();
      free_.pop_back();
    } else {
      // No number is free, so those in use are 0 to size - 1.
      it->second = slots_.size() - 1;
      if (text) strings_.resize(slots_.size() * n);
      else plain_.resize(slots_.size() * bytes);
    }
  }
  const auto from = static_cast<size_t>(i);
  if (text) {
    std::copy_n(values.data<std::string>() + from * n, n, strings_.begin() + static_cast<ptrdiff_t>(it->second * n));
  } else if (bytes > 0) {
    std::memcpy(plain_.data() + it->second * bytes, static_cast<const char*>(values.raw()) + from * bytes, bytes);
  }
}

bool LookupTable::same(size_t slot, const Tensor& values, int64_t i) const {
  const auto n = static_cast<size_t>(spec_.value_shape.num_elements()), from = static_cast<size_t>(i);
  if (spec_.value == DType::kString) {
    return std::equal(strings_.begin() + static_cast<ptrdiff_t>(slot * n),
                      strings_.begin() + static_cast<ptrdiff_t>((slot + 1) * n), values.data<std::string>() + from * n);
  }
  const size_t bytes = n * dtype_size(spec_.value);
  return std::memcmp(plain_.data() + slot * bytes, static_cast<const char*>(values.raw()) + from * bytes, bytes) == 0;
}

void LookupTable::copy_out(size_t slot, Tensor* to, int64_t i) const {
  const auto n = static_cast<size_t>(spec_.value_shape.num_elements()), at = static_cast<size_t>(i);
  if (spec_.value == DType::kString) {
    std::copy_n(strings_.begin() + static_cast<ptrdiff_t>(slot * n), n, to->data<std::string>() + at * n);
    return;
  }
  const size_t bytes = n * dtype_size(spec_.value);
  std::memcpy(static_cast<char*>(to->raw()) + at * bytes, plain_.data() + slot * bytes, bytes);
}

Result<Tensor> LookupTable::find(const Tensor& keys, const Tensor& fallback) const {
  TW_RETURN_IF_ERROR(check_keys(keys));
  if (fallback.dtype() != spec_.value) {
    return invalid_argument("Default value must be type ", dtype_name(spec_.value), " but got ",
                            dtype_name(fallback.dtype()), " (", describe(), ")");
  }
  if (fallback.shape() != spec_.value_shape) {
    return invalid_argument("Expected shape ", spec_.value_shape, " for default value, got ", fallback.shape(), " (",
                            describe(), ")");
  }
  std::vector<int64_t> dims(keys.shape().dims().begin(), keys.shape().dims().end());
  dims.insert(dims.end(), spec_.value_shape.dims().begin(), spec_.value_shape.dims().end());
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(Tensor out, Tensor::make(spec_.value, shape));
  const int64_t n = spec_.value_shape.num_elements();
  const size_t bytes = static_cast<size_t>(n) * dtype_size(spec_.value);
  std::lock_guard lock(mutex_);
  if (fixed_ && !filled_) return failed_precondition("Table not initialized: ", describe());
  for (int64_t i = 0; i < keys.num_elements(); ++i) {
    const auto it = slots_.find(key_bytes(keys, i));
    if (it != slots_.end()) {
      copy_out(it->second, &out, i);
    } else {
      copy_elements(spec_.value, fallback.raw(), static_cast<char*>(out.raw()) + static_cast<size_t>(i) * bytes, n);
    }
  }
  return out;
}

Status LookupTable::initialize(const Tensor& keys, const Tensor& values) {
  if (!fixed_) return invalid_argument(describe(), " is not filled by an initializer");
  TW_RETURN_IF_ERROR(check(keys, values));
  std::lock_guard lock(mutex_);
  if (filled_) {
    bool all_same = true;
    for (int64_t i = 0; i < keys.num_elements() && all_same; ++i) {
      const auto it = slots_.find(key_bytes(keys, i));
      all_same = it != slots_.end() && same(it->second, values, i);
    }
    if (all_same) return {};
    return failed_precondition("Table was already initialized with different data: ", describe());
  }
  for (int64_t i = 0; i < keys.num_elements(); ++i) {
    const std::string key = key_bytes(keys, i);
    const auto it = slots_.find(key);
    if (it != slots_.end() && !same(it->second, values, i)) {
      slots_.clear();
      plain_.clear();
      strings_.clear();
      return failed_precondition("HashTable has different value for same key: key number ", i, " of ", describe());
    }
    put(key, values, i);
  }
  filled_ = true;
  return {};
}

Status LookupTable::insert(const Tensor& keys, const Tensor& values) {
  TW_RETURN_IF_ERROR(check_changeable());
  TW_RETURN_IF_ERROR(check(keys, values));
  std::lock_guard lock(mutex_);
  for (int64_t i = 0; i < keys.num_elements(); ++i) put(key_bytes(keys, i), values, i);
  return {};
}

Status LookupTable::remove(const Tensor& keys) {
  TW_RETURN_IF_ERROR(check_changeable());
  TW_RETURN_IF_ERROR(check_keys(keys));
  std::lock_guard lock(mutex_);
  for (int64_t i = 0; i < keys.num_elements(); ++i) {
    const auto it = slots_.find(key_bytes(keys, i));
    if (it == slots_.end()) continue;
    free_.push_back(it->second);
    slots_.erase(it);
  }
  return {};
}

Status LookupTable::import_entries(const Tensor& keys, const Tensor& values) {
  TW_RETURN_IF_ERROR(check_changeable());
  TW_RETURN_IF_ERROR(check(keys, values));
  std::lock_guard lock(mutex_);
  slots_.clear();
  free_.clear();
  plain_.clear();
  strings_.clear();
  for (int64_t i = 0; i < keys.num_elements(); ++i) put(key_bytes(keys, i), values, i);
  return {};
}

Status LookupTable::export_entries(Tensor* keys, Tensor* values) const {
  std::lock_guard lock(mutex_);
  const auto n = static_cast<int64_t>(slots_.size());
  std::vector<int64_t> dims{n};
  dims.insert(dims.end(), spec_.value_shape.dims().begin(), spec_.value_shape.dims().end());
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(*keys, Tensor::make(spec_.key, Shape{n}));
  TW_ASSIGN_OR_RETURN(*values, Tensor::make(spec_.value, shape));
  int64_t i = 0;
  for (const auto& [key, slot] : slots_) {
    if (spec_.key == DType::kString) {
      keys->data<std::string>()[i] = key;
    } else {
      std::memcpy(static_cast<char*>(keys->raw()) + static_cast<size_t>(i) * key.size(), key.data(), key.size());
    }
    copy_out(slot, values, i++);
  }
  return {};
}

int64_t LookupTable::size() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(slots_.size());
}

}  // namespace tw
