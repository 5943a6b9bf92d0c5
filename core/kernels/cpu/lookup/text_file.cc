#include "core/kernels/cpu/lookup/text_file.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "core/platform/files.h"

namespace tw {
namespace {

using Line = std::string_view;

std::vector<Line> split_lines(Line text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    Line line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class Column {
 public:
  Column(const std::string& path, int64_t index, DType dtype, char delimiter)
      : path_(path), index_(index), dtype_(dtype), delimiter_(delimiter) {}

  Status check() const {
    if (index_ == TextColumns::kLineNumber && dtype_ != DType::kInt64 && dtype_ != DType::kInt32) {
      return invalid_argument("Key and value dtypes of line numbers must be int64, not ", dtype_name(dtype_));
    }
    if (index_ == TextColumns::kWholeLine && dtype_ != DType::kString) {
      return invalid_argument("Key and value dtypes of whole lines must be string, not ", dtype_name(dtype_));
    }
    return {};
  }

  Result<Tensor> read(const std::vector<Line>& lines) const {
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(dtype_, Shape{static_cast<int64_t>(lines.size())}));
    for (size_t i = 0; i < lines.size(); ++i) TW_RETURN_IF_ERROR(put(lines[i], i, &t));
    return t;
  }

 private:
  Result<Line> field(Line line, size_t number) const {
    if (index_ == TextColumns::kWholeLine) return line;
    Line rest = line;
    for (int64_t skipped = 0;; ++skipped) {
      const size_t end = rest.find(delimiter_);
      if (skipped == index_) return rest.substr(0, end);
      if (end == Line::npos) {
        return invalid_argument("Invalid number of columns in ", path_, " line ", number, " (", line,
                                ") : expected at least ", index_ + 1, " got ", skipped + 1);
      }
      rest.remove_prefix(end + 1);
    }
  }

  template <typename T>
  Status number(Line text, size_t line, T* to) const {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *to);
    if (error == std::errc() && end == text.data() + text.size()) return {};
    return invalid_argument("Field ", text, " in line ", line, " of ", path_, " is not a valid ", dtype_name(dtype_),
                            ".");
  }

  Status put(Line line, size_t i, Tensor* to) const {
    if (index_ == TextColumns::kLineNumber) {
      if (dtype_ == DType::kInt64) to->data<int64_t>()[i] = static_cast<int64_t>(i);
      else to->data<int32_t>()[i] = static_cast<int32_t>(i);
      return {};
    }
    TW_ASSIGN_OR_RETURN(const Line text, field(line, i));
    switch (dtype_) {
      case DType::kString: to->data<std::string>()[i] = text; return {};
      case DType::kInt64: return number(text, i, to->data<int64_t>() + i);
      case DType::kInt32: return number(text, i, to->data<int32_t>() + i);
      case DType::kFloat: return number(text, i, to->data<float>() + i);
      case DType::kDouble: return number(text, i, to->data<double>() + i);
      default: return invalid_argument("Data type ", dtype_name(dtype_), " not supported in a text file");
    }
  }

  const std::string& path_;
  const int64_t index_;
  const DType dtype_;
  const char delimiter_;
};

}  // namespace

Status read_table_file(const std::string& path, const TextColumns& columns, DType key, DType value, Tensor* keys,
                       Tensor* values) {
  const Column key_column(path, columns.key, key, columns.delimiter);
  const Column value_column(path, columns.value, value, columns.delimiter);
  TW_RETURN_IF_ERROR(key_column.check());
  TW_RETURN_IF_ERROR(value_column.check());
  TW_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  std::vector<Line> lines = split_lines(text);
  if (columns.lines >= 0) {
    if (lines.size() < static_cast<size_t>(columns.lines)) {
      return invalid_argument("Invalid vocab_size in ", path, ": expected ", columns.lines, " but got ", lines.size());
    }
    lines.resize(static_cast<size_t>(columns.lines));
  }
  TW_ASSIGN_OR_RETURN(*keys, key_column.read(lines));
  TW_ASSIGN_OR_RETURN(*values, value_column.read(lines));
  return {};
}

}  // namespace tw
