// The part of an image that one unit of a convolution's work reads: a band of rows of some images, copied with its
// padding into contiguous memory, or the images themselves when no tap leaves them. The planes of a volume count as
// images here, each with all the source planes that its taps reach.
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
  // Result plane p of a volume's `planes` reads source planes p / spread_d * step_d + d with low_d <= d <= high_d.
  int64_t source_d = 1, planes = 1, step_d = 1, spread_d = 1, low_d = 0, high_d = 0;

  bool inside() const {
    return low_h >= 0 && low_w >= 0 && low_d >= 0 && (rows - 1) * step_h + high_h < source_h &&
           (columns - 1) * step_w + high_w < source_w && (planes - 1) / spread_d * step_d + high_d < source_d;
  }
  bool flat() const { return source_d == 1 && planes == 1; }
  int64_t depth() const { return std::max<int64_t>(high_d - low_d + 1, 0); }
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
    const int64_t source_bytes = r.depth() * r.channels * element_size;  // behind one pixel of a region
    const int64_t image_bytes = std::max<int64_t>(r.height(r.rows) * r.width() * source_bytes, 1);
    if (slots > 1) pixels = std::clamp<int64_t>(batch * per_image / (4 * slots), std::min<int64_t>(pixels, 32), pixels);
    if (image_bytes <= bytes && batch >= slots && (per_image <= 2 * pixels || slots == 1)) {
      // Planes that meet different taps cannot share a unit.
      const int64_t most = r.spread_d > 1 ? 1 : std::max<int64_t>(batch, 1);
      u.images = std::clamp<int64_t>(std::min(pixels / per_image, bytes / image_bytes), 1, most);
      u.band = r.rows;
    } else {
      const int64_t row_bytes = r.step_h * r.width() * source_bytes;
      u.band = std::clamp<int64_t>(
          (bytes - (r.height(1) - r.step_h) * (row_bytes / r.step_h)) / std::max<int64_t>(row_bytes, 1), 1, r.rows);
      // No lower than what fills a few tiles, no higher than the work per unit asks for.
      u.band = std::min(u.band, std::max<int64_t>(1, (2 * pixels + r.columns - 1) / std::max<int64_t>(r.columns, 1)));
    }
    // Fewer images than threads are shared by them.
    if (batch < slots) u.band = std::min(u.band, (batch * r.rows + slots - 1) / slots);
    u.band = std::max<int64_t>(u.band, 1);
    u.bands = (r.rows + u.band - 1) / u.band;
    // As many bands for each thread where there are few, and all as high as the others.
    if (batch == 1 && slots > 1)
      u.bands = std::min((u.bands + slots - 1) / slots * slots, std::max<int64_t>(r.rows, 1));
    u.band = u.bands > 0 ? (r.rows + u.bands - 1) / u.bands : 1;
    u.count = u.bands * ((batch + u.images - 1) / u.images);
    return u;
  }
};

struct Unit {
  int64_t image, images, row, rows;
  Unit(const Units& u, int64_t index, int64_t batch, int64_t all_rows)
      : image(index / u.bands * u.images),
        images(std::min(u.images, batch - image)),
        row(index % u.bands * all_rows / u.bands),
        rows((index % u.bands + 1) * all_rows / u.bands - row) {}
};

// S is stored, T computed with.
template <typename S, typename T>
class Region {
 public:
  Region() = default;
  // in_place: the source is never copied, also where taps leave it; load() may then return a place outside of it.
  Region(const RegionShape& shape, const Units& units, bool in_place = false)
      : shape_(shape),
        // Planes of a volume overlap in what they read, so that several are not evenly spaced.
        direct_(in_place || (std::is_same_v<S, T> && shape.inside() && (shape.flat() || units.images == 1))),
        pitch_((direct_ ? shape.source_w : shape.width()) * shape.channels),
        plane_((direct_ ? shape.source_h : shape.height(units.band)) * pitch_),
        image_(direct_ ? plane_ : shape.depth() * plane_),
        elements_(direct_ ? 0 : units.images * image_) {}

  int64_t elements() const { return elements_; }  // of the copy
  // Elements from row to row, source plane to source plane and image to image of what load() returns.
  int64_t pitch() const { return pitch_; }
  int64_t plane() const { return plane_; }
  int64_t image() const { return image_; }

  // Element 0 is source pixel (unit.row * step_h + low_h, low_w) of the first plane behind the unit's first image.
  const T* load(const S* source, const Unit& unit, T* copy) const {
    const int64_t c = shape_.channels, source_row = shape_.source_w * c;
    const int64_t top = unit.row * shape_.step_h + shape_.low_h;
    if constexpr (std::is_same_v<S, T>) {
      if (direct_) return source + first_plane(unit.image) * plane_ + top * pitch_ + shape_.low_w * c;
    }
    const int64_t left = std::min(std::max<int64_t>(-shape_.low_w, 0) * c, pitch_);
    const int64_t first = std::max<int64_t>(shape_.low_w, 0) * c;
    const int64_t middle = std::clamp<int64_t>(source_row - first, 0, pitch_ - left);
    for (int64_t n = 0; n < unit.images; ++n) {
      const int64_t plane = first_plane(unit.image + n), volume = (unit.image + n) / shape_.planes * shape_.source_d;
      for (int64_t z = 0; z < shape_.depth(); ++z) {
        T* to = copy + n * image_ + z * plane_;
        const bool there = plane + z >= volume && plane + z < volume + shape_.source_d;
        for (int64_t y = top; y < top + shape_.height(unit.rows); ++y, to += pitch_) {
          if (!there || y < 0 || y >= shape_.source_h) {
            std::fill(to, to + pitch_, T{});
            continue;
          }
          std::fill(to, to + left, T{});
          load_row(source + ((plane + z) * shape_.source_h + y) * source_row + first, to + left, middle);
          std::fill(to + left + middle, to + pitch_, T{});
        }
      }
    }
    return copy;
  }

 private:
  // The source plane, counted through all volumes, that offset low_d of result plane `image` is.
  int64_t first_plane(int64_t image) const {
    const int64_t p = image % shape_.planes;
    return image / shape_.planes * shape_.source_d + p / shape_.spread_d * shape_.step_d + shape_.low_d;
  }

  RegionShape shape_;
  bool direct_ = false;
  int64_t pitch_ = 0, plane_ = 0, image_ = 0, elements_ = 0;
};

// The geometry of the forward direction, which its filter gradient shares.
inline RegionShape forward_region(const ConvSpec& s) {
  RegionShape r;
  r.source_h = s.in_h, r.source_w = s.in_w, r.channels = s.in_c;
  r.rows = s.out_h, r.columns = s.out_w;
  r.step_h = s.stride_h, r.step_w = s.stride_w;
  r.low_h = -s.pad_top, r.high_h = (s.filter_h - 1) * s.dilation_h - s.pad_top;
  r.low_w = -s.pad_left, r.high_w = (s.filter_w - 1) * s.dilation_w - s.pad_left;
  r.source_d = s.in_d, r.planes = s.out_d, r.step_d = s.stride_d;
  r.low_d = -s.pad_front, r.high_d = (s.filter_d - 1) * s.dilation_d - s.pad_front;
  return r;
}

inline double conv_flops(const ConvSpec& s) {
  return 2.0 * static_cast<double>(s.batch * s.out_d * s.out_h * s.out_w) *
         static_cast<double>(s.filter_d * s.filter_h * s.filter_w * s.in_c * s.out_c);
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

// The share of the products of pixels and taps that plan_image_conv leaves out, as they would meet padding: that of all
// such products, or 0 where taking the taps one by one would cost more.
inline double skipped_padding(const RegionShape& r, const std::vector<std::vector<Tap>>& taps_h,
                              const std::vector<std::vector<Tap>>& taps_w) {
  const auto inside = [](const std::vector<std::vector<Tap>>& taps, int64_t count, int64_t step, int64_t size) {
    int64_t all = 0, some = 0;
    for (const std::vector<Tap>& list : taps) {
      for (const Tap& t : list) {
        // Pixels i with 0 <= i * step + offset < size.
        const int64_t first = std::clamp<int64_t>((step - 1 - t.offset) / step, 0, count);
        const int64_t last = std::clamp<int64_t>((size - t.offset + step - 1) / step, first, count);
        all += count, some += last - first;
      }
    }
    return all == 0 ? 1.0 : static_cast<double>(some) / static_cast<double>(all);
  };
  const double share =
      1 - inside(taps_h, r.rows, r.step_h, r.source_h) * inside(taps_w, r.columns, r.step_w, r.source_w);
  // For each tap sums are loaded and stored, which is the work of about four steps of k.
  return share * static_cast<double>(r.channels) > 4 ? share : 0;
}

Result<std::unique_ptr<ContractPlan>> plan_image_conv(const ConvSpec& spec, int threads);  // forward, input gradient
// Input gradient of images, in another way; whether that is expected to be faster than plan_image_conv's.
bool wants_scatter(const ConvSpec& spec);
Result<std::unique_ptr<ContractPlan>> plan_scatter_conv(const ConvSpec& spec, int threads);
Result<std::unique_ptr<ContractPlan>> plan_filter_grad(const ConvSpec& spec, int threads);
Result<std::unique_ptr<ContractPlan>> plan_grouped_conv(const ConvSpec& spec, int threads);  // all three kinds
Result<std::unique_ptr<ContractPlan>> plan_depthwise(const ConvSpec& spec, int threads);     // all three kinds

}  // namespace tw::contract
