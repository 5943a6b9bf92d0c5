// Asking for memory ahead of its use, into the second-level cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/platform/cpu.h"
#include "hwy/base.h"
#include "hwy/cache_control.h"

namespace tw {

// How far ahead of its reader one stream from memory is asked for.
inline constexpr int kStreamAhead = 1024;  // bytes

// For streams that the processor does not foresee, such as rows of a matrix read side by side. A line asked for so
// takes none of the few places in which the first-level cache waits for memory: column sums from memory ran at 97 % of
// the read bandwidth so, and at 65 % with requests to the first level (AMD Zen 4). Any address will do.
// Always inlined, since GCC drops calls of functions that do nothing else.
HWY_INLINE void prefetch_second_level(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#else
  hwy::Prefetch(p);
#endif
}

// Asks for a row of memory, its first lines at least, behind which the processor sees where it goes.
HWY_INLINE void prefetch_row(const void* row, size_t bytes) {
  constexpr size_t kLine = 64, kMost = 1024;
  const char* p = static_cast<const char*>(row);
  for (size_t i = 0; i < bytes && i < kMost; i += kLine) prefetch_second_level(p + i);
}

// Whether the processor follows a matrix that is read from its beginning to its end into the second level by itself, so
// that requests only take time: products of 12 x 512 x 512 by 64 columns take 12 % longer with them on Intel's (Xeon,
// Sapphire Rapids), and less on AMD's (Zen 4).
inline const bool kFollowsMatrices = is_intel();

// Rows of a table in an order that only indices tell: the row that comes this many rows later is asked for. Not on
// Intel's processors, which look ahead by more instructions: there the requests of eight rows hold each other up, and
// gathering rows of 256 bytes takes 7.0 ms with them and 3.5 without (Xeon, Sapphire Rapids). AMD's (Zen 4) gain.
inline constexpr int64_t kRowsAhead = 8;
inline const bool kAsksForIndexedRows = !is_intel();
HWY_INLINE void prefetch_indexed_row(const void* row, size_t bytes) {
  if (kAsksForIndexedRows) prefetch_row(row, bytes);
}

}  // namespace tw
