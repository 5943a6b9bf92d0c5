// Storage types of the two 16-bit floats. Arithmetic happens in float: both convert implicitly to and explicitly
// from it, rounding to nearest even.
#pragma once

#include <bit>
#include <cstdint>

namespace tw {

// IEEE 754 binary16.
struct half {
  uint16_t bits = 0;
  half() = default;
  explicit half(float f) : bits(encode(f)) {}
  operator float() const { return decode(bits); }

 private:
  static uint16_t encode(float f) {
    uint32_t x = std::bit_cast<uint32_t>(f);
    const uint16_t sign = static_cast<uint16_t>((x >> 16) & 0x8000);
    x &= 0x7fffffff;
    if (x >= 0x47800000) return static_cast<uint16_t>(sign | (x > 0x7f800000 ? 0x7e00 : 0x7c00));
    if (x < 0x38800000) {
      // Adding 0.5 lines the subnormal's bits up at the bottom of the mantissa, rounded by the adder itself.
      const float aligned = std::bit_cast<float>(x) + 0.5f;
      return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(aligned) - 0x3f000000));
    }
    const uint32_t odd = (x >> 13) & 1;
    x += 0xc8000fff + odd;
    return static_cast<uint16_t>(sign | (x >> 13));
  }
  static float decode(uint16_t h) {
    const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
    const uint32_t exponent = (h >> 10) & 31, mantissa = h & 1023;
    if (exponent == 0) {
      const float f = static_cast<float>(mantissa) * 0x1p-24f;
      return std::bit_cast<float>(std::bit_cast<uint32_t>(f) | sign);
    }
    const uint32_t e = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(sign | (e << 23) | (mantissa << 13));
  }
};

// The upper half of a float.
struct bfloat16 {
  uint16_t bits = 0;
  bfloat16() = default;
  explicit bfloat16(float f) {
    const uint32_t x = std::bit_cast<uint32_t>(f);
    if ((x & 0x7fffffff) > 0x7f800000) {
      bits = static_cast<uint16_t>((x >> 16) | 0x40);
    } else {
      bits = static_cast<uint16_t>((x + 0x7fff + ((x >> 16) & 1)) >> 16);
    }
  }
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

}  // namespace tw
