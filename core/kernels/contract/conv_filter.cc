// The filter gradient: for each tap, the product of the transposed input pixels with the output's gradient. Pixels of a
// unit are the steps of k, so both operands are read where they lie.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/slotted_plan.h"

namespace tw::contract {
namespace {

constexpr int64_t kUnitPixels = 384;       // steps of k between two visits to the sums
constexpr int64_t kUnitBytes = 256 << 10;  // of source image

template <typename S, typename T>
class FilterGrad final : public SlottedPlan {
 public:
  Status plan(const ConvSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "implicit gemm"; }

 private:
  // Sums of slot 0 gather in the output itself where its type allows.
  bool home() const { return std::is_same_v<S, T> && epilogue_.home() >= 0; }
  void run_unit(const Unit& unit, const S* input, const S* dy, T* sums, bool accumulate, char* slot) const;

  const TileSet<T>& set_ = tile_set<T>();
  ConvSpec spec_;
  RegionShape shape_;
  Region<S, T> region_;
  Units units_;
  std::vector<int64_t> run_offsets_;  // of the rows of sums, in runs of run_length_, in the region
  int64_t run_length_ = 0;
  std::vector<int64_t> pixel_rows_;  // of a unit, in the region
  int64_t sums_ = 0;                 // elements of the result
  int64_t tail_ = 0;                 // columns of the last panel when it is partial
  int width_ = 1;
};

template <typename S, typename T>
Status FilterGrad<S, T>::plan(const ConvSpec& spec, int threads) {
  spec_ = spec;
  shape_ = forward_region(spec);
  TW_ASSIGN_OR_RETURN(epilogue_,
                      BoundEpilogue::make(spec.epilogue, spec.dtype,
                                          Shape{spec.filter_d * spec.filter_h, spec.filter_w, spec.in_c, spec.out_c}));
  flops_ = conv_flops(spec);
  slots_ = slots_for(flops_, threads);
  units_ = Units::make(shape_, spec.batch * spec.out_d, kUnitPixels, kUnitBytes, sizeof(T), slots_);
  slots_ = static_cast<int>(std::clamp<int64_t>(units_.count, 1, slots_));
  region_ = Region<S, T>(shape_, units_);
  width_ = 2 * set_.lanes;
  const int64_t last = spec.out_c % width_;
  tail_ = last % set_.lanes != 0 ? last : 0;
  sums_ = spec.filter_d * spec.filter_h * spec.filter_w * spec.in_c * spec.out_c;

  const bool adjacent = spec.dilation_w == 1;
  run_length_ = (adjacent ? spec.filter_w : 1) * spec.in_c;
  for (int64_t d = 0; d < spec.filter_d; ++d) {
    for (int64_t h = 0; h < spec.filter_h; ++h) {
      for (int64_t w = 0; w < (adjacent ? 1 : spec.filter_w); ++w) {
        run_offsets_.push_back(d * spec.dilation_d * region_.plane() + h * spec.dilation_h * region_.pitch() +
                               w * spec.dilation_w * spec.in_c);
      }
    }
  }
  for (int64_t n = 0; n < units_.images; ++n) {
    for (int64_t i = 0; i < units_.band; ++i) {
      pixel_rows_.push_back(n * region_.image() + i * spec.stride_h * region_.pitch());
    }
  }
  const int64_t pixels = units_.images * units_.band * spec.out_w;
  slot_bytes_ = piece_bytes<T>(sums_) + piece_bytes<T>(region_.elements()) +
                piece_bytes<T>(packed_size(pixels, tail_, set_.lanes));
  if (!std::is_same_v<S, T>) slot_bytes_ += piece_bytes<T>(pixels * spec.out_c) + piece_bytes<S>(sums_);
  return {};
}

template <typename S, typename T>
Status FilterGrad<S, T>::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                             void* workspace, WorkerPool& pool) const {
  if (sums_ == 0) return {};
  char* slots = static_cast<char*>(workspace);
  const auto sums_of = [&](int64_t slot) {
    if (slot == 0 && home()) return static_cast<T*>(outputs[epilogue_.home()]);
    return reinterpret_cast<T*>(slots + static_cast<size_t>(slot) * slot_bytes_);
  };
  // Which units a slot sums is fixed, so that rounding does not depend on the threads' luck.
  pool.parallel_for(slots_, 1, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot) {
      char* mine = slots + static_cast<size_t>(slot) * slot_bytes_;
      take<T>(&mine, sums_);
      T* sums = sums_of(slot);
      const int64_t first = slot * units_.count / slots_, last = (slot + 1) * units_.count / slots_;
      if (first == last) std::fill(sums, sums + sums_, T{});
      for (int64_t u = first; u < last; ++u) {
        run_unit(Unit(units_, u, spec_.batch * spec_.out_d, shape_.rows), static_cast<const S*>(a),
                 static_cast<const S*>(b), sums, u > first, mine);
      }
    }
  });
  FirstError error;
  pool.parallel_for(sums_, slots_ > 1 ? grain_for_ns(0.5 * slots_) : sums_, [&](int64_t begin, int64_t end) {
    T* to = sums_of(0);
    for (int64_t slot = 1; slot < slots_; ++slot) {
      const T* from = sums_of(slot);
      for (int64_t i = begin; i < end; ++i) to[i] += from[i];
    }
    const void* block = to + begin;
    if constexpr (!std::is_same_v<S, T>) {
      S* narrowed = epilogue_.home() >= 0 ? static_cast<S*>(outputs[epilogue_.home()])
                                          : reinterpret_cast<S*>(slots + slot_bytes_ - piece_bytes<S>(sums_));
      narrow(to + begin, narrowed + begin, end - begin);
      block = narrowed + begin;
    }
    if (!epilogue_.empty()) error.set(epilogue_.run(block, operands, outputs, begin, end - begin));
  });
  return error.take();
}

template <typename S, typename T>
void FilterGrad<S, T>::run_unit(const Unit& unit, const S* input, const S* dy, T* sums, bool accumulate,
                                char* slot) const {
  const T* image = region_.load(input, unit, take<T>(&slot, region_.elements()));
  const int64_t pixels = unit.images * unit.rows * spec_.out_w, n = spec_.out_c;
  const S* dy0 = dy + (unit.image * spec_.out_h + unit.row) * spec_.out_w * n;
  T* tail = take<T>(&slot, packed_size(units_.images * units_.band * spec_.out_w, tail_, set_.lanes));
  Panels<T> b;
  if constexpr (std::is_same_v<S, T>) {
    b.direct = dy0;
  } else {
    T* wide = take<T>(&slot, pixels * n);
    load_row(dy0, wide, pixels * n);
    b.direct = wide;
  }
  if (tail_ > 0) {
    pack_panel(b.direct + n - tail_, n, 1, pixels, tail_, set_.lanes, tail);
    b.packed = tail;
  }
  b.ld = n;
  b.k = pixels;
  b.n = n;
  b.lanes = set_.lanes;
  b.width = width_;

  RowSource<T> a;
  a.a_step = spec_.stride_w * spec_.in_c;
  a.offsets = pixel_rows_.data();
  a.segments = unit.images * unit.rows;
  a.length = spec_.out_w;
  T* to[kMaxGroup];
  for (size_t r = 0; r < run_offsets_.size(); ++r) {
    for (int64_t i = 0; i < run_length_; i += kMaxGroup) {
      const int64_t count = std::min(kMaxGroup, run_length_ - i);
      for (int64_t x = 0; x < count; ++x) to[x] = sums + (static_cast<int64_t>(r) * run_length_ + i + x) * n;
      a.base = image + run_offsets_[r] + i;
      multiply_rows(set_, a, count, b, 0, 0, b.count(), to, accumulate);
    }
  }
}

}  // namespace

Result<std::unique_ptr<ContractPlan>> plan_filter_grad(const ConvSpec& spec, int threads) {
  return make_floating_plan<FilterGrad>(spec, threads, "convolution");
}

}  // namespace tw::contract
