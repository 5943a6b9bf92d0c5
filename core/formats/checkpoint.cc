#include "core/formats/checkpoint.h"

#include "core/formats/bundle.h"
#include "core/formats/checkpoint_v1.h"

namespace tw {
namespace {

class BundleCheckpoint : public CheckpointReader {
 public:
  explicit BundleCheckpoint(std::unique_ptr<BundleReader> reader) : reader_(std::move(reader)) {
    for (const auto& [name, entry] : reader_->tensors()) tensors_.emplace(name, SavedTensor{entry.dtype, entry.shape});
  }
  Result<Tensor> read(std::string_view name) const override { return reader_->read(name); }
  Result<Tensor> read_slice(std::string_view name, const TensorSlice& slice) const override {
    return reader_->read_slice(name, slice);
  }

 private:
  std::unique_ptr<BundleReader> reader_;
};

}  // namespace

Result<std::unique_ptr<CheckpointReader>> CheckpointReader::open(const std::string& prefix) {
  if (!file_exists(bundle_index_name(prefix))) return open_v1(prefix);
  TW_ASSIGN_OR_RETURN(auto reader, BundleReader::open(prefix));
  return std::unique_ptr<CheckpointReader>(std::make_unique<BundleCheckpoint>(std::move(reader)));
}

Result<std::unique_ptr<CheckpointReader>> CheckpointReader::open_v1(const std::string& pattern) {
  TW_ASSIGN_OR_RETURN(auto reader, CheckpointV1::open(pattern));
  return std::unique_ptr<CheckpointReader>(std::move(reader));
}

}  // namespace tw
