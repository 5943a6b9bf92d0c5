// Convolutions of 3 x 3 or 5 x 5 taps at stride 1, forward and input gradient, by Winograd's F(4x4, 3x3) and F(2x2,
// 5x5): the source's tiles are transformed, multiplied with the transformed filter product by product, and transformed
// back, a few rows of tiles at a time, so that both transformed forms stay in the second-level cache.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/packed.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/winograd_plan.h"
#include "core/platform/cpu.h"

namespace tw::contract {
namespace {

class WinogradConv final : public SlottedPlan {
 public:
  Status plan(const ConvSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "winograd"; }

 private:
  int64_t panels() const { return (grid_.result_c + width_ - 1) / width_; }
  int64_t columns(int64_t panel) const { return std::min(width_, grid_.result_c - panel * width_); }
  int64_t turned_elements() const { return gradient_ ? grid_.taps * grid_.taps * tap_ : 0; }
  int64_t padded(int64_t channels) const { return (channels + set_.lanes - 1) / set_.lanes * set_.lanes; }
  const float* turn_filter(const float* filter, float* to, WorkerPool* pool) const;
  void transform_filter(const float* filter, float* to, WorkerPool* pool) const;
  // Columns [column, column + columns) of all products of the tiles, and in them channels [first, first + channels) of
  // the source: with a transformed filter of these columns and channels, product by product, `product` elements apart.
  struct Part {
    const float* filter;
    int64_t product, column, columns, first, channels;
  };
  void multiply(const float* factors, float* products, int64_t tiles, const Part& part) const;
  Status finish(const WinogradRun& run, const float* products, const void* const* operands, void* const* outputs,
                float* spare) const;
  Status run_pass(const float* source, const float* filter, const float* zeros, const void* const* operands,
                  void* const* outputs, char* memory, WorkerPool& pool) const;

  const TileSet<float>& set_ = tile_set<float>();
  ConvSpec spec_;
  bool gradient_ = false;
  WinogradGrid grid_{};
  int64_t images_ = 1, band_ = 1, bands_ = 1, units_ = 0;  // of a unit; bands of an image
  int64_t tiles_ = 0;                                      // of a unit
  WinogradLayout source_{}, result_{};
  int64_t product_ = 0, width_ = 1;  // elements of one product's filter; columns of a panel
  int64_t tap_ = 0;                  // elements from one tap of the filter to the next
  bool one_pass_ = false;
  int64_t pass_channels_ = 0;  // of the source at a time, so that their panel stays in the second-level cache
  std::shared_ptr<const float> constant_;
};

Status WinogradConv::plan(const ConvSpec& spec, int threads) {
  spec_ = spec;
  gradient_ = spec.kind == ConvSpec::Kind::kInputGrad;
  grid_ = winograd_grid(spec);
  TW_ASSIGN_OR_RETURN(epilogue_,
                      BoundEpilogue::make(spec.epilogue, spec.dtype,
                                          Shape{spec.batch, grid_.result_h, grid_.result_w, grid_.result_c}));
  flops_ = conv_flops(spec);
  slots_ = slots_for(flops_, threads);
  const int64_t lanes = set_.lanes;
  source_.tile = padded(grid_.source_c);
  result_.tile = padded(grid_.result_c);
  width_ = 2 * lanes;
  product_ = packed_size(grid_.source_c, grid_.result_c, set_.lanes);

  const int64_t bytes = kWinogradProducts * (source_.tile + result_.tile) * static_cast<int64_t>(sizeof(float));
  int64_t wanted = std::clamp(second_level_cache_bytes() / 2 / bytes, kMinTiles, kMaxTiles);
  const int64_t high = grid_.tiles_h(), per_image = high * grid_.tiles_w();
  one_pass_ = one_pass(spec, grid_);
  if (slots_ > 1 && !one_pass_) wanted = std::clamp<int64_t>(spec.batch * per_image / (2 * slots_), 1, wanted);
  if (per_image <= wanted) {
    images_ = std::clamp<int64_t>(wanted / per_image, 1, spec.batch);
    band_ = high;
  } else {
    bands_ = std::min(high, (per_image + wanted - 1) / wanted);
    band_ = (high + bands_ - 1) / bands_;
    bands_ = (high + band_ - 1) / band_;
  }
  units_ = bands_ * ((spec.batch + images_ - 1) / images_);
  tiles_ = images_ * band_ * grid_.tiles_w();
  // One line more than the tiles take, so that products do not all fall into the same cache sets.
  source_.product = tiles_ * source_.tile + lanes;
  result_.product = tiles_ * result_.tile + lanes;

  // Turning one may run a vector past its end.
  tap_ = spec.in_c * spec.out_c + (gradient_ ? lanes : 0);
  const int64_t turned = turned_elements();
  const size_t unit_bytes =
      piece_bytes<float>(kWinogradProducts * source_.product) + piece_bytes<float>(kWinogradProducts * result_.product);
  shared_bytes_ = piece_bytes<float>(source_.tile);
  if (keeps_filter(spec, grid_)) {
    TW_ASSIGN_OR_RETURN(const auto scratch, make_block<float>(turned));
    const float* filter = turn_filter(static_cast<const float*>(spec.constant_filter.data), scratch.get(), nullptr);
    const PackKey key{PackForm::kWinogradFilter, spec.dtype, {spec.in_c, spec.out_c, gradient_, width_, grid_.taps}};
    TW_ASSIGN_OR_RETURN(constant_, packed<float>(spec.constant_filter, key, kWinogradProducts * product_,
                                                 [&](float* to) { transform_filter(filter, to, nullptr); }));
  } else {
    shared_bytes_ += piece_bytes<float>(turned);
    if (!one_pass_) shared_bytes_ += piece_bytes<float>(kWinogradProducts * product_);
  }
  if (one_pass_) {
    shared_bytes_ += unit_bytes;
    const int64_t channel_bytes = kWinogradProducts * width_ * static_cast<int64_t>(sizeof(float));
    const int64_t most = std::max<int64_t>(second_level_cache_bytes() / 2 / channel_bytes, lanes);
    const int64_t passes = std::max<int64_t>((grid_.source_c + most - 1) / most, 1);
    pass_channels_ = (grid_.source_c + passes - 1) / passes;
    slot_bytes_ = piece_bytes<float>(kWinogradProducts * width_ * pass_channels_);
  } else {
    slot_bytes_ = unit_bytes;
  }
  if (epilogue_.home() < 0) {
    (one_pass_ ? shared_bytes_ : slot_bytes_) +=
        piece_bytes<float>(images_ * band_ * grid_.tile() * grid_.result_w * grid_.result_c);
  }
  return {};
}

// For a gradient, the filter with its channels and taps turned round, copied to `to`.
const float* WinogradConv::turn_filter(const float* filter, float* to, WorkerPool* pool) const {
  if (!gradient_) return filter;
  const int64_t c = grid_.source_c, k = grid_.result_c;
  const int64_t taps = grid_.taps * grid_.taps;
  const auto turn = [&](int64_t tap, int) {
    load_transposed(filter + (taps - 1 - tap) * c * k, c, to + tap * tap_, k, c, k);
  };
  if (pool != nullptr) {
    pool->run_tasks(taps, slots_, turn);
  } else {
    for (int64_t tap = 0; tap < taps; ++tap) turn(tap, 0);
  }
  return to;
}

void WinogradConv::transform_filter(const float* filter, float* to, WorkerPool* pool) const {
  const int64_t c = grid_.source_c, k = grid_.result_c;
  // Panels and a few channels at a time are tasks of about equal size.
  constexpr int64_t kChannels = 16;
  const int64_t pieces = (c + kChannels - 1) / kChannels;
  const auto task = [&](int64_t i, int) {
    const int64_t p = i / pieces, first = i % pieces * kChannels;
    winograd_filter(grid_.taps, filter + p * width_, tap_, k, first, std::min(first + kChannels, c), columns(p),
                    to + p * width_ * c, product_, padded(columns(p)));
  };
  if (pool != nullptr) {
    pool->run_tasks(panels() * pieces, slots_, task);
  } else {
    for (int64_t i = 0; i < panels() * pieces; ++i) task(i, 0);
  }
}

void WinogradConv::multiply(const float* factors, float* products, int64_t tiles, const Part& part) const {
  Panels<float> b;
  b.k = part.channels;
  b.n = padded(part.columns);
  b.lanes = set_.lanes;
  b.width = static_cast<int>(width_);
  const int64_t offset = 0;
  RowSource<float> a;
  a.offsets = &offset;
  a.length = part.channels;
  const float* from[kMaxGroup];
  float* to[kMaxGroup];
  a.rows = from;
  for (int64_t e = 0; e < kWinogradProducts; ++e) {
    b.packed = part.filter + e * part.product;
    for (int64_t begin = 0; begin < tiles; begin += kMaxGroup) {
      const int64_t n = std::min(kMaxGroup, tiles - begin);
      const float* from0 = factors + e * source_.product + begin * source_.tile + part.first;
      float* to0 = products + e * result_.product + begin * result_.tile + part.column;
      for (int64_t t = 0; t < n; ++t) from[t] = from0 + t * source_.tile;
      for (int64_t t = 0; t < n; ++t) to[t] = to0 + t * result_.tile;
      multiply_rows(set_, a, n, b, 0, 0, b.count(), to, part.first > 0);
    }
  }
}

// From the products of a run's tiles to its results. `spare` holds them where no output can.
Status WinogradConv::finish(const WinogradRun& run, const float* products, const void* const* operands,
                            void* const* outputs, float* spare) const {
  const int64_t row_elements = grid_.result_w * grid_.result_c, first_row = run.row * grid_.tile();
  const int64_t rows = std::min(run.rows * grid_.tile(), grid_.result_h - first_row);
  // With several images a unit holds all their rows, so its results are one run of memory.
  const int64_t element0 = (run.image * grid_.result_h + first_row) * row_elements,
                count = run.images * rows * row_elements;
  const int home = epilogue_.home();
  float* result = home < 0 ? spare : static_cast<float*>(outputs[home]) + element0;
  winograd_output(grid_, run, products, result_, result);
  return epilogue_.empty() ? Status() : epilogue_.run(result, operands, outputs, element0, count);
}

// All tiles at once; the filter panel by panel.
Status WinogradConv::run_pass(const float* source, const float* filter, const float* zeros, const void* const* operands,
                              void* const* outputs, char* memory, WorkerPool& pool) const {
  float* factors = take<float>(&memory, kWinogradProducts * source_.product);
  float* products = take<float>(&memory, kWinogradProducts * result_.product);
  const int64_t results = images_ * band_ * grid_.tile() * grid_.result_w * grid_.result_c;
  float* spare = epilogue_.home() < 0 ? take<float>(&memory, results) : nullptr;
  const WinogradRun run{0, spec_.batch, 0, grid_.tiles_h()};
  winograd_input(grid_, run, source, zeros, factors, source_);
  pool.run_tasks(panels(), slots_, [&](int64_t p, int slot) {
    float* panel = reinterpret_cast<float*>(memory + static_cast<size_t>(slot) * slot_bytes_);
    const int64_t step = padded(columns(p));
    for (int64_t first = 0; first < grid_.source_c; first += pass_channels_) {
      const int64_t channels = std::min(pass_channels_, grid_.source_c - first), product = step * channels;
      winograd_filter(grid_.taps, filter + first * grid_.result_c + p * width_, tap_, grid_.result_c, 0, channels,
                      columns(p), panel, product, step);
      multiply(factors, products, tiles_, {panel, product, p * width_, columns(p), first, channels});
    }
  });
  return finish(run, products, operands, outputs, spare);
}

Status WinogradConv::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                         void* workspace, WorkerPool& pool) const {
  const float* source = static_cast<const float*>(gradient_ ? b : a);
  char* memory = static_cast<char*>(workspace);
  float* zeros = take<float>(&memory, source_.tile);
  std::fill_n(zeros, source_.tile, 0.0f);
  const float* filter = constant_.get();
  if (filter == nullptr) {
    float* turned = gradient_ ? take<float>(&memory, turned_elements()) : nullptr;
    filter = turn_filter(static_cast<const float*>(gradient_ ? a : b), turned, &pool);
    if (one_pass_) return run_pass(source, filter, zeros, operands, outputs, memory, pool);
    float* to = take<float>(&memory, kWinogradProducts * product_);
    transform_filter(filter, to, &pool);
    filter = to;
  }
  FirstError error;
  pool.run_tasks(units_, slots_, [&](int64_t i, int slot) {
    WinogradRun run;
    run.image = i / bands_ * images_;
    run.images = std::min(images_, spec_.batch - run.image);
    run.row = i % bands_ * band_;
    run.rows = std::min(band_, grid_.tiles_h() - run.row);
    char* mine = static_cast<char*>(workspace) + shared_bytes_ + static_cast<size_t>(slot) * slot_bytes_;
    float* factors = take<float>(&mine, kWinogradProducts * source_.product);
    float* products = take<float>(&mine, kWinogradProducts * result_.product);
    winograd_input(grid_, run, source, zeros, factors, source_);
    multiply(factors, products, run.images * run.rows * grid_.tiles_w(),
             {filter, product_, 0, grid_.result_c, 0, grid_.source_c});
    error.set(
        finish(run, products, operands, outputs, epilogue_.home() < 0 ? reinterpret_cast<float*>(mine) : nullptr));
  });
  return error.take();
}

}  // namespace

Result<std::unique_ptr<ContractPlan>> plan_winograd(const ConvSpec& spec, int threads) {
  return make_plan<WinogradConv>(spec, threads);
}

}  // namespace tw::contract
