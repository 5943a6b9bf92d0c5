// Lookup tables: from keys (int32, int64, float, double or strings) to values of any dtype and one shape.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/framework/resource.h"

namespace tw {

struct TableSpec {
  std::string kind;  // "HashTable", for messages
  std::string name;
  DType key = DType::kInvalid, value = DType::kInvalid;
  Shape value_shape;
};

// Thread-safe.
class LookupTable : public Resource {
 public:
  // A fixed table is filled once, by initialize(); others change by insert() and remove().
  LookupTable(TableSpec spec, bool fixed) : spec_(std::move(spec)), fixed_(fixed) {}

  std::string describe() const override { return internal::concat(spec_.kind, " '", spec_.name, "'"); }
  const TableSpec& spec() const { return spec_; }
  // Keys that a caller may not use; none by default.
  void forbid(const Tensor& key, std::string_view what);

  // Values of the keys, `fallback` where there is none. FailedPrecondition before a fixed table was filled.
  Result<Tensor> find(const Tensor& keys, const Tensor& fallback) const;
  // Again with the same entries is fine; with others FailedPrecondition, as is one key with two values.
  Status initialize(const Tensor& keys, const Tensor& values);
  // Later values replace earlier ones.
  Status insert(const Tensor& keys, const Tensor& values);
  Status remove(const Tensor& keys);
  // All entries: keys [n] and values [n] + value_shape, in no order.
  Status export_entries(Tensor* keys, Tensor* values) const;
  // Replaces all entries.
  Status import_entries(const Tensor& keys, const Tensor& values);
  int64_t size() const;

 private:
  // Entries are kept under the bytes of their keys.
  static std::string key_bytes(const Tensor& keys, int64_t i);
  Status check(const Tensor& keys, const Tensor& values) const;
  Status check_keys(const Tensor& keys) const;
  Status check_changeable() const;
  void put(const std::string& key, const Tensor& values, int64_t i);
  bool same(size_t slot, const Tensor& values, int64_t i) const;
  // Elements of value number `slot`.
  void copy_out(size_t slot, Tensor* to, int64_t i) const;

  const TableSpec spec_;
  const bool fixed_;
  std::vector<std::pair<std::string, std::string>> forbidden_;  // key, what it is
  mutable std::mutex mutex_;                                    // of all that follows
  bool filled_ = false;
  std::unordered_map<std::string, size_t> slots_;  // key -> number of its value
  std::vector<size_t> free_;                       // numbers that are not in use
  std::string plain_;                              // values of plain dtypes, one after the other
  std::vector<std::string> strings_;               // values that are strings
};

}  // namespace tw
