// StringSplit and StringSplitV2: strings cut into pieces, as a sparse tensor [row, number of the piece].
#include <algorithm>
#include <string_view>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct SplitState : KernelState {
  bool skip_empty = true;
  int64_t max_split = -1;
};

Status prepare_split(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<SplitState>();
  if (ctx.attrs().has("skip_empty")) s.skip_empty = ctx.attrs().boolean("skip_empty");
  if (ctx.attrs().has("maxsplit")) s.max_split = ctx.attrs().integer("maxsplit");
  if (ctx.input_shape(0).rank() != 1)
    return invalid_argument("input must be a vector, got shape: ", ctx.input_shape(0));
  return {};
}

using Pieces = std::vector<std::string_view>;

// At each byte that is among `delimiters`; between all bytes when there are none. An empty text has no pieces.
void split_at_any(std::string_view text, std::string_view delimiters, bool skip_empty, Pieces* out) {
  const auto add = [&](std::string_view piece) {
    if (!skip_empty || !piece.empty()) out->push_back(piece);
  };
  if (delimiters.empty()) {
    for (size_t i = 0; i < text.size(); ++i) add(text.substr(i, 1));
    return;
  }
  if (text.empty()) return;
  size_t begin = 0;
  for (size_t end; (end = text.find_first_of(delimiters, begin)) != std::string_view::npos; begin = end + 1) {
    add(text.substr(begin, end - begin));
  }
  add(text.substr(begin));
}

constexpr std::string_view kSpace = " \t\n\v\f\r";

// As Python's str.split: at each `separator`, or at runs of white space when it is empty, at most max_split times.
void split_like_python(std::string_view text, std::string_view separator, int64_t max_split, Pieces* out) {
  if (max_split == 0) return out->push_back(text);
  int64_t splits = 0;
  if (separator.empty()) {
    const auto skip_space = [&] { text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size())); };
    for (skip_space(); !text.empty(); skip_space()) {
      if (max_split > 0 && splits == max_split) return out->push_back(text);
      const size_t end = std::min(text.find_first_of(kSpace), text.size());
      out->push_back(text.substr(0, end));
      text.remove_prefix(end);
      ++splits;
    }
    // After the last split allowed the rest counts, even when it is empty.
    if (max_split > 0 && splits == max_split) out->push_back(text);
    return;
  }
  for (size_t at; (max_split < 0 || splits < max_split) && (at = text.find(separator)) != std::string_view::npos;
       ++splits) {
    out->push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  out->push_back(text);
}

template <typename Split>
Status run_split(const RunContext& ctx, const Split& split) {
  const std::string* in = ctx.in<std::string>(0);
  const int64_t rows = ctx.input(0).shape->num_elements();
  Pieces pieces;
  std::vector<size_t> ends;
  size_t widest = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const size_t before = pieces.size();
    split(in[r], &pieces);
    ends.push_back(pieces.size());
    widest = std::max(widest, pieces.size() - before);
  }
  const auto count = static_cast<int64_t>(pieces.size());
  TW_ASSIGN_OR_RETURN(void* const indices, ctx.allocate_output(0, Shape{count, 2}));
  TW_ASSIGN_OR_RETURN(void* const values, ctx.allocate_output(1, Shape{count}));
  TW_ASSIGN_OR_RETURN(void* const shape, ctx.allocate_output(2, Shape{2}));
  int64_t* index = static_cast<int64_t*>(indices);
  size_t i = 0;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t column = 0; i < ends[static_cast<size_t>(r)]; ++i, ++column) {
      *index++ = r;
      *index++ = column;
      static_cast<std::string*>(values)[i] = pieces[i];
    }
  }
  static_cast<int64_t*>(shape)[0] = rows;
  static_cast<int64_t*>(shape)[1] = static_cast<int64_t>(widest);
  return {};
}

Status run_string_split(const RunContext& ctx) {
  if (!ctx.input(1).shape->is_scalar()) {
    return invalid_argument("delimiter must be a scalar, got shape: ", *ctx.input(1).shape);
  }
  const std::string& delimiters = *ctx.in<std::string>(1);
  const bool skip_empty = ctx.state<SplitState>().skip_empty;
  return run_split(ctx, [&](const std::string& s, Pieces* out) { split_at_any(s, delimiters, skip_empty, out); });
}

Status run_string_split_v2(const RunContext& ctx) {
  if (!ctx.input(1).shape->is_scalar()) {
    return invalid_argument("sep must be a scalar, got shape: ", *ctx.input(1).shape);
  }
  const std::string& separator = *ctx.in<std::string>(1);
  const int64_t max_split = ctx.state<SplitState>().max_split;
  return run_split(ctx, [&](const std::string& s, Pieces* out) { split_like_python(s, separator, max_split, out); });
}

}  // namespace

TW_KERNEL(StringSplit, prepare_split, run_string_split);
TW_KERNEL(StringSplitV2, prepare_split, run_string_split_v2);

}  // namespace tw
