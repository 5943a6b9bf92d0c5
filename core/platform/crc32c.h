// CRC-32C (Castagnoli), as record files and checkpoints use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tw {

// The crc of the concatenation of A and `bytes`, where `crc` is that of A (0 for nothing).
uint32_t extend_crc32c(uint32_t crc, const void* bytes, size_t size);
inline uint32_t crc32c(std::string_view bytes) { return extend_crc32c(0, bytes.data(), bytes.size()); }

// Files store crcs masked, since the crc of data that holds its own crc is weak.
inline uint32_t mask_crc32c(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }
inline uint32_t unmask_crc32c(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

}  // namespace tw
