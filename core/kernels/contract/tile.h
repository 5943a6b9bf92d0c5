// Register tiles: the innermost part of every product. A tile is up to max_rows rows by a few vectors of columns, held
// in registers while k runs.
#pragma once

#include <complex>
#include <cstdint>

#include "core/framework/float16.h"
#include "core/kernels/contract/finish.h"
#include "hwy/base.h"

namespace tw::contract {

inline constexpr int kMaxTileRows = 32;  // of those in matrix registers; vectors hold 14
inline constexpr int kMaxTileVectors = 4;

// Two steps of k side by side, for processors that multiply pairs and add both products to a float.
struct Bfloat16Pair {
  bfloat16 first, second;
};

// The steps of k that an element of a tile's operands holds, and what their products are summed up in.
template <typename T>
inline constexpr int64_t kStepsPer = 1;
template <>
inline constexpr int64_t kStepsPer<Bfloat16Pair> = 2;
template <typename T>
struct SumOf {
  using type = T;
};
template <>
struct SumOf<Bfloat16Pair> {
  using type = float;
};
template <typename T>
using Sum = typename SumOf<T>::type;

// c[i][j] (+)= sum over s, k of A(i, s, k) * b[(s * length + k) * b_step + j]. The steps of k come in `segments` runs
// of `length`, so that a convolution's taps are read where they lie in the image.
template <typename T>
struct Tile {
  // Row form: A(i, s, k) = a[i][offsets[s] + k]. Column form: A(i, s, k) = a[0][offsets[s] + k * a_step + i].
  const T* const* a;
  const int64_t* offsets;
  int64_t segments, length;
  int64_t a_step;
  // Whole vectors are read from b, past `columns` where that is no multiple of the lanes, unless the set says
  // otherwise.
  const T* b;
  int64_t b_step;
  Sum<T>* const* c;  // one pointer per row; only `columns` elements are read and written
  int64_t columns;
  bool accumulate;
  // While b[x] is used, b[x + ahead] is fetched into the cache: what the next steps or the next tile read.
  int64_t ahead;
  const Finish* finish = nullptr;  // with the last steps of k, of the tile's first column; only where the set finishes
};

template <typename T>
using TileFn = void (*)(const Tile<T>&);

// The tiles of one element type for the processor at hand.
template <typename T>
struct TileSet {
  int lanes;        // elements per vector
  int max_rows;     // with one or two vectors
  int skinny_rows;  // with three or four
  bool reads_part;  // no more than `columns` of b are read
  bool finishes;    // takes a Finish
  bool rows_only;   // has the row form alone, of rows of A and results that lie equally far apart
  // Where there is one, called by the thread that has done a group of rows: gives back what its tiles kept.
  void (*release)();
  // [column form][rows - 1][vectors - 1]; null where rows exceed the two limits above.
  TileFn<T> fn[2][kMaxTileRows][kMaxTileVectors];

  TileFn<T> rows_first(int rows, int vectors) const { return fn[0][rows - 1][vectors - 1]; }
  TileFn<T> columns_first(int rows, int vectors) const { return fn[1][rows - 1][vectors - 1]; }
};

// float and double with vector instructions; uint32_t, uint64_t and the complex types in plain loops. Pairs only where
// has_bfloat16_pairs().
template <typename T>
const TileSet<T>& tile_set();
template <>
const TileSet<float>& tile_set<float>();
template <>
const TileSet<double>& tile_set<double>();
template <>
const TileSet<uint32_t>& tile_set<uint32_t>();
template <>
const TileSet<uint64_t>& tile_set<uint64_t>();
template <>
const TileSet<std::complex<float>>& tile_set<std::complex<float>>();
template <>
const TileSet<std::complex<double>>& tile_set<std::complex<double>>();
template <>
const TileSet<Bfloat16Pair>& tile_set<Bfloat16Pair>();

// For each step of a tile in row form: addresses of rows that exceed the registers are read from memory. GCC would keep
// them in vector registers, from which each takes as long as a product: a first layer of 16 results takes 12 % less.
template <typename T, int kR>
HWY_INLINE void keep_in_memory(const T* (&rows)[kR]) {
#if defined(__GNUC__) && defined(__x86_64__)
#pragma GCC unroll 16
  for (int i = 8; i < kR; ++i) asm("" : "+m"(rows[i]));
#else
  (void)rows;
#endif
}

// Whether the processor multiplies pairs of bfloat16. Its sums are of floats, rounded to nearest even; subnormal
// numbers count as zero.
bool has_bfloat16_pairs();
// Tiles of pairs in vector registers; only where has_bfloat16_pairs().
const TileSet<Bfloat16Pair>& vector_pair_tiles();
// The same in matrix registers, with the same rounding. Null where the processor has none (AMX with bfloat16 on
// x86-64), or the system does not let the process use them.
const TileSet<Bfloat16Pair>* matrix_tiles();

}  // namespace tw::contract
