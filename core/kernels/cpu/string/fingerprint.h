// Hashes of byte strings whose values are part of what users see: the same string lands in the same bucket in every
// program and on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tw {

// FarmHash's Fingerprint64 (Pike and Alakuijala, the "na" variant), which never changes between releases.
uint64_t farm_fingerprint64(std::string_view s);
// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF") under a secret key of two words.
uint64_t sip_hash(const std::array<uint64_t, 2>& key, std::string_view s);
// MurmurHash64A (Appleby).
uint64_t murmur_hash64(std::string_view s, uint64_t seed);

}  // namespace tw
