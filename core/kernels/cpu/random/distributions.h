// From Philox words to numbers, by TensorFlow's formulas, so that equal seeds give equal numbers.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "core/framework/dtype.h"
#include "core/kernels/cpu/random/philox.h"

namespace tw {

// As unit_float, for the other types.
inline double unit_double(uint32_t x0, uint32_t x1) {
  const uint64_t mantissa = (static_cast<uint64_t>(x0 & 0xfffff) << 32) | x1;
  return std::bit_cast<double>((uint64_t{1023} << 52) | mantissa) - 1.0;
}
inline half unit_half(uint32_t x) {
  half h;
  h.bits = static_cast<uint16_t>((15 << 10) | (x & 0x3ff));
  return half(static_cast<float>(h) - 1.0f);
}
inline bfloat16 unit_bfloat16(uint32_t x) {
  bfloat16 b;
  b.bits = static_cast<uint16_t>((127 << 7) | (x & 0x7f));
  return bfloat16(static_cast<float>(b) - 1.0f);
}

inline void sin_cos(float x, float* s, float* c) {
#if defined(__GLIBC__)
  sincosf(x, s, c);
#else
  *s = std::sin(x);
  *c = std::cos(x);
#endif
}
inline void sin_cos(double x, double* s, double* c) {
#if defined(__GLIBC__)
  sincos(x, s, c);
#else
  *s = std::sin(x);
  *c = std::cos(x);
#endif
}

// Two normal numbers from two uniform ones (Box and Muller).
inline void box_muller(uint32_t x0, uint32_t x1, float* n0, float* n1) {
  const float u1 = std::max(unit_float(x0), 1.0e-7f);
  // TensorFlow's product is one of doubles, rounded once.
  const auto angle = static_cast<float>(2.0 * std::numbers::pi * static_cast<double>(unit_float(x1)));
  const float radius = std::sqrt(-2.0f * std::log(u1));
  sin_cos(angle, n0, n1);
  *n0 *= radius;
  *n1 *= radius;
}
inline void box_muller(uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, double* n0, double* n1) {
  const double u1 = std::max(unit_double(x0, x1), 1.0e-7);
  const double angle = 2.0 * std::numbers::pi * unit_double(x2, x3);
  const double radius = std::sqrt(-2.0 * std::log(u1));
  sin_cos(angle, n0, n1);
  *n0 *= radius;
  *n1 *= radius;
}

// A distribution turns one block of four words into kGroup elements.
template <typename T>
struct UniformDist {
  static constexpr int kGroup = sizeof(T) == 8 ? 2 : 4;
  void operator()(const uint32_t* x, T* out) const {
    if constexpr (std::is_same_v<T, double>) {
      out[0] = unit_double(x[0], x[1]);
      out[1] = unit_double(x[2], x[3]);
    } else {
      for (int i = 0; i < 4; ++i) {
        if constexpr (std::is_same_v<T, float>) out[i] = unit_float(x[i]);
        if constexpr (std::is_same_v<T, half>) out[i] = unit_half(x[i]);
        if constexpr (std::is_same_v<T, bfloat16>) out[i] = unit_bfloat16(x[i]);
      }
    }
  }
};

template <typename T>
struct NormalDist {
  static constexpr int kGroup = sizeof(T) == 8 ? 2 : 4;
  void operator()(const uint32_t* x, T* out) const {
    if constexpr (std::is_same_v<T, double>) {
      box_muller(x[0], x[1], x[2], x[3], &out[0], &out[1]);
    } else {
      for (int i = 0; i < 4; i += 2) {
        float a, b;
        box_muller(x[i], x[i + 1], &a, &b);
        out[i] = static_cast<T>(a);
        out[i + 1] = static_cast<T>(b);
      }
    }
  }
};

// Integers from lo up to but without lo + range.
template <typename T>
struct UniformIntDist {
  using Unsigned = std::make_unsigned_t<T>;
  static constexpr int kGroup = sizeof(T) == 8 ? 2 : 4;
  T lo;
  Unsigned range;
  void operator()(const uint32_t* x, T* out) const {
    for (int i = 0; i < kGroup; ++i) {
      Unsigned bits;
      if constexpr (sizeof(T) == 8) {
        bits = x[2 * i] | (static_cast<uint64_t>(x[2 * i + 1]) << 32);
      } else {
        bits = x[i];
      }
      out[i] = static_cast<T>(static_cast<Unsigned>(lo) + bits % range);
    }
  }
};

// Normal numbers drawn again until they lie within two deviations. How many words a group of elements takes is open, so
// each group has a stretch of the counter to itself: kReserved samples per element.
template <typename T>
struct TruncatedNormalDist {
  static constexpr int kGroup = sizeof(T) == 8 ? 2 : 4;
  static constexpr int kReserved = 256;
  static constexpr int kBlocksPerGroup = kGroup * kReserved / 4;
  void operator()(PhiloxWords& words, T* out) const {
    int n = 0;
    while (n < kGroup) {
      using F = std::conditional_t<std::is_same_v<T, double>, double, float>;
      F pair[2];
      const uint32_t x0 = words(), x1 = words();
      if constexpr (std::is_same_v<T, double>) {
        const uint32_t x2 = words(), x3 = words();
        box_muller(x0, x1, x2, x3, &pair[0], &pair[1]);
      } else {
        box_muller(x0, x1, &pair[0], &pair[1]);
      }
      for (F x : pair) {
        if (std::abs(x) < F{2} && n < kGroup) out[n++] = static_cast<T>(x);
      }
    }
  }
};

}  // namespace tw
