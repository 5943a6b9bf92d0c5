// Packing: copies of operands laid out and typed as the tiles read them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/framework/dtype.h"
#include "core/kernels/contract/tile.h"

namespace tw::contract {

// Contiguous copies between storage and compute types.
void widen(const half* from, float* to, int64_t n);
void widen(const bfloat16* from, float* to, int64_t n);
void narrow(const float* from, half* to, int64_t n);
void narrow(const float* from, bfloat16* to, int64_t n);
// to[k * to_step + j] = from[j * from_step + k] for k < rows, j < columns; up to a vector past column `columns` of each
// row may be written, and so past the end of `to`.
void transpose(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t rows, int64_t columns);
void transpose(const double* from, int64_t from_step, double* to, int64_t to_step, int64_t rows, int64_t columns);
// to[k * to_step + j] = from[k * from_step + j] for k < steps, j < columns; zeros up to a vector past column `columns`
// of each row may be written, and so past the end of `to`.
void copy_strip(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t columns, int64_t steps);
void copy_strip(const double* from, int64_t from_step, double* to, int64_t to_step, int64_t columns, int64_t steps);

// to[k * to_step + j] = from[2 * k * from_step + j] and the same one row on, for k < steps, j < columns.
void copy_pairs(const bfloat16* from, int64_t from_step, Bfloat16Pair* to, int64_t to_step, int64_t columns,
                int64_t steps);

template <typename T>
inline constexpr bool is_std_complex = false;
template <typename R>
inline constexpr bool is_std_complex<std::complex<R>> = true;

// S is the storage type, T the compute type: equal, float for the 16-bit floats, or pairs of them, for which steps are
// those of pairs.
template <typename S, typename T>
void load_row(const S* from, T* to, int64_t n, bool conjugate = false) {
  if constexpr (!std::is_same_v<S, T>) {
    widen(from, to, n);
  } else {
    if constexpr (is_std_complex<T>) {
      if (conjugate) {
        for (int64_t i = 0; i < n; ++i) to[i] = std::conj(from[i]);
        return;
      }
    }
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  }
}

template <typename S, typename T>
void load_transposed(const S* from, int64_t from_step, T* to, int64_t to_step, int64_t rows, int64_t columns,
                     bool conjugate = false) {
  if constexpr (std::is_same_v<S, T> && std::is_floating_point_v<T>) {
    transpose(from, from_step, to, to_step, rows, columns);
  } else if constexpr (std::is_same_v<T, Bfloat16Pair>) {
    // Pairs lie side by side already, and are moved as whatever has their size. Rows begin at whole pairs.
    transpose(reinterpret_cast<const float*>(from), from_step / 2, reinterpret_cast<float*>(to), to_step, rows,
              columns);
  } else {
    for (int64_t k = 0; k < rows; ++k) {
      for (int64_t j = 0; j < columns; ++j) {
        T v = static_cast<T>(from[j * from_step + k]);
        if constexpr (is_std_complex<T>) {
          if (conjugate) v = std::conj(v);
        }
        to[k * to_step + j] = v;
      }
    }
  }
}

// copy_strip with conversion.
template <typename S, typename T>
void load_strip(const S* from, int64_t from_step, T* to, int64_t to_step, int64_t columns, int64_t steps,
                bool conjugate = false) {
  if constexpr (std::is_same_v<S, T> && std::is_floating_point_v<T>) {
    copy_strip(from, from_step, to, to_step, columns, steps);
  } else if constexpr (std::is_same_v<T, Bfloat16Pair>) {
    copy_pairs(from, from_step, to, to_step, columns, steps);
  } else {
    for (int64_t k = 0; k < steps; ++k) load_row(from + k * from_step, to + k * to_step, columns, conjugate);
  }
}

// Panels written side by side: more would meet too few cache lines and pages.
inline constexpr int64_t kPanelsAbreast = 16;
// Copies `strips` neighbouring strips of `columns` columns, each to a place of its own `strip_step` after the last.
template <typename S, typename T>
void load_strips(const S* from, int64_t from_step, T* to, int64_t strip_step, int64_t columns, int64_t steps,
                 int64_t strips, bool conjugate) {
  constexpr int64_t kSteps = 16;
  for (int64_t k = 0; k < steps; k += kSteps) {
    const int64_t n = steps - k < kSteps ? steps - k : kSteps;
    for (int64_t s = 0; s < strips; ++s) {
      load_strip(from + kStepsPer<T> * k * from_step + s * columns, from_step, to + s * strip_step + k * columns,
                 columns, columns, n, conjugate);
    }
  }
}

// B as tiles read it. Packed: panels of `width` columns, panel p at p * width * k, each [k][width] with numbers of
// no meaning past column n; the last panel is as narrow as whole vectors allow. Direct: B itself, [k][ld], with only a
// last partial panel packed where tiles read whole vectors.
template <typename T>
struct Panels {
  const T* packed = nullptr;
  const T* direct = nullptr;
  int64_t ld = 0;
  int64_t k = 0, n = 0;
  int lanes = 1, width = 1;
  bool reads_part = false;  // as the tile set says
  bool streams = false;     // direct from memory, `k` rows of it at a time

  int64_t count() const { return (n + width - 1) / width; }
  int64_t columns(int64_t panel) const { return n - panel * width < width ? n - panel * width : width; }
  int vectors(int64_t panel) const { return (static_cast<int>(columns(panel)) + lanes - 1) / lanes; }
  const T* at(int64_t panel, int64_t step, int64_t* b_step) const {
    if (direct != nullptr) {
      if (reads_part || columns(panel) % lanes == 0) return *b_step = ld, direct + panel * width + step * ld;
      return *b_step = vectors(panel) * lanes, packed + step * *b_step;
    }
    *b_step = vectors(panel) * lanes;
    return packed + panel * width * k + step * *b_step;
  }
};
// Elements of n columns and k steps in packed form.
inline int64_t packed_size(int64_t k, int64_t n, int lanes) { return k * ((n + lanes - 1) / lanes * lanes); }

// Packs steps [k0, k0 + steps) of columns of one panel to `to`, which is where Panels::at finds step k0. Element (k, j)
// of the panel is from[k * k_stride + j * n_stride], and one of the strides is 1.
template <typename S, typename T>
void pack_panel(const S* from, int64_t k_stride, int64_t n_stride, int64_t steps, int64_t columns, int lanes, T* to,
                bool conjugate = false) {
  const int64_t width = (columns + lanes - 1) / lanes * lanes;
  if (n_stride == 1) load_strip(from, k_stride, to, width, columns, steps, conjugate);
  else load_transposed(from, n_stride, to, width, steps, columns, conjugate);
  if constexpr (!std::is_same_v<S, T> || !std::is_floating_point_v<T>) {
    for (int64_t k = 0; k < steps && columns < width; ++k)
      std::fill(to + k * width + columns, to + (k + 1) * width, T{});
  }
}

}  // namespace tw::contract
