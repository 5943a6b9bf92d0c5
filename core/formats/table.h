// Sorted tables: immutable files of (key, value) in blocks, the container of checkpoint indices and of V1 checkpoints.
// docs/formats.md has the bytes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/platform/files.h"

namespace tw {

// Writes entries in ascending order of keys. Nothing is compressed.
class TableBuilder {
 public:
  explicit TableBuilder(WritableFile* file) : file_(file) {}
  // Precondition: `key` is greater than the one before.
  Status add(std::string_view key, std::string_view value);
  Status finish();

 private:
  struct Block {
    std::string bytes, last_key;
    std::string restarts;
    uint32_t restart_count = 0;
    int since_restart = 0;
    int interval = 16;
    void add(std::string_view key, std::string_view value);
    std::string take();  // with the restart array; empties the block
  };
  struct Handle {
    uint64_t offset = 0, size = 0;
  };
  Result<Handle> write_block(Block* block);
  Status flush_data();

  WritableFile* file_;
  uint64_t offset_ = 0;
  Block data_, index_;
};

// Reads blocks as they are asked for. Thread-safe. Every error is DataLoss or an I/O error and names the file.
class Table {
 public:
  static Result<std::unique_ptr<Table>> open(const std::string& path);
  const std::string& path() const { return file_->path(); }

  Result<std::optional<std::string>> get(std::string_view key) const;
  // Calls fn(key, value) in ascending order from the first key that is not less than `from`; stops at an error.
  Status scan(std::string_view from,
              const std::function<Status(std::string_view key, std::string_view value)>& fn) const;

 private:
  explicit Table(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}
  Result<std::string> read_block(std::string_view encoded_handle) const;

  std::unique_ptr<ReadableFile> file_;
  std::string index_;  // the index block, checked and decompressed
};

// Calls fn for each entry of a block's contents; DataLoss when the bytes are no block. Exposed for tests.
Status scan_block(std::string_view block,
                  const std::function<Status(std::string_view key, std::string_view value)>& fn);

// Snappy's block format, which V1 checkpoints use. Nothing when the bytes are not valid.
std::optional<std::string> snappy_decompress(std::string_view compressed);

void put_varint(std::string* out, uint64_t value);
// Takes a varint off the front; false when there is none.
bool get_varint(std::string_view* in, uint64_t* value);

}  // namespace tw
