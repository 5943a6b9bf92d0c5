#include "core/formats/record.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#ifdef _WIN32
#include <cstdlib>
#else
#include <unistd.h>
#endif

#include "core/formats/wire.h"
#include "core/platform/crc32c.h"

namespace tw {
namespace {

constexpr size_t kHeader = 12;  // length, its crc
constexpr size_t kFooter = 4;   // crc of the data
constexpr size_t kReadAhead = 256 << 10;

void put_little(char* to, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; ++i) to[i] = static_cast<char>(v >> (8 * i));
}
uint64_t get_little(const char* from, int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; ++i) v |= uint64_t{static_cast<uint8_t>(from[i])} << (8 * i);
  return v;
}
bool crc_matches(const char* data, size_t size, const char* stored) {
  return unmask_crc32c(static_cast<uint32_t>(get_little(stored, 4))) == extend_crc32c(0, data, size);
}

std::string host_name() {
#ifdef _WIN32
  const char* name = std::getenv("COMPUTERNAME");
  return name ? name : "localhost";
#else
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
#endif
}

}  // namespace

Result<std::unique_ptr<RecordWriter>> RecordWriter::open(const std::string& path, WritableFile::Mode mode) {
  TW_ASSIGN_OR_RETURN(auto file, WritableFile::open(path, mode));
  return std::make_unique<RecordWriter>(std::move(file));
}

Status RecordWriter::write(std::string_view record) {
  char header[kHeader], footer[kFooter];
  put_little(header, record.size(), 8);
  put_little(header + 8, mask_crc32c(extend_crc32c(0, header, 8)), 4);
  put_little(footer, mask_crc32c(crc32c(record)), 4);
  TW_RETURN_IF_ERROR(file_->append({header, kHeader}));
  TW_RETURN_IF_ERROR(file_->append(record));
  return file_->append({footer, kFooter});
}

Result<std::unique_ptr<RecordReader>> RecordReader::open(const std::string& path, uint64_t offset) {
  TW_ASSIGN_OR_RETURN(auto file, ReadableFile::open(path));
  return std::unique_ptr<RecordReader>(new RecordReader(path, std::move(file), offset));
}

std::unique_ptr<RecordReader> RecordReader::over(std::string path, std::string bytes) {
  std::unique_ptr<RecordReader> reader(new RecordReader(std::move(path), nullptr, 0));
  reader->buffer_ = std::move(bytes);
  return reader;
}

Status RecordReader::fill(size_t bytes) {
  if (!file_) return {};
  const size_t skip = static_cast<size_t>(offset_ - buffer_start_);
  if (offset_ >= buffer_start_ && skip <= buffer_.size() && buffer_.size() - skip >= bytes) return {};
  if (offset_ >= buffer_start_ && skip <= buffer_.size()) {
    buffer_.erase(0, skip);
  } else {
    buffer_.clear();
  }
  buffer_start_ = offset_;
  const size_t have = buffer_.size();
  buffer_.resize(std::max(bytes, kReadAhead));
  auto got = file_->read_some(offset_ + have, buffer_.size() - have, buffer_.data() + have);
  buffer_.resize(have + (got.ok() ? *got : 0));
  return got.ok() ? Status() : std::move(got).status();
}

Result<std::optional<std::string>> RecordReader::next() {
  const auto available = [&] { return buffer_.size() - static_cast<size_t>(offset_ - buffer_start_); };
  const auto at = [&](size_t i) { return buffer_.data() + static_cast<size_t>(offset_ - buffer_start_) + i; };
  TW_RETURN_IF_ERROR(fill(kHeader));
  if (available() == 0) return std::optional<std::string>();
  if (available() < kHeader) return data_loss("truncated record at ", offset_, " of ", path_);
  if (!crc_matches(at(0), 8, at(8))) return data_loss("corrupted record at ", offset_, " of ", path_);
  const uint64_t length = get_little(at(0), 8);
  // The length is right, so a file that is too short was cut, or is still being written.
  uint64_t end = buffer_.size();
  if (file_) {
    TW_ASSIGN_OR_RETURN(const FileInfo info, file_info(path_));
    end = info.size;
  }
  if (end < offset_ || length > end - offset_ || end - offset_ - length < kHeader + kFooter) {
    return data_loss("truncated record at ", offset_, " of ", path_);
  }
  const size_t size = static_cast<size_t>(length);
  TW_RETURN_IF_ERROR(fill(kHeader + size + kFooter));
  if (available() < kHeader + size + kFooter) return data_loss("truncated record at ", offset_, " of ", path_);
  if (!crc_matches(at(kHeader), size, at(kHeader + size))) {
    return data_loss("corrupted record at ", offset_, " of ", path_);
  }
  std::optional<std::string> record(std::in_place, at(kHeader), size);
  offset_ += kHeader + size + kFooter;
  return record;
}

std::string make_event(double wall_time, int64_t step, std::string_view summary) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_double(1, wall_time);
  if (step != 0) out.add_int64(2, step);
  out.add_message(5, summary.data(), summary.size());
  return bytes;
}

Result<std::unique_ptr<RecordWriter>> create_event_file(const std::string& directory, std::string_view suffix) {
  TW_RETURN_IF_ERROR(make_directories(directory));
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  char seconds[24];
  std::snprintf(seconds, sizeof seconds, "%010lld", static_cast<long long>(now));
  const std::string name = internal::concat("events.out.tfevents.", seconds, ".", host_name(), suffix);
  // Appending keeps what a writer begun in the same second has logged.
  TW_ASSIGN_OR_RETURN(auto writer, RecordWriter::open(join_path(directory, name), WritableFile::Mode::kAppend));
  std::string version;
  protozero::pbf_writer out(version);
  out.add_double(1, now);
  out.add_string(3, "brain.Event:2");
  TW_RETURN_IF_ERROR(writer->write(version));
  TW_RETURN_IF_ERROR(writer->flush());
  return writer;
}

}  // namespace tw
