// DepthToSpace, SpaceToDepth, and the batch forms.
#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

// Sizes of a 4-D image in either layout.
struct Image {
  bool nchw;
  int64_t batch, height, width, depth;
  Shape shape() const { return nchw ? Shape{batch, depth, height, width} : Shape{batch, height, width, depth}; }
};

Result<Image> read_image(const MoveArgs& args) {
  const Shape& s = args.shape(0);
  const std::string format = args.attrs().string("data_format");
  if (format == "NCHW_VECT_C") return unimplemented("data_format NCHW_VECT_C has no CPU kernel");
  if (s.rank() != 4) return invalid_argument("Input rank should be: 4 instead of: ", s.rank());
  if (format == "NCHW") return Image{true, s[0], s[2], s[3], s[1]};
  return Image{false, s[0], s[1], s[2], s[3]};
}

// A depth image of [N, h, w, b*b*C] and a space image of [N, h*b, w*b, C] hold the same elements: as dimensions
// (N, h, bi, w, bj, C) of each.
struct Blocks {
  std::array<int64_t, 6> dims, depth_strides, space_strides;
};

Blocks blocks(const Image& space, int64_t b) {
  const int64_t h = space.height / b, w = space.width / b, c = space.depth;
  if (space.nchw) {
    return {{space.batch, h, b, w, b, c},
            {h * w * b * b * c, w, b * c * h * w, 1, c * h * w, h * w},
            {h * w * b * b * c, b * w * b, w * b, b, 1, h * b * w * b}};
  }
  return {{space.batch, h, b, w, b, c},
          {h * w * b * b * c, w * b * b * c, b * c, b * b * c, c, 1},
          {h * w * b * b * c, b * w * b * c, w * b * c, b * c, c, 1}};
}

Status plan_space_to_depth(const MoveArgs& args, MovePlan* plan) {
  TW_ASSIGN_OR_RETURN(const Image in, read_image(args));
  const int64_t b = args.attrs().integer("block_size");
  if (in.height % b != 0 || in.width % b != 0) {
    return invalid_argument("Image width ", in.width, " and height ", in.height,
                            " should be divisible by block_size: ", b);
  }
  plan->shapes = {Image{in.nchw, in.batch, in.height / b, in.width / b, in.depth * b * b}.shape()};
  const Blocks k = blocks(in, b);
  add_piece(args, plan, 0, 0, k.space_strides, 0, 0, k.depth_strides, k.dims);
  return {};
}

Status plan_depth_to_space(const MoveArgs& args, MovePlan* plan) {
  TW_ASSIGN_OR_RETURN(const Image in, read_image(args));
  const int64_t b = args.attrs().integer("block_size");
  if (in.depth % (b * b) != 0) {
    return invalid_argument("Input depth dimension ", in.depth, " should be divisible by: ", b * b);
  }
  const Image out{in.nchw, in.batch, in.height * b, in.width * b, in.depth / (b * b)};
  plan->shapes = {out.shape()};
  const Blocks k = blocks(out, b);
  add_piece(args, plan, 0, 0, k.depth_strides, 0, 0, k.space_strides, k.dims);
  return {};
}

// Block sizes and the padding (or crop) of each spatial dimension.
struct SpaceBatch {
  size_t dims = 0;
  std::array<int64_t, kMaxRank> block{}, before{}, after{};
  int64_t count = 1;  // product of the block sizes
};

Status read_pads(const Tensor& pads, const char* what, SpaceBatch* sb) {
  if (pads.shape() != Shape{static_cast<int64_t>(sb->dims), 2}) {
    return invalid_argument(what, " should have shape [", sb->dims, ", 2] instead of ", pads.shape());
  }
  for (size_t d = 0; d < sb->dims; ++d) {
    sb->before[d] = index_value(pads, static_cast<int64_t>(2 * d));
    sb->after[d] = index_value(pads, static_cast<int64_t>(2 * d + 1));
    if (sb->before[d] < 0 || sb->after[d] < 0) return invalid_argument(what, " must be non-negative");
  }
  return {};
}

Result<SpaceBatch> read_space_batch(const MoveArgs& args, const Tensor& block, const Tensor& pads, const char* what) {
  SpaceBatch sb;
  if (block.shape().rank() != 1) return invalid_argument("block_shape should be 1-D, not ", block.shape());
  const int64_t n = block.num_elements();
  if (args.shape(0).rank() < n + 1) {
    return invalid_argument("input rank should be >= ", n + 1, " instead of ", args.shape(0).rank());
  }
  sb.dims = static_cast<size_t>(n);
  for (size_t d = 0; d < sb.dims; ++d) {
    sb.block[d] = index_value(block, static_cast<int64_t>(d));
    if (sb.block[d] < 1)
      return invalid_argument("block_shape must be positive, but block_shape[", d, "] is ", sb.block[d]);
    if (sb.count > (int64_t{1} << 31) / sb.block[d]) return invalid_argument("block_shape is too large");
    sb.count *= sb.block[d];
  }
  TW_RETURN_IF_ERROR(read_pads(pads, what, &sb));
  return sb;
}

// The old forms have one block size for height and width.
Result<SpaceBatch> read_square(const MoveArgs& args, const Tensor& pads, const char* what) {
  if (args.shape(0).rank() != 4) return invalid_argument("Input rank should be: 4 instead of: ", args.shape(0).rank());
  SpaceBatch sb;
  sb.dims = 2;
  sb.block[0] = sb.block[1] = args.attrs().integer("block_size");
  sb.count = sb.block[0] * sb.block[1];
  TW_RETURN_IF_ERROR(read_pads(pads, what, &sb));
  return sb;
}

// For each offset within the block, the elements at that offset of the space image (shifted by `before`) are one run of
// images of the batch image. `to_batch` gives the direction.
void block_pieces(const MoveArgs& args, MovePlan* plan, const SpaceBatch& sb, const Shape& space, const Shape& batch,
                  bool to_batch) {
  const Strides space_strides = strides_of(space), batch_strides = strides_of(batch);
  std::array<int64_t, kMaxRank> offset{};
  for (int64_t k = 0; k < sb.count; ++k) {
    Strides dims, spread;
    dims[0] = space[0];
    spread[0] = space_strides[0];
    int64_t space_at = 0, batch_at = k * space[0] * batch_strides[0];
    for (size_t d = 0; d < sb.dims; ++d) {
      // Cell i of the batch image is element i * block + offset - before of the space image, where that exists.
      const int64_t b = sb.block[d], shift = offset[d] - sb.before[d], size = space[static_cast<int>(d + 1)];
      const int64_t first = shift >= 0 ? 0 : (-shift + b - 1) / b;
      const int64_t end = size - shift <= 0 ? 0 : (size - shift + b - 1) / b;
      dims[d + 1] = std::max<int64_t>(0, std::min(end, batch[static_cast<int>(d + 1)]) - first);
      spread[d + 1] = space_strides[d + 1] * b;
      space_at += (first * b + shift) * space_strides[d + 1];
      batch_at += first * batch_strides[d + 1];
    }
    for (size_t d = sb.dims + 1; d < static_cast<size_t>(space.rank()); ++d) {
      dims[d] = space[static_cast<int>(d)];
      spread[d] = space_strides[d];
    }
    const std::span<const int64_t> sizes(dims.data(), static_cast<size_t>(space.rank()));
    if (to_batch) {
      add_piece(args, plan, 0, space_at, spread, 0, batch_at, batch_strides, sizes);
    } else {
      add_piece(args, plan, 0, batch_at, batch_strides, 0, space_at, spread, sizes);
    }
    for (size_t d = sb.dims; d-- > 0;) {
      if (++offset[d] < sb.block[d]) break;
      offset[d] = 0;
    }
  }
}

Status space_to_batch(const MoveArgs& args, MovePlan* plan, const SpaceBatch& sb) {
  const Shape& in = args.shape(0);
  Shape out = in;
  out.set_dim(0, in[0] * sb.count);
  for (size_t d = 0; d < sb.dims; ++d) {
    const int64_t padded = in[static_cast<int>(d + 1)] + sb.before[d] + sb.after[d];
    if (padded % sb.block[d] != 0) {
      return invalid_argument("padded_shape[", d, "]=", padded, " is not divisible by block_shape[", d,
                              "]=", sb.block[d]);
    }
    plan->fill |= padded != in[static_cast<int>(d + 1)];
    out.set_dim(static_cast<int>(d + 1), padded / sb.block[d]);
  }
  plan->shapes = {out};
  block_pieces(args, plan, sb, in, out, true);
  return {};
}

Status batch_to_space(const MoveArgs& args, MovePlan* plan, const SpaceBatch& sb) {
  const Shape& in = args.shape(0);
  if (in[0] % sb.count != 0) {
    return invalid_argument("Input batch dimension (", in[0], ") is not divisible by product of block sizes (",
                            sb.count, ")");
  }
  Shape out = in;
  out.set_dim(0, in[0] / sb.count);
  for (size_t d = 0; d < sb.dims; ++d) {
    const int64_t size = in[static_cast<int>(d + 1)] * sb.block[d] - sb.before[d] - sb.after[d];
    if (size < 0) {
      return invalid_argument("cropped_shape[", d, "]=", size, " must be non-negative");
    }
    out.set_dim(static_cast<int>(d + 1), size);
  }
  plan->shapes = {out};
  block_pieces(args, plan, sb, out, in, false);
  return {};
}

Status plan_space_to_batch_nd(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(block, args, plan, 1);
  TW_MOVE_VALUE(pads, args, plan, 2);
  TW_ASSIGN_OR_RETURN(const SpaceBatch sb, read_space_batch(args, *block, *pads, "paddings"));
  return space_to_batch(args, plan, sb);
}

Status plan_batch_to_space_nd(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(block, args, plan, 1);
  TW_MOVE_VALUE(crops, args, plan, 2);
  TW_ASSIGN_OR_RETURN(const SpaceBatch sb, read_space_batch(args, *block, *crops, "crops"));
  return batch_to_space(args, plan, sb);
}

Status plan_space_to_batch(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(pads, args, plan, 1);
  TW_ASSIGN_OR_RETURN(const SpaceBatch sb, read_square(args, *pads, "paddings"));
  return space_to_batch(args, plan, sb);
}

Status plan_batch_to_space(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(crops, args, plan, 1);
  TW_ASSIGN_OR_RETURN(const SpaceBatch sb, read_square(args, *crops, "crops"));
  return batch_to_space(args, plan, sb);
}

}  // namespace

TW_MOVE_KERNEL(DepthToSpace, plan_depth_to_space);
TW_MOVE_KERNEL(SpaceToDepth, plan_space_to_depth);
TW_MOVE_KERNEL(SpaceToBatchND, plan_space_to_batch_nd);
TW_MOVE_KERNEL(BatchToSpaceND, plan_batch_to_space_nd);
TW_MOVE_KERNEL(SpaceToBatch, plan_space_to_batch);
TW_MOVE_KERNEL(BatchToSpace, plan_batch_to_space);

}  // namespace tw
