// Shapes of joining, splitting, slicing, padding and repeating.
#include "core/framework/strided_slice.h"
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// Joins inputs [first, first + count) along the axis that input `axis_input` gives.
Status concat(ShapeContext& c, int first, int count, int axis_input) {
  TW_RETURN_IF_ERROR(check_rank(c, axis_input, 0));
  int rank = -1;
  for (int i = first; i < first + count; ++i) {
    const Shape& s = c.input(i);
    if (!s.rank_known()) continue;
    if (rank >= 0 && s.rank() != rank) {
      return invalid_argument("Shapes must be equal rank, but are ", rank, " and ", s.rank());
    }
    rank = s.rank();
  }
  if (rank < 0) return {};
  if (rank == 0) return invalid_argument("Can't concatenate scalars (use tf.stack instead)");
  const auto value = values_of(c, axis_input);
  if (!value) {
    c.set_output(0, Shape::unknown_of_rank(rank));
    return {};
  }
  TW_ASSIGN_OR_RETURN(const int axis, axis_in(value->front(), rank));
  Shape out = Shape::unknown_of_rank(rank);
  int64_t total = 0;
  for (int i = first; i < first + count; ++i) {
    Shape s = c.input(i).rank_known() ? c.input(i) : Shape::unknown_of_rank(rank);
    total = add_dims(total, s[axis]);
    s.set_dim(axis, kUnknownDim);
    TW_ASSIGN_OR_RETURN(out, merge(out, s));
  }
  out.set_dim(axis, total);
  c.set_output(0, out);
  return {};
}

Status pad(ShapeContext& c, bool shrink) {
  const Shape &in = c.input(0), &paddings = c.input(1);
  TW_RETURN_IF_ERROR(check_rank(c, 1, 2));
  int rank = in.rank();
  if (paddings.rank_known()) {
    TW_RETURN_IF_ERROR(merge_dim(paddings[1], 2).status());
    if (paddings[0] >= 0) {
      if (rank >= 0 && paddings[0] != rank) {
        return invalid_argument("Shape must be rank ", paddings[0], " but is rank ", rank, ": ", in);
      }
      if (paddings[0] > kMaxRank) return invalid_argument("Pad takes at most ", kMaxRank, " dimensions");
      rank = static_cast<int>(paddings[0]);
    }
  }
  if (c.num_inputs() > 2) TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  if (rank < 0) return {};
  Shape out = Shape::unknown_of_rank(rank);
  const auto values = values_of(c, 1);
  if (values && in.rank_known()) {
    for (int i = 0; i < rank; ++i) {
      const int64_t before = (*values)[static_cast<size_t>(2 * i)], after = (*values)[static_cast<size_t>(2 * i + 1)];
      if (before < 0 || after < 0) {
        return invalid_argument("Paddings must be non-negative: ", before, ", ", after);
      }
      if (in[i] < 0) continue;
      const int64_t size = shrink ? in[i] - before - after : in[i] + before + after;
      if (size < 0) {
        return invalid_argument("Negative dimension size caused by subtracting ", before + after, " from ", in[i]);
      }
      out.set_dim(i, size);
    }
  }
  c.set_output(0, out);
  return {};
}

}  // namespace

Status shape_concat(ShapeContext& c) { return concat(c, 1, c.num_inputs() - 1, 0); }
Status shape_concat_v2(ShapeContext& c) { return concat(c, 0, c.num_inputs() - 1, c.num_inputs() - 1); }

Status shape_concat_offset(ShapeContext& c) {
  for (int i = 1; i < c.num_inputs(); ++i) {
    Shape s;
    TW_RETURN_IF_ERROR(c.with_rank(i, 1, &s));
    c.set_output(i - 1, s);
  }
  return {};
}

Status shape_split(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  Shape s = c.input(1);
  const auto axis_value = values_of(c, 0);
  if (!s.rank_known()) return {};
  if (s.rank() == 0) return invalid_argument("Shape must be at least rank 1 but is rank 0: ", s);
  if (!axis_value) {
    all_outputs(c, Shape::unknown_of_rank(s.rank()));
    return {};
  }
  TW_ASSIGN_OR_RETURN(const int axis, axis_in(axis_value->front(), s.rank()));
  const int64_t parts = c.num_outputs();
  if (s[axis] >= 0 && s[axis] % parts != 0) {
    return invalid_argument("Dimension size must be evenly divisible by ", parts, " but is ", s[axis]);
  }
  if (s[axis] >= 0) s.set_dim(axis, s[axis] / parts);
  all_outputs(c, s);
  return {};
}

Status shape_split_v(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  const Shape& in = c.input(0);
  const auto sizes = values_of(c, 1), axis_value = values_of(c, 2);
  if (sizes && static_cast<int>(sizes->size()) != c.num_outputs()) {
    return invalid_argument("Length of size_splits should be equal to num_outputs, but are ", sizes->size(), " and ",
                            c.num_outputs());
  }
  if (!in.rank_known()) return {};
  if (!axis_value) {
    all_outputs(c, Shape::unknown_of_rank(in.rank()));
    return {};
  }
  TW_ASSIGN_OR_RETURN(const int axis, axis_in(axis_value->front(), in.rank()));
  if (!sizes) {
    Shape s = in;
    s.set_dim(axis, c.num_outputs() == 1 ? in[axis] : kUnknownDim);
    all_outputs(c, s);
    return {};
  }
  int64_t total = 0;
  int open = -1;
  for (int i = 0; i < c.num_outputs(); ++i) {
    const int64_t size = (*sizes)[static_cast<size_t>(i)];
    if (size == -1) {
      if (open >= 0) return invalid_argument("There can only be one -1 in the input.");
      open = i;
    } else if (size < 0) {
      return invalid_argument("Split size at index ", i, " must be >= 0. Got: ", size);
    } else {
      total += size;
    }
  }
  if (in[axis] >= 0 && (open < 0 ? total != in[axis] : total > in[axis])) {
    return invalid_argument("can't split axis of size ", in[axis], " into pieces of total size ", total);
  }
  for (int i = 0; i < c.num_outputs(); ++i) {
    Shape s = in;
    s.set_dim(axis, i != open ? (*sizes)[static_cast<size_t>(i)] : in[axis] < 0 ? kUnknownDim : in[axis] - total);
    c.set_output(i, s);
  }
  return {};
}

Status shape_pack(ShapeContext& c) {
  Shape s = Shape::unknown();
  for (int i = 0; i < c.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(s, merge(s, c.input(i)));
  }
  if (!s.rank_known()) return {};
  TW_ASSIGN_OR_RETURN(const int axis, axis_in(c.attrs().integer("axis"), s.rank() + 1));
  TW_ASSIGN_OR_RETURN(const Shape front, join(part(s, 0, axis), Shape{c.num_inputs()}));
  TW_ASSIGN_OR_RETURN(const Shape out, join(front, part(s, axis, s.rank())));
  c.set_output(0, out);
  return {};
}

Status shape_unpack(ShapeContext& c) {
  const Shape& s = c.input(0);
  if (!s.rank_known()) return {};
  TW_ASSIGN_OR_RETURN(const int axis, axis_in(c.attrs().integer("axis"), s.rank()));
  TW_RETURN_IF_ERROR(merge_dim(s[axis], c.num_outputs()).status());
  TW_ASSIGN_OR_RETURN(const Shape out, join(part(s, 0, axis), part(s, axis + 1, s.rank())));
  all_outputs(c, out);
  return {};
}

Status shape_slice(ShapeContext& c) {
  const Shape& in = c.input(0);
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 1));
  TW_ASSIGN_OR_RETURN(const Shape both, merge(c.input(1), c.input(2)));
  int rank = in.rank();
  if (both.rank_known() && both[0] >= 0) {
    if (rank >= 0 && both[0] != rank) {
      return invalid_argument("Shape must be rank ", both[0], " but is rank ", rank, ": ", in);
    }
    if (both[0] > kMaxRank) return invalid_argument("Slice takes at most ", kMaxRank, " dimensions");
    rank = static_cast<int>(both[0]);
  }
  if (rank < 0) return {};
  const auto begin = values_of(c, 1), size = values_of(c, 2);
  Shape out = Shape::unknown_of_rank(rank);
  for (int i = 0; i < rank && size; ++i) {
    const size_t k = static_cast<size_t>(i);
    const int64_t n = (*size)[k], dim = in.rank_known() ? in[i] : kUnknownDim;
    if (n < -1) return invalid_argument("Expected size[", i, "] to be at least -1, but got ", n);
    if (!begin) {
      if (n >= 0) out.set_dim(i, n);
      continue;
    }
    const int64_t b = (*begin)[k];
    if (b < 0 || (dim >= 0 && b > dim)) {
      return invalid_argument("Expected begin[", i, "] in [0, ", dim, "], but got ", b);
    }
    if (n >= 0 && dim >= 0 && b + n > dim) {
      return invalid_argument("Expected size[", i, "] in [0, ", dim - b, "], but got ", n);
    }
    out.set_dim(i, n >= 0 ? n : dim < 0 ? kUnknownDim : dim - b);
  }
  c.set_output(0, out);
  return {};
}

Status shape_strided_slice(ShapeContext& c) {
  int64_t length = kUnknownDim;
  for (int i = 1; i < 4; ++i) {
    Shape s;
    TW_RETURN_IF_ERROR(c.with_rank(i, 1, &s));
    TW_ASSIGN_OR_RETURN(length, merge_dim(length, s[0]));
  }
  if (length < 0 || !c.input(0).rank_known()) return {};
  TW_ASSIGN_OR_RETURN(const StridedSlice s,
                      resolve_strided_slice(c.input(0), length, c.value(1), c.value(2), c.value(3),
                                            StridedSliceMasks::from_attrs(c.attrs())));
  c.set_output(0, s.shape);
  return {};
}

Status shape_strided_slice_grad(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(0));
  c.set_output(0, s);
  return {};
}

Status shape_pad(ShapeContext& c) { return pad(c, false); }
Status shape_mirror_pad(ShapeContext& c) { return pad(c, false); }
Status shape_mirror_pad_grad(ShapeContext& c) { return pad(c, true); }

Status shape_tile(ShapeContext& c) {
  const Shape& in = c.input(0);
  Shape multiples;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &multiples));
  int rank = in.rank();
  if (multiples[0] >= 0) {
    if (rank >= 0 && multiples[0] != rank) {
      return invalid_argument("Shape must be rank ", multiples[0], " but is rank ", rank, ": ", in);
    }
    if (multiples[0] > kMaxRank) return invalid_argument("Tile takes at most ", kMaxRank, " dimensions");
    rank = static_cast<int>(multiples[0]);
  }
  if (rank < 0) return {};
  Shape out = Shape::unknown_of_rank(rank);
  const auto values = values_of(c, 1);
  for (int i = 0; i < rank && values && in.rank_known(); ++i) {
    const int64_t n = (*values)[static_cast<size_t>(i)];
    if (n < 0) return invalid_argument("Expected multiples[", i, "] >= 0, but got ", n);
    out.set_dim(i, multiply_dims(in[i], n));
  }
  c.set_output(0, out);
  return {};
}

Status shape_tile_grad(ShapeContext& c) {
  const Shape& in = c.input(0);
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  if (!in.rank_known()) return {};
  Shape out = Shape::unknown_of_rank(in.rank());
  if (const auto values = values_of(c, 1)) {
    if (static_cast<int>(values->size()) != in.rank()) {
      return invalid_argument("Expected size of multiples ", in.rank(), ", but got ", values->size());
    }
    for (int i = 0; i < in.rank(); ++i) {
      const int64_t n = (*values)[static_cast<size_t>(i)];
      if (n <= 0 || (in[i] >= 0 && in[i] % n != 0)) {
        return invalid_argument("Expected input_dim[", i, "] to be divisible by multiples[", i, "], but ", in[i], " % ",
                                n, " != 0");
      }
      if (in[i] >= 0) out.set_dim(i, in[i] / n);
    }
  }
  c.set_output(0, out);
  return {};
}

Status shape_reverse(ShapeContext& c) {
  Shape dims;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &dims));
  if (c.input(0).rank_known()) TW_RETURN_IF_ERROR(merge_dim(dims[0], c.input(0).rank()).status());
  c.set_output(0, c.input(0));
  return {};
}

Status shape_reverse_v2(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  const Shape& in = c.input(0);
  if (const auto axes = values_of(c, 1); axes && in.rank_known()) {
    bool seen[kMaxRank] = {};
    for (const int64_t a : *axes) {
      if (a < -in.rank() || a >= in.rank()) {
        return invalid_argument("axis ", a, " is out of valid range [", -in.rank(), ", ", in.rank() - 1, "]");
      }
      bool& mark = seen[a < 0 ? a + in.rank() : a];
      if (mark) return invalid_argument("axis ", a, " specified more than once.");
      mark = true;
    }
  }
  c.set_output(0, in);
  return {};
}

Status shape_reverse_sequence(ShapeContext& c) {
  Shape in = c.input(0), lengths;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &lengths));
  if (in.rank_known()) {
    const int64_t batch = c.attrs().integer("batch_dim"), seq = c.attrs().integer("seq_dim");
    if (batch < 0 || batch >= in.rank())
      return invalid_argument("batch_dim must be < input rank: ", batch, " vs. ", in.rank());
    if (seq < 0 || seq >= in.rank()) return invalid_argument("seq_dim must be < input rank: ", seq, " vs. ", in.rank());
    TW_ASSIGN_OR_RETURN(const int64_t n, merge_dim(in[static_cast<int>(batch)], lengths[0]));
    in.set_dim(static_cast<int>(batch), n);
  }
  c.set_output(0, in);
  return {};
}

Status shape_roll(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &in));
  for (int i = 1; i < 3; ++i) {
    if (c.input(i).rank() > 1) {
      return invalid_argument("Shape must be at most rank 1 but is rank ", c.input(i).rank(), ": ", c.input(i));
    }
  }
  TW_RETURN_IF_ERROR(merge(c.input(1), c.input(2)).status());
  c.set_output(0, in);
  return {};
}

}  // namespace tw
