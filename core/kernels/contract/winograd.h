// The transforms of Winograd's minimal filtering: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
// CVPR 2016. F(4x4, 3x3) takes a tile of 4 x 4 results from 6 x 6 source pixels by 36 products instead of 144, F(2x2,
// 5x5) one of 2 x 2 by 36 instead of 100; both share the source's transform. The interpolation points are 0,
// +-1/sqrt(2), +-sqrt(2) and infinity: with them the error's root mean square is about twice that of the direct sum,
// against four times with the usual 0, +-1, +-2.
#pragma once

#include <cstdint>

namespace tw::contract {

inline constexpr int64_t kWinogradSource = 6;  // pixels of a source tile's side
inline constexpr int64_t kWinogradProducts = kWinogradSource * kWinogradSource;

// Tiles of whole tile rows, counted image by image, row by row; tile (ty, tx) of m x m results holds result pixels from
// (m ty, m tx) on and reads source pixels from (m ty - pad_top, m tx - pad_left) on, which are zero outside the image.
struct WinogradGrid {
  int64_t taps;  // of the filter's side: 3 or 5
  int64_t source_h, source_w, source_c;
  int64_t result_h, result_w, result_c;
  int64_t pad_top, pad_left;
  int64_t tile() const { return kWinogradSource + 1 - taps; }  // result pixels of a tile's side
  int64_t tiles_h() const { return (result_h + tile() - 1) / tile(); }
  int64_t tiles_w() const { return (result_w + tile() - 1) / tile(); }
};
struct WinogradRun {
  int64_t image, images, row, rows;  // rows of tiles
};
// Where transformed tiles lie: channel c of product e of tile t at e * product + t * tile + c. `tile` is a multiple of
// the vector's lanes; the channels that fill it up are written too.
struct WinogradLayout {
  int64_t product, tile;
};

// source: the first pixel of image 0. zeros: source_c zeros.
void winograd_input(const WinogradGrid& grid, const WinogradRun& run, const float* source, const float* zeros,
                    float* to, const WinogradLayout& layout);
// result: where the first pixel of the run goes; its pixels are one run of memory.
void winograd_output(const WinogradGrid& grid, const WinogradRun& run, const float* from, const WinogradLayout& layout,
                     float* result);
// Channels [first, last) of the source and `columns` channels of the result: filter element (t, c, k) is
// filter[t * tap + c * result_c + k]. Product e of channel c goes to to + e * product + c * step, where `step`
// >= columns is a multiple of the lanes; the rest of it becomes zero.
void winograd_filter(int64_t taps, const float* filter, int64_t tap, int64_t result_c, int64_t first, int64_t last,
                     int64_t columns, float* to, int64_t product, int64_t step);

// The filter's gradient is F(3x3, 4x4) or F(5x5, 2x2) over the same points: the source's tiles as above, dy's tiles
// transformed by winograd_gradient, and the products, summed over all tiles, transformed back by winograd_taps.
// dy: the first pixel of image 0; pixels past its edge count as zero.
void winograd_gradient(const WinogradGrid& grid, const WinogradRun& run, const float* dy, const float* zeros, float* to,
                       const WinogradLayout& layout);
// Channels [first, last) of the source: sum e of channels (c, k) is sums[e * product + c * step + k].
void winograd_taps(int64_t taps, const float* sums, int64_t product, int64_t step, int64_t source_c, int64_t result_c,
                   int64_t first, int64_t last, float* filter);

}  // namespace tw::contract
