// Products of a group of rows with all panels of B, tile by tile: the loop shared by GEMM and convolutions.
#pragma once

#include <algorithm>

#include "core/kernels/contract/pack.h"
#include "core/kernels/contract/tile.h"
#include "core/kernels/prefetch.h"
#include "core/platform/cpu.h"

namespace tw::contract {

// Most rows that one call of multiply_rows takes.
inline constexpr int64_t kMaxGroup = 384;

// A group of rows cut into tiles of nearly equal height: a low tile at the end would wait for loads.
struct RowTiles {
  int64_t count, height, higher;  // the first `higher` tiles have a row more
  // Small numbers, divided as such: a product of small matrices takes no longer than a few long divisions.
  RowTiles(int64_t rows, int64_t max_rows) {
    const auto all = static_cast<uint32_t>(rows), most = static_cast<uint32_t>(max_rows);
    const uint32_t tiles = (all + most - 1) / most, each = all / tiles;
    count = tiles, height = each, higher = all - each * tiles;
  }
  int64_t begin(int64_t tile) const { return tile * height + std::min(tile, higher); }
  // Where pack_tiles puts a tile: each has room for a store that runs over its end.
  int64_t packed(int64_t tile, int64_t steps, int lanes) const { return begin(tile) * steps + tile * lanes; }
};

// Where tiles find a group of rows of A; see Tile. `rows` holds a pointer per row. Without it the column form is read
// from `base`; where a_step is 0 as pack_tiles leaves it, one tile after the other.
template <typename T>
struct RowSource {
  const T* const* rows = nullptr;
  const T* base = nullptr;
  int64_t a_step = 1;
  const int64_t* offsets = nullptr;
  int64_t segments = 1, length = 0;
  // Elements from one row to the next where rows come from memory, as those after the last do: the next tile's are
  // fetched. Else 0.
  int64_t rows_apart = 0;
  bool streams = false;          // the column form comes from memory, `length` steps at a time
  bool fetches_results = false;  // those of the next tile: they come from memory
  int64_t k() const { return segments * length; }
};

// Whether rows that lie this many bytes apart fall into so few sets of a first-level cache that those of a tile drive
// each other out.
inline bool rows_collide(int64_t bytes_apart) { return bytes_apart % 2048 == 0; }

// Panels of B that multiply_copied copies at a time: half a kilobyte of each row of B, or more.
inline constexpr int64_t kCopiedPanels = 4;
// Whether `rows` rows of A gain by copies of the panels of a direct B of `columns` columns. `steps` rows of B lie in
// few sets of the second-level cache, and the more of these they fill, the fewer of a panel are left for the next tile.
template <typename T>
bool copies_panels(const TileSet<T>& set, int64_t rows, int64_t steps, int64_t columns, int width) {
  const int64_t apart = columns * static_cast<int64_t>(sizeof(T));
  const int64_t tiles = (rows + set.max_rows - 1) / set.max_rows;
  return columns % width == 0 && tiles * steps * (apart & -apart) >= 4 * second_level_cache_bytes();
}

// Elements that pack_tiles may write.
inline int64_t tiles_size(int64_t rows, int64_t steps, int max_rows, int lanes) {
  const RowTiles tiles(rows, max_rows);
  return tiles.packed(tiles.count, steps, lanes);
}

// Copies `rows` rows of A for tiles of at most max_rows rows: each tile [steps][its rows]. Element (r, k) is
// from[r * from_step + k], or with `columns` from[k * from_step + r].
template <typename S, typename T>
void pack_tiles(const S* from, int64_t from_step, bool columns, int64_t rows, int64_t steps, int max_rows, int lanes,
                T* to, bool conjugate) {
  const RowTiles tiles(rows, max_rows);
  const auto height = [&](int64_t i) { return tiles.begin(i + 1) - tiles.begin(i); };
  if (columns) {
    // A few steps of all tiles at a time: from what lies side by side.
    constexpr int64_t kSteps = 16;
    for (int64_t k = 0; k < steps; k += kSteps) {
      for (int64_t i = 0; i < tiles.count; ++i) {
        load_strip(from + kStepsPer<T> * k * from_step + tiles.begin(i), from_step,
                   to + tiles.packed(i, steps, lanes) + k * height(i), height(i), height(i),
                   std::min(kSteps, steps - k), conjugate);
      }
    }
  } else {
    for (int64_t i = 0; i < tiles.count; ++i) {
      load_transposed(from + tiles.begin(i) * from_step, from_step, to + tiles.packed(i, steps, lanes), height(i),
                      steps, height(i), conjugate);
    }
  }
}

// Elements from one row to the next that pack_row_form leaves, and all that it may write.
inline int64_t row_form_step(int64_t steps, int lanes) { return (steps + lanes - 1) / lanes * lanes; }
inline int64_t row_form_size(int64_t rows, int64_t steps, int lanes) { return rows * row_form_step(steps, lanes); }

// Copies `rows` rows of an A that is stored by columns, as pairs of the steps of each row. Element (r, k) of A is
// from[k * from_step + r], and there are twice as many k as `steps`.
inline void pack_row_form(const bfloat16* from, int64_t from_step, int64_t rows, int64_t steps, int lanes,
                          Bfloat16Pair* to) {
  constexpr int64_t kSteps = 16;
  alignas(64) Bfloat16Pair block[kSteps * kMaxGroup];
  const int64_t step = row_form_step(steps, lanes);
  for (int64_t k = 0; k < steps; k += kSteps) {
    const int64_t count = std::min(kSteps, steps - k);
    copy_pairs(from + 2 * k * from_step, from_step, block, rows, rows, count);
    // Moved as whatever has their size.
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < count; ++i) to[r * step + k + i] = block[i * rows + r];
    }
  }
}

// Fetches what lies as far ahead of the tile at `begin` of `count` rows of A, stored by columns, as memory is away;
// beyond the last row, the first ones of the next steps.
template <typename T>
void fetch_columns(const RowSource<T>& a, int64_t begin, int64_t count) {
  const int64_t ahead = std::min<int64_t>(kStreamAhead / sizeof(T), count);
  const T* at = a.base + begin + ahead + (begin + ahead < count ? 0 : a.length * a.a_step - count);
  for (int64_t k = 0; k < a.length; ++k, at += a.a_step) prefetch_second_level(at);
}

// Fetches the lines that lie as far ahead of panel `p` as memory is away; beyond the end of these rows of B, those of
// the next ones.
template <typename T>
void fetch_stream(const Panels<T>& b, int64_t steps, int64_t p, const T* at) {
  constexpr int64_t kAhead = kStreamAhead / sizeof(T);
  const int64_t column = p * b.width + kAhead;
  at += column < b.n ? kAhead : std::min(kAhead, b.n) + steps * b.ld - b.n;
  for (int64_t k = 0; k < steps; ++k, at += b.ld) {
    for (int64_t j = 0; j < b.width; j += b.lanes) prefetch_second_level(at + j);
  }
}

// Fetches `length` elements from element `at` on of each of `count` rows, or of what lies so many bytes behind these.
template <typename T>
void fetch_lines(const T* const* rows, int64_t count, int64_t at, int64_t length, intptr_t behind = 0) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t r = 0; r < count; ++r) {
    const intptr_t row = reinterpret_cast<intptr_t>(rows[r] + at) + behind;
    for (int64_t j = 0; j < length; j += kLine) prefetch_second_level(reinterpret_cast<const T*>(row) + j);
  }
}

// c[i][j] (+)= sum over a.k() steps, for `count` rows and panels [first, last) of B beginning at its step k0. Column 0
// of c[i] is the first column of panel `first`. `finish`, of B's first column, comes behind the last steps.
template <typename T>
void multiply_rows(const TileSet<T>& set, const RowSource<T>& a, int64_t count, const Panels<T>& b, int64_t k0,
                   int64_t first, int64_t last, Sum<T>* const* c, bool accumulate, const Finish* finish = nullptr) {
  Tile<T> t;
  Finish from_here;
  t.offsets = a.offsets;
  t.segments = a.segments;
  t.length = a.length;
  t.accumulate = accumulate;
  const auto& fns = set.fn[a.rows == nullptr];
  for (int64_t p = first; p < last; ++p) {
    const int vectors = b.vectors(p);
    const int max_rows = vectors > 2 ? set.skinny_rows : set.max_rows;
    const RowTiles tiles(count, max_rows);
    const int64_t column = (p - first) * b.width;
    t.b = b.at(p, k0, &t.b_step);
    t.columns = b.columns(p);
    if (finish != nullptr) {
      from_here = finish->from_column(p * b.width);
      t.finish = &from_here;
    }
    // Rows of a wider B itself lie far apart, so that the processor does not foresee them: there the next panel's part
    // of the same row is fetched.
    t.ahead = b.direct != nullptr && b.n > b.width ? vectors * b.lanes : 4 * t.b_step;
    if (b.streams) fetch_stream(b, a.k(), p, t.b);
    for (int64_t i = 0; i < tiles.count; ++i) {
      const int64_t begin = tiles.begin(i), height = tiles.begin(i + 1) - begin;
      Sum<T>* to[kMaxTileRows];
      for (int64_t r = 0; column > 0 && r < height; ++r) to[r] = c[begin + r] + column;
      const T* from = a.base + (a.a_step == 0 ? tiles.packed(i, a.length, b.lanes) : begin);
      t.a_step = a.a_step == 0 ? height : a.a_step;
      t.a = a.rows == nullptr ? &from : a.rows + begin;
      t.c = column > 0 ? to : c + begin;
      if (a.rows_apart > 0 && p == first) fetch_lines(t.a, height, height * a.rows_apart, a.length);
      if (a.streams && p == first) fetch_columns(a, begin, count);
      // The next results lie below, or at the top of the next panel. What is added to them was computed long ago.
      const bool adds = finish != nullptr && finish->addend != 0;
      if (a.fetches_results || adds) {
        const bool below = i + 1 < tiles.count;
        Sum<T>* const* next = below ? c + begin + height : c;
        const int64_t rows = below ? tiles.begin(i + 2) - begin - height : tiles.begin(1);
        const int64_t at = below ? column : column + b.width;
        if (a.fetches_results) fetch_lines<Sum<T>>(next, rows, at, t.columns);
        if (adds) fetch_lines<Sum<T>>(next, rows, at, t.columns, finish->addend);
      }
      fns[height - 1][vectors - 1](t);
    }
  }
  if (set.release != nullptr) set.release();
}

// The same; with `copies`, room for kCopiedPanels panels of a.k() steps, tiles read copies of those of a direct B where
// copies_panels says so.
template <typename T>
void multiply_copied(T* copies, const TileSet<T>& set, const RowSource<T>& a, int64_t count, const Panels<T>& b,
                     int64_t k0, int64_t first, int64_t last, Sum<T>* const* c, bool accumulate,
                     const Finish* finish = nullptr) {
  if constexpr (kStepsPer<T> == 1) {  // pairs are never direct
    if (copies != nullptr && copies_panels(set, count, a.k(), b.ld, b.width)) {
      Panels<T> some = b;
      some.direct = nullptr, some.packed = copies, some.k = a.k();
      Sum<T>* to[kMaxGroup];
      Finish from_here;
      for (int64_t p = first; p < last; p += kCopiedPanels) {
        const int64_t panels = std::min(kCopiedPanels, last - p);
        load_strips(b.direct + k0 * b.ld + p * b.width, b.ld, copies, b.width * some.k, b.width, some.k, panels, false);
        some.n = panels * b.width;
        for (int64_t r = 0; r < count; ++r) to[r] = c[r] + (p - first) * b.width;
        if (finish != nullptr) from_here = finish->from_column(p * b.width);
        multiply_rows(set, a, count, some, 0, 0, panels, to, accumulate, finish != nullptr ? &from_here : nullptr);
      }
      return;
    }
  }
  multiply_rows(set, a, count, b, k0, first, last, c, accumulate, finish);
}

}  // namespace tw::contract
