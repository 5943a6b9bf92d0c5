// Products of a group of rows with all panels of B, tile by tile: the loop shared by GEMM and convolutions.
#pragma once

#include <algorithm>

#include "core/kernels/contract/pack.h"
#include "core/kernels/contract/tile.h"

namespace tw::contract {

// Most rows that one call of multiply_rows takes.
inline constexpr int64_t kMaxGroup = 192;

// Where tiles find a group of rows of A; see Tile. `rows` holds a pointer per row; without it the column form is read
// from `base`.
template <typename T>
struct RowSource {
  const T* const* rows = nullptr;
  const T* base = nullptr;
  int64_t a_step = 1;
  const int64_t* offsets = nullptr;
  int64_t segments = 1, length = 0;
  int64_t k() const { return segments * length; }
};

// c[i][j] (+)= sum over a.k() steps, for `count` rows and panels [first, last) of B beginning at its step k0. Column j
// of c[i] is the first column of panel `first`.
template <typename T>
void multiply_rows(const TileSet<T>& set, const RowSource<T>& a, int64_t count, const Panels<T>& b, int64_t k0,
                   int64_t first, int64_t last, T* const* c, bool accumulate) {
  Tile<T> t;
  t.offsets = a.offsets;
  t.segments = a.segments;
  t.length = a.length;
  t.a_step = a.a_step;
  t.accumulate = accumulate;
  const auto& fns = set.fn[a.rows == nullptr];
  for (int64_t p = first; p < last; ++p) {
    const int vectors = b.vectors(p);
    const int max_rows = vectors > 2 ? set.skinny_rows : set.max_rows;
    // Tiles of nearly equal height: a low tile at the end would wait for loads.
    const int64_t tiles = (count + max_rows - 1) / max_rows;
    const int64_t column = (p - first) * b.width;
    t.b = b.at(p, k0, &t.b_step);
    t.columns = b.columns(p);
    int64_t begin = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t end = (i + 1) * count / tiles, height = end - begin;
      T* to[kMaxTileRows];
      for (int64_t r = 0; r < height; ++r) to[r] = c[begin + r] + column;
      const T* from = a.base + begin;
      t.a = a.rows == nullptr ? &from : a.rows + begin;
      t.c = to;
      fns[height - 1][vectors - 1](t);
      begin = end;
    }
  }
}

}  // namespace tw::contract
