// Answers that are asked for again: of functions whose result depends on nothing but the key.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/platform/status.h"

namespace tw {

// Thread-safe. When `most` answers are there, all are forgotten.
template <typename Value>
class Memo {
 public:
  explicit Memo(size_t most) : most_(most) {}

  // What make() gives, a Result of a Value or of a shared pointer to one; errors are not kept. Of two threads that miss
  // a key one drops its work.
  template <typename Make>
  Result<std::shared_ptr<const Value>> get(std::string key, const Make& make) {
    {
      std::lock_guard lock(mutex_);
      if (const auto found = values_.find(key); found != values_.end()) return found->second;
    }
    TW_ASSIGN_OR_RETURN(auto made, make());
    std::shared_ptr<const Value> value;
    if constexpr (requires { value = std::move(made); }) value = std::move(made);
    else value = std::make_shared<const Value>(std::move(made));
    std::lock_guard lock(mutex_);
    if (values_.size() >= most_) values_.clear();
    return values_.emplace(std::move(key), std::move(value)).first->second;
  }

 private:
  const size_t most_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Value>> values_;
};

// Appends the bytes of a number to a key.
template <typename T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
void add_to_key(std::string* key, T v) {
  key->append(reinterpret_cast<const char*>(&v), sizeof v);
}

}  // namespace tw
