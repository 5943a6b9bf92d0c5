#include <algorithm>

#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/tile.h"
#include "core/kernels/contract/winograd_plan.h"

namespace tw::contract {
namespace {

// The share of the direct sum's products that it does not compute.
double left_out(const WinogradGrid& g) {
  RegionShape r;
  r.source_h = g.source_h, r.source_w = g.source_w, r.channels = g.source_c;
  r.rows = g.result_h, r.columns = g.result_w;
  std::vector<Tap> h, w;
  for (int64_t f = 0; f < g.taps; ++f) h.push_back({f, f - g.pad_top});
  for (int64_t f = 0; f < g.taps; ++f) w.push_back({f, f - g.pad_left});
  return skipped_padding(r, {h}, {w});
}

// Vector instructions of both ways, from what the plans' loops hold. The transforms' counts are those of winograd.cc
// with their loads and stores.
bool pays(const ConvSpec& s, const WinogradGrid& g) {
  const int64_t lanes = tile_set<float>().lanes;
  const double tiles = static_cast<double>(s.batch * g.tiles_h() * g.tiles_w());
  const double c = static_cast<double>(g.source_c), c_vectors = static_cast<double>((g.source_c + lanes - 1) / lanes),
               k_vectors = static_cast<double>((g.result_c + lanes - 1) / lanes);
  const double products = static_cast<double>(kWinogradProducts) * c * k_vectors;
  double direct =
      static_cast<double>(s.batch * g.result_h * g.result_w) * static_cast<double>(g.taps * g.taps) * c * k_vectors;
  const bool three = g.taps == 3;
  double fast = tiles * (216 * c_vectors + products * 1.1);
  if (s.kind == ConvSpec::Kind::kFilterGrad) {
    const double visits = std::max(1.0, tiles / static_cast<double>(kTilesAtATime));
    fast += tiles * (three ? 170 : 130) * k_vectors + visits * products * 12 + 130 * c * k_vectors;
  } else {
    fast += tiles * (three ? 182 : 110) * k_vectors;
    direct *= 1 - left_out(g);
    // Loads from beyond the caches and stores between the caches take as long again.
    if (!keeps_filter(s, g)) fast += (three ? 350 : 430) * c * k_vectors;
    // Each unit reads the transformed filter, for the most part from beyond the second-level cache.
    if (!one_pass(s, g)) fast += tiles / static_cast<double>(kMinTiles) * products * 3;
  }
  return fast < 0.8 * direct;
}

}  // namespace

WinogradGrid winograd_grid(const ConvSpec& s) {
  WinogradGrid g;
  g.taps = s.filter_h;
  g.source_h = s.in_h, g.source_w = s.in_w, g.source_c = s.in_c;
  g.result_h = s.out_h, g.result_w = s.out_w, g.result_c = s.out_c;
  g.pad_top = s.pad_top, g.pad_left = s.pad_left;
  if (s.kind == ConvSpec::Kind::kInputGrad) {
    std::swap(g.source_h, g.result_h);
    std::swap(g.source_w, g.result_w);
    std::swap(g.source_c, g.result_c);
    g.pad_top = s.filter_h - 1 - s.pad_top;
    g.pad_left = s.filter_w - 1 - s.pad_left;
  }
  return g;
}

bool one_pass(const ConvSpec& s, const WinogradGrid& g) {
  return s.batch * g.tiles_h() * g.tiles_w() <= kTilesOfOnePass;
}

bool keeps_filter(const ConvSpec& s, const WinogradGrid& g) { return s.constant_filter != nullptr && !one_pass(s, g); }

bool takes_winograd(const ConvSpec& s) {
  // Fewer channels than a vector holds would transform nothing but padding.
  const int64_t least = std::min<int64_t>(tile_set<float>().lanes, 8);
  return s.winograd && s.dtype == DType::kFloat && (s.filter_h == 3 || s.filter_h == 5) && s.filter_w == s.filter_h &&
         s.filter_d == 1 && s.in_d == 1 && s.out_d == 1 && s.pad_front == 0 && s.stride_h == 1 && s.stride_w == 1 &&
         s.stride_d == 1 && s.dilation_h == 1 && s.dilation_w == 1 && std::min(s.in_c, s.out_c) >= least &&
         s.batch * s.in_h * s.in_w * s.out_h * s.out_w > 0;
}

bool wants_winograd(const ConvSpec& s) { return takes_winograd(s) && pays(s, winograd_grid(s)); }

}  // namespace tw::contract
