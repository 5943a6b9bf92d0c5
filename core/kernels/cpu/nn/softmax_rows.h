// Softmax and cross entropy of rows, compiled per vector target: three passes over a row, which stays in cache.
#pragma once

#include <cstdint>

#include "core/framework/dtype.h"

namespace tw {

struct SoftmaxFns {
  // Rows of n classes; `out` may be `x`.
  void (*softmax)(const void* x, int64_t rows, int64_t n, void* out);
  void (*log_softmax)(const void* x, int64_t rows, int64_t n, void* out);
  // loss[r] = -sum(labels * log_softmax), back = (softmax - labels) * factor[r], or without it when `factor` is null. A
  // row stride of 0 repeats the row.
  void (*cross_entropy)(const void* x, int64_t x_row, const void* labels, int64_t label_row, int64_t rows, int64_t n,
                        const void* factor, void* loss, void* back);
  // Every labels[r] is in [0, n).
  void (*sparse_cross_entropy)(const void* x, const int64_t* labels, int64_t rows, int64_t n, const void* factor,
                               void* loss, void* back);
};

// float and double.
SoftmaxFns find_softmax(DType t);

}  // namespace tw
