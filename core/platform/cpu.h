// What the processor has.
#pragma once

#include <cstdint>

namespace tw {

// Bytes of the second-level cache of one core; 512 KiB where the system does not say.
int64_t second_level_cache_bytes();

// Whether the processor is one of Intel's, for what was measured to differ.
bool is_intel();

// Cores that the process may run on, at least 1: fewer than the machine has where it is confined to some.
int available_cores();

// Number of the core that the calling thread runs on, which may change at any time; -1 where the system does not say.
int current_core();

// The calling thread, as keep_off_core() takes it; 0 where threads cannot be moved.
int current_thread();

// Keeps a thread off `core` until it lets itself back: it moves before the call returns where it runs there, and wakes
// elsewhere where it sleeps. False, with nothing changed, when it may run nowhere else or the system has no such call.
bool keep_off_core(int thread, int core);

// Lets the calling thread run on `core` again.
void allow_core(int core);

}  // namespace tw
