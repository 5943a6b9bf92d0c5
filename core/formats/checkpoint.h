// Reading checkpoints of either version, and writing those of the first.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/formats/tensor_slice.h"

namespace tw {

struct SavedTensor {
  DType dtype = DType::kInvalid;
  Shape shape;
};

// Thread-safe.
class CheckpointReader {
 public:
  // The bundle at that prefix; when there is none, the V1 files that the name or pattern matches. NotFound when nothing
  // is there at all.
  static Result<std::unique_ptr<CheckpointReader>> open(const std::string& prefix);
  // V1 only.
  static Result<std::unique_ptr<CheckpointReader>> open_v1(const std::string& pattern);
  virtual ~CheckpointReader() = default;

  const std::map<std::string, SavedTensor, std::less<>>& tensors() const { return tensors_; }
  bool has(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  // NotFound when the checkpoint has no tensor of that name.
  virtual Result<Tensor> read(std::string_view name) const = 0;
  virtual Result<Tensor> read_slice(std::string_view name, const TensorSlice& slice) const = 0;

 protected:
  std::map<std::string, SavedTensor, std::less<>> tensors_;
};

// What a V1 file is made from: tensors, or slices of tensors of a given full shape.
struct TensorToSave {
  std::string name;
  ShapeAndSlice part;
  Tensor value;
};
// The file appears under its name only when it is complete and on disk.
Status write_checkpoint_v1(const std::string& path, std::span<const TensorToSave> tensors);

}  // namespace tw
