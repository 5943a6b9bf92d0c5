// Files and folders. Errors carry TF's code and text ("PATH; No such file or directory"). Objects are for one thread at
// a time unless stated; the functions are thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/platform/status.h"

namespace tw {

class ReadableFile {
 public:
  static Result<std::unique_ptr<ReadableFile>> open(const std::string& path);
  ~ReadableFile();
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;

  const std::string& path() const { return path_; }
  // At the time of opening.
  uint64_t size() const { return size_; }
  // Fills `to` with the bytes at `offset`; OutOfRange when the file ends before. Thread-safe.
  Status read_at(uint64_t offset, size_t bytes, void* to) const;
  // As many of those bytes as there are. Thread-safe.
  Result<size_t> read_some(uint64_t offset, size_t bytes, void* to) const;

 private:
  ReadableFile(std::string path, int fd, uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}
  std::string path_;
  int fd_;
  uint64_t size_;
};

// Buffered. Data is safe on disk only after sync() or close(true) returned success; without close() the file is left as
// far as it was written.
class WritableFile {
 public:
  enum class Mode { kTruncate, kAppend };
  static Result<std::unique_ptr<WritableFile>> open(const std::string& path, Mode mode = Mode::kTruncate);
  ~WritableFile();
  WritableFile(const WritableFile&) = delete;
  WritableFile& operator=(const WritableFile&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }  // with what is still in the buffer
  Status append(std::string_view bytes);
  Status flush();  // to the operating system
  Status sync();   // to the disk
  Status close(bool with_sync = false);

 private:
  WritableFile(std::string path, int fd, uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}
  Status write_through(std::string_view bytes);
  std::string path_;
  int fd_;
  uint64_t size_;
  std::string buffer_;
};

struct FileInfo {
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  bool is_directory = false;
};

Result<std::string> read_file(const std::string& path);
// The file holds either what it held before or all of `bytes`, whatever happens: written beside it, synced, renamed.
Status write_file(const std::string& path, std::string_view bytes);
bool file_exists(const std::string& path);
Result<FileInfo> file_info(const std::string& path);
// Names in a folder, sorted, without "." and "..".
Result<std::vector<std::string>> list_directory(const std::string& path);
Status make_directory(const std::string& path);    // AlreadyExists when something is there
Status make_directories(const std::string& path);  // with its parents; fine when it is there
Status remove_file(const std::string& path);
Status remove_directory(const std::string& path);  // FailedPrecondition unless empty
Status remove_tree(const std::string& path);
// Replaces `to`, atomically within one file system.
Status rename_file(const std::string& from, const std::string& to);
Status copy_file(const std::string& from, const std::string& to);
// Makes a folder's entries (creations and renames in it) safe on disk.
Status sync_directory(const std::string& path);
// Paths that match a shell pattern (* ? [] and \ to quote; none of them matches '/'), sorted. No match is not an error.
Result<std::vector<std::string>> match_files(const std::string& pattern);

// "a/b/c.txt" -> "a/b", "c.txt".
std::string directory_of(std::string_view path);
std::string base_name(std::string_view path);
std::string join_path(std::string_view directory, std::string_view name);

// For tests of full disks and sudden ends: when set, every open for writing, write, sync, rename and remove asks the
// hook first and fails with what it answers.
enum class FileOperation { kOpen, kWrite, kSync, kRename, kRemove };
using FileHook = std::function<Status(FileOperation operation, const std::string& path, size_t bytes)>;
void set_file_hook(FileHook hook);

}  // namespace tw
