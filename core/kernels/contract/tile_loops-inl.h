// Register tiles in plain loops: for element types without tuned tiles, and for vectors whose length is unknown at
// compile time. Include after tile.h, inside a vector target's namespace, once per target.

template <typename T, int kRows, int kVectors, int kLanes, bool kColumns>
void run_loop_tile(const Tile<T>& t) {
  constexpr int kWidth = kVectors * kLanes;
  T acc[kRows][kWidth] = {};
  const T* b = t.b;
  const int64_t a_step = kColumns ? t.a_step : 1;
  for (int64_t s = 0; s < t.segments; ++s) {
    int64_t at = t.offsets[s];
    for (int64_t k = 0; k < t.length; ++k, at += a_step, b += t.b_step) {
#if defined(__GNUC__)
      // Keeps the vectoriser to the columns: GCC 12, vectorising over k, reads elements of A past its end.
      asm("" : "+r"(at));
#endif
      for (int i = 0; i < kRows; ++i) {
        const T av = kColumns ? t.a[0][at + i] : t.a[i][at];
        for (int j = 0; j < kWidth; ++j) acc[i][j] += av * b[j];
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < t.columns; ++j) t.c[i][j] = t.accumulate ? t.c[i][j] + acc[i][j] : acc[i][j];
  }
}

template <typename T, int kRows, int kVectors, int kLanes>
void add_loop_tiles(TileSet<T>* set) {
  if constexpr (kRows >= 1) {
    set->fn[0][kRows - 1][kVectors - 1] = run_loop_tile<T, kRows, kVectors, kLanes, false>;
    set->fn[1][kRows - 1][kVectors - 1] = run_loop_tile<T, kRows, kVectors, kLanes, true>;
    add_loop_tiles<T, kRows - 1, kVectors, kLanes>(set);
  }
}

template <typename T, int kLanes>
TileSet<T> make_loop_set() {
  TileSet<T> set{};
  set.lanes = kLanes;
  set.max_rows = 4;
  add_loop_tiles<T, 4, 1, kLanes>(&set);
  add_loop_tiles<T, 4, 2, kLanes>(&set);
  return set;
}
