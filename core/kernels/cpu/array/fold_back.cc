// MirrorPadGrad and TileGrad: each element of the result is the sum of the elements that were copies of it. And
// MatrixBandPart.
#include <algorithm>
#include <cstring>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/move/fill.h"

namespace tw {
namespace {

struct State : KernelState {
  bool dynamic = false, reflect = false;
};

Status prepare(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<State>();
  state.dynamic = output_is_dynamic(ctx, 0);
  state.reflect = ctx.attrs().has("mode") && ctx.attrs().string("mode") == "REFLECT";
  return {};
}

// Adds every element of `in` to element source(index) of the zeroed output.
template <typename T, typename Source>
void fold(const Value& in, const Shape& out, void* storage, const Source& source) {
  const T* x = static_cast<const T*>(in.data);
  T* y = static_cast<T*>(storage);
  const int rank = in.shape->rank();
  const auto strides = strides_of(out);
  std::array<int64_t, kMaxRank> index{};
  for (int64_t i = 0; i < in.shape->num_elements(); ++i) {
    int64_t at = 0;
    for (int d = 0; d < rank; ++d) at += source(d, index[static_cast<size_t>(d)]) * strides[static_cast<size_t>(d)];
    y[at] = static_cast<T>(y[at] + x[i]);
    for (int d = rank - 1; d >= 0 && ++index[static_cast<size_t>(d)] == (*in.shape)[d]; --d)
      index[static_cast<size_t>(d)] = 0;
  }
}

template <typename Source>
Status fold_any(const RunContext& ctx, const Value& in, const Shape& out, const Source& source) {
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, out, ctx.state<State>().dynamic));
  fill_elements(in.dtype, nullptr, to, out.num_elements(), ctx.pool());
  if (visit_number(in.dtype, [&](auto tag) { fold<typename decltype(tag)::type>(in, out, to, source); })) return {};
  return unimplemented("Elements of dtype ", dtype_name(in.dtype), " cannot be added");
}

Status run_mirror_pad_grad(const RunContext& ctx) {
  const Value in = ctx.input(0), pads = ctx.input(1);
  const int rank = in.shape->rank();
  const int64_t edge = ctx.state<State>().reflect ? 1 : 0;
  if (*pads.shape != Shape{rank, 2}) {
    return invalid_argument("The first dimension of paddings must be the rank of inputs", *pads.shape, " ", *in.shape);
  }
  Shape out;
  std::array<int64_t, kMaxRank> before{};
  for (int d = 0; d < rank; ++d) {
    const int64_t a = index_at(pads, 2 * d), b = index_at(pads, 2 * d + 1), size = (*in.shape)[d] - a - b;
    if (a < 0 || b < 0) return invalid_argument("Paddings must be non-negative: ", a, ", ", b);
    if (edge == 1 && (a >= size || b >= size) && a + b > 0) {
      return invalid_argument("paddings must be less than the output dimension size: ", a, ", ", b, " not less than ",
                              size);
    }
    if (edge == 0 && (a > size || b > size)) {
      return invalid_argument("paddings must be no greater than the output dimension size: ", a, ", ", b,
                              " greater than ", size);
    }
    before[static_cast<size_t>(d)] = a;
    out.add_dim(size);
  }
  return fold_any(ctx, in, out, [&](int d, int64_t i) {
    const int64_t x = i - before[static_cast<size_t>(d)], n = out[d];
    return x < 0 ? -x - 1 + edge : x >= n ? 2 * n - x - 1 - edge : x;
  });
}

Status run_tile_grad(const RunContext& ctx) {
  const Value in = ctx.input(0), multiples = ctx.input(1);
  const int rank = in.shape->rank();
  if (*multiples.shape != Shape{rank}) {
    return invalid_argument("Expected multiples argument to be a vector of length ", rank, " but got length ",
                            multiples.shape->num_elements());
  }
  Shape out;
  for (int d = 0; d < rank; ++d) {
    const int64_t m = index_at(multiples, d);
    if (m <= 0) return invalid_argument("Expected multiples[", d, "] > 0, but got ", m);
    if ((*in.shape)[d] % m != 0) {
      return invalid_argument("Expected input_dim[", d, "] to be divisible by multiples[", d, "], but ", (*in.shape)[d],
                              " % ", m, " != 0");
    }
    out.add_dim((*in.shape)[d] / m);
  }
  return fold_any(ctx, in, out, [&](int d, int64_t i) { return i % out[d]; });
}

Status prepare_band(PrepareContext& ctx) {
  ctx.allow_in_place(0, 0);
  return prepare(ctx);
}

Status run_band(const RunContext& ctx) {
  const Value in = ctx.input(0);
  const Shape shape = *in.shape;
  if (shape.rank() < 2) return invalid_argument("input must be at least 2-dim, received shape: ", shape);
  const int64_t rows = shape[shape.rank() - 2], cols = shape[shape.rank() - 1];
  const int64_t lower = index_at(ctx.input(1)), upper = index_at(ctx.input(2));
  if (lower > rows) {
    return invalid_argument("num_lower must be negative or less or equal to number of rows (", rows, ") got: ", lower);
  }
  if (upper > cols) {
    return invalid_argument("num_upper must be negative or less or equal to number of columns (", cols,
                            ") got: ", upper);
  }
  TW_ASSIGN_OR_RETURN(void* const storage, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  const DType dtype = in.dtype;
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  const char* from = static_cast<const char*>(in.data);
  char* to = static_cast<char*>(storage);
  const auto some_rows = [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = r % rows;
      const int64_t first = lower < 0 ? 0 : std::clamp<int64_t>(i - lower, 0, cols);
      const int64_t last = upper < 0 ? cols : std::clamp<int64_t>(i + upper + 1, first, cols);
      char* row = to + r * cols * size;
      if (from != to) copy_elements(dtype, from + (r * cols + first) * size, row + first * size, last - first);
      fill_elements(dtype, nullptr, row, first);
      fill_elements(dtype, nullptr, row + last * size, cols - last);
    }
  };
  const int64_t count = cols == 0 || rows == 0 ? 0 : shape.num_elements() / cols;
  if (is_plain(dtype)) {
    ctx.pool().parallel_for(count, grain_for_ns(10 + static_cast<double>(cols * size) / 8), some_rows);
  } else {
    some_rows(0, count);
  }
  return {};
}

}  // namespace

TW_KERNEL(MirrorPadGrad, prepare, run_mirror_pad_grad);
TW_KERNEL(TileGrad, prepare, run_tile_grad);
TW_KERNEL(MatrixBandPart, prepare_band, run_band);

}  // namespace tw
