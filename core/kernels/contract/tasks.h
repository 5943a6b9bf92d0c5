// Threads and memory of a plan.
#pragma once

#include <algorithm>
#include <memory>

#include "core/platform/alloc.h"
#include "core/platform/status.h"

namespace tw::contract {

// Work that pays for waking another thread.
inline constexpr double kFlopsPerThread = 1e6;
inline int slots_for(double flops, int threads) {
  return static_cast<int>(std::clamp(flops / kFlopsPerThread, 1.0, static_cast<double>(std::max(threads, 1))));
}

// Bytes that in all cannot still be in a near cache.
inline constexpr int64_t kBytesFromMemory = 4 << 20;

struct FreeBlock {
  void operator()(void* p) const { deallocate(p); }
};
template <typename T>
using Block = std::unique_ptr<T, FreeBlock>;

template <typename T>
Result<Block<T>> make_block(int64_t count) {
  Block<T> p(static_cast<T*>(allocate(static_cast<size_t>(count) * sizeof(T))));
  if (p == nullptr) {
    return resource_exhausted("No memory for ", count * static_cast<int64_t>(sizeof(T)), " bytes of packed constants");
  }
  return p;
}

// Workspace bookkeeping: pieces of memory on cache-line boundaries.
inline size_t align_up(size_t bytes) { return (bytes + 63) / 64 * 64; }
template <typename T>
size_t piece_bytes(int64_t count) {
  return align_up(static_cast<size_t>(count) * sizeof(T));
}
template <typename T>
T* take(char** cursor, int64_t count) {
  T* p = reinterpret_cast<T*>(*cursor);
  *cursor += piece_bytes<T>(count);
  return p;
}

}  // namespace tw::contract
