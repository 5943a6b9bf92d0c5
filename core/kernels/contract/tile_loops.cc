// Register tiles of the integer and complex types.
#include "core/kernels/contract/tile_loops.h"

#include <complex>

namespace tw::contract {

// Integers wrap around, as everywhere in the library: products are formed on the unsigned type.
template <>
const TileSet<uint32_t>& tile_set<uint32_t>() {
  static const TileSet<uint32_t> set = make_loop_set<uint32_t, 4>();
  return set;
}
template <>
const TileSet<uint64_t>& tile_set<uint64_t>() {
  static const TileSet<uint64_t> set = make_loop_set<uint64_t, 2>();
  return set;
}

// A product without the library's care for infinities, which costs a call per element.
template <typename T>
struct Complex {
  T re, im;
  friend Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
  friend Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  Complex& operator+=(Complex b) { return *this = *this + b; }
};

template <>
const TileSet<std::complex<float>>& tile_set<std::complex<float>>() {
  // The two types have the same layout, so a tile of one is a tile of the other.
  static const auto set = make_loop_set<Complex<float>, 2>();
  return reinterpret_cast<const TileSet<std::complex<float>>&>(set);
}
template <>
const TileSet<std::complex<double>>& tile_set<std::complex<double>>() {
  static const auto set = make_loop_set<Complex<double>, 2>();
  return reinterpret_cast<const TileSet<std::complex<double>>&>(set);
}

}  // namespace tw::contract
