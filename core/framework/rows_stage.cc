#include "core/framework/rows_stage.h"

#include <algorithm>
#include <charconv>

namespace tw {
namespace {

// By kind.
constexpr std::string_view kNames[] = {"map", "rows", "Sum",     "Mean",     "Prod",
                                       "Max", "Min",  "Squares", "Variance", "ColumnSum"};

}  // namespace

std::string RowsStage::to_string() const {
  std::string text(kNames[static_cast<size_t>(kind)]);
  for (int v : operands) text += " " + std::to_string(v);
  if (has_tape()) text += ": " + tape.to_string();
  return text;
}

Result<RowsStage> RowsStage::parse(std::string_view text) {
  RowsStage stage;
  const size_t colon = text.find(':');
  std::string_view head = text.substr(0, colon);
  const auto word = [&] {
    const size_t end = std::min(head.find(' '), head.size());
    const std::string_view w = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    return w;
  };
  const auto* const name = std::find(std::begin(kNames), std::end(kNames), word());
  if (name != std::end(kNames)) stage.kind = static_cast<Kind>(name - std::begin(kNames));
  if (name == std::end(kNames) || stage.has_tape() != (colon != std::string_view::npos)) {
    return invalid_argument("no stage of rows reads '", text, "'");
  }
  while (!head.empty()) {
    const std::string_view w = word();
    int value = 0;
    const char* const end = w.data() + w.size();
    const auto got = std::from_chars(w.data(), end, value);
    if (got.ec != std::errc() || got.ptr != end) return invalid_argument("'", w, "' is no operand in '", text, "'");
    stage.operands.push_back(value);
  }
  if (stage.has_tape()) {
    TW_ASSIGN_OR_RETURN(stage.tape, Tape::parse(text.substr(colon + 1)));
  }
  return stage;
}

}  // namespace tw
