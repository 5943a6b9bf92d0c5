// A dense tensor copied into a larger one, whose other elements get one value, in a single pass over the result.
#pragma once

#include <array>
#include <span>

#include "core/framework/shape.h"
#include "core/platform/worker_pool.h"

namespace tw {

class PaddedCopy {
 public:
  PaddedCopy() = default;
  // `before` and `after` elements of padding around each of `dims`; all >= 0. Elements of 1, 2, 4, 8 or 16 bytes.
  PaddedCopy(std::span<const int64_t> dims, std::span<const int64_t> before, std::span<const int64_t> after,
             size_t element_size);
  // `value` points at one element; null for zero bytes. Never allocates.
  void run(const void* from, const void* value, void* to, WorkerPool& pool) const;

 private:
  // Rows [begin, end) of the result.
  void run_rows(const char* from, const unsigned char* value, char* to, int64_t begin, int64_t end) const;

  int rank_ = 0;
  size_t element_size_ = 4;
  int64_t rows_ = 0;                                         // of the result
  std::array<int64_t, kMaxRank> dims_{}, before_{}, out_{};  // out_: sizes of the result
};

}  // namespace tw
