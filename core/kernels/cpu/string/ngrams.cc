// StringNGrams: runs of neighbouring strings of ragged rows, joined.
#include <algorithm>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct NGramState : KernelState {
  std::string separator, left, right;
  std::vector<int64_t> widths;
  int64_t pad = -1;  // most paddings on either side; -1: as many as a width has room for
  bool preserve_short = false;

  int64_t padding(int64_t width) const { return std::min(pad < 0 ? width - 1 : pad, width - 1); }
};

Status prepare(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<NGramState>();
  s.separator = ctx.attrs().string("separator");
  s.left = ctx.attrs().string("left_pad");
  s.right = ctx.attrs().string("right_pad");
  s.widths = ctx.attrs().ints("ngram_widths");
  s.pad = ctx.attrs().integer("pad_width");
  s.preserve_short = ctx.attrs().boolean("preserve_short_sequences");
  for (const int64_t w : s.widths) {
    if (w <= 0) return invalid_argument("ngram_widths must contain positive widths, but has ", w);
  }
  return {};
}

// The n-grams of `count` tokens, padded by `padding` on either side.
void add_ngrams(const NGramState& s, const std::string* tokens, int64_t count, int64_t width, int64_t padding,
                std::vector<std::string>* out) {
  for (int64_t first = -padding; first + width <= count + padding; ++first) {
    std::string text;
    for (int64_t i = first; i < first + width; ++i) {
      if (i > first) text += s.separator;
      text += i < 0 ? s.left : i < count ? tokens[i] : s.right;
    }
    out->push_back(std::move(text));
  }
}

Status run(const RunContext& ctx) {
  const auto& s = ctx.state<NGramState>();
  const Value &data = ctx.input(0), &splits = ctx.input(1);
  const int64_t n = data.shape->num_elements(), rows = std::max<int64_t>(splits.shape->num_elements() - 1, 0);
  if (splits.shape->rank() != 1) return invalid_argument("data_splits must be a vector, got shape ", *splits.shape);
  for (int64_t r = 0; r <= rows && splits.shape->num_elements() > 0; ++r) {
    const int64_t at = index_at(splits, r), before = r == 0 ? 0 : index_at(splits, r - 1);
    if (at >= before && at <= n && (r > 0 || at == 0) && (r < rows || at == n)) continue;
    return invalid_argument("Invalid data_splits: value ", at, " at ", r, " must rise from 0 to the ", n,
                            " elements of data");
  }
  std::vector<std::string> ngrams;
  TW_ASSIGN_OR_RETURN(void* const ends, ctx.allocate_output(1, *splits.shape));
  const auto set_end = [&](int64_t r) {
    if (splits.dtype == DType::kInt32) static_cast<int32_t*>(ends)[r] = static_cast<int32_t>(ngrams.size());
    else static_cast<int64_t*>(ends)[r] = static_cast<int64_t>(ngrams.size());
  };
  if (splits.shape->num_elements() > 0) set_end(0);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t begin = index_at(splits, r), count = index_at(splits, r + 1) - begin;
    const std::string* tokens = static_cast<const std::string*>(data.data) + begin;
    const size_t before = ngrams.size();
    for (const int64_t width : s.widths) add_ngrams(s, tokens, count, width, s.padding(width), &ngrams);
    // A row too short for any width gives itself, padded.
    if (s.preserve_short && ngrams.size() == before && count > 0) {
      const int64_t padding = std::max<int64_t>(s.pad, 0);
      add_ngrams(s, tokens, count, count + 2 * padding, padding, &ngrams);
    }
    set_end(r + 1);
  }
  ctx.set_output(0, Tensor::vector<std::string>(ngrams));
  return {};
}

}  // namespace

TW_KERNEL(StringNGrams, prepare, run);

}  // namespace tw
