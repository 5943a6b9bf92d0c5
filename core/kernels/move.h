// The move engine: data movement as strided copies with vector inner loops.
#pragma once

#include <array>
#include <span>

#include "core/framework/dtype.h"
#include "core/framework/shape.h"
#include "core/platform/worker_pool.h"

namespace tw {

// Tiling and blocking split each dimension in two.
inline constexpr int kMaxMoveRank = 2 * kMaxRank;

// About 10 us of copying from memory, below which another thread does not pay.
inline constexpr int64_t kCopiedBytesPerThread = 64 << 10;

// An N-d copy between two strided views, planned once: dimensions of size 1 dropped, adjacent ones merged, the loop
// order chosen, 2-D transposes tiled.
class StridedCopy {
 public:
  // Strides in elements, may be zero (source only: broadcast) or negative. Element size 1, 2, 4, 8 or 16 bytes.
  // At most kMaxMoveRank dims after those of size 1 are dropped and those that lie together are merged.
  StridedCopy() = default;
  StridedCopy(std::span<const int64_t> dims, std::span<const int64_t> from_strides, std::span<const int64_t> to_strides,
              size_t element_size);
  // `from` and `to` point at index 0 of each view and must not overlap. Never allocates.
  void run(const void* from, void* to, WorkerPool& pool) const;
  int64_t count() const { return count_; }

 private:
  void run_transpose(const char* from, char* to, WorkerPool& pool) const;

  int rank_ = 0;
  int64_t count_ = 1;
  size_t element_size_ = 4;
  bool transpose_ = false;                                    // inner two dimensions cross
  std::array<int64_t, kMaxMoveRank> dims_{}, from_{}, to_{};  // outermost first, by the destination's strides
};

// Non-plain elements (strings, handles) move one by one by assignment; same contract as StridedCopy::run.
void strided_assign(DType dtype, std::span<const int64_t> dims, std::span<const int64_t> from_strides,
                    std::span<const int64_t> to_strides, const void* from, void* to);

}  // namespace tw
