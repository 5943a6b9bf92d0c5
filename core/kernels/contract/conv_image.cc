// Convolution forward and its input gradient as implicit GEMM: rows of A are runs of pixels read where they lie in the
// (padded) image, so that no patch matrix exists.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/packed.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/platform/cpu.h"

namespace tw::contract {
namespace {

constexpr int64_t kUnitPixels = 256;        // keeps most tiles whole, and results of a unit in the second-level cache
constexpr int64_t kUnitBytes = 640 << 10;   // of source image, with what strides skip
constexpr int64_t kGroupRows = 384;         // at a time, where all of B does not fit the second level
constexpr int64_t kBlockBytes = 1536;       // of one row of A at a time, so that a panel of B stays near
constexpr int64_t kDirectPixels = 4096;     // up to so many read the filter where it lies,
constexpr int64_t kCollidingPixels = 1024;  // or so many where its rows drive each other out of the cache
constexpr int64_t kDirectBytes = 1024;      // of one row of A then, since the filter's rows lie far apart

template <typename S, typename T>
class ImageConv final : public SlottedPlan {
 public:
  Status plan(const ConvSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "implicit gemm"; }

 private:
  // Result pixels (i * spread_h + row, j * spread_w + column) of planes i * spread_d + p, which meet the same taps. The
  // forward direction has one; the phases of one p stand together.
  struct Phase {
    int64_t row, column;
    std::vector<int64_t> taps;                       // filter taps in the order of k
    std::vector<std::pair<int64_t, int64_t>> reach;  // rows and columns from a pixel to each tap's
    std::vector<int64_t> offsets;                    // of the runs of k in the region
    int64_t length = 0, per_block = 1;
    int64_t k = 0, packed = 0;  // where its panels begin
  };

  void add_phase(int64_t row, int64_t column, const std::vector<Tap>& d, const std::vector<Tap>& h,
                 const std::vector<Tap>& w);
  void pack(const S* filter, T* to, int64_t phase, int64_t panel) const;
  void run_unit(const Unit& unit, int64_t part, const S* source, const T* packed, void* const* outputs,
                const void* const* operands, char* slot, FirstError* error) const;

  const TileSet<T>& set_ = tile_set<T>();
  ConvSpec spec_;
  bool gradient_ = false;
  RegionShape shape_;
  Region<S, T> region_;
  Units units_;
  int64_t result_d_ = 0, result_h_ = 0, result_w_ = 0, result_c_ = 0, spread_h_ = 1, spread_w_ = 1;
  std::vector<Phase> phases_;
  int64_t packed_ = 0, panels_ = 0, group_ = 1;
  int64_t parts_ = 1;     // into which each unit's panels are cut
  int64_t block_ = 0;     // most steps at a time
  int64_t row_step_ = 0;  // of the copies of a group's rows, where these collide; else 0
  int width_ = 1;
  bool clip_ = false;       // taps one by one, each for the pixels whose source pixel is in the image
  bool fetches_c_ = false;  // results come from memory, and are fetched before they are written
  bool direct_b_ = false;   // reads the filter where it lies,
  bool copies_b_ = false;   // or a copy of a few panels at a time
  bool finishes_ = false;   // tiles do what the epilogue says
  std::shared_ptr<const T> constant_;
};

template <typename S, typename T>
void ImageConv<S, T>::add_phase(int64_t row, int64_t column, const std::vector<Tap>& d, const std::vector<Tap>& h,
                                const std::vector<Tap>& w) {
  Phase p;
  p.row = row, p.column = column;
  const int64_t c = shape_.channels;
  bool adjacent = !clip_;
  for (size_t i = 1; i < w.size(); ++i) adjacent &= w[i].offset == w[i - 1].offset + 1;
  for (const Tap& td : d) {
    for (const Tap& th : h) {
      for (const Tap& tw : w) {
        p.taps.push_back((td.filter * spec_.filter_h + th.filter) * spec_.filter_w + tw.filter);
        p.reach.emplace_back(th.offset, tw.offset);
        if (!adjacent || &tw == w.data()) {
          p.offsets.push_back((td.offset - shape_.low_d) * region_.plane() +
                              (th.offset - shape_.low_h) * region_.pitch() + (tw.offset - shape_.low_w) * c);
        }
      }
    }
  }
  p.length = adjacent ? static_cast<int64_t>(w.size()) * c : c;
  p.k = static_cast<int64_t>(p.taps.size()) * c;
  p.packed = packed_;
  packed_ += packed_size(p.k, result_c_, set_.lanes);
  // Long runs are cut into equal pieces, short ones taken several at a time.
  const int64_t limit = (direct_b_ ? kDirectBytes : kBlockBytes) / static_cast<int64_t>(sizeof(T));
  if (p.length > limit) {
    int64_t pieces = (p.length + limit - 1) / limit;
    while (p.length % pieces != 0 && pieces < 4 * p.length / limit) ++pieces;
    if (p.length % pieces == 0) {
      std::vector<int64_t> cut;
      for (int64_t o : p.offsets) {
        for (int64_t i = 0; i < pieces; ++i) cut.push_back(o + i * (p.length / pieces));
      }
      p.offsets = std::move(cut);
      p.length /= pieces;
    }
  }
  const int64_t blocks = std::max<int64_t>(1, (p.k + limit - 1) / limit);
  p.per_block = clip_ ? 1 : (static_cast<int64_t>(p.offsets.size()) + blocks - 1) / blocks;
  phases_.push_back(std::move(p));
}

template <typename S, typename T>
Status ImageConv<S, T>::plan(const ConvSpec& spec, int threads) {
  spec_ = spec;
  gradient_ = spec.kind == ConvSpec::Kind::kInputGrad;
  std::vector<std::vector<Tap>> taps_d, taps_h, taps_w;
  if (!gradient_) {
    shape_ = forward_region(spec);
    result_d_ = spec.out_d, result_h_ = spec.out_h, result_w_ = spec.out_w, result_c_ = spec.out_c;
    auto& d = taps_d.emplace_back();
    auto& h = taps_h.emplace_back();
    auto& w = taps_w.emplace_back();
    for (int64_t f = 0; f < spec.filter_d; ++f) d.push_back({f, f * spec.dilation_d - spec.pad_front});
    for (int64_t f = 0; f < spec.filter_h; ++f) h.push_back({f, f * spec.dilation_h - spec.pad_top});
    for (int64_t f = 0; f < spec.filter_w; ++f) w.push_back({f, f * spec.dilation_w - spec.pad_left});
  } else {
    result_d_ = spec.in_d, result_h_ = spec.in_h, result_w_ = spec.in_w, result_c_ = spec.in_c;
    spread_h_ = spec.stride_h, spread_w_ = spec.stride_w;
    shape_.source_d = spec.out_d, shape_.source_h = spec.out_h, shape_.source_w = spec.out_w;
    shape_.channels = spec.out_c;
    shape_.planes = result_d_, shape_.spread_d = spec.stride_d;
    shape_.rows = (result_h_ + spread_h_ - 1) / spread_h_;
    shape_.columns = (result_w_ + spread_w_ - 1) / spread_w_;
    for (int64_t p = 0; p < std::min(spec.stride_d, result_d_); ++p) {
      taps_d.push_back(gradient_taps(p, spec.filter_d, spec.stride_d, spec.dilation_d, spec.pad_front));
    }
    for (int64_t p = 0; p < std::min(spread_h_, result_h_); ++p) {
      taps_h.push_back(gradient_taps(p, spec.filter_h, spec.stride_h, spec.dilation_h, spec.pad_top));
    }
    for (int64_t p = 0; p < std::min(spread_w_, result_w_); ++p) {
      taps_w.push_back(gradient_taps(p, spec.filter_w, spec.stride_w, spec.dilation_w, spec.pad_left));
    }
    tap_range(taps_d, &shape_.low_d, &shape_.high_d);
    tap_range(taps_h, &shape_.low_h, &shape_.high_h);
    tap_range(taps_w, &shape_.low_w, &shape_.high_w);
  }
  const int64_t images = spec.batch * result_d_;
  TW_ASSIGN_OR_RETURN(epilogue_,
                      BoundEpilogue::make(spec.epilogue, spec.dtype, Shape{images, result_h_, result_w_, result_c_}));
  flops_ = conv_flops(spec);
  slots_ = slots_for(flops_, threads);
  const int64_t spread = spread_h_ * spread_w_;
  // Each unit reads the whole filter, so where that is large units have more pixels. What a group of rows reads is in
  // the second-level cache when the next panel comes.
  const int64_t filter_bytes =
      spec.filter_d * spec.filter_h * spec.filter_w * spec.in_c * spec.out_c * static_cast<int64_t>(sizeof(T));
  const int64_t bytes = std::max(std::min(4 * filter_bytes, 2 * second_level_cache_bytes()), kUnitBytes);
  width_ = 2 * set_.lanes;
  panels_ = (result_c_ + width_ - 1) / width_;
  // Where all pixels are one group of rows, threads share the filter's columns, and each reads only its own.
  const bool by_columns = slots_ > 1 && images * shape_.rows * shape_.columns <= kGroupRows &&
                          (panels_ % slots_ == 0 || panels_ >= 4 * slots_);
  if (by_columns) parts_ = slots_;
  units_ = Units::make(shape_, images, std::max<int64_t>(kUnitPixels / spread, 1), bytes, sizeof(T),
                       by_columns ? 1 : slots_);
  clip_ = std::is_same_v<S, T> && shape_.flat() && skipped_padding(shape_, taps_h, taps_w) > 0;
  region_ = Region<S, T>(shape_, units_, clip_);
  const bool collide = rows_collide(result_c_ * static_cast<int64_t>(sizeof(T)));
  // Few pixels would not pay for a packed copy, nor would a constant be kept twice for them.
  direct_b_ = std::is_same_v<S, T> && !gradient_ && result_c_ % set_.lanes == 0 &&
              images * result_h_ * result_w_ <= (collide ? kCollidingPixels : kDirectPixels);
  fetches_c_ = images * result_h_ * result_w_ * result_c_ * static_cast<int64_t>(sizeof(T)) > kBytesFromMemory;
  int64_t k = 0;
  for (const std::vector<Tap>& d : taps_d) {
    for (size_t h = 0; h < taps_h.size(); ++h) {
      for (size_t w = 0; w < taps_w.size(); ++w) {
        add_phase(static_cast<int64_t>(h), static_cast<int64_t>(w), d, taps_h[h], taps_w[w]);
        k = std::max(k, phases_.back().k);
      }
    }
  }
  // Every result must have last steps, of a tile that does no others' besides.
  finishes_ = std::is_same_v<S, T> && set_.finishes && !clip_ && epilogue_.in_tiles(result_c_) &&
              std::ranges::all_of(phases_, [](const Phase& p) { return p.k > 0; });
  const bool small = k * result_c_ * static_cast<int64_t>(sizeof(T)) <= (256 << 10);
  // One panel leaves nothing to be read twice.
  const int64_t group_rows = panels_ == 1 ? kMaxGroup : small ? 4 * set_.max_rows : kGroupRows;
  group_ = std::max<int64_t>(1, group_rows / set_.max_rows) * set_.max_rows;
  if (spec.constant_filter != nullptr && packed_ > 0 && !direct_b_) {
    // A gradient's phases hang on strides, dilations and padding; those of few programs are constant.
    Constant constant = spec.constant_filter;
    if (gradient_) constant.owner.reset();
    const PackKey key{
        PackForm::kFilter, spec.dtype, {spec.filter_d, spec.filter_h, spec.filter_w, spec.in_c, spec.out_c, width_}};
    TW_ASSIGN_OR_RETURN(constant_, packed<T>(constant, key, packed_, [&](T* to) {
                          for (int64_t i = 0; i < static_cast<int64_t>(phases_.size()) * panels_; ++i) {
                            pack(static_cast<const S*>(constant.data), to, i / panels_, i % panels_);
                          }
                        }));
  } else if (!direct_b_) {
    shared_bytes_ = piece_bytes<T>(packed_);
  }
  slot_bytes_ = piece_bytes<T>(region_.elements());
  for (const Phase& p : phases_) block_ = std::max(block_, p.per_block * p.length);
  copies_b_ = direct_b_ && copies_panels(set_, images * result_h_ * result_w_, block_, result_c_, width_);
  if (copies_b_) slot_bytes_ += piece_bytes<T>(kCopiedPanels * width_ * block_);
  // Copied rows are an odd number of vectors apart. Few columns would not pay for the copy.
  if (rows_collide(shape_.step_w * shape_.channels * static_cast<int64_t>(sizeof(T))) && result_c_ >= width_) {
    row_step_ = (block_ / set_.lanes | 1) * set_.lanes;
    if (row_step_ < block_) row_step_ += 2 * set_.lanes;
    slot_bytes_ += piece_bytes<T>(kMaxGroup * row_step_);
  }
  if (!std::is_same_v<S, T> || epilogue_.home() < 0) {
    const int64_t unit = units_.images * std::min(units_.band * spread_h_, result_h_) * result_w_ * result_c_;
    slot_bytes_ += piece_bytes<T>(unit) + piece_bytes<S>(unit);
  }
  return {};
}

template <typename S, typename T>
void ImageConv<S, T>::pack(const S* filter, T* to, int64_t phase, int64_t panel) const {
  const Phase& p = phases_[static_cast<size_t>(phase)];
  const int64_t columns = std::min<int64_t>(width_, result_c_ - panel * width_), c = shape_.channels;
  const int64_t step = (columns + set_.lanes - 1) / set_.lanes * set_.lanes;
  T* at = to + p.packed + panel * width_ * p.k;
  for (const int64_t tap : p.taps) {
    const S* from = filter + tap * spec_.in_c * spec_.out_c;
    if (gradient_) pack_panel(from + panel * width_ * c, 1, c, c, columns, set_.lanes, at);
    else pack_panel(from + panel * width_, result_c_, 1, c, columns, set_.lanes, at);
    at += c * step;
  }
}

template <typename S, typename T>
Status ImageConv<S, T>::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                            void* workspace, WorkerPool& pool) const {
  const int64_t images = spec_.batch * result_d_;
  if (images * result_h_ * result_w_ * result_c_ == 0) return {};
  const S* source = static_cast<const S*>(gradient_ ? b : a);
  const S* filter = static_cast<const S*>(gradient_ ? a : b);
  const T* packed = constant_.get();
  if constexpr (std::is_same_v<S, T>) {
    if (direct_b_) packed = filter;
  }
  if (packed == nullptr) {
    T* to = static_cast<T*>(workspace);
    const int64_t tasks = static_cast<int64_t>(phases_.size()) * panels_;
    const int pack_slots = packed_ > 32768 ? slots_ : 1;
    pool.run_tasks(tasks, pack_slots, [&](int64_t i, int) { pack(filter, to, i / panels_, i % panels_); });
    packed = to;
  }
  FirstError error;
  pool.run_tasks(units_.count * parts_, slots_, [&](int64_t i, int slot) {
    run_unit(Unit(units_, i / parts_, images, shape_.rows), i % parts_, source, packed, outputs, operands,
             static_cast<char*>(workspace) + shared_bytes_ + static_cast<size_t>(slot) * slot_bytes_, &error);
  });
  return error.take();
}

template <typename S, typename T>
void ImageConv<S, T>::run_unit(const Unit& unit, int64_t part, const S* source, const T* packed, void* const* outputs,
                               const void* const* operands, char* slot, FirstError* error) const {
  const T* image = region_.load(source, unit, take<T>(&slot, region_.elements()));
  T* panels = copies_b_ ? take<T>(&slot, kCopiedPanels * width_ * block_) : nullptr;
  T* copies = row_step_ > 0 ? take<T>(&slot, kMaxGroup * row_step_) : nullptr;
  const int64_t row_elements = result_w_ * result_c_;
  const int64_t first_row = unit.row * spread_h_;
  const int64_t rows = std::min(unit.rows * spread_h_, result_h_ - first_row);
  const int64_t element0 = (unit.image * result_h_ + first_row) * row_elements;
  // With several images a unit holds all their rows, so its results are one run of memory.
  const int64_t count = unit.images * rows * row_elements;
  const int home = epilogue_.home();
  const int64_t first_panel = part * panels_ / parts_, last_panel = (part + 1) * panels_ / parts_;
  const int64_t first_column = first_panel * width_;
  const int64_t columns = std::min(last_panel * width_, result_c_) - first_column;
  T* c0;
  bool own = true;
  if constexpr (std::is_same_v<S, T>) own = home < 0;
  c0 = own ? take<T>(&slot, count) : static_cast<T*>(outputs[home]) + element0;

  const Finish finish = finishes_ ? epilogue_.finish(operands, outputs) : Finish();
  const int64_t step_h = shape_.step_h * region_.pitch(), step_w = shape_.step_w * shape_.channels;
  const size_t per_plane = phases_.size() / static_cast<size_t>(std::min(shape_.spread_d, result_d_));
  const size_t first_phase = static_cast<size_t>(unit.image % result_d_ % shape_.spread_d) * per_plane;
  for (const Phase& phase : std::span(phases_).subspan(first_phase, per_plane)) {
    const int64_t high = (rows - phase.row + spread_h_ - 1) / spread_h_,
                  wide = (result_w_ - phase.column + spread_w_ - 1) / spread_w_;
    if (rows <= phase.row || result_w_ <= phase.column) continue;
    if (phase.k == 0) {
      // Pixels between those that a strided filter meets.
      for (int64_t n = 0; n < unit.images; ++n) {
        for (int64_t i = phase.row; i < rows; i += spread_h_) {
          T* to = c0 + ((n * rows + i) * result_w_ + phase.column) * result_c_ + first_column;
          for (int64_t j = 0; j < wide; ++j, to += spread_w_ * result_c_) std::fill_n(to, columns, T{});
        }
      }
      continue;
    }
    Panels<T> b;
    if (direct_b_) b.direct = packed, b.ld = result_c_;
    else b.packed = packed + phase.packed;
    b.k = phase.k;
    b.n = result_c_;
    b.lanes = set_.lanes;
    b.width = width_;
    const int64_t pixels = unit.images * high * wide;
    // Groups of whole tiles, all of about the same height.
    const int64_t tiles = (pixels + set_.max_rows - 1) / set_.max_rows;
    const int64_t groups = (tiles * set_.max_rows + group_ - 1) / group_;
    const int64_t segments = static_cast<int64_t>(phase.offsets.size());
    // Of a tap, where taps come one by one.
    const int64_t pieces = std::max<int64_t>(segments / static_cast<int64_t>(phase.taps.size()), 1);
    int64_t n = 0, i = 0, j = 0, begin = 0;
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t end = (g + 1) * tiles / groups * pixels / tiles, height = end - begin;
      struct Pixel {
        const T* from;
        T* to;
        int64_t row, column;  // in the source, but for the tap's offset
      };
      Pixel group[kMaxGroup];
      const T* a_rows[kMaxGroup];
      T* c_rows[kMaxGroup];
      for (int64_t r = 0; r < height;) {
        // A run of one row of pixels.
        const int64_t run = std::min(height - r, wide - j);
        const T* from = image + n * region_.image() + i * step_h + j * step_w;
        T* to = c0 + ((n * rows + i * spread_h_ + phase.row) * result_w_ + j * spread_w_ + phase.column) * result_c_ +
                first_column;
        for (int64_t x = 0; x < run; ++x) a_rows[r + x] = from + x * step_w;
        for (int64_t x = 0; x < run; ++x) c_rows[r + x] = to + x * spread_w_ * result_c_;
        for (int64_t x = 0; clip_ && x < run; ++x) {
          group[r + x] = {a_rows[r + x], c_rows[r + x], (unit.row + i) * shape_.step_h, (j + x) * shape_.step_w};
        }
        r += run, j += run;
        if (j == wide) {
          j = 0;
          if (++i == high) i = 0, ++n;
        }
      }
      begin = end;
      RowSource<T> a;
      a.rows = a_rows;
      a.length = phase.length;
      a.fetches_results = fetches_c_ && !own;
      int64_t count = height;
      for (int64_t s = 0; s < segments; s += phase.per_block) {
        if (clip_ && s % pieces == 0) {
          const auto [down, right] = phase.reach[static_cast<size_t>(s / pieces)];
          count = 0;
          for (const Pixel& p : std::span(group, static_cast<size_t>(height))) {
            const int64_t y = p.row + down, x = p.column + right;
            if (y >= 0 && y < shape_.source_h && x >= 0 && x < shape_.source_w) {
              a_rows[count] = p.from;
              c_rows[count++] = p.to;
            } else if (s == 0) {
              std::fill_n(p.to, columns, T{});
            }
          }
        }
        if (count == 0) continue;  // a tap that lies in the padding for all
        a.offsets = phase.offsets.data() + s;
        a.segments = std::min(phase.per_block, segments - s);
        const Finish* last = finishes_ && s + a.segments == segments ? &finish : nullptr;
        if (copies != nullptr) {
          const T* copied[kMaxGroup];
          for (int64_t r = 0; r < count; ++r) {
            T* to = copies + r * row_step_;
            copied[r] = to;
            for (int64_t i = 0; i < a.segments; ++i, to += phase.length)
              load_row(a_rows[r] + a.offsets[i], to, phase.length);
          }
          const int64_t start = 0;
          RowSource<T> compact;
          compact.rows = copied;
          compact.offsets = &start;
          compact.length = a.k();
          compact.fetches_results = a.fetches_results;
          multiply_copied(panels, set_, compact, count, b, s * phase.length, first_panel, last_panel, c_rows, s > 0,
                          last);
        } else {
          multiply_copied(panels, set_, a, count, b, s * phase.length, first_panel, last_panel, c_rows, s > 0, last);
        }
      }
    }
  }
  const S* block = reinterpret_cast<const S*>(c0);
  [[maybe_unused]] S* to = nullptr;
  if constexpr (!std::is_same_v<S, T>) {
    block = to = home < 0 ? take<S>(&slot, count) : static_cast<S*>(outputs[home]) + element0;
  }
  // All of the unit, or the columns of each pixel.
  const int64_t length = parts_ == 1 ? count : columns;
  for (int64_t at = first_column; at < count; at += parts_ == 1 ? count : result_c_) {
    if constexpr (!std::is_same_v<S, T>) narrow(c0 + at, to + at, length);
    if (!epilogue_.empty() && !finishes_)
      error->set(epilogue_.run(block + at, operands, outputs, element0 + at, length));
  }
}

}  // namespace

Result<std::unique_ptr<ContractPlan>> plan_image_conv(const ConvSpec& spec, int threads) {
  return make_floating_plan<ImageConv>(spec, threads, "convolution");
}

}  // namespace tw::contract
