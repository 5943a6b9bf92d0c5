// Checkpoints of the second version ("bundles"): a table PREFIX.index and data files PREFIX.data-SSSSS-of-NNNNN.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/formats/table.h"
#include "core/formats/tensor_slice.h"

namespace tw {

// What the index says of a tensor.
struct BundleEntry {
  DType dtype = DType::kInvalid;
  Shape shape;
  int32_t shard = 0;
  int64_t offset = 0, size = 0;
  uint32_t crc = 0;                 // masked
  std::vector<TensorSlice> slices;  // when not empty the tensor is stored in parts, under slice_key()

  std::string encode() const;
  static Result<BundleEntry> decode(std::string_view proto);
};

std::string bundle_index_name(std::string_view prefix);
std::string bundle_data_name(std::string_view prefix, int shard, int shards);

// Writes one shard into temporary files; finish() syncs them and puts them in place, data first. Whatever fails or ends
// before that leaves the files at `prefix` as they were; a writer that never finished removes its own.
class BundleWriter {
 public:
  static Result<std::unique_ptr<BundleWriter>> create(const std::string& prefix);
  ~BundleWriter();
  Status add(const std::string& name, const Tensor& tensor);
  // One part of tensor `name` of shape `full`; `tensor` has the slice's shape.
  Status add_slice(const std::string& name, const Shape& full, const TensorSlice& slice, const Tensor& tensor);
  Status finish();

 private:
  explicit BundleWriter(std::string prefix);
  Result<BundleEntry> write_tensor(const Tensor& tensor);

  std::string prefix_, temporary_;
  std::unique_ptr<WritableFile> data_;
  std::map<std::string, BundleEntry, std::less<>> entries_;
  int64_t offset_ = 0;
};

// Thread-safe once open. Errors of contents are DataLoss and name the file and the tensor.
class BundleReader {
 public:
  // NotFound when there is no index.
  static Result<std::unique_ptr<BundleReader>> open(const std::string& prefix);
  const std::string& prefix() const { return prefix_; }
  int shards() const { return shards_; }
  // Every tensor by name (parts are not listed).
  const std::map<std::string, BundleEntry, std::less<>>& tensors() const { return tensors_; }
  // NotFound "Key NAME not found in checkpoint".
  Result<const BundleEntry*> find(std::string_view name) const;
  Result<Tensor> read(std::string_view name) const;
  Result<Tensor> read_slice(std::string_view name, const TensorSlice& slice) const;

 private:
  friend Status merge_bundles(std::span<const std::string> prefixes, const std::string& merged);
  Result<Tensor> read_entry(std::string_view name, const BundleEntry& entry) const;

  std::string prefix_;
  int shards_ = 1;
  std::map<std::string, BundleEntry, std::less<>> tensors_;
  std::map<std::string, BundleEntry, std::less<>> parts_;  // by slice_key
  std::vector<std::unique_ptr<ReadableFile>> data_;        // null for a shard that is not there
};

// Makes one bundle of several: moves the data files to their new names, writes an index over them, removes the old
// ones.
Status merge_bundles(std::span<const std::string> prefixes, const std::string& merged);

}  // namespace tw
