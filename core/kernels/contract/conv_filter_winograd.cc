// The filter gradient of 3 x 3 or 5 x 5 taps at stride 1 by Winograd's F(3x3, 4x4) or F(5x5, 2x2): tiles of the source
// and of dy are transformed, a batch of tiles at a time, and for each of the 36 products a matrix product over the
// tiles adds to its sums.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/winograd_plan.h"

namespace tw::contract {
namespace {

class WinogradFilterGrad final : public SlottedPlan {
 public:
  Status plan(const ConvSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "winograd"; }

 private:
  // Part `index` of all rows of tiles: whole images, or rows of tiles of one image.
  WinogradRun part(int64_t index) const;

  const TileSet<float>& set_ = tile_set<float>();
  ConvSpec spec_;
  WinogradGrid grid_{};
  int64_t images_ = 1, band_ = 1, bands_ = 1, parts_ = 0;  // of a part; bands of an image
  int64_t part_tiles_ = 0, at_a_time_ = 1;                 // tiles of a part; parts between two visits to the sums
  WinogradLayout source_{}, gradient_{};
  int64_t step_ = 0, product_ = 0;  // elements of a row and of a product's sums
};

Status WinogradFilterGrad::plan(const ConvSpec& spec, int threads) {
  spec_ = spec;
  grid_ = winograd_grid(spec);
  TW_ASSIGN_OR_RETURN(epilogue_, BoundEpilogue::make(spec.epilogue, spec.dtype,
                                                     Shape{spec.filter_h, spec.filter_w, spec.in_c, spec.out_c}));
  flops_ = conv_flops(spec);
  slots_ = slots_for(flops_, threads);
  const int64_t lanes = set_.lanes, high = grid_.tiles_h(), wide = grid_.tiles_w(), per_image = high * wide;
  const auto padded = [&](int64_t channels) { return (channels + lanes - 1) / lanes * lanes; };
  source_.tile = padded(grid_.source_c);
  gradient_.tile = step_ = padded(grid_.result_c);
  product_ = grid_.source_c * step_;
  // Enough parts for the threads to share their transformation.
  const int64_t wanted = kTilesAtATime / (slots_ > 1 ? 4 : 1);
  if (per_image <= wanted) {
    images_ = std::clamp<int64_t>(wanted / per_image, 1, spec.batch);
    band_ = high;
  } else {
    band_ = std::clamp<int64_t>(wanted / wide, 1, high);
    bands_ = (high + band_ - 1) / band_;
  }
  parts_ = bands_ * ((spec.batch + images_ - 1) / images_);
  part_tiles_ = images_ * band_ * wide;
  at_a_time_ = std::clamp<int64_t>(kTilesAtATime / part_tiles_, 1, parts_);
  source_.product = at_a_time_ * part_tiles_ * source_.tile + lanes;
  gradient_.product = at_a_time_ * part_tiles_ * gradient_.tile + lanes;
  shared_bytes_ =
      piece_bytes<float>(std::max(source_.tile, gradient_.tile)) +
      piece_bytes<float>(kWinogradProducts * source_.product) +
      piece_bytes<float>(kWinogradProducts * gradient_.product) + piece_bytes<float>(kWinogradProducts * product_) +
      (epilogue_.home() < 0 ? piece_bytes<float>(grid_.taps * grid_.taps * grid_.source_c * grid_.result_c) : 0);
  return {};
}

WinogradRun WinogradFilterGrad::part(int64_t index) const {
  WinogradRun run;
  run.image = index / bands_ * images_;
  run.images = std::min(images_, spec_.batch - run.image);
  run.row = index % bands_ * band_;
  run.rows = std::min(band_, grid_.tiles_h() - run.row);
  return run;
}

Status WinogradFilterGrad::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                               void* workspace, WorkerPool& pool) const {
  char* memory = static_cast<char*>(workspace);
  const int64_t most = std::max(source_.tile, gradient_.tile);
  float* zeros = take<float>(&memory, most);
  std::fill_n(zeros, most, 0.0f);
  float* source = take<float>(&memory, kWinogradProducts * source_.product);
  float* gradient = take<float>(&memory, kWinogradProducts * gradient_.product);
  float* sums = take<float>(&memory, kWinogradProducts * product_);
  const int64_t c = grid_.source_c, k = grid_.result_c;

  for (int64_t first = 0; first < parts_; first += at_a_time_) {
    const int64_t count = std::min(at_a_time_, parts_ - first);
    // All parts of a batch but its last have the same number of tiles, or the batch is one part.
    const auto begin_of = [&](int64_t i) {
      int64_t tiles = 0;
      for (int64_t p = 0; p < i; ++p) {
        const WinogradRun r = part(first + p);
        tiles += r.images * r.rows * grid_.tiles_w();
      }
      return tiles;
    };
    pool.run_tasks(2 * count, slots_, [&](int64_t task, int) {
      const int64_t i = task / 2, begin = begin_of(i);
      const WinogradRun r = part(first + i);
      if (task % 2 == 0) {
        winograd_input(grid_, r, static_cast<const float*>(a), zeros, source + begin * source_.tile, source_);
      } else {
        winograd_gradient(grid_, r, static_cast<const float*>(b), zeros, gradient + begin * gradient_.tile, gradient_);
      }
    });
    const int64_t tiles = begin_of(count), offset = 0;
    pool.run_tasks(kWinogradProducts, slots_, [&](int64_t e, int) {
      Panels<float> right;
      right.direct = gradient + e * gradient_.product;
      right.ld = gradient_.tile;
      right.k = tiles;
      right.n = step_;
      right.lanes = set_.lanes;
      right.width = 2 * set_.lanes;
      RowSource<float> left;
      left.a_step = source_.tile;
      left.offsets = &offset;
      left.length = tiles;
      float* to[kMaxGroup];
      for (int64_t begin = 0; begin < c; begin += kMaxGroup) {
        const int64_t rows = std::min(kMaxGroup, c - begin);
        for (int64_t r = 0; r < rows; ++r) to[r] = sums + e * product_ + (begin + r) * step_;
        left.base = source + e * source_.product + begin;
        multiply_rows(set_, left, rows, right, 0, 0, right.count(), to, first > 0);
      }
    });
  }

  const int home = epilogue_.home();
  const int64_t elements = grid_.taps * grid_.taps * c * k;
  float* filter = home >= 0 ? static_cast<float*>(outputs[home]) : take<float>(&memory, elements);
  constexpr int64_t kChannels = 16;
  pool.run_tasks((c + kChannels - 1) / kChannels, slots_, [&](int64_t i, int) {
    winograd_taps(grid_.taps, sums, product_, step_, c, k, i * kChannels, std::min((i + 1) * kChannels, c), filter);
  });
  if (epilogue_.empty()) return {};
  FirstError error;
  pool.parallel_for(elements, slots_ > 1 ? grain_for_ns(1) : elements, [&](int64_t begin, int64_t end) {
    error.set(epilogue_.run(filter + begin, operands, outputs, begin, end - begin));
  });
  return error.take();
}

}  // namespace

Result<std::unique_ptr<ContractPlan>> plan_winograd_filter_grad(const ConvSpec& spec, int threads) {
  return make_plan<WinogradFilterGrad>(spec, threads);
}

}  // namespace tw::contract
