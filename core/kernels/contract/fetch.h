// Fetching what is read later.
#pragma once

#include "hwy/cache_control.h"

namespace tw::contract {

// How far ahead of its reader a stream from memory is fetched.
inline constexpr int kStreamAhead = 1024;  // bytes

// Brings a line into the second-level cache. The first level can wait for few lines at a time, so that a stream from
// memory that is fetched there is no faster than one that is not fetched.
HWY_INLINE void fetch_to_second_level(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#else
  hwy::Prefetch(p);
#endif
}

}  // namespace tw::contract
