// The filter gradient of 3 x 3 or 5 x 5 taps at stride 1 by Winograd's F(3x3, 4x4) or F(5x5, 2x2): tiles of the source
// and of dy are transformed, a batch of tiles at a time, and for each of the 36 products a matrix product over the
// tiles adds to its sums.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/winograd_plan.h"

namespace tw::contract {
namespace {

constexpr int64_t kMostBytes = 16 << 20;  // of transformed tiles, where that is more than one thread's share
// Bytes of sums that each thread may have for itself: it then shares nothing with others until all are done, while
// threads that share a batch of tiles pass what they transform to each other.
constexpr size_t kMostSums = 256 << 10;

class WinogradFilterGrad final : public SlottedPlan {
 public:
  Status plan(const ConvSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "winograd"; }

 private:
  // Transformed tiles, [product][tile][channel], and the products' sums.
  struct Batch {
    float *source, *gradient, *sums;
  };
  template <typename Each>
  void add_parts(int64_t first, int64_t count, const float* a, const float* b, const float* zeros, Batch to,
                 bool begin_sums, const Each& each) const;
  // Part `index` of all rows of tiles: whole images, or rows of tiles of one image.
  WinogradRun part(int64_t index) const;

  const TileSet<float>& set_ = tile_set<float>();
  ConvSpec spec_;
  WinogradGrid grid_{};
  int64_t images_ = 1, band_ = 1, bands_ = 1, parts_ = 0;  // of a part; bands of an image
  int64_t part_tiles_ = 0, at_a_time_ = 1;                 // tiles of a part; parts between two visits to the sums
  int64_t group_ = kMaxGroup;                              // channels of the source that a product takes at once
  WinogradLayout source_{}, gradient_{};
  bool apart_ = false;              // each thread has tiles and sums of its own
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
  // Each thread works on its share of them from its own cache.
  const int64_t tile_bytes = kWinogradProducts * (source_.tile + gradient_.tile) * static_cast<int64_t>(sizeof(float));
  const int64_t shares = std::clamp<int64_t>(kMostBytes / (kTilesAtATime * tile_bytes), 1, slots_);
  at_a_time_ = std::clamp<int64_t>(shares * kTilesAtATime / part_tiles_, 1, parts_);
  const size_t sums_bytes = piece_bytes<float>(kWinogradProducts * product_);
  apart_ = slots_ > 1 && parts_ >= slots_ && sums_bytes <= kMostSums;
  if (apart_) at_a_time_ = std::clamp<int64_t>(kTilesAtATime / part_tiles_, 1, parts_);
  // Three products or pieces of one for each thread, of two tiles at least.
  const int64_t pieces =
      std::min((3 * slots_ + kWinogradProducts - 1) / kWinogradProducts, grid_.source_c / (2 * set_.max_rows));
  group_ = slots_ > 1 && !apart_ ? std::min(kMaxGroup, grid_.source_c / std::max<int64_t>(pieces, 1)) : kMaxGroup;
  source_.product = at_a_time_ * part_tiles_ * source_.tile + lanes;
  gradient_.product = at_a_time_ * part_tiles_ * gradient_.tile + lanes;
  const size_t batch_bytes = piece_bytes<float>(kWinogradProducts * source_.product) +
                             piece_bytes<float>(kWinogradProducts * gradient_.product) + sums_bytes;
  shared_bytes_ = piece_bytes<float>(std::max(source_.tile, gradient_.tile));
  if (epilogue_.home() < 0) {
    shared_bytes_ += piece_bytes<float>(grid_.taps * grid_.taps * grid_.source_c * grid_.result_c);
  }
  (apart_ ? slot_bytes_ : shared_bytes_) += batch_bytes;
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

// Adds parts [first, first + count) to the sums, or begins them. each(n, fn) calls fn(0), ..., fn(n - 1).
template <typename Each>
void WinogradFilterGrad::add_parts(int64_t first, int64_t count, const float* a, const float* b, const float* zeros,
                                   Batch to, bool begin_sums, const Each& each) const {
  const int64_t c = grid_.source_c;
  // All parts of a batch but its last have the same number of tiles, or the batch is one part.
  const auto begin_of = [&](int64_t i) {
    int64_t tiles = 0;
    for (int64_t p = 0; p < i; ++p) {
      const WinogradRun r = part(first + p);
      tiles += r.images * r.rows * grid_.tiles_w();
    }
    return tiles;
  };
  each(2 * count, [&](int64_t task) {
    const int64_t i = task / 2, begin = begin_of(i);
    const WinogradRun r = part(first + i);
    if (task % 2 == 0) winograd_input(grid_, r, a, zeros, to.source + begin * source_.tile, source_);
    else winograd_gradient(grid_, r, b, zeros, to.gradient + begin * gradient_.tile, gradient_);
  });
  const int64_t tiles = begin_of(count), offset = 0, groups = (c + group_ - 1) / group_;
  each(kWinogradProducts * groups, [&](int64_t task) {
    const int64_t e = task / groups, begin = task % groups * group_;
    Panels<float> right;
    right.direct = to.gradient + e * gradient_.product;
    right.ld = gradient_.tile;
    right.k = tiles;
    right.n = step_;
    right.lanes = set_.lanes;
    right.width = 2 * set_.lanes;
    RowSource<float> left;
    left.a_step = source_.tile;
    left.offsets = &offset;
    left.length = tiles;
    left.base = to.source + e * source_.product + begin;
    float* rows_of[kMaxGroup];
    const int64_t rows = std::min(group_, c - begin);
    for (int64_t r = 0; r < rows; ++r) rows_of[r] = to.sums + e * product_ + (begin + r) * step_;
    multiply_rows(set_, left, rows, right, 0, 0, right.count(), rows_of, !begin_sums);
  });
}

Status WinogradFilterGrad::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                               void* workspace, WorkerPool& pool) const {
  const auto *x = static_cast<const float*>(a), *dy = static_cast<const float*>(b);
  char* memory = static_cast<char*>(workspace);
  char* const slots = memory + shared_bytes_;
  const int64_t most = std::max(source_.tile, gradient_.tile);
  float* zeros = take<float>(&memory, most);
  std::fill_n(zeros, most, 0.0f);
  const auto batch_at = [&](char** at) {
    Batch batch;
    batch.source = take<float>(at, kWinogradProducts * source_.product);
    batch.gradient = take<float>(at, kWinogradProducts * gradient_.product);
    batch.sums = take<float>(at, kWinogradProducts * product_);
    return batch;
  };
  const auto batch_of = [&](int64_t slot) {
    char* at = slots + static_cast<size_t>(slot) * slot_bytes_;
    return batch_at(&at);
  };
  float* sums = nullptr;
  if (apart_) {
    // Which parts a slot sums is fixed, so that rounding does not depend on the threads' luck.
    pool.run_tasks(slots_, slots_, [&](int64_t slot, int) {
      const Batch mine = batch_of(slot);
      const int64_t begin = slot * parts_ / slots_, end = (slot + 1) * parts_ / slots_;
      for (int64_t first = begin; first < end; first += at_a_time_) {
        add_parts(first, std::min(at_a_time_, end - first), x, dy, zeros, mine, first == begin,
                  [](int64_t n, const auto& fn) {
                    for (int64_t i = 0; i < n; ++i) fn(i);
                  });
      }
    });
    sums = batch_of(0).sums;
    pool.parallel_for(kWinogradProducts * product_, grain_for_ns(0.2 * slots_), [&](int64_t begin, int64_t end) {
      for (int64_t slot = 1; slot < slots_; ++slot) {
        const float* from = batch_of(slot).sums;
        for (int64_t i = begin; i < end; ++i) sums[i] += from[i];
      }
    });
  } else {
    const Batch shared = batch_at(&memory);
    sums = shared.sums;
    for (int64_t first = 0; first < parts_; first += at_a_time_) {
      add_parts(first, std::min(at_a_time_, parts_ - first), x, dy, zeros, shared, first == 0,
                [&](int64_t n, const auto& fn) { pool.run_tasks(n, slots_, [&](int64_t i, int) { fn(i); }); });
    }
  }

  const int64_t c = grid_.source_c, k = grid_.result_c;
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
