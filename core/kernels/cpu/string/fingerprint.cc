#include "core/kernels/cpu/string/fingerprint.h"

#include <bit>
#include <cstring>
#include <utility>

namespace tw {
namespace {

// Words are little-endian on every machine.
template <typename T>
T load(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::big) {
    T swapped = 0;
    for (size_t i = 0; i < sizeof v; ++i) swapped = static_cast<T>(swapped << 8 | (v >> 8 * i & 0xff));
    return swapped;
  }
  return v;
}
uint64_t word(const char* p) { return load<uint64_t>(p); }
uint64_t half_word(const char* p) { return load<uint32_t>(p); }
uint64_t byte(char c) { return static_cast<uint8_t>(c); }

namespace farm {

constexpr uint64_t k0 = 0xc3a5c85c97cb3127, k1 = 0xb492b66fbe98f273, k2 = 0x9ae16a3b2f90404f;

uint64_t shift_mix(uint64_t v) { return v ^ (v >> 47); }
uint64_t rotate(uint64_t v, int by) { return std::rotr(v, by); }
uint64_t mix(uint64_t u, uint64_t v, uint64_t mul) { return shift_mix((v ^ shift_mix((u ^ v) * mul)) * mul) * mul; }

using Pair = std::pair<uint64_t, uint64_t>;
// 32 bytes and two words into two words.
Pair fold(const char* s, uint64_t a, uint64_t b) {
  const uint64_t w = word(s), x = word(s + 8), y = word(s + 16), z = word(s + 24);
  a += w;
  const uint64_t sum = a + x + y;
  return {sum + z, rotate(b + a + z, 21) + rotate(sum, 44) + a};
}

uint64_t up_to_16(const char* s, size_t n) {
  const uint64_t mul = k2 + 2 * n;
  if (n >= 8) {
    const uint64_t a = word(s) + k2, b = word(s + n - 8);
    return mix(rotate(b, 37) * mul + a, (rotate(a, 25) + b) * mul, mul);
  }
  if (n >= 4) return mix(n + (half_word(s) << 3), half_word(s + n - 4), mul);
  if (n == 0) return k2;
  const uint64_t y = byte(s[0]) + (byte(s[n / 2]) << 8), z = n + (byte(s[n - 1]) << 2);
  return shift_mix(y * k2 ^ z * k0) * k2;
}

uint64_t up_to_32(const char* s, size_t n) {
  const uint64_t mul = k2 + 2 * n;
  const uint64_t a = word(s) * k1, b = word(s + 8), c = word(s + n - 8) * mul, d = word(s + n - 16) * k2;
  return mix(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + k2, 18) + c, mul);
}

uint64_t up_to_64(const char* s, size_t n) {
  const uint64_t mul = k2 + 2 * n;
  const uint64_t a = word(s) * k2, b = word(s + 8), c = word(s + n - 8) * mul, d = word(s + n - 16) * k2;
  const uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d, z = mix(y, a + rotate(b + k2, 18) + c, mul);
  const uint64_t e = word(s + 16) * mul, f = word(s + 24);
  const uint64_t g = (y + word(s + n - 32)) * mul, h = (z + word(s + n - 24)) * mul;
  return mix(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, mul);
}

// The state of long strings, which take 64 bytes at a time.
struct State {
  uint64_t x, y, z;
  Pair v{0, 0}, w{0, 0};

  // The last block differs in its multiplier and weights the carried words.
  void step(const char* s, uint64_t mul, uint64_t weight) {
    x = rotate(x + y + v.first + word(s + 8), 37) * mul;
    y = rotate(y + v.second + word(s + 48), 42) * mul;
    x ^= w.second * weight;
    y += v.first * weight + word(s + 40);
    z = rotate(z + w.first, 33) * mul;
    v = fold(s, v.second * mul, x + w.first);
    w = fold(s + 32, z + w.second, y + word(s + 16));
    std::swap(z, x);
  }
};

uint64_t beyond_64(const char* s, size_t n) {
  constexpr uint64_t kSeed = 81;
  State t{};
  t.y = kSeed * k1 + 113;
  t.z = shift_mix(t.y * k2 + 113) * k2;
  t.x = kSeed * k2 + word(s);
  const char* const end = s + (n - 1) / 64 * 64;
  for (const char* at = s; at != end; at += 64) t.step(at, k1, 1);
  const uint64_t mul = k1 + ((t.z & 0xff) << 1), rest = (n - 1) & 63;
  t.w.first += rest;
  t.v.first += t.w.first;
  t.w.first += t.v.first;
  t.step(s + n - 64, mul, 9);
  return mix(mix(t.v.first, t.w.first, mul) + shift_mix(t.y) * k0 + t.z, mix(t.v.second, t.w.second, mul) + t.x, mul);
}

}  // namespace farm
}  // namespace

uint64_t farm_fingerprint64(std::string_view s) {
  if (s.size() <= 16) return farm::up_to_16(s.data(), s.size());
  if (s.size() <= 32) return farm::up_to_32(s.data(), s.size());
  if (s.size() <= 64) return farm::up_to_64(s.data(), s.size());
  return farm::beyond_64(s.data(), s.size());
}

uint64_t sip_hash(const std::array<uint64_t, 2>& key, std::string_view s) {
  uint64_t v0 = key[0] ^ 0x736f6d6570736575, v1 = key[1] ^ 0x646f72616e646f6d;
  uint64_t v2 = key[0] ^ 0x6c7967656e657261, v3 = key[1] ^ 0x7465646279746573;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    }
  };
  const auto absorb = [&](uint64_t m) {
    v3 ^= m;
    rounds(2);
    v0 ^= m;
  };
  size_t at = 0;
  for (; at + 8 <= s.size(); at += 8) absorb(word(s.data() + at));
  uint64_t last = static_cast<uint64_t>(s.size()) << 56;
  for (size_t i = 0; at + i < s.size(); ++i) last |= byte(s[at + i]) << 8 * i;
  absorb(last);
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t murmur_hash64(std::string_view s, uint64_t seed) {
  constexpr uint64_t kMul = 0xc6a4a7935bd1e995;
  const auto fold = [](uint64_t k) { return k ^ (k >> 47); };
  uint64_t h = seed ^ (s.size() * kMul);
  size_t at = 0;
  for (; at + 8 <= s.size(); at += 8) h = (h ^ fold(word(s.data() + at) * kMul) * kMul) * kMul;
  if (at < s.size()) {
    uint64_t rest = 0;
    for (size_t i = 0; at + i < s.size(); ++i) rest |= byte(s[at + i]) << 8 * i;
    h = (h ^ rest) * kMul;
  }
  return fold(fold(h) * kMul);
}

}  // namespace tw
