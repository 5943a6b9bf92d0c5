// Partial sums of columns by levels: each takes kRadix sums of the one below, so that rounding errors grow with the
// logarithm of the count.
#pragma once

#include <algorithm>
#include <cstring>

#include "core/kernels/reduce/combine.h"

namespace tw {

class Levels {
 public:
  static constexpr int kLevels = 5, kRadix = 8;
  static constexpr int64_t kRows = 128;  // rows summed before they count as one sum of level 0

  // `sums` has room for kLevels rows of n elements and stays the caller's.
  Levels(const CombineFns& fns, char* sums, int64_t n) : fns_(fns), sums_(sums), n_(n) {}

  // Where the next sum is added, at level 0.
  char* begin() {
    if (!open_ && filled_ % kRadix == 0) fns_.identity(sums_, n_);
    open_ = true;
    return sums_;
  }
  // The sum is whole.
  void advance() {
    open_ = false;
    ++filled_;
    int64_t count = filled_;  // sums that level l has taken
    for (int l = 0; l + 1 < kLevels && count % kRadix == 0; ++l) {
      count /= kRadix;
      add(level(l), level(l + 1), count == 1 || (count % kRadix == 1 && l + 2 < kLevels));
    }
  }
  void finish(char* acc) {
    const char* below = nullptr;
    int64_t count = filled_;
    for (int l = 0; l < kLevels && count > 0; ++l, count /= kRadix) {
      if (l + 1 < kLevels && count % kRadix == 0) continue;  // went up
      if (below != nullptr) fns_.columns(below, 1, n_, n_, level(l), false);
      below = level(l);
    }
    if (below != nullptr) fns_.columns(below, 1, n_, n_, acc, false);
  }

 private:
  void add(const char* from, char* to, bool first) {
    if (first) std::memcpy(to, from, static_cast<size_t>(n_) * fns_.element_size);
    else fns_.columns(from, 1, n_, n_, to, false);
  }
  char* level(int l) const { return sums_ + static_cast<int64_t>(l) * n_ * static_cast<int64_t>(fns_.element_size); }

  const CombineFns& fns_;
  char* sums_;
  int64_t n_, filled_ = 0;
  bool open_ = false;
};

// Elements of a row that CombineFns::rows may sum at once with small errors.
inline constexpr int64_t kRowPiece = 16 << 10;

// acc[r] = acc[r] op x[r * n] op ... op x[r * n + n - 1], long rows by levels of pieces.
inline void combine_rows(const CombineFns& fns, const char* x, int64_t rows, int64_t n, char* acc) {
  if (n <= kRowPiece) return fns.rows(x, rows, n, acc);
  const int64_t size = static_cast<int64_t>(fns.element_size);
  alignas(64) char sums[Levels::kLevels * 16];
  for (int64_t r = 0; r < rows; ++r, x += n * size, acc += size) {
    Levels levels(fns, sums, 1);
    for (int64_t i = 0; i < n; i += kRowPiece) {
      fns.rows(x + i * size, 1, std::min(kRowPiece, n - i), levels.begin());
      levels.advance();
    }
    levels.finish(acc);
  }
}

}  // namespace tw
