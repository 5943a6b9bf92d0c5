// Record files (TFRecord): each record has its length and two checksums. Event files are record files of Event
// messages.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/platform/files.h"

namespace tw {

class RecordWriter {
 public:
  explicit RecordWriter(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  static Result<std::unique_ptr<RecordWriter>> open(const std::string& path,
                                                    WritableFile::Mode mode = WritableFile::Mode::kTruncate);
  Status write(std::string_view record);
  Status flush() { return file_->flush(); }
  Status sync() { return file_->sync(); }
  Status close() { return file_->close(); }
  const std::string& path() const { return file_->path(); }

 private:
  std::unique_ptr<WritableFile> file_;
};

// Reads one record after the other. A file that is still being written may be read again from offset() when it grew.
class RecordReader {
 public:
  static Result<std::unique_ptr<RecordReader>> open(const std::string& path, uint64_t offset = 0);
  // Over bytes that are in memory; `path` is for messages.
  static std::unique_ptr<RecordReader> over(std::string path, std::string bytes);
  // Nothing at the end of the file. DataLoss "truncated record at OFFSET" when the file ends within a record,
  // "corrupted record at OFFSET" when a checksum does not match; offset() then stays.
  Result<std::optional<std::string>> next();
  uint64_t offset() const { return offset_; }

 private:
  RecordReader(std::string path, std::unique_ptr<ReadableFile> file, uint64_t offset)
      : path_(std::move(path)), file_(std::move(file)), offset_(offset) {}
  // Makes at least `bytes` of the file from offset_ on available in buffer_, if there are as many.
  Status fill(size_t bytes);

  std::string path_;
  std::unique_ptr<ReadableFile> file_;  // null: buffer_ holds everything
  uint64_t offset_;
  std::string buffer_;
  uint64_t buffer_start_ = 0;
};

// An event file in `directory`: events.out.tfevents.SECONDS.HOST SUFFIX, begun with the version record. Event messages
// are made by the callers; make_event wraps a serialised Summary.
Result<std::unique_ptr<RecordWriter>> create_event_file(const std::string& directory, std::string_view suffix);
std::string make_event(double wall_time, int64_t step, std::string_view summary);

}  // namespace tw
