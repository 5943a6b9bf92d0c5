// Checkpoints of the first version: tables whose values are the tensors themselves, one table per shard.
#pragma once

#include "core/formats/checkpoint.h"
#include "core/formats/table.h"

namespace tw {

class CheckpointV1 : public CheckpointReader {
 public:
  static Result<std::unique_ptr<CheckpointV1>> open(const std::string& pattern);
  Result<Tensor> read(std::string_view name) const override;
  Result<Tensor> read_slice(std::string_view name, const TensorSlice& slice) const override;

 private:
  struct Part {
    size_t table;
    TensorSlice slice;
  };
  Status add_table(const std::string& path);
  Status add_tensor(size_t table, std::string_view meta);
  Result<Tensor> read_part(std::string_view name, const SavedTensor& tensor, const Part& part) const;

  std::string pattern_;
  std::vector<std::unique_ptr<Table>> tables_;
  std::map<std::string, std::vector<Part>, std::less<>> parts_;
};

}  // namespace tw
