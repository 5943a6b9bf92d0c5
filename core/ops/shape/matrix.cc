// Shapes of diagonals, and of ops that move blocks between space, depth and batch.
#include <algorithm>

#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_diag(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape out, join(c.input(0), c.input(0)));
  if (out.rank() == 0) return invalid_argument("Input must be at least rank 1, got 0");
  c.set_output(0, out);
  return {};
}

Status shape_diag_part(ShapeContext& c) {
  const Shape& in = c.input(0);
  if (!in.rank_known()) return {};
  if (in.rank() % 2 != 0 || in.rank() == 0) {
    return invalid_argument("Input must have even and non-zero rank, input rank is ", in.rank());
  }
  const int half = in.rank() / 2;
  TW_ASSIGN_OR_RETURN(const Shape out, merge(part(in, 0, half), part(in, half, in.rank())));
  c.set_output(0, out);
  return {};
}

Status shape_matrix_diag(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &in));
  if (!in.rank_known()) return {};
  TW_ASSIGN_OR_RETURN(const Shape out, join(in, Shape{in[in.rank() - 1]}));
  c.set_output(0, out);
  return {};
}

Status shape_matrix_diag_part(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 2, &in));
  if (!in.rank_known()) return {};
  const int64_t rows = in[in.rank() - 2], cols = in[in.rank() - 1];
  const int64_t n = rows == 0 || cols == 0 ? 0 : rows < 0 || cols < 0 ? kUnknownDim : std::min(rows, cols);
  TW_ASSIGN_OR_RETURN(const Shape out, join(part(in, 0, in.rank() - 2), Shape{n}));
  c.set_output(0, out);
  return {};
}

Status shape_matrix_set_diag(ShapeContext& c) {
  Shape in, diagonal;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 2, &in));
  TW_RETURN_IF_ERROR(c.with_rank_at_least(1, 1, &diagonal));
  if (in.rank_known() && diagonal.rank_known()) {
    const int r = in.rank();
    if (diagonal.rank() != r - 1) {
      return invalid_argument("Shape must be rank ", r - 1, " but is rank ", diagonal.rank(), ": ", diagonal);
    }
    TW_RETURN_IF_ERROR(merge(part(in, 0, r - 2), part(diagonal, 0, r - 2)).status());
    if (in[r - 2] >= 0 && in[r - 1] >= 0) {
      TW_RETURN_IF_ERROR(merge_dim(std::min(in[r - 2], in[r - 1]), diagonal[r - 2]).status());
    }
  }
  c.set_output(0, in);
  return {};
}

namespace {

struct Band {
  int64_t lower = 0, upper = 0;
};

// The diagonals that input i names; nothing while it is not known.
Result<std::optional<Band>> band_of(const ShapeContext& c, int i) {
  if (c.input(i).rank() > 1) {
    return invalid_argument("Shape must be at most rank 1 but is rank ", c.input(i).rank(), ": ", c.input(i));
  }
  const auto k = values_of(c, i);
  if (!k) return std::optional<Band>();
  if (k->empty() || k->size() > 2) {
    return invalid_argument("diag_index must have one or two elements. It has ", k->size(), " elements.");
  }
  if (k->front() > k->back()) {
    return invalid_argument("lower_diag_index is greater than upper_diag_index: ", k->front(), " > ", k->back());
  }
  return std::optional<Band>({k->front(), k->back()});
}

// A band of the matrices in the last two dimensions as MatrixDiagPartV2 packs it.
Result<Shape> packed_band(const Shape& in, const Band& band) {
  const int lead = in.rank() - 2;
  const int64_t rows = in[lead], cols = in[lead + 1];
  for (const int64_t d : {band.lower, band.upper}) {
    if (d != 0 && ((rows >= 0 && d <= -rows) || (cols >= 0 && d >= cols))) {
      return invalid_argument(d == band.lower ? "lower" : "upper", "_diag_index is out of bound: ", d,
                              ". It must be between ", -rows, " and ", cols);
    }
  }
  const int64_t longest =
      rows < 0 || cols < 0 ? kUnknownDim
                           : std::min(rows + std::min<int64_t>(band.upper, 0), cols - std::max<int64_t>(band.lower, 0));
  const Shape tail = band.upper > band.lower ? Shape{band.upper - band.lower + 1, longest} : Shape{longest};
  return join(part(in, 0, lead), tail);
}

}  // namespace

Status shape_matrix_diag_v2(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &in));
  TW_ASSIGN_OR_RETURN(const auto band, band_of(c, 1));
  if (!band || !in.rank_known()) return {};
  const bool several = band->upper > band->lower;
  const int lead = in.rank() - (several ? 2 : 1);
  if (lead < 0) return invalid_argument("Shape must be at least rank 2 but is rank ", in.rank(), ": ", in);
  if (several) TW_RETURN_IF_ERROR(merge_dim(in[lead], band->upper - band->lower + 1).status());
  int64_t rows = kUnknownDim, cols = kUnknownDim;
  const int64_t longest = in[in.rank() - 1];
  if (c.value(2) && c.value(3) && longest >= 0) {
    for (int i = 2; i < 4; ++i) {
      if (c.value(i)->num_elements() != 1) {
        return invalid_argument("num_rows and num_cols must be scalars, received shape: ", c.input(i));
      }
    }
    const int64_t least_rows = longest - std::min<int64_t>(band->upper, 0);
    const int64_t least_cols = longest + std::max<int64_t>(band->lower, 0);
    rows = values_of(c, 2)->front(), cols = values_of(c, 3)->front();
    if (rows != -1 && rows < least_rows) {
      return invalid_argument("num_rows is too small: ", rows, " for diagonals ", in);
    }
    if (cols != -1 && cols < least_cols) {
      return invalid_argument("num_cols is too small: ", cols, " for diagonals ", in);
    }
    const bool square = rows == -1 && cols == -1;
    if (rows == -1) rows = square ? std::max(least_rows, least_cols) : least_rows;
    if (cols == -1) cols = square ? rows : least_cols;
    if (rows != least_rows && cols != least_cols) {
      return invalid_argument("num_rows and num_cols are not consistent with lower_diag_index, upper_diag_index, and ",
                              "the length of the given diagonals: ", rows, " by ", cols, " for ", in);
    }
  }
  TW_ASSIGN_OR_RETURN(const Shape out, join(part(in, 0, lead), Shape{rows, cols}));
  c.set_output(0, out);
  return {};
}

Status shape_matrix_diag_part_v2(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 2, &in));
  TW_ASSIGN_OR_RETURN(const auto band, band_of(c, 1));
  if (!band || !in.rank_known()) return {};
  TW_ASSIGN_OR_RETURN(const Shape out, packed_band(in, *band));
  c.set_output(0, out);
  return {};
}

Status shape_matrix_set_diag_v2(ShapeContext& c) {
  Shape in, diagonal;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 2, &in));
  TW_RETURN_IF_ERROR(c.with_rank_at_least(1, 1, &diagonal));
  TW_ASSIGN_OR_RETURN(const auto band, band_of(c, 2));
  if (band && in.rank_known() && diagonal.rank_known()) {
    TW_ASSIGN_OR_RETURN(const Shape expected, packed_band(in, *band));
    TW_RETURN_IF_ERROR(merge(expected, diagonal).status());
  }
  c.set_output(0, in);
  return {};
}

Status shape_matrix_band_part(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 2, &in));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  c.set_output(0, in);
  return {};
}

namespace {

struct Axes {
  int h, w, c;
};

Result<Axes> axes_of(const ShapeContext& c) {
  const std::string format = c.attrs().string("data_format");
  if (format == "NHWC") return Axes{1, 2, 3};
  if (format == "NCHW") return Axes{2, 3, 1};
  return unimplemented(c.op().name, " does not take data_format ", format);
}

Result<int64_t> divide(int64_t dim, int64_t by) {
  if (dim < 0) return kUnknownDim;
  if (by <= 0 || dim % by != 0) {
    return invalid_argument("Dimension size must be evenly divisible by ", by, " but is ", dim);
  }
  return dim / by;
}

// Moves blocks between the first dimension and those after it. `block` and `edges` ([before, after] pairs) may be
// unknown.
Status batch_blocks(ShapeContext& c, const Shape& in, int64_t blocks, const std::optional<std::vector<int64_t>>& block,
                    const std::optional<std::vector<int64_t>>& edges, bool to_batch) {
  if (!in.rank_known()) return {};
  Shape out = in;
  int64_t batch = in[0];
  for (int i = 0; i < blocks; ++i) {
    const size_t k = static_cast<size_t>(i);
    out.set_dim(i + 1, kUnknownDim);
    if (!block) {
      batch = kUnknownDim;
      continue;
    }
    const int64_t b = (*block)[k];
    if (b < 1) return invalid_argument("block_shape must be positive, but is ", b);
    if (to_batch) {
      batch = multiply_dims(batch, b);
    } else {
      TW_ASSIGN_OR_RETURN(batch, divide(batch, b));
    }
    if (!edges || in[i + 1] < 0) continue;
    const int64_t before = (*edges)[2 * k], after = (*edges)[2 * k + 1];
    if (before < 0 || after < 0) {
      return invalid_argument(to_batch ? "paddings" : "crops", " cannot be negative, but are ", before, " and ", after);
    }
    if (to_batch) {
      TW_ASSIGN_OR_RETURN(const int64_t size, divide(in[i + 1] + before + after, b));
      out.set_dim(i + 1, size);
    } else {
      if (before + after > in[i + 1] * b) {
        return invalid_argument("Negative dimension size caused by subtracting ", before + after, " from ",
                                in[i + 1] * b);
      }
      out.set_dim(i + 1, in[i + 1] * b - before - after);
    }
  }
  out.set_dim(0, batch);
  c.set_output(0, out);
  return {};
}

Status batch_blocks_2d(ShapeContext& c, bool to_batch) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &in));
  TW_RETURN_IF_ERROR(merge(c.input(1), Shape{2, 2}).status());
  const int64_t b = c.attrs().integer("block_size");
  return batch_blocks(c, in, 2, std::vector<int64_t>{b, b}, values_of(c, 1), to_batch);
}

Status batch_blocks_nd(ShapeContext& c, bool to_batch) {
  Shape in, block, edges;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &block));
  TW_RETURN_IF_ERROR(c.with_rank(2, 2, &edges));
  // How many dimensions there are has to be known, as in TensorFlow.
  if (block[0] < 0) return invalid_argument("block_shape must have known size.");
  TW_ASSIGN_OR_RETURN(const int64_t blocks, merge_dim(block[0], edges[0]));
  TW_RETURN_IF_ERROR(merge_dim(edges[1], 2).status());
  if (blocks >= kMaxRank) return invalid_argument("block_shape has too many entries: ", blocks);
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, static_cast<int>(blocks) + 1, &in));
  return batch_blocks(c, in, blocks, values_of(c, 1), values_of(c, 2), to_batch);
}

}  // namespace

Status shape_space_to_depth(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &in));
  TW_ASSIGN_OR_RETURN(const Axes a, axes_of(c));
  const int64_t b = c.attrs().integer("block_size");
  TW_ASSIGN_OR_RETURN(const int64_t h, divide(in[a.h], b));
  TW_ASSIGN_OR_RETURN(const int64_t w, divide(in[a.w], b));
  in.set_dim(a.h, h);
  in.set_dim(a.w, w);
  in.set_dim(a.c, multiply_dims(in[a.c], b * b));
  c.set_output(0, in);
  return {};
}

Status shape_depth_to_space(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &in));
  TW_ASSIGN_OR_RETURN(const Axes a, axes_of(c));
  const int64_t b = c.attrs().integer("block_size");
  TW_ASSIGN_OR_RETURN(const int64_t depth, divide(in[a.c], b * b));
  in.set_dim(a.h, multiply_dims(in[a.h], b));
  in.set_dim(a.w, multiply_dims(in[a.w], b));
  in.set_dim(a.c, depth);
  c.set_output(0, in);
  return {};
}

Status shape_space_to_batch(ShapeContext& c) { return batch_blocks_2d(c, true); }
Status shape_batch_to_space(ShapeContext& c) { return batch_blocks_2d(c, false); }
Status shape_space_to_batch_nd(ShapeContext& c) { return batch_blocks_nd(c, true); }
Status shape_batch_to_space_nd(ShapeContext& c) { return batch_blocks_nd(c, false); }

}  // namespace tw
