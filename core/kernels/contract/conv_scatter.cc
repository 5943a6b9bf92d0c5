// The input gradient of convolutions with few input channels, as in first layers. As implicit GEMM its results would
// fill a few lanes of each vector; here every pixel of dy is multiplied with the whole filter, all taps and channels
// side by side, and what it gives is added to the pixels behind its taps, a few rows of dy at a time.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/conv_scatter_loops.h"
#include "core/kernels/contract/packed.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/slotted_plan.h"

namespace tw::contract {
namespace {

constexpr int64_t kPixelsAtATime = 112;  // of dy, at least, where there are more

template <typename S, typename T>
class ScatterConv final : public SlottedPlan {
 public:
  Status plan(const ConvSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "gemm and scatter"; }

 private:
  int64_t panels() const { return (columns_ + width_ - 1) / width_; }
  void pack(const S* filter, T* to, int64_t panel) const;
  void scatter_row(const T* products, int64_t y, int64_t first, int64_t last, T* to) const;
  void run_unit(int64_t unit, const S* dy, const T* packed, void* const* outputs, const void* const* operands,
                char* slot, FirstError* error) const;

  const TileSet<T>& set_ = tile_set<T>();
  ConvSpec spec_;
  int64_t columns_ = 0, width_ = 1;           // of the products of a pixel; of a panel
  int64_t step_ = 0;                          // from one pixel's products to the next's
  int64_t rows_ = 1;                          // of dy at a time
  int64_t bands_ = 1, band_ = 1;              // of an image; result rows of a band
  int64_t inner_first_ = 0, inner_last_ = 0;  // columns of dy whose taps all lie in the image
  std::shared_ptr<const T> constant_;
};

template <typename S, typename T>
Status ScatterConv<S, T>::plan(const ConvSpec& spec, int threads) {
  spec_ = spec;
  TW_ASSIGN_OR_RETURN(
      epilogue_, BoundEpilogue::make(spec.epilogue, spec.dtype, Shape{spec.batch, spec.in_h, spec.in_w, spec.in_c}));
  flops_ = conv_flops(spec);
  slots_ = slots_for(flops_, threads);
  columns_ = spec.filter_h * spec.filter_w * spec.in_c;
  width_ = 2 * set_.lanes;
  // An odd number of vectors, so that pixels do not share cache sets.
  step_ = ((columns_ + set_.lanes - 1) / set_.lanes | 1) * set_.lanes;
  rows_ = std::clamp<int64_t>((kPixelsAtATime + spec.out_w - 1) / spec.out_w, 1, spec.out_h);
  // Bands repeat the products of the rows of dy that they share, so there are no more than the threads ask for.
  if (slots_ > 1 && spec.batch < 4 * slots_) bands_ = (4 * slots_ + spec.batch - 1) / spec.batch;
  const int64_t least = 4 * ((spec.filter_h - 1) * spec.dilation_h + spec.stride_h);
  band_ = std::min(std::max((spec.in_h + bands_ - 1) / bands_, least), spec.in_h);
  bands_ = (spec.in_h + band_ - 1) / band_;
  // Column j of dy meets input columns from j * stride - pad on.
  const int64_t reach = (spec.filter_w - 1) * spec.dilation_w;
  inner_first_ = std::clamp<int64_t>((spec.pad_left + spec.stride_w - 1) / spec.stride_w, 0, spec.out_w);
  inner_last_ = std::clamp<int64_t>((spec.in_w - reach + spec.pad_left + spec.stride_w - 1) / spec.stride_w,
                                    inner_first_, spec.out_w);

  const int64_t size = packed_size(spec.out_c, columns_, set_.lanes);
  if (spec.constant_filter != nullptr) {
    const PackKey key{
        PackForm::kScatterFilter, spec.dtype, {spec.filter_h, spec.filter_w, spec.in_c, spec.out_c, width_}};
    TW_ASSIGN_OR_RETURN(constant_, packed<T>(spec.constant_filter, key, size, [&](T* to) {
                          for (int64_t p = 0; p < panels(); ++p) {
                            pack(static_cast<const S*>(spec.constant_filter.data), to, p);
                          }
                        }));
  } else {
    shared_bytes_ = piece_bytes<T>(size);
  }
  slot_bytes_ = piece_bytes<T>(rows_ * spec.out_w * step_);
  if (!std::is_same_v<S, T>) slot_bytes_ += piece_bytes<T>(rows_ * spec.out_w * spec.out_c);
  if (!std::is_same_v<S, T> || epilogue_.home() < 0) {
    const int64_t unit = band_ * spec.in_w * spec.in_c;
    slot_bytes_ += piece_bytes<T>(unit) + piece_bytes<S>(unit);
  }
  return {};
}

template <typename S, typename T>
void ScatterConv<S, T>::pack(const S* filter, T* to, int64_t panel) const {
  const int64_t k = spec_.out_c;
  pack_panel(filter + panel * width_ * k, 1, k, k, std::min(width_, columns_ - panel * width_), set_.lanes,
             to + panel * width_ * k);
}

template <typename S, typename T>
Status ScatterConv<S, T>::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                              void* workspace, WorkerPool& pool) const {
  const T* packed = constant_.get();
  if (packed == nullptr) {
    T* to = static_cast<T*>(workspace);
    for (int64_t p = 0; p < panels(); ++p) pack(static_cast<const S*>(a), to, p);
    packed = to;
  }
  FirstError error;
  pool.run_tasks(spec_.batch * bands_, slots_, [&](int64_t unit, int slot) {
    run_unit(unit, static_cast<const S*>(b), packed, outputs, operands,
             static_cast<char*>(workspace) + shared_bytes_ + static_cast<size_t>(slot) * slot_bytes_, &error);
  });
  return error.take();
}

// Adds the products of row y of dy to those result rows [first, last) that its taps meet; `to` is where the first is.
template <typename S, typename T>
void ScatterConv<S, T>::scatter_row(const T* products, int64_t y, int64_t first, int64_t last, T* to) const {
  const int64_t c = spec_.in_c, pitch = spec_.in_w * c;
  // Filter rows [f, end) lie in the band.
  int64_t f = 0, end = spec_.filter_h;
  const int64_t top = y * spec_.stride_h - spec_.pad_top;
  while (f < end && top + f * spec_.dilation_h < first) ++f;
  while (f < end && top + (end - 1) * spec_.dilation_h >= last) --end;
  if (f == end) return;
  T* row = to + (top + f * spec_.dilation_h - first) * pitch;
  const T* from = products + f * spec_.filter_w * c;
  // Taps next to each other are one run of memory.
  const bool adjacent = spec_.dilation_w == 1;
  const int64_t taps = adjacent ? 1 : spec_.filter_w, run = adjacent ? spec_.filter_w * c : c;
  const auto add = [&](int64_t column, int64_t count, int64_t tap, int64_t begin, int64_t stop) {
    const int64_t at = (column * spec_.stride_w - spec_.pad_left + tap * spec_.dilation_w) * c + begin;
    scatter_add(from + column * step_ + tap * c + begin, step_, spec_.filter_w * c, count, end - f, stop - begin,
                row + at, spec_.stride_w * c, spec_.dilation_h * pitch);
  };
  const auto add_edge = [&](int64_t column) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t at = (column * spec_.stride_w - spec_.pad_left + tap * spec_.dilation_w) * c;
      const int64_t begin = std::max<int64_t>(-at, 0), stop = std::min(run, pitch - at);
      if (begin < stop) add(column, 1, tap, begin, stop);
    }
  };
  for (int64_t j = 0; j < inner_first_; ++j) add_edge(j);
  for (int64_t tap = 0; tap < taps; ++tap) add(inner_first_, inner_last_ - inner_first_, tap, 0, run);
  for (int64_t j = inner_last_; j < spec_.out_w; ++j) add_edge(j);
}

template <typename S, typename T>
void ScatterConv<S, T>::run_unit(int64_t unit, const S* dy, const T* packed, void* const* outputs,
                                 const void* const* operands, char* slot, FirstError* error) const {
  const int64_t image = unit / bands_, first = unit % bands_ * band_, last = std::min(first + band_, spec_.in_h);
  const int64_t pitch = spec_.in_w * spec_.in_c, element0 = (image * spec_.in_h + first) * pitch,
                count = (last - first) * pitch;
  T* products = take<T>(&slot, rows_ * spec_.out_w * step_);
  T* wide = std::is_same_v<S, T> ? nullptr : take<T>(&slot, rows_ * spec_.out_w * spec_.out_c);
  const int home = epilogue_.home();
  bool own = true;
  if constexpr (std::is_same_v<S, T>) own = home < 0;
  T* result = own ? take<T>(&slot, count) : static_cast<T*>(outputs[home]) + element0;
  std::fill_n(result, count, T{});

  Panels<T> b;
  b.packed = packed;
  b.k = spec_.out_c;
  b.n = (columns_ + set_.lanes - 1) / set_.lanes * set_.lanes;  // whole vectors are stored quickest
  b.lanes = set_.lanes;
  b.width = static_cast<int>(width_);
  const int64_t offset = 0;
  RowSource<T> a;
  a.offsets = &offset;
  a.length = spec_.out_c;
  const T* from[kMaxGroup];
  T* to[kMaxGroup];
  a.rows = from;
  // Rows of dy that meet the band.
  const int64_t reach = (spec_.filter_h - 1) * spec_.dilation_h, stride = spec_.stride_h;
  const int64_t low = std::max<int64_t>((first + spec_.pad_top - reach + stride - 1) / stride, 0);
  const int64_t high = std::min((last - 1 + spec_.pad_top) / stride + 1, spec_.out_h);
  for (int64_t y = low; y < high; y += rows_) {
    const int64_t rows = std::min(rows_, high - y), pixels = rows * spec_.out_w;
    const S* source = dy + (image * spec_.out_h + y) * spec_.out_w * spec_.out_c;
    const T* pixel0;
    if constexpr (std::is_same_v<S, T>) {
      pixel0 = source;
    } else {
      load_row(source, wide, pixels * spec_.out_c);
      pixel0 = wide;
    }
    for (int64_t begin = 0; begin < pixels; begin += kMaxGroup) {
      const int64_t n = std::min(kMaxGroup, pixels - begin);
      for (int64_t i = 0; i < n; ++i) from[i] = pixel0 + (begin + i) * spec_.out_c;
      for (int64_t i = 0; i < n; ++i) to[i] = products + (begin + i) * step_;
      multiply_rows(set_, a, n, b, 0, 0, b.count(), to, false);
    }
    for (int64_t i = 0; i < rows; ++i) scatter_row(products + i * spec_.out_w * step_, y + i, first, last, result);
  }
  const S* block = reinterpret_cast<const S*>(result);
  if constexpr (!std::is_same_v<S, T>) {
    S* narrowed = home < 0 ? take<S>(&slot, count) : static_cast<S*>(outputs[home]) + element0;
    narrow(result, narrowed, count);
    block = narrowed;
  }
  if (!epilogue_.empty()) error->set(epilogue_.run(block, operands, outputs, element0, count));
}

}  // namespace

bool wants_scatter(const ConvSpec& s) {
  if (s.kind != ConvSpec::Kind::kInputGrad || s.in_d != 1 || s.out_d != 1 || s.filter_d != 1 || s.pad_front != 0) {
    return false;
  }
  if (s.batch * s.in_h * s.in_w * s.in_c * s.out_h * s.out_w * s.out_c * s.filter_h * s.filter_w == 0) return false;
  const int64_t lanes = s.dtype == DType::kDouble ? tile_set<double>().lanes : tile_set<float>().lanes;
  const auto vectors = [&](int64_t n) { return static_cast<double>((n + lanes - 1) / lanes); };
  // Vector instructions for a pixel of dy, in products and in what is loaded, added and stored.
  const int64_t taps = s.filter_h * s.filter_w;
  const double k = static_cast<double>(s.out_c);
  const double direct = static_cast<double>(taps) * vectors(s.in_c) * k;
  const double products = vectors(taps * s.in_c) * (k + 4);
  const double runs =
      static_cast<double>(s.filter_h) *
      (s.dilation_w == 1 ? vectors(s.filter_w * s.in_c) : static_cast<double>(s.filter_w) * vectors(s.in_c));
  return products + 6 * runs < 0.8 * direct;
}

Result<std::unique_ptr<ContractPlan>> plan_scatter_conv(const ConvSpec& spec, int threads) {
  return make_floating_plan<ScatterConv>(spec, threads, "convolution");
}

}  // namespace tw::contract
