// SparseReorder, SparseReshape, SparseConcat, SparseSplit, SparseSlice and its gradient: entries that move and change
// their indices, not their values.
#include <algorithm>

#include "core/kernels/cpu/sparse/coo.h"

namespace tw {
namespace {

Status run_reorder(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo in, Coo::read(ctx, 0));
  TW_ASSIGN_OR_RETURN(const CooOut out, allocate_coo(ctx, 0, 1, -1, in.count, in.shape));
  int64_t* index = out.indices;
  int64_t to = 0;
  for (const int64_t row : in.order()) {
    for (int d = 0; d < in.rank; ++d) *index++ = in.index(row, d);
    copy_value(in.values->dtype, in.values->data, row, out.values, to++);
  }
  return {};
}

Status run_reshape(const RunContext& ctx) {
  const Value &indices = ctx.input(0), &old_shape = ctx.input(1), &new_shape = ctx.input(2);
  if (indices.shape->rank() != 2) {
    return invalid_argument("Input indices should be a matrix but received shape ", *indices.shape);
  }
  if (old_shape.shape->rank() != 1 || new_shape.shape->rank() != 1) {
    return invalid_argument("Input shape and target shape should be vectors but received shapes ", *old_shape.shape,
                            " and ", *new_shape.shape);
  }
  const int64_t count = (*indices.shape)[0], from = (*old_shape.shape)[0], to = (*new_shape.shape)[0];
  if ((*indices.shape)[1] != from) {
    return invalid_argument("Indices of shape ", *indices.shape, " do not fit a shape of ", from, " dimensions");
  }
  const auto product = [](std::span<const int64_t> dims, int64_t* out) {
    *out = 1;
    for (const int64_t d : dims) {
      if (d < 0 || __builtin_mul_overflow(*out, d, out)) return false;
    }
    return true;
  };
  int64_t elements = 0, known = 0;
  if (!product({static_cast<const int64_t*>(old_shape.data), static_cast<size_t>(from)}, &elements)) {
    return invalid_argument("The input shape has a negative size or too many elements");
  }
  std::vector<int64_t> shape;
  int open = -1;
  for (int64_t d = 0; d < to; ++d) {
    int64_t size = index_at(new_shape, d);
    if (size == -1) {
      if (open >= 0) return invalid_argument("only one output dimension may be -1, not both ", open, " and ", d);
      open = static_cast<int>(d);
      size = 1;
    } else if (size < 0) {
      return invalid_argument("size ", d, " must be non-negative, not ", size);
    }
    shape.push_back(size);
  }
  if (!product(shape, &known)) return invalid_argument("The target shape has too many elements");
  if (open >= 0) {
    if (known == 0) {
      return invalid_argument(
          "reshape cannot infer the missing input size for an empty tensor unless all specified "
          "input sizes are non-zero");
    }
    if (elements % known != 0) {
      return invalid_argument("Input to reshape is a SparseTensor with ", elements,
                              " dense values, but the requested shape requires a multiple of ", known);
    }
    shape[static_cast<size_t>(open)] = elements / known;
    known = elements;
  }
  if (known != elements) {
    return invalid_argument("Input to reshape is a tensor with ", elements,
                            " dense values, but the requested shape has ", known);
  }
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, Shape{count, to}));
  TW_ASSIGN_OR_RETURN(void* const out_shape, ctx.allocate_output(1, Shape{to}));
  std::copy(shape.begin(), shape.end(), static_cast<int64_t*>(out_shape));
  int64_t* index = static_cast<int64_t*>(out);
  for (int64_t i = 0; i < count; ++i, index += to) {
    int64_t flat = 0;
    for (int64_t d = 0; d < from; ++d) {
      const int64_t at = index_at(indices, i * from + d), size = index_at(old_shape, d);
      if (at < 0 || at >= size) {
        return invalid_argument("indices[", i, ",", d, "] = ", at, " is out of bounds: need 0 <= index < ", size);
      }
      flat = flat * size + at;
    }
    for (int64_t d = to; d-- > 0;) {
      index[d] = flat % shape[static_cast<size_t>(d)];
      flat /= shape[static_cast<size_t>(d)];
    }
  }
  return {};
}

struct AxisState : KernelState {
  int64_t axis = 0, parts = 1;
};

Status prepare_concat(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<AxisState>();
  s.axis = ctx.attrs().integer("concat_dim");
  s.parts = ctx.attrs().integer("N");
  return {};
}

// Entries in row-major order when each input's are.
Status run_concat(const RunContext& ctx) {
  const auto& s = ctx.state<AxisState>();
  const int n = static_cast<int>(s.parts);
  std::vector<Coo> parts;
  int64_t count = 0;
  for (int i = 0; i < n; ++i) {
    TW_ASSIGN_OR_RETURN(Coo part, Coo::read(ctx, i, n + i, 2 * n + i));
    count += part.count;
    parts.push_back(std::move(part));
  }
  const int rank = parts[0].rank;
  const int64_t axis = s.axis < 0 ? s.axis + rank : s.axis;
  if (axis < 0 || axis >= rank) {
    return invalid_argument("Concat dimension must be in range [", -rank, ", ", rank, "), got ", s.axis);
  }
  const size_t a = static_cast<size_t>(axis);
  std::vector<int64_t> shape = parts[0].shape, offsets{0};
  for (size_t i = 1; i < parts.size(); ++i) {
    const Coo& p = parts[i];
    if (p.rank != rank) {
      return invalid_argument("Ranks of all input tensors must match: expected ", rank, " but got ", p.rank,
                              " at position ", i);
    }
    for (size_t d = 0; d < shape.size(); ++d) {
      if (d != a && p.shape[d] != shape[d]) {
        return invalid_argument("Input shapes must match: expected ", shape[d], " for dimension ", d, " but got ",
                                p.shape[d], " at position ", i);
      }
    }
    offsets.push_back(shape[a]);
    shape[a] += p.shape[a];
  }
  struct Entry {
    const Coo* part;
    int64_t row, offset;
  };
  std::vector<Entry> entries;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (int64_t row = 0; row < parts[i].count; ++row) entries.push_back({&parts[i], row, offsets[i]});
  }
  const auto index = [&](const Entry& e, int d) { return e.part->index(e.row, d) + (d == axis ? e.offset : 0); };
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& x, const Entry& y) {
    for (int d = 0; d < rank; ++d) {
      const int64_t p = index(x, d), q = index(y, d);
      if (p != q) return p < q;
    }
    return false;
  });
  TW_ASSIGN_OR_RETURN(const CooOut out, allocate_coo(ctx, 0, 1, 2, count, shape));
  for (size_t i = 0; i < entries.size(); ++i) {
    for (int d = 0; d < rank; ++d) out.indices[static_cast<int64_t>(i) * rank + d] = index(entries[i], d);
    const Value& values = *entries[i].part->values;
    copy_value(values.dtype, values.data, entries[i].row, out.values, static_cast<int64_t>(i));
  }
  return {};
}

// The entries within [start, start + size), counted from start.
Status put_slice(const RunContext& ctx, const Coo& in, std::span<const int64_t> start, std::span<const int64_t> size,
                 int indices, int values, int shape) {
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < in.count; ++i) {
    bool inside = true;
    for (int d = 0; d < in.rank; ++d) {
      const int64_t at = in.index(i, d) - start[static_cast<size_t>(d)];
      inside = inside && at >= 0 && at < size[static_cast<size_t>(d)];
    }
    if (inside) kept.push_back(i);
  }
  TW_ASSIGN_OR_RETURN(const CooOut out,
                      allocate_coo(ctx, indices, values, shape, static_cast<int64_t>(kept.size()), size));
  int64_t* index = out.indices;
  for (size_t i = 0; i < kept.size(); ++i) {
    for (int d = 0; d < in.rank; ++d) *index++ = in.index(kept[i], d) - start[static_cast<size_t>(d)];
    copy_value(in.values->dtype, in.values->data, kept[i], out.values, static_cast<int64_t>(i));
  }
  return {};
}

Status prepare_split(PrepareContext& ctx) {
  ctx.emplace_state<AxisState>().parts = ctx.attrs().integer("num_split");
  return {};
}

Status run_split(const RunContext& ctx) {
  const int64_t parts = ctx.state<AxisState>().parts;
  if (ctx.input(0).shape->num_elements() != 1) {
    return invalid_argument("split_dim must be a scalar, but has shape ", *ctx.input(0).shape);
  }
  TW_ASSIGN_OR_RETURN(const Coo in, Coo::read(ctx, 1));
  const int64_t given = index_at(ctx.input(0)), axis = given < 0 ? given + in.rank : given;
  if (axis < 0 || axis >= in.rank) {
    return invalid_argument("Input split_dim should be between 0 and rank (", in.rank, "), got ", given);
  }
  const size_t a = static_cast<size_t>(axis);
  const int64_t size = in.shape[a];
  if (parts > size) {
    return invalid_argument("Input num_split should be between 1 and the splitting dimension size (", size, "), got ",
                            parts);
  }
  // The first ones are larger by one where it does not divide.
  std::vector<int64_t> start(in.shape.size(), 0), extent = in.shape;
  for (int64_t p = 0; p < parts; ++p) {
    extent[a] = size / parts + (p < size % parts ? 1 : 0);
    TW_RETURN_IF_ERROR(put_slice(ctx, in, start, extent, static_cast<int>(p), static_cast<int>(parts + p),
                                 static_cast<int>(2 * parts + p)));
    start[a] += extent[a];
  }
  return {};
}

Status run_slice(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo in, Coo::read(ctx, 0));
  std::vector<int64_t> start, size;
  for (int i = 3; i < 5; ++i) {
    if (*ctx.input(i).shape != Shape{in.rank}) {
      return invalid_argument(i == 3 ? "Input start" : "Input size", " should be a vector of length ", in.rank,
                              " but received shape ", *ctx.input(i).shape);
    }
    for (int d = 0; d < in.rank; ++d) (i == 3 ? start : size).push_back(index_at(ctx.input(i), d));
  }
  for (size_t d = 0; d < start.size(); ++d) {
    if (start[d] < 0 || size[d] < 0) {
      return invalid_argument("start and size must not be negative, but are ", start[d], " and ", size[d],
                              " in dimension ", d);
    }
    size[d] = std::clamp<int64_t>(in.shape[d] - start[d], 0, size[d]);
  }
  return put_slice(ctx, in, start, size, 0, 1, 2);
}

// Inputs: the gradient of the slice's values, the indices of the whole, the slice's start, and its indices.
Status run_slice_grad(const RunContext& ctx) {
  const Value &grad = ctx.input(0), &whole = ctx.input(1), &start = ctx.input(2), &part = ctx.input(3);
  if (whole.shape->rank() != 2 || part.shape->rank() != 2 || (*whole.shape)[1] != (*part.shape)[1]) {
    return invalid_argument("input_indices and output_indices must be matrices of the same width, but have shapes ",
                            *whole.shape, " and ", *part.shape);
  }
  const int64_t rank = (*whole.shape)[1], count = (*whole.shape)[0], taken = (*part.shape)[0];
  if (*grad.shape != Shape{taken} || *start.shape != Shape{rank}) {
    return invalid_argument("backprop_val_grad and input_start must have shapes [", taken, "] and [", rank,
                            "], but have ", *grad.shape, " and ", *start.shape);
  }
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, Shape{count}));
  // Both lists are in one order: a walk through the whole meets the part's entries one by one.
  int64_t next = 0;
  const bool known = visit_number(grad.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < count; ++i) {
      bool same = next < taken;
      for (int64_t d = 0; same && d < rank; ++d) {
        same = index_at(whole, i * rank + d) == index_at(part, next * rank + d) + index_at(start, d);
      }
      static_cast<T*>(out)[i] = same ? static_cast<const T*>(grad.data)[next] : T(0);
      next += same;
    }
  });
  if (!known) return unimplemented("There is no gradient of SparseSlice for ", dtype_name(grad.dtype));
  if (next != taken) return invalid_argument("Elements of output_indices do not occur in input_indices in their order");
  return {};
}

}  // namespace

TW_KERNEL(SparseReorder, prepare_nothing, run_reorder);
TW_KERNEL(SparseReshape, prepare_nothing, run_reshape);
TW_KERNEL(SparseConcat, prepare_concat, run_concat);
TW_KERNEL(SparseSplit, prepare_split, run_split);
TW_KERNEL(SparseSlice, prepare_nothing, run_slice);
TW_KERNEL(SparseSliceGrad, prepare_nothing, run_slice_grad);

}  // namespace tw
