// Tiles of products whose operands lie in the near caches.
#pragma once

#include <cstdint>

namespace tw::contract {

inline constexpr int kMaxSmallRows = 8;
inline constexpr int kMaxSmallVectors = 4;

// Steps of one product's operands: element (i, k) of A is a[i * a_row + k * a_step], (k, j) of B is b[k * b_step + j],
// and (i, j) of the result c[i * c_row + j].
struct SmallSteps {
  int64_t k;
  int64_t a_row, a_step, b_step, c_row;
};

// A tile's result, of which the last vector is read and written in part: `columns` is all that there are.
template <typename T>
using SmallTileFn = void (*)(const T* a, const T* b, T* c, int64_t columns, const SmallSteps& s);

template <typename T>
struct SmallTileSet {
  int lanes;  // elements per vector
  // [the last vector is half of one][vectors - 1][rows - 1]; null where the registers do not hold so many.
  SmallTileFn<T> fn[2][kMaxSmallVectors][kMaxSmallRows];
  // Rows of a tile.
  int max_rows(int vectors) const { return vectors < kMaxSmallVectors ? kMaxSmallRows : kMaxSmallRows - 2; }
};

// Null where the processor has no mask registers, without which a part of a vector costs too much.
template <typename T>
const SmallTileSet<T>* small_tiles();
template <>
const SmallTileSet<float>* small_tiles<float>();
template <>
const SmallTileSet<double>* small_tiles<double>();

}  // namespace tw::contract
