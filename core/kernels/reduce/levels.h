// Partial sums of columns by levels: each takes kRadix sums of the one below, so that rounding errors grow with the
// logarithm of the count.
#pragma once

#include <algorithm>

#include "core/kernels/map.h"
#include "core/kernels/reduce/combine.h"

namespace tw {

class Levels {
 public:
  static constexpr int kLevels = 5, kRadix = 8;
  static constexpr int64_t kRows = 256;  // rows summed before they go up a level

  // `sums` has room for kLevels rows of n elements and stays the caller's.
  Levels(const CombineFns& fns, char* sums, int64_t n) : fns_(fns), sums_(sums), n_(n) {}

  // Where the next sum is added, at level 0.
  char* begin() {
    if (!begun_) fns_.identity(sums_, kLevels * n_);
    begun_ = true;
    return sums_;
  }
  // The sum at level 0 is whole.
  void advance() {
    ++filled_;
    int64_t period = kRadix;
    for (int l = 0; l + 1 < kLevels && filled_ % period == 0; ++l, period *= kRadix) {
      fns_.columns(level(l), 1, n_, n_, level(l + 1));
      fns_.identity(level(l), n_);
    }
  }
  void finish(char* acc) {
    if (!begun_) return;
    for (int l = 0; l + 1 < kLevels; ++l) fns_.columns(level(l), 1, n_, n_, level(l + 1));
    fns_.columns(level(kLevels - 1), 1, n_, n_, acc);
  }

 private:
  char* level(int l) const { return sums_ + static_cast<int64_t>(l) * n_ * static_cast<int64_t>(fns_.element_size); }

  const CombineFns& fns_;
  char* sums_;
  int64_t n_, filled_ = 0;
  bool begun_ = false;
};

// acc[r] = acc[r] op x[r * n] op ... op x[r * n + n - 1], long rows by levels of pieces.
inline void combine_rows(const CombineFns& fns, const char* x, int64_t rows, int64_t n, char* acc) {
  if (n <= kMapBlock) return fns.rows(x, rows, n, acc);
  const int64_t size = static_cast<int64_t>(fns.element_size);
  alignas(64) char sums[Levels::kLevels * 16];
  for (int64_t r = 0; r < rows; ++r, x += n * size, acc += size) {
    Levels levels(fns, sums, 1);
    for (int64_t i = 0; i < n; i += kMapBlock) {
      fns.rows(x + i * size, 1, std::min(kMapBlock, n - i), levels.begin());
      levels.advance();
    }
    levels.finish(acc);
  }
}

}  // namespace tw
