// What the processor has.
#pragma once

#include <cstdint>

namespace tw {

// Bytes of the second-level cache of one core; 512 KiB where the system does not say.
int64_t second_level_cache_bytes();

}  // namespace tw
