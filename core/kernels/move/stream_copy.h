// Stores that pass the caches by.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tw {

// From this size on what is written is far beyond what the last cache holds when the next reader comes: a streaming
// store then saves reading the line that is overwritten.
inline constexpr int64_t kStreamBytes = int64_t{32} << 20;

// Copies `bytes` bytes, any alignment. Call stream_fence() before another thread may read what was written.
void stream_copy(const void* from, void* to, size_t bytes);
void stream_fence();

}  // namespace tw
