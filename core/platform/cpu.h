// What the processor has.
#pragma once

#include <cstdint>

namespace tw {

// Bytes of the second-level cache of one core; 512 KiB where the system does not say.
int64_t second_level_cache_bytes();

// Cores that the process may run on, at least 1: fewer than the machine has where it is confined to some.
int available_cores();

// Number of the core that the calling thread runs on, which may change at any time; -1 where the system does not say.
int current_core();

// Moves the calling thread off `core`, if it may run on another; nothing where the system has no such call. It may come
// back later.
void leave_core(int core);

}  // namespace tw
