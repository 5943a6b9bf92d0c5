// Pad, PadV2 and MirrorPad.
#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

// Checks the paddings and gives (before, after) of each dimension.
Status read_paddings(const Tensor& paddings, const Shape& in, std::array<int64_t, kMaxRank>* before,
                     std::array<int64_t, kMaxRank>* after) {
  const Shape& s = paddings.shape();
  if (s.rank() != 2 || s[1] != 2) return invalid_argument("paddings must be a matrix with 2 columns: ", s);
  if (s[0] != in.rank()) {
    return invalid_argument("The first dimension of paddings must be the rank of inputs", s, " ", in);
  }
  for (int d = 0; d < in.rank(); ++d) {
    const auto at = static_cast<size_t>(d);
    (*before)[at] = index_value(paddings, 2 * d);
    (*after)[at] = index_value(paddings, 2 * d + 1);
    if ((*before)[at] < 0 || (*after)[at] < 0) {
      return invalid_argument("Paddings must be non-negative: ", (*before)[at], " ", (*after)[at]);
    }
  }
  return {};
}

Status pad(const MoveArgs& args, MovePlan* plan, int value_input) {
  TW_MOVE_VALUE(paddings, args, plan, 1);
  const Shape& in = args.shape(0);
  std::array<int64_t, kMaxRank> before, after;
  TW_RETURN_IF_ERROR(read_paddings(*paddings, in, &before, &after));
  if (value_input >= 0 && args.shape(value_input).rank() != 0) {
    return invalid_argument("constant_values must be a scalar. Found: ", args.shape(value_input));
  }
  std::array<int64_t, kMaxRank> sizes;
  for (int d = 0; d < in.rank(); ++d) {
    const auto at = static_cast<size_t>(d);
    sizes[at] = before[at] + in[d] + after[at];
  }
  TW_ASSIGN_OR_RETURN(const Shape out, Shape::make({sizes.data(), static_cast<size_t>(in.rank())}));
  plan->shapes = {out};
  plan->fill_input = value_input;
  if (is_plain(args.dtype(0))) {
    const auto rank = static_cast<size_t>(in.rank());
    plan->padded.emplace(in.dims(), std::span(before).first(rank), std::span(after).first(rank),
                         dtype_size(args.dtype(0)));
    return {};
  }
  plan->fill = out != in;
  const Strides to = strides_of(out);
  int64_t at = 0;
  for (size_t d = 0; d < static_cast<size_t>(in.rank()); ++d) at += before[d] * to[d];
  add_piece(args, plan, 0, 0, strides_of(in), 0, at, to, in.dims());
  return {};
}

Status plan_pad(const MoveArgs& args, MovePlan* plan) { return pad(args, plan, -1); }
Status plan_pad_v2(const MoveArgs& args, MovePlan* plan) { return pad(args, plan, 2); }

// Each dimension has three parts (mirrored before, middle, mirrored after); a piece is a choice of one per dimension.
Status plan_mirror_pad(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(paddings, args, plan, 1);
  const Shape& in = args.shape(0);
  const int64_t edge = args.attrs().string("mode") == "REFLECT" ? 1 : 0;
  std::array<int64_t, kMaxRank> before, after;
  TW_RETURN_IF_ERROR(read_paddings(*paddings, in, &before, &after));
  const auto rank = static_cast<size_t>(in.rank());
  Shape out;
  for (size_t d = 0; d < rank; ++d) {
    const int64_t size = in[static_cast<int>(d)];
    if (edge == 1 && (before[d] >= size || after[d] >= size) && before[d] + after[d] > 0) {
      return invalid_argument("paddings must be less than the dimension size: ", before[d], ", ", after[d],
                              " not less than ", size);
    }
    if (edge == 0 && (before[d] > size || after[d] > size)) {
      return invalid_argument("paddings must be no greater than the dimension size: ", before[d], ", ", after[d],
                              " greater than ", size);
    }
    out.add_dim(before[d] + size + after[d]);
  }
  plan->shapes = {out};
  const Strides from = strides_of(in), to = strides_of(out);
  std::array<int, kMaxRank> part{};
  for (;;) {
    Strides dims, from_strides;
    int64_t from_at = 0, to_at = 0;
    for (size_t d = 0; d < rank; ++d) {
      const int64_t size = in[static_cast<int>(d)];
      int64_t first = 0, start = before[d];
      dims[d] = size;
      from_strides[d] = from[d];
      if (part[d] == 1) {
        dims[d] = before[d];
        first = before[d] - 1 + edge;
        start = 0;
      } else if (part[d] == 2) {
        dims[d] = after[d];
        first = size - 1 - edge;
        start = before[d] + size;
      }
      if (part[d] != 0) from_strides[d] = -from[d];
      from_at += first * from[d];
      to_at += start * to[d];
    }
    add_piece(args, plan, 0, from_at, from_strides, 0, to_at, to, {dims.data(), rank});
    size_t d = 0;
    while (d < rank && part[d] == 2) part[d++] = 0;
    if (d == rank) return {};
    ++part[d];
  }
}

}  // namespace

TW_MOVE_KERNEL(Pad, plan_pad);
TW_MOVE_KERNEL(PadV2, plan_pad_v2);
TW_MOVE_KERNEL(MirrorPad, plan_mirror_pad);

}  // namespace tw
