// The allocator of tensor memory: 64-byte aligned blocks, kept in size classes when freed, so that a steady step
// never reaches malloc. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tw {

inline constexpr size_t kAlignment = 64;
// Every block has this many readable and writable bytes past its end, so that vector code may overrun a tail.
inline constexpr size_t kTailPadding = 64;

// Returns null when the system has no memory of that size; bytes may be 0.
void* allocate(size_t bytes);
void deallocate(void* block);

// Memory straight from the system, at a cache line; blocks of several megabytes in huge pages where it has them, since
// a pass over many megabytes else waits for a page walk every 4 KiB. std::free gives it back. Null when there is none.
void* system_memory(size_t bytes);

struct AllocStats {
  int64_t system_calls;  // how often malloc was reached
  int64_t live_bytes;    // handed out and not yet returned
  int64_t peak_bytes;
  int64_t cached_bytes;  // returned by users, kept for reuse
};
AllocStats alloc_stats();
// Gives cached blocks back to the system.
void release_cached_memory();

}  // namespace tw
