// Depthwise convolution and its gradients, vectorised over channels. Images are read where they lie, with fewer taps at
// their edges; those of 16-bit floats, and those that the filter's gradient reads, are copied with their padding first.
// A channel multiplier is unfolded into the copy, so that all loops see one filter value per channel.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/depthwise_loops.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/tasks.h"

namespace tw::contract {
namespace {

constexpr int64_t kUnitPixels = 256;
constexpr int64_t kUnitBytes = 160 << 10, kDirectUnitBytes = 2 * kUnitBytes;  // where the source is not copied

template <typename S, typename T>
class Depthwise final : public SlottedPlan {
 public:
  Status plan(const ConvSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "depthwise"; }

 private:
  // Result pixels (i * spread_h + row, j * spread_w + column), which meet the same taps. The forward direction has one.
  struct Phase {
    int64_t row, column;
    std::vector<Tap> rows, columns;         // by increasing offset
    std::vector<DepthwiseTap> taps;         // of a row of taps; for the filter's gradient all of them
    int64_t wide = 0, first = 0, last = 0;  // result columns; those of them that meet all the taps of a row
    // Rows of results may be taken two at a time, of which the first and the last pixel may miss a column of taps.
    bool pairs = false, first_outside = false, last_outside = false;
  };
  // The image behind a unit's results: its first pixel is the source's pixel (top, left_) of the unit's first image,
  // and source rows [low, high) are there.
  struct View {
    const T* image;
    int64_t top, low, high;
  };
  bool is(ConvSpec::Kind kind) const { return spec_.kind == kind; }
  void add_phase(int64_t row, int64_t column, const std::vector<Tap>& h, const std::vector<Tap>& w);
  const T* load(const S* source, const Unit& unit, char** slot) const;
  View view(const S* source, const Unit& unit, char** slot) const;
  void run_pixels(const Unit& unit, const View& view, const T* filter, T* to, DepthwiseRow<T>* taps,
                  const Finish* finish) const;
  void run_filter(const Unit& unit, const T* image, const S* dy, T* sums, char* slot) const;
  // Writes results to where the epilogue or the caller expects them.
  Status finish(const T* results, int64_t element0, int64_t count, const void* const* operands, void* const* outputs,
                S* spare) const;

  const DepthwiseLoops<T>& loops_ = depthwise_loops<T>();
  ConvSpec spec_;
  int64_t multiplier_ = 1, channels_ = 0;
  RegionShape shape_;    // over unfolded channels
  Region<S, T> region_;  // over the source's own channels
  Units units_;
  bool finishes_ = false;                     // the loops do what the epilogue says
  bool direct_ = false;                       // reads the source where it lies
  bool fetches_ = false;                      // what the next rows read and write comes from memory
  int64_t pitch_ = 0, image_ = 0, left_ = 0;  // elements from row to row and image to image of a view; see there
  int64_t result_h_ = 0, result_w_ = 0, result_c_ = 0, spread_h_ = 1, spread_w_ = 1;
  std::vector<Phase> phases_;
  int64_t taps_ = 0;
};

template <typename S, typename T>
Status Depthwise<S, T>::plan(const ConvSpec& spec, int threads) {
  using Kind = ConvSpec::Kind;
  spec_ = spec;
  channels_ = spec.out_c;
  multiplier_ = spec.in_c > 0 ? spec.out_c / spec.in_c : 1;
  taps_ = spec.filter_h * spec.filter_w;
  Shape space;
  if (spec.kind == Kind::kInputGrad) {
    result_h_ = spec.in_h, result_w_ = spec.in_w, result_c_ = spec.in_c;
    spread_h_ = spec.stride_h, spread_w_ = spec.stride_w;
    shape_.source_h = spec.out_h, shape_.source_w = spec.out_w, shape_.channels = spec.out_c;
    shape_.rows = (result_h_ + spread_h_ - 1) / spread_h_;
    shape_.columns = (result_w_ + spread_w_ - 1) / spread_w_;
  } else {
    shape_ = forward_region(spec);
    result_h_ = spec.out_h, result_w_ = spec.out_w, result_c_ = spec.out_c;
  }
  space = spec.kind == Kind::kFilterGrad ? Shape{spec.filter_h, spec.filter_w, spec.in_c, multiplier_}
                                         : Shape{spec.batch, result_h_, result_w_, result_c_};
  TW_ASSIGN_OR_RETURN(epilogue_, BoundEpilogue::make(spec.epilogue, spec.dtype, space));
  finishes_ = std::is_same_v<S, float> && spec.kind == Kind::kForward && epilogue_.in_tiles(result_c_);

  std::vector<std::vector<Tap>> taps_h, taps_w;
  if (spec.kind == Kind::kInputGrad) {
    for (int64_t p = 0; p < std::min(spread_h_, result_h_); ++p) {
      taps_h.push_back(gradient_taps(p, spec.filter_h, spec.stride_h, spec.dilation_h, spec.pad_top));
    }
    for (int64_t p = 0; p < std::min(spread_w_, result_w_); ++p) {
      taps_w.push_back(gradient_taps(p, spec.filter_w, spec.stride_w, spec.dilation_w, spec.pad_left));
    }
    tap_range(taps_h, &shape_.low_h, &shape_.high_h);
    tap_range(taps_w, &shape_.low_w, &shape_.high_w);
  } else {
    auto& h = taps_h.emplace_back();
    auto& w = taps_w.emplace_back();
    for (int64_t f = 0; f < spec.filter_h; ++f) h.push_back({f, f * spec.dilation_h - spec.pad_top});
    for (int64_t f = 0; f < spec.filter_w; ++f) w.push_back({f, f * spec.dilation_w - spec.pad_left});
  }
  flops_ = 2.0 * static_cast<double>(spec.batch * spec.out_h * spec.out_w) * static_cast<double>(taps_ * spec.out_c);
  // These loops wait for memory, so a thread pays off earlier than the arithmetic says.
  slots_ = slots_for(4 * flops_, threads);
  const bool unfold = spec.kind != Kind::kInputGrad && multiplier_ != 1;
  direct_ = std::is_same_v<S, T> && spec.kind != Kind::kFilterGrad && !unfold;
  units_ = Units::make(shape_, spec.batch, std::max<int64_t>(kUnitPixels / (spread_h_ * spread_w_), 1),
                       direct_ ? kDirectUnitBytes : kUnitBytes, sizeof(T), slots_);
  const int64_t pixels_of_both = shape_.source_h * shape_.source_w + result_h_ * result_w_;
  fetches_ =
      direct_ && spec.batch * pixels_of_both * channels_ * static_cast<int64_t>(sizeof(T)) > 4 * kBytesFromMemory;
  if (spec.kind == Kind::kFilterGrad) slots_ = static_cast<int>(std::clamp<int64_t>(units_.count, 1, slots_));
  if (direct_) {
    pitch_ = shape_.source_w * channels_;
    image_ = shape_.source_h * pitch_;
  } else {
    RegionShape stored = shape_;
    if (unfold) stored.channels = spec.in_c;
    region_ = Region<S, T>(stored, units_);
    pitch_ = region_.pitch() * (unfold ? multiplier_ : 1);
    image_ = region_.image() * (unfold ? multiplier_ : 1);
    left_ = shape_.low_w;
  }
  for (size_t h = 0; h < taps_h.size(); ++h) {
    for (size_t w = 0; w < taps_w.size(); ++w)
      add_phase(static_cast<int64_t>(h), static_cast<int64_t>(w), taps_h[h], taps_w[w]);
  }
  if (!std::is_same_v<S, T> && spec.kind != Kind::kFilterGrad) shared_bytes_ = piece_bytes<T>(taps_ * channels_);
  slot_bytes_ = piece_bytes<T>(region_.elements());
  if (unfold) slot_bytes_ += piece_bytes<T>(units_.images * image_);
  slot_bytes_ += piece_bytes<DepthwiseRow<T>>(spec.filter_h + 1);
  const int64_t pixels = units_.images * std::min(units_.band * spread_h_, result_h_) * result_w_;
  if (spec.kind == Kind::kFilterGrad) {
    slot_bytes_ +=
        piece_bytes<T>(taps_ * channels_) + piece_bytes<T>(pixels * channels_) + piece_bytes<S>(taps_ * channels_);
  } else {
    slot_bytes_ +=
        piece_bytes<T>(pixels * channels_) + piece_bytes<T>(pixels * result_c_) + piece_bytes<S>(pixels * result_c_);
  }
  return {};
}

template <typename S, typename T>
void Depthwise<S, T>::add_phase(int64_t row, int64_t column, const std::vector<Tap>& h, const std::vector<Tap>& w) {
  Phase p;
  p.row = row, p.column = column, p.rows = h, p.columns = w;
  if (is(ConvSpec::Kind::kFilterGrad)) {
    for (const Tap& th : h) {
      for (const Tap& tw : w) {
        p.taps.push_back({(th.offset - shape_.low_h) * pitch_ + (tw.offset - left_) * channels_,
                          (th.filter * spec_.filter_w + tw.filter) * channels_});
      }
    }
  } else {
    for (const Tap& tw : w) p.taps.push_back({(tw.offset - left_) * channels_, tw.filter * channels_});
  }
  p.wide = std::max<int64_t>((result_w_ - column + spread_w_ - 1) / spread_w_, 0);
  p.last = p.wide;
  if (direct_ && !w.empty()) {
    const int64_t step = shape_.step_w, low = w.front().offset, high = w.back().offset;
    p.first = std::clamp<int64_t>((step - 1 - low) / step, 0, p.wide);
    p.last = std::clamp<int64_t>((shape_.source_w - high + step - 1) / step, p.first, p.wide);
  }
  const auto adjacent = [](const std::vector<Tap>& taps) {
    bool all = taps.size() == kPairedTaps;
    for (size_t t = 1; t < taps.size(); ++t) all &= taps[t].offset == taps[0].offset + static_cast<int64_t>(t);
    return all;
  };
  p.pairs = spread_h_ == 1 && spread_w_ == 1 && shape_.step_h == 1 && shape_.step_w == 1 && adjacent(h) && adjacent(w);
  // Pixels 4 KiB apart fall into one set of the first-level cache, where parts of lines would not stay.
  if (!loops_.whole_lines && channels_ * static_cast<int64_t>(sizeof(T)) % 4096 == 0) p.pairs = false;
  if (direct_ && p.pairs) {
    const int64_t begin = w.front().offset, end = p.wide + w.back().offset;
    p.first_outside = begin < 0;
    p.last_outside = end > shape_.source_w;
    p.pairs = begin >= -1 && end <= shape_.source_w + 1;
  }
  phases_.push_back(std::move(p));
}

// The unit's part of the source, with each channel repeated `multiplier_` times (not for gradients, which have them
// all).
template <typename S, typename T>
const T* Depthwise<S, T>::load(const S* source, const Unit& unit, char** slot) const {
  const T* image = region_.load(source, unit, take<T>(slot, region_.elements()));
  if (is(ConvSpec::Kind::kInputGrad) || multiplier_ == 1) return image;
  T* to = take<T>(slot, units_.images * image_);
  for (int64_t n = 0; n < unit.images; ++n) {
    // A direct region's rows belong to the whole image, of which only the unit's part is read.
    const int64_t count = std::min(region_.image(), shape_.height(unit.rows) * region_.pitch());
    const T* from = image + n * region_.image();
    T* at = to + n * image_;
    const int64_t used = region_.elements() > 0 ? count : count - (region_.pitch() - shape_.width() * spec_.in_c);
    for (int64_t i = 0; i < used; ++i) {
      for (int64_t m = 0; m < multiplier_; ++m) at[i * multiplier_ + m] = from[i];
    }
  }
  return to;
}

template <typename S, typename T>
typename Depthwise<S, T>::View Depthwise<S, T>::view(const S* source, const Unit& unit, char** slot) const {
  if constexpr (std::is_same_v<S, T>) {
    if (direct_) return {source + unit.image * image_, 0, 0, shape_.source_h};
  }
  const int64_t top = unit.row * shape_.step_h + shape_.low_h;
  return {load(source, unit, slot), top, top, top + shape_.height(unit.rows)};
}

// `taps`: memory for a row's.
template <typename S, typename T>
void Depthwise<S, T>::run_pixels(const Unit& unit, const View& view, const T* filter, T* to, DepthwiseRow<T>* taps,
                                 const Finish* finish) const {
  const int64_t rows = std::min(unit.rows * spread_h_, result_h_ - unit.row * spread_h_);
  for (const Phase& p : phases_) {
    DepthwisePixels<T> at{
        .rows = taps, .channels = channels_, .image_step = shape_.step_w * channels_, .to_step = spread_w_ * channels_};
    at.finish = finish;
    at.pitch = pitch_;
    const auto run = [&](int64_t num_rows, size_t first_tap, size_t num_taps, int64_t column, int64_t count, T* row) {
      at.num_rows = num_rows;
      at.taps = p.taps.data() + first_tap, at.num_taps = static_cast<int64_t>(num_taps);
      at.start = column * at.image_step, at.count = count;
      at.to = row + column * at.to_step;
      loops_.pixels(at);
    };
    // A column at the edge, with the taps that stay in the image.
    const auto run_edge = [&](int64_t num_rows, int64_t column, T* row) {
      size_t first = 0, last = p.columns.size();
      while (first < last && column * shape_.step_w + p.columns[first].offset < 0) ++first;
      while (first < last && column * shape_.step_w + p.columns[last - 1].offset >= shape_.source_w) --last;
      run(num_rows, first, last - first, column, 1, row);
    };
    for (int64_t n = 0; n < unit.images; ++n) {
      const auto image_row = [&](int64_t y) {
        return y >= view.low && y < view.high ? view.image + n * image_ + (y - view.top) * pitch_ : nullptr;
      };
      for (int64_t i = 0; i * spread_h_ + p.row < rows; ++i) {
        T* row = to + ((n * rows + i * spread_h_ + p.row) * result_w_ + p.column) * channels_;
        const bool pair = p.pairs && i + 1 < rows;
        int64_t count = 0, y = 0;
        for (const Tap& t : p.rows) {
          y = (unit.row + i) * shape_.step_h + t.offset;
          const T* image = image_row(y);
          if (pair || image != nullptr) taps[count++] = {image, filter + t.filter * spec_.filter_w * channels_};
        }
        if (fetches_) {
          at.next_image = view.image + n * image_ + (y + 1 + pair) * pitch_;
          at.next_rows = (1 + pair) * shape_.step_h;
          at.next_to = (1 + pair) * spread_h_ * result_w_ * channels_;
        }
        if (pair) {
          taps[count++] = {image_row(y + 1), nullptr};
          at.below = result_w_ * channels_, at.first_outside = p.first_outside, at.last_outside = p.last_outside;
          run(count, 0, p.taps.size(), 0, p.wide, row);
          at.below = 0;
          ++i;
          continue;
        }
        for (int64_t j = 0; j < p.first; ++j) run_edge(count, j, row);
        if (p.first < p.last) run(count, 0, p.taps.size(), p.first, p.last - p.first, row);
        for (int64_t j = p.last; j < p.wide; ++j) run_edge(count, j, row);
      }
    }
  }
}

template <typename S, typename T>
void Depthwise<S, T>::run_filter(const Unit& unit, const T* image, const S* dy, T* sums, char* slot) const {
  const S* from = dy + (unit.image * spec_.out_h + unit.row) * spec_.out_w * channels_;
  const T* grad;
  if constexpr (std::is_same_v<S, T>) {
    grad = from;
  } else {
    const int64_t count = unit.images * unit.rows * spec_.out_w * channels_;
    T* wide = take<T>(&slot, count);
    load_row(from, wide, count);
    grad = wide;
  }
  for (int64_t n = 0; n < unit.images; ++n) {
    for (int64_t i = 0; i < unit.rows; ++i) {
      loops_.filter(image + n * image_ + i * shape_.step_h * pitch_, shape_.step_w * channels_,
                    grad + (n * unit.rows + i) * spec_.out_w * channels_, phases_[0].taps.data(),
                    static_cast<int64_t>(phases_[0].taps.size()), spec_.out_w, channels_, sums);
    }
  }
}

template <typename S, typename T>
Status Depthwise<S, T>::finish(const T* results, int64_t element0, int64_t count, const void* const* operands,
                               void* const* outputs, S* spare) const {
  const void* block = results;
  if constexpr (!std::is_same_v<S, T>) {
    S* to = epilogue_.home() >= 0 ? static_cast<S*>(outputs[epilogue_.home()]) + element0 : spare;
    narrow(results, to, count);
    block = to;
  }
  return epilogue_.empty() ? Status() : epilogue_.run(block, operands, outputs, element0, count);
}

template <typename S, typename T>
Status Depthwise<S, T>::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                            void* workspace, WorkerPool& pool) const {
  char* slots = static_cast<char*>(workspace) + shared_bytes_;
  const bool in_place = std::is_same_v<S, T> && epilogue_.home() >= 0;
  const Finish in_registers = finishes_ ? epilogue_.finish(operands, outputs) : Finish();
  FirstError error;
  if (is(ConvSpec::Kind::kFilterGrad)) {
    const int64_t count = taps_ * channels_;
    if (count == 0) return {};
    const auto sums_of = [&](int64_t slot) {
      return reinterpret_cast<T*>(slots + static_cast<size_t>(slot) * slot_bytes_);
    };
    // Fixed shares, so that rounding does not depend on the threads' luck.
    pool.parallel_for(slots_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        char* mine = slots + static_cast<size_t>(s) * slot_bytes_;
        T* sums = take<T>(&mine, count);
        std::fill(sums, sums + count, T{});
        for (int64_t u = s * units_.count / slots_; u < (s + 1) * units_.count / slots_; ++u) {
          const Unit unit(units_, u, spec_.batch, shape_.rows);
          char* rest = mine;
          const T* image = load(static_cast<const S*>(a), unit, &rest);
          run_filter(unit, image, static_cast<const S*>(b), sums, rest);
        }
      }
    });
    T* total = in_place ? static_cast<T*>(outputs[epilogue_.home()]) : sums_of(0);
    for (int64_t i = 0; i < count; ++i) {
      T sum = sums_of(0)[i];
      for (int64_t s = 1; s < slots_; ++s) sum += sums_of(s)[i];
      total[i] = sum;
    }
    S* spare = reinterpret_cast<S*>(slots + slot_bytes_ - piece_bytes<S>(count));
    return finish(total, 0, count, operands, outputs, spare);
  }

  if (spec_.batch * result_h_ * result_w_ * result_c_ == 0) return {};
  const bool gradient = is(ConvSpec::Kind::kInputGrad);
  const S* source = static_cast<const S*>(gradient ? b : a);
  const T* filter;
  if constexpr (std::is_same_v<S, T>) {
    filter = static_cast<const S*>(gradient ? a : b);
  } else {
    T* wide = static_cast<T*>(workspace);
    load_row(static_cast<const S*>(gradient ? a : b), wide, taps_ * channels_);
    filter = wide;
  }
  pool.run_tasks(units_.count, slots_, [&](int64_t u, int slot) {
    char* mine = slots + static_cast<size_t>(slot) * slot_bytes_;
    const Unit unit(units_, u, spec_.batch, shape_.rows);
    auto* taps = take<DepthwiseRow<T>>(&mine, spec_.filter_h + 1);
    const View image = view(source, unit, &mine);
    const int64_t first = unit.row * spread_h_, rows = std::min(unit.rows * spread_h_, result_h_ - first);
    const int64_t pixels = unit.images * rows * result_w_, count = pixels * result_c_;
    const int64_t element0 = (unit.image * result_h_ + first) * result_w_ * result_c_;
    const bool fold = gradient && multiplier_ != 1;
    T* to = in_place ? static_cast<T*>(outputs[epilogue_.home()]) + element0 : take<T>(&mine, count);
    T* unfolded = fold ? take<T>(&mine, pixels * channels_) : to;
    run_pixels(unit, image, filter, unfolded, taps, finishes_ ? &in_registers : nullptr);
    if (fold) {
      for (int64_t i = 0; i < count; ++i) {
        T sum{};
        for (int64_t m = 0; m < multiplier_; ++m) sum += unfolded[i * multiplier_ + m];
        to[i] = sum;
      }
    }
    if (!finishes_) error.set(finish(to, element0, count, operands, outputs, reinterpret_cast<S*>(mine)));
  });
  return error.take();
}

}  // namespace

Result<std::unique_ptr<ContractPlan>> plan_depthwise(const ConvSpec& spec, int threads) {
  return make_floating_plan<Depthwise>(spec, threads, "depthwise convolution");
}

}  // namespace tw::contract
