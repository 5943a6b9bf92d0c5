// The kinds of readers.
#include <algorithm>

#include "core/formats/inflate.h"
#include "core/formats/record.h"
#include "core/kernels/cpu/io/reader.h"

namespace tw {
namespace {

// One record for each piece of work, under its name.
class OneRecordReader : public Reader {
 public:
  using Reader::Reader;

 protected:
  virtual Result<std::string> record() = 0;

 private:
  Status open(const std::string&) override {
    given_ = false;
    return {};
  }
  Result<bool> next(std::string* key, std::string* value) override {
    if (given_) return false;
    TW_ASSIGN_OR_RETURN(*value, record());
    *key = work();
    given_ = true;
    return true;
  }
  void close() override {}

  bool given_ = false;
};

class WholeFileReader final : public OneRecordReader {
  using OneRecordReader::OneRecordReader;
  Result<std::string> record() override { return read_file(work()); }
};

// The record is the work itself.
class IdentityReader final : public OneRecordReader {
  using OneRecordReader::OneRecordReader;
  Result<std::string> record() override { return work(); }
  bool restorable() const override { return true; }
};

// Bytes of a file through a buffer.
class ByteStream {
 public:
  Status open(const std::string& path) {
    TW_ASSIGN_OR_RETURN(file_, ReadableFile::open(path));
    buffer_.clear();
    at_ = offset_ = 0;
    return {};
  }
  void close() { file_.reset(); }
  // Up to and without the next line break, with or without a carriage return before it; false at the end of the file.
  Result<bool> line(std::string* to) {
    to->clear();
    for (bool any = false;; any = true) {
      if (at_ == buffer_.size()) {
        TW_RETURN_IF_ERROR(refill());
        if (buffer_.empty()) return any;
      }
      const size_t end = buffer_.find('\n', at_);
      to->append(buffer_, at_, end == std::string::npos ? end : end - at_);
      at_ = end == std::string::npos ? buffer_.size() : end + 1;
      if (end == std::string::npos) continue;
      if (to->ends_with('\r')) to->pop_back();
      return true;
    }
  }

 private:
  Status refill() {
    buffer_.resize(256 << 10);
    auto got = file_->read_some(offset_, buffer_.size(), buffer_.data());
    buffer_.resize(got.ok() ? *got : 0);
    offset_ += buffer_.size();
    at_ = 0;
    return got.ok() ? Status() : std::move(got).status();
  }

  std::unique_ptr<ReadableFile> file_;
  std::string buffer_;
  size_t at_ = 0;
  uint64_t offset_ = 0;
};

// Lines, under "FILE:NUMBER" counted from 1.
class TextLineReader final : public Reader {
 public:
  TextLineReader(std::string name, int64_t skip) : Reader("TextLineReader", std::move(name)), skip_(skip) {}

 private:
  Status open(const std::string& path) override {
    TW_RETURN_IF_ERROR(stream_.open(path));
    number_ = 0;
    std::string line;
    for (; number_ < skip_; ++number_) {
      TW_ASSIGN_OR_RETURN(const bool found, stream_.line(&line));
      if (!found) break;
    }
    return {};
  }
  Result<bool> next(std::string* key, std::string* value) override {
    TW_ASSIGN_OR_RETURN(const bool found, stream_.line(value));
    if (!found) return false;
    *key = internal::concat(work(), ":", ++number_);
    return true;
  }
  void close() override { stream_.close(); }

  const int64_t skip_;
  ByteStream stream_;
  int64_t number_ = 0;
};

// Records of a TFRecord file, under "FILE:OFFSET".
class TFRecordReader final : public Reader {
 public:
  TFRecordReader(std::string name, std::string compression)
      : Reader("TFRecordReader", std::move(name)), compression_(std::move(compression)) {}

 private:
  Status open(const std::string& path) override {
    if (compression_.empty()) {
      TW_ASSIGN_OR_RETURN(records_, RecordReader::open(path));
      return {};
    }
    TW_ASSIGN_OR_RETURN(const std::string packed, read_file(path));
    TW_ASSIGN_OR_RETURN(std::string bytes, inflate(packed, compression_));
    records_ = RecordReader::over(path, std::move(bytes));
    return {};
  }
  Result<bool> next(std::string* key, std::string* value) override {
    const uint64_t offset = records_->offset();
    TW_ASSIGN_OR_RETURN(std::optional<std::string> record, records_->next());
    if (!record) return false;
    *key = internal::concat(work(), ":", offset);
    *value = std::move(*record);
    return true;
  }
  void close() override { records_.reset(); }

  const std::string compression_;
  std::unique_ptr<RecordReader> records_;
};

// Records of so many bytes between a header and a footer, a hop from one to the next, under "FILE:NUMBER" from 0.
class FixedLengthRecordReader final : public Reader {
 public:
  FixedLengthRecordReader(std::string name, const FixedLength& sizes, std::string encoding)
      : Reader("FixedLengthRecordReader", std::move(name)), sizes_(sizes), encoding_(std::move(encoding)) {}

 private:
  Status open(const std::string& path) override {
    offset_ = sizes_.header;
    number_ = 0;
    if (encoding_.empty()) {
      TW_ASSIGN_OR_RETURN(file_, ReadableFile::open(path));
      end_ = static_cast<int64_t>(file_->size()) - sizes_.footer;
      return {};
    }
    TW_ASSIGN_OR_RETURN(const std::string packed, read_file(path));
    TW_ASSIGN_OR_RETURN(bytes_, inflate(packed, encoding_));
    end_ = static_cast<int64_t>(bytes_.size()) - sizes_.footer;
    return {};
  }
  Result<bool> next(std::string* key, std::string* value) override {
    if (offset_ > end_ - sizes_.record) return false;
    if (file_) {
      value->resize(static_cast<size_t>(sizes_.record));
      TW_RETURN_IF_ERROR(file_->read_at(static_cast<uint64_t>(offset_), value->size(), value->data()));
    } else {
      value->assign(bytes_, static_cast<size_t>(offset_), static_cast<size_t>(sizes_.record));
    }
    *key = internal::concat(work(), ":", number_++);
    offset_ += sizes_.hop > 0 ? sizes_.hop : sizes_.record;
    return true;
  }
  void close() override {
    file_.reset();
    bytes_.clear();
  }

  const FixedLength sizes_;
  const std::string encoding_;
  std::unique_ptr<ReadableFile> file_;
  std::string bytes_;  // of a compressed file
  int64_t offset_ = 0, end_ = 0, number_ = 0;
};

}  // namespace

Ref<Reader> whole_file_reader(std::string name) {
  return make_ref<WholeFileReader>("WholeFileReader", std::move(name));
}
Ref<Reader> identity_reader(std::string name) { return make_ref<IdentityReader>("IdentityReader", std::move(name)); }
Ref<Reader> text_line_reader(std::string name, int64_t skip_lines) {
  return make_ref<TextLineReader>(std::move(name), skip_lines);
}
Ref<Reader> record_reader(std::string name, std::string compression) {
  return make_ref<TFRecordReader>(std::move(name), std::move(compression));
}
Ref<Reader> fixed_length_reader(std::string name, const FixedLength& sizes, const std::string& encoding) {
  return make_ref<FixedLengthRecordReader>(std::move(name), sizes, encoding);
}

}  // namespace tw
