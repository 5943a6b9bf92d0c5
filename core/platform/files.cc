#include "core/platform/files.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <shared_mutex>

#include <fcntl.h>
#include <sys/stat.h>
#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace tw {
namespace {

namespace fs = std::filesystem;

constexpr size_t kWriteBuffer = 256 << 10;

Status errno_status(const std::string& path, int number) {
  const std::string text = path + "; " + std::strerror(number);
  switch (number) {
    case ENOENT: return not_found(text);
    case EEXIST: return already_exists(text);
    case EACCES:
    case EPERM:
    case EROFS: return permission_denied(text);
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return resource_exhausted(text);
#ifdef EDQUOT
    case EDQUOT: return resource_exhausted(text);
#endif
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case EBUSY: return failed_precondition(text);
    case EINVAL:
    case ENAMETOOLONG: return invalid_argument(text);
    default: return error(Code::kUnknown, text);
  }
}
Status code_status(const std::string& path, const std::error_code& code) { return errno_status(path, code.value()); }

std::shared_mutex hook_mutex;
FileHook hook;
std::atomic<bool> has_hook{false};

Status ask_hook(FileOperation operation, const std::string& path, size_t bytes = 0) {
  if (!has_hook.load(std::memory_order_acquire)) return {};
  std::shared_lock lock(hook_mutex);
  return hook ? hook(operation, path, bytes) : Status();
}

#ifdef _WIN32
int open_flags(int flags) { return flags | _O_BINARY; }
int64_t read_position(int fd, void* to, size_t n, uint64_t offset) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (_lseeki64(fd, static_cast<int64_t>(offset), SEEK_SET) < 0) return -1;
  return _read(fd, to, static_cast<unsigned>(n));
}
int sync_fd(int fd) { return _commit(fd); }
#else
int open_flags(int flags) { return flags | O_CLOEXEC; }
int64_t read_position(int fd, void* to, size_t n, uint64_t offset) {
  return ::pread(fd, to, n, static_cast<off_t>(offset));
}
int sync_fd(int fd) { return ::fsync(fd); }
#endif

}  // namespace

void set_file_hook(FileHook h) {
  std::unique_lock lock(hook_mutex);
  hook = std::move(h);
  has_hook.store(hook != nullptr, std::memory_order_release);
}

Result<std::unique_ptr<ReadableFile>> ReadableFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), open_flags(O_RDONLY));
  if (fd < 0) return errno_status(path, errno);
  struct stat info;
  if (::fstat(fd, &info) != 0) {
    const int number = errno;
    ::close(fd);
    return errno_status(path, number);
  }
  if ((info.st_mode & S_IFMT) == S_IFDIR) {
    ::close(fd);
    return errno_status(path, EISDIR);
  }
  return std::unique_ptr<ReadableFile>(new ReadableFile(path, fd, static_cast<uint64_t>(info.st_size)));
}
ReadableFile::~ReadableFile() { ::close(fd_); }

Result<size_t> ReadableFile::read_some(uint64_t offset, size_t bytes, void* to) const {
  size_t done = 0;
  while (done < bytes) {
    const size_t want = std::min<size_t>(bytes - done, 1 << 30);
    const int64_t got = read_position(fd_, static_cast<char*>(to) + done, want, offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_status(path_, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

Status ReadableFile::read_at(uint64_t offset, size_t bytes, void* to) const {
  TW_ASSIGN_OR_RETURN(const size_t got, read_some(offset, bytes, to));
  if (got == bytes) return {};
  return out_of_range(path_, "; read of ", bytes, " bytes at offset ", offset, " goes past the end, which is at ",
                      offset + got);
}

Result<std::unique_ptr<WritableFile>> WritableFile::open(const std::string& path, Mode mode) {
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kOpen, path));
  const int fd =
      ::open(path.c_str(), open_flags(O_WRONLY | O_CREAT | (mode == Mode::kAppend ? O_APPEND : O_TRUNC)), 0666);
  if (fd < 0) return errno_status(path, errno);
  struct stat info;
  const uint64_t size = ::fstat(fd, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  return std::unique_ptr<WritableFile>(new WritableFile(path, fd, size));
}
WritableFile::~WritableFile() {
  if (fd_ >= 0) (void)close();
}

Status WritableFile::write_through(std::string_view bytes) {
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kWrite, path_, bytes.size()));
  while (!bytes.empty()) {
    const auto done = ::write(fd_, bytes.data(), static_cast<unsigned>(std::min<size_t>(bytes.size(), 1 << 30)));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno_status(path_, errno);
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return {};
}

Status WritableFile::append(std::string_view bytes) {
  if (fd_ < 0) return failed_precondition(path_, "; the file is closed");
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() <= kWriteBuffer) {
    buffer_.append(bytes);
    return {};
  }
  TW_RETURN_IF_ERROR(flush());
  if (bytes.size() >= kWriteBuffer) return write_through(bytes);
  buffer_.append(bytes);
  return {};
}
Status WritableFile::flush() {
  if (fd_ < 0) return failed_precondition(path_, "; the file is closed");
  if (buffer_.empty()) return {};
  Status s = write_through(buffer_);
  buffer_.clear();
  return s;
}
Status WritableFile::sync() {
  TW_RETURN_IF_ERROR(flush());
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kSync, path_));
  // Pipes and some special files cannot be synced; that is no failure of ours.
  if (sync_fd(fd_) != 0 && errno != EINVAL && errno != EROFS) return errno_status(path_, errno);
  return {};
}
Status WritableFile::close(bool with_sync) {
  if (fd_ < 0) return {};
  Status s = with_sync ? sync() : flush();
  if (::close(fd_) != 0 && s.ok()) s = errno_status(path_, errno);
  fd_ = -1;
  return s;
}

Result<std::string> read_file(const std::string& path) {
  TW_ASSIGN_OR_RETURN(const auto file, ReadableFile::open(path));
  std::string bytes;
  // Files below /proc and pipes say that they are empty.
  size_t chunk = std::max<size_t>(static_cast<size_t>(file->size()), 4096);
  for (;;) {
    const size_t before = bytes.size();
    bytes.resize(before + chunk);
    TW_ASSIGN_OR_RETURN(const size_t got, file->read_some(before, chunk, bytes.data() + before));
    bytes.resize(before + got);
    if (got < chunk || bytes.size() == file->size()) return bytes;
  }
}

Status write_file(const std::string& path, std::string_view bytes) {
  static std::atomic<uint32_t> counter{0};
  const std::string temporary = internal::concat(path, ".tmp", ::getpid(), "_", counter.fetch_add(1));
  const auto write = [&]() -> Status {
    TW_ASSIGN_OR_RETURN(const auto file, WritableFile::open(temporary));
    TW_RETURN_IF_ERROR(file->append(bytes));
    TW_RETURN_IF_ERROR(file->close(true));
    return rename_file(temporary, path);
  };
  Status s = write();
  if (!s.ok()) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
  }
  return s;
}

bool file_exists(const std::string& path) {
  std::error_code code;
  return fs::exists(path, code);
}

Result<FileInfo> file_info(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return errno_status(path, errno);
  FileInfo result;
  result.size = static_cast<uint64_t>(info.st_size);
  result.is_directory = (info.st_mode & S_IFMT) == S_IFDIR;
#if defined(__APPLE__)
  result.mtime_ns = int64_t{info.st_mtimespec.tv_sec} * 1000000000 + info.st_mtimespec.tv_nsec;
#elif defined(_WIN32)
  result.mtime_ns = int64_t{info.st_mtime} * 1000000000;
#else
  result.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec;
#endif
  return result;
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  std::error_code code;
  fs::directory_iterator it(path, code);
  if (code) return code_status(path, code);
  std::vector<std::string> names;
  for (const fs::directory_iterator end; it != end; it.increment(code)) {
    names.push_back(it->path().filename().string());
    if (code) return code_status(path, code);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status make_directory(const std::string& path) {
  std::error_code code;
  if (fs::create_directory(path, code)) return {};
  return code ? code_status(path, code) : errno_status(path, EEXIST);
}
Status make_directories(const std::string& path) {
  if (path.empty()) return {};
  std::error_code code;
  fs::create_directories(path, code);
  return code ? code_status(path, code) : Status();
}
Status remove_file(const std::string& path) {
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kRemove, path));
  std::error_code code;
  if (fs::is_directory(path, code)) return errno_status(path, EISDIR);
  code.clear();
  if (fs::remove(path, code)) return {};
  return code ? code_status(path, code) : errno_status(path, ENOENT);
}
Status remove_directory(const std::string& path) {
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kRemove, path));
  std::error_code code;
  if (!fs::is_directory(path, code))
    return errno_status(path, code ? code.value() : (fs::exists(path, code) ? ENOTDIR : ENOENT));
  code.clear();
  fs::remove(path, code);
  return code ? code_status(path, code) : Status();
}
Status remove_tree(const std::string& path) {
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kRemove, path));
  std::error_code code;
  const auto count = fs::remove_all(path, code);
  if (code) return code_status(path, code);
  return count == 0 ? errno_status(path, ENOENT) : Status();
}
Status rename_file(const std::string& from, const std::string& to) {
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kRename, to));
  std::error_code code;
  fs::rename(from, to, code);
  return code ? code_status(from, code) : Status();
}
Status copy_file(const std::string& from, const std::string& to) {
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kWrite, to));
  std::error_code code;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, code);
  return code ? code_status(from, code) : Status();
}

Status sync_directory(const std::string& path) {
#ifdef _WIN32
  return {};
#else
  const std::string folder = path.empty() ? "." : path;
  TW_RETURN_IF_ERROR(ask_hook(FileOperation::kSync, folder));
  const int fd = ::open(folder.c_str(), open_flags(O_RDONLY));
  if (fd < 0) return errno_status(folder, errno);
  const int result = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  // Not every file system lets folders be synced.
  return result != 0 && number != EINVAL && number != EROFS && number != EBADF ? errno_status(folder, number)
                                                                               : Status();
#endif
}

namespace {

// Matches the class that begins after '['; returns the position after ']', or npos when the class never ends.
size_t match_class(std::string_view pattern, size_t i, char c, bool* matched) {
  const bool negate = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negate) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const char low = pattern[i++];
    char high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      high = pattern[i + 1];
      i += 2;
    }
    found = found || (low <= c && c <= high);
  }
  if (i >= pattern.size()) return std::string_view::npos;
  *matched = found != negate;
  return i + 1;
}

// One path component against one pattern component. On a mismatch it goes back to the last star only, which is enough
// since a later star can take up whatever an earlier one left.
bool match_component(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, star_name = 0;
  while (n < name.size()) {
    bool ok = false;
    size_t next = p + 1;
    if (p < pattern.size()) {
      if (pattern[p] == '*') {
        star = p++;
        star_name = n;
        continue;
      }
      if (pattern[p] == '[') {
        next = match_class(pattern, p + 1, name[n], &ok);
        if (next == std::string_view::npos) {
          next = p + 1;
          ok = name[n] == '[';
        }
      } else if (pattern[p] == '\\' && p + 1 < pattern.size()) {
        next = p + 2;
        ok = pattern[p + 1] == name[n];
      } else {
        ok = pattern[p] == '?' || pattern[p] == name[n];
      }
    }
    if (ok) {
      p = next;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool has_magic(std::string_view text) { return text.find_first_of("*?[\\") != std::string_view::npos; }

}  // namespace

Result<std::vector<std::string>> match_files(const std::string& pattern) {
  std::vector<std::string> found;
  if (pattern.empty()) return found;
  found.push_back(pattern[0] == '/' ? "/" : "");
  size_t begin = pattern.find_first_not_of('/');
  while (begin != std::string::npos) {
    const size_t end = std::min(pattern.find('/', begin), pattern.size());
    const std::string_view component = std::string_view(pattern).substr(begin, end - begin);
    begin = pattern.find_first_not_of('/', end);
    const bool last = begin == std::string::npos;
    std::vector<std::string> next;
    for (const std::string& folder : found) {
      if (!has_magic(component)) {
        std::string path = join_path(folder, component);
        if (!last || file_exists(path)) next.push_back(std::move(path));
        continue;
      }
      auto names = list_directory(folder.empty() ? "." : folder);
      if (!names.ok()) {
        // A folder that is missing, or a file where the pattern wants a folder, matches nothing.
        const Code code = names.status().code();
        if (code == Code::kNotFound || code == Code::kFailedPrecondition) continue;
        return std::move(names).status();
      }
      for (const std::string& name : *names) {
        if (match_component(component, name)) next.push_back(join_path(folder, name));
      }
    }
    found = std::move(next);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}
std::string base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}
std::string join_path(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (name.empty()) return std::string(directory);
  std::string path(directory);
  if (path.back() != '/') path += '/';
  return path.append(name[0] == '/' ? name.substr(1) : name);
}

}  // namespace tw
