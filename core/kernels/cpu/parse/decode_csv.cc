// DecodeCSV: fields of comma-separated lines (RFC 4180).
#include <algorithm>
#include <charconv>
#include <vector>

#include "core/framework/kernel.h"

namespace tw {
namespace {

struct CsvState : KernelState {
  char delimiter = ',';
  bool quotes = true;
  std::string missing;
  std::vector<int64_t> columns;  // empty: all, in order
};

Status prepare(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<CsvState>();
  const std::string delimiter = ctx.attrs().string("field_delim");
  if (delimiter.size() != 1) return invalid_argument("field_delim should be only 1 char, but is '", delimiter, "'");
  s.delimiter = delimiter[0];
  s.quotes = ctx.attrs().boolean("use_quote_delim");
  s.missing = ctx.attrs().string("na_value");
  s.columns = ctx.attrs().ints("select_cols");
  if (!s.columns.empty() && static_cast<int>(s.columns.size()) != ctx.num_outputs()) {
    return invalid_argument("select_cols should match output size: ", s.columns.size(), " vs ", ctx.num_outputs());
  }
  for (size_t i = 0; i < s.columns.size(); ++i) {
    if (s.columns[i] < 0) return invalid_argument("select_cols should be non-negative indices, not ", s.columns[i]);
    if (i > 0 && s.columns[i] <= s.columns[i - 1]) {
      return invalid_argument("select_cols should be strictly increasing indices, but ", s.columns[i], " follows ",
                              s.columns[i - 1]);
    }
  }
  return {};
}

// The fields of one line. Quotes within a quoted field are doubled.
Status split(const CsvState& s, std::string_view line, std::vector<std::string>* fields) {
  fields->clear();
  for (size_t at = 0;;) {
    std::string field;
    if (s.quotes && at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        const size_t quote = line.find('"', at);
        if (quote == std::string_view::npos)
          return invalid_argument("Quoted field has to end with quote followed by delim or end: ", line);
        field += line.substr(at, quote - at);
        at = quote + 1;
        if (at == line.size() || line[at] != '"') break;
        field += '"';
      }
      if (at < line.size() && line[at] != s.delimiter) {
        return invalid_argument("Quoted field has to end with quote followed by delim or end: ", line);
      }
    } else {
      const size_t end = std::min(line.find(s.delimiter, at), line.size());
      field = line.substr(at, end - at);
      at = end;
      if (s.quotes && field.find('"') != std::string::npos) {
        return invalid_argument("Unquoted fields cannot have quotes inside: ", field);
      }
      if (field.find_first_of("\r\n") != std::string::npos) {
        return invalid_argument("Unquoted fields cannot have CRLF inside: ", field);
      }
    }
    fields->push_back(std::move(field));
    if (at >= line.size()) return {};
    ++at;
  }
}

template <typename T>
bool parse(std::string_view text, T* to) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '+')) text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *to);
  return error == std::errc() && end == text.data() + text.size();
}

// Field `f` of the record, or the default where it is empty, as element `i` of output `o`.
Status put(const RunContext& ctx, const std::string& field, bool missing, int o, size_t f, int64_t i) {
  const Value& fallback = ctx.input(o + 1);
  if (missing && fallback.shape->num_elements() == 0) {
    return invalid_argument("Field ", f, " is required but missing in record ", i, "!");
  }
  const auto number = [&]<typename T>(T* to) -> Status {
    if (missing) *to = *static_cast<const T*>(fallback.data);
    else if (!parse(field, to)) {
      return invalid_argument("Field ", f, " in record ", i, " is not a valid ", dtype_name(fallback.dtype), ": ",
                              field);
    }
    return {};
  };
  switch (fallback.dtype) {
    case DType::kInt32: return number(ctx.out<int32_t>(o) + i);
    case DType::kInt64: return number(ctx.out<int64_t>(o) + i);
    case DType::kFloat: return number(ctx.out<float>(o) + i);
    case DType::kDouble: return number(ctx.out<double>(o) + i);
    default: ctx.out<std::string>(o)[i] = missing ? *static_cast<const std::string*>(fallback.data) : field; return {};
  }
}

Status run(const RunContext& ctx) {
  const auto& s = ctx.state<CsvState>();
  for (int o = 0; o < ctx.num_outputs(); ++o) {
    if (ctx.input(o + 1).shape->num_elements() <= 1) continue;
    return invalid_argument("There should only be 1 default per field but field ", o, " has ",
                            ctx.input(o + 1).shape->num_elements());
  }
  std::vector<std::string> fields;
  for (int64_t i = 0; i < ctx.input(0).shape->num_elements(); ++i) {
    TW_RETURN_IF_ERROR(split(s, ctx.in<std::string>(0)[i], &fields));
    if (s.columns.empty() && static_cast<int>(fields.size()) != ctx.num_outputs()) {
      return invalid_argument("Expect ", ctx.num_outputs(), " fields but have ", fields.size(), " in record ", i);
    }
    for (int o = 0; o < ctx.num_outputs(); ++o) {
      const size_t f =
          s.columns.empty() ? static_cast<size_t>(o) : static_cast<size_t>(s.columns[static_cast<size_t>(o)]);
      if (f >= fields.size()) {
        return invalid_argument("Expect ", f + 1, " fields at least but have ", fields.size(), " in record ", i);
      }
      TW_RETURN_IF_ERROR(put(ctx, fields[f], fields[f].empty() || fields[f] == s.missing, o, f, i));
    }
  }
  return {};
}

}  // namespace

TW_KERNEL(DecodeCSV, prepare, run);

}  // namespace tw
