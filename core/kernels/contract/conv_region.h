// The part of an image that one unit of a convolution's work reads: a band of rows of some images, copied with its
// padding into contiguous memory, or the images themselves when no tap leaves them.
#pragma once

#include <algorithm>

#include "core/kernels/contract.h"
#include "core/kernels/contract/pack.h"
#include "core/kernels/contract/tasks.h"

namespace tw::contract {

// Result pixel (i, j) reads source pixels (i * step_h + d, j * step_w + e) with low_h <= d <= high_h, low_w <= e <=
// high_w.
struct RegionShape {
  int64_t source_h = 0, source_w = 0, channels = 0;
  int64_t rows = 0, columns = 0;  // of i and j per image
  int64_t step_h = 1, step_w = 1;
  int64_t low_h = 0, high_h = 0, low_w = 0, high_w = 0;

  bool inside() const {
    return low_h >= 0 && low_w >= 0 && (rows - 1) * step_h + high_h < source_h &&
           (columns - 1) * step_w + high_w < source_w;
  }
  int64_t width() const { return std::max<int64_t>((columns - 1) * step_w + high_w - low_w + 1, 0); }
  int64_t height(int64_t band) const { return std::max<int64_t>((band - 1) * step_h + high_h - low_h + 1, 0); }
};

// How the work is cut: units of `images` whole images, or bands of `band` rows of one image.
struct Units {
  int64_t images = 1, band = 1, bands = 1, count = 0;

  // About `pixels` result pixels and at most `bytes` of source each, enough of them for `slots` threads.
  static Units make(const RegionShape& r, int64_t batch, int64_t pixels, int64_t bytes, int64_t element_size,
                    int slots) {
    Units u;
    const int64_t per_image = std::max<int64_t>(r.rows * r.columns, 1);
    const int64_t image_bytes = std::max<int64_t>(r.height(r.rows) * r.width() * r.channels * element_size, 1);
    if (slots > 1) pixels = std::clamp<int64_t>(batch * per_image / (4 * slots), std::min<int64_t>(pixels, 32), pixels);
    if (image_bytes <= bytes && (per_image <= 2 * pixels || slots == 1)) {
      u.images = std::clamp<int64_t>(std::min(pixels / per_image, bytes / image_bytes), 1, std::max<int64_t>(batch, 1));
      u.band = r.rows;
    } else {
      const int64_t row_bytes = r.step_h * r.width() * r.channels * element_size;
      u.band = std::clamp<int64_t>(
          (bytes - (r.height(1) - r.step_h) * (row_bytes / r.step_h)) / std::max<int64_t>(row_bytes, 1), 1, r.rows);
      // No lower than what fills a few tiles, no higher than the work per unit asks for.
      u.band = std::min(u.band, std::max<int64_t>(1, (2 * pixels + r.columns - 1) / std::max<int64_t>(r.columns, 1)));
    }
    u.band = std::max<int64_t>(u.band, 1);
    u.bands = (r.rows + u.band - 1) / u.band;
    u.count = u.bands * ((batch + u.images - 1) / u.images);
    return u;
  }
};

struct Unit {
  int64_t image, images, row, rows;
  Unit(const Units& u, int64_t index, int64_t batch, int64_t all_rows)
      : image(index / u.bands * u.images),
        images(std::min(u.images, batch - image)),
        row(index % u.bands * u.band),
        rows(std::min(u.band, all_rows - row)) {}
};

// S is stored, T computed with.
template <typename S, typename T>
class Region {
 public:
  Region() = default;
  Region(const RegionShape& shape, const Units& units)
      : shape_(shape),
        direct_(std::is_same_v<S, T> && shape.inside()),
        pitch_((direct_ ? shape.source_w : shape.width()) * shape.channels),
        image_(direct_ ? shape.source_h * pitch_ : shape.height(units.band) * pitch_),
        elements_(direct_ ? 0 : units.images * image_) {}

  int64_t elements() const { return elements_; }  // of the copy
  // Elements from row to row and image to image of what load() returns.
  int64_t pitch() const { return pitch_; }
  int64_t image() const { return image_; }

  // Element 0 is source pixel (unit.row * step_h + low_h, low_w) of the unit's first image.
  const T* load(const S* source, const Unit& unit, T* copy) const {
    const int64_t c = shape_.channels, source_row = shape_.source_w * c;
    const int64_t top = unit.row * shape_.step_h + shape_.low_h;
    if constexpr (std::is_same_v<S, T>) {
      if (direct_) return source + unit.image * image_ + top * pitch_ + shape_.low_w * c;
    }
    const int64_t left = std::min(std::max<int64_t>(-shape_.low_w, 0) * c, pitch_);
    const int64_t first = std::max<int64_t>(shape_.low_w, 0) * c;
    const int64_t middle = std::clamp<int64_t>(source_row - first, 0, pitch_ - left);
    for (int64_t n = 0; n < unit.images; ++n) {
      T* to = copy + n * image_;
      for (int64_t y = top; y < top + shape_.height(unit.rows); ++y, to += pitch_) {
        if (y < 0 || y >= shape_.source_h) {
          std::fill(to, to + pitch_, T{});
          continue;
        }
        std::fill(to, to + left, T{});
        load_row(source + ((unit.image + n) * shape_.source_h + y) * source_row + first, to + left, middle);
        std::fill(to + left + middle, to + pitch_, T{});
      }
    }
    return copy;
  }

 private:
  RegionShape shape_;
  bool direct_ = false;
  int64_t pitch_ = 0, image_ = 0, elements_ = 0;
};

// The geometry of the forward direction, which its filter gradient shares.
inline RegionShape forward_region(const ConvSpec& s) {
  RegionShape r;
  r.source_h = s.in_h, r.source_w = s.in_w, r.channels = s.in_c;
  r.rows = s.out_h, r.columns = s.out_w;
  r.step_h = s.stride_h, r.step_w = s.stride_w;
  r.low_h = -s.pad_top, r.high_h = (s.filter_h - 1) * s.dilation_h - s.pad_top;
  r.low_w = -s.pad_left, r.high_w = (s.filter_w - 1) * s.dilation_w - s.pad_left;
  return r;
}

// The input gradient runs backwards: input row h = i * stride + phase gathers, for each filter row f with
// (phase + pad - f * dilation) divisible by the stride, row i + d of the output's gradient. `taps` lists (f, d) by
// increasing d.
struct Tap {
  int64_t filter, offset;
};
inline std::vector<Tap> gradient_taps(int64_t phase, int64_t filter, int64_t stride, int64_t dilation, int64_t pad) {
  std::vector<Tap> taps;
  for (int64_t f = filter - 1; f >= 0; --f) {
    const int64_t at = phase + pad - f * dilation;
    if (at % stride == 0) taps.push_back({f, at / stride});
  }
  return taps;
}

// The least and greatest offset in several lists.
inline void tap_range(const std::vector<std::vector<Tap>>& taps, int64_t* low, int64_t* high) {
  bool any = false;
  for (const auto& list : taps) {
    for (const Tap& t : list) {
      *low = any ? std::min(*low, t.offset) : t.offset;
      *high = any ? std::max(*high, t.offset) : t.offset;
      any = true;
    }
  }
}

Result<std::unique_ptr<ContractPlan>> plan_image_conv(const ConvSpec& spec, int threads);  // forward, input gradient
Result<std::unique_ptr<ContractPlan>> plan_filter_grad(const ConvSpec& spec, int threads);
Result<std::unique_ptr<ContractPlan>> plan_grouped_conv(const ConvSpec& spec, int threads);  // all three kinds
Result<std::unique_ptr<ContractPlan>> plan_depthwise(const ConvSpec& spec, int threads);     // all three kinds

}  // namespace tw::contract
