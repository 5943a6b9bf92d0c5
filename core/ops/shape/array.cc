// Shapes of ops on shapes, fills and reshapes.
#include <cmath>

#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_shape_of(ShapeContext& c) {
  c.set_output(0, Shape{c.input(0).rank()});
  return {};
}

Status shape_shape_n(ShapeContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, Shape{c.input(i).rank()});
  return {};
}

Status shape_fill(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(0));
  c.set_output(0, s);
  return {};
}

Status shape_fill_empty(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(0));
  c.set_output(0, s);
  return {};
}

Status shape_range(ShapeContext& c) {
  for (int i = 0; i < 3; ++i) TW_RETURN_IF_ERROR(check_rank(c, i, 0));
  if (!c.value(0) || !c.value(1) || !c.value(2)) {
    c.set_output(0, Shape{kUnknownDim});
    return {};
  }
  Status bad;
  int64_t size = 0;
  const bool known = visit_real(c.input_dtype(0), [&](auto tag) {
    using Element = typename decltype(tag)::type;
    using T = std::conditional_t<std::is_integral_v<Element>, Element, double>;
    const auto read = [&](int i) { return static_cast<T>(*c.value(i)->data<Element>()); };
    const T start = read(0), limit = read(1), delta = read(2);
    const auto wrong = [&](std::string_view rule) {
      bad = invalid_argument(rule, static_cast<double>(start), ", limit ", static_cast<double>(limit), ", delta ",
                             static_cast<double>(delta));
    };
    if (delta == T(0)) {
      bad = invalid_argument("Requires delta != 0");
    } else if (delta > T(0) && start > limit) {
      wrong("Requires start <= limit when delta > 0: start ");
    } else if (delta < T(0) && start < limit) {
      wrong("Requires start >= limit when delta < 0: start ");
    } else if constexpr (std::is_integral_v<T>) {
      // Unsigned arithmetic, for the distance of far ends does not fit.
      const uint64_t way = delta > T(0) ? static_cast<uint64_t>(limit) - static_cast<uint64_t>(start)
                                        : static_cast<uint64_t>(start) - static_cast<uint64_t>(limit);
      const uint64_t step = delta > T(0) ? static_cast<uint64_t>(delta) : uint64_t{0} - static_cast<uint64_t>(delta);
      size = static_cast<int64_t>(way / step + (way % step != 0));
    } else {
      const double n = std::ceil(std::abs((limit - start) / delta));
      if (!(n < 9e18)) {
        wrong("The range has too many elements: start ");
      } else {
        size = static_cast<int64_t>(n);
      }
    }
  });
  TW_RETURN_IF_ERROR(bad);
  if (size < 0) return invalid_argument("The range has too many elements");
  c.set_output(0, Shape{known ? size : kUnknownDim});
  return {};
}

Status shape_lin_space(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  TW_ASSIGN_OR_RETURN(const int64_t n, scalar_value(c, 2));
  if (c.value(2) && n <= 0) return invalid_argument("Requires num > 0: ", n);
  c.set_output(0, Shape{n});
  return {};
}

Status shape_one_hot(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const int64_t depth, scalar_value(c, 1));
  if (c.value(1) && depth < 0) return invalid_argument("depth must be non-negative, got: ", depth);
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  TW_RETURN_IF_ERROR(check_rank(c, 3, 0));
  const Shape& in = c.input(0);
  const int64_t axis = c.attrs().integer("axis");
  if (axis < -1) return invalid_argument("axis must be >= -1");
  if (!in.rank_known()) return {};
  if (axis > in.rank()) {
    return invalid_argument("Expected axis to be -1 or between [0, ", in.rank() + 1, ").  But received: ", axis);
  }
  const int at = axis < 0 ? in.rank() : static_cast<int>(axis);
  TW_ASSIGN_OR_RETURN(const Shape front, join(part(in, 0, at), Shape{depth}));
  TW_ASSIGN_OR_RETURN(const Shape out, join(front, part(in, at, in.rank())));
  c.set_output(0, out);
  return {};
}

Status shape_reshape(ShapeContext& c) {
  const Shape& in = c.input(0);
  if (const Tensor* t = c.value(1); t && t->shape().rank() != 1) {
    return invalid_argument("Shape must be rank 1 but is rank ", t->shape().rank(), ": ", t->shape());
  }
  TW_ASSIGN_OR_RETURN(Shape out, c.value_as_shape(1));
  c.set_output(0, out);
  if (!out.rank_known()) return {};
  int64_t known = 1;
  int unknown = -1, unknowns = 0;
  for (int i = 0; i < out.rank(); ++i) {
    if (out[i] < 0) {
      unknown = i;
      ++unknowns;
    } else {
      known *= out[i];
    }
  }
  // A constant shape has one -1 at most.
  if (c.value(1) && unknowns > 1) {
    return invalid_argument("Only one input size may be -1, but the shape is ", out);
  }
  if (!in.fully_known()) return {};
  const int64_t n = in.num_elements();
  if (unknowns == 0) {
    if (n != known) {
      return invalid_argument("Cannot reshape a tensor with ", n, " elements to shape ", out, " (", known,
                              " elements)");
    }
  } else if (unknowns == 1) {
    if (known == 0 ? n != 0 : n % known != 0) {
      return invalid_argument("Dimension size must be evenly divisible by ", known, " but is ", n);
    }
    if (known != 0) {
      out.set_dim(unknown, n / known);
    } else if (c.value(1)) {
      return invalid_argument(
          "reshape cannot infer the missing input size for an empty tensor unless all specified "
          "input sizes are non-zero");
    }
    c.set_output(0, out);
  }
  return {};
}

Status shape_expand_dims(ShapeContext& c) {
  const Shape& in = c.input(0);
  const Tensor* t = c.value(1);
  if (t && t->num_elements() != 1) return invalid_argument("'dim' input must be a tensor with a single value");
  if (!in.rank_known()) return {};
  if (!t) {
    c.set_output(0, Shape::unknown_of_rank(in.rank() + 1));
    return {};
  }
  const int64_t dim = index_value(*t, 0);
  if (dim < -1 - in.rank() || dim > in.rank()) {
    return invalid_argument("dim ", dim, " not in the interval [", -1 - in.rank(), ", ", in.rank(), "].");
  }
  const int at = static_cast<int>(dim < 0 ? dim + in.rank() + 1 : dim);
  TW_ASSIGN_OR_RETURN(const Shape front, join(part(in, 0, at), Shape{1}));
  TW_ASSIGN_OR_RETURN(const Shape out, join(front, part(in, at, in.rank())));
  c.set_output(0, out);
  return {};
}

Status shape_squeeze(ShapeContext& c) {
  const Shape& in = c.input(0);
  if (!in.rank_known()) return {};
  const std::vector<int64_t> named = c.attrs().ints("squeeze_dims");
  bool drop[kMaxRank] = {};
  for (const int64_t d : named) {
    if (d < -in.rank() || d >= in.rank()) {
      return invalid_argument("Tried to squeeze dim index ", d, " for tensor with ", in.rank(), " dimensions.");
    }
    drop[d < 0 ? d + in.rank() : d] = true;
  }
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    if (named.empty()) {
      if (in[i] < 0) {  // may be 1 or not, so the rank is not known
        c.set_output(0, Shape::unknown());
        return {};
      }
      if (in[i] != 1) out.add_dim(in[i]);
    } else if (!drop[i]) {
      out.add_dim(in[i]);
    } else if (in[i] > 1 || in[i] == 0) {
      return invalid_argument("Can not squeeze dim[", i, "], expected a dimension of 1, got ", in[i]);
    }
  }
  c.set_output(0, out);
  return {};
}

Status shape_transpose(ShapeContext& c) {
  const Shape& in = c.input(0);
  const Shape& perm_shape = c.input(1);
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  const auto perm = values_of(c, 1);
  int rank = in.rank();
  if (perm_shape.rank_known() && perm_shape[0] >= 0) {
    if (rank >= 0 && rank != perm_shape[0]) {
      return invalid_argument("Dimension must be ", rank, " but is ", perm_shape[0]);
    }
    if (perm_shape[0] > kMaxRank) return invalid_argument("Transpose takes at most ", kMaxRank, " dimensions");
    rank = static_cast<int>(perm_shape[0]);
  }
  if (rank < 0) return {};
  Shape out = Shape::unknown_of_rank(rank);
  if (perm) {
    bool seen[kMaxRank] = {};
    for (int i = 0; i < rank; ++i) {
      const int64_t p = (*perm)[static_cast<size_t>(i)];
      if (p < -rank || p >= rank) {
        return invalid_argument("perm dim ", p, " is out of range of input rank ", rank);
      }
      const int from = static_cast<int>(p < 0 ? p + rank : p);
      if (seen[from]) return invalid_argument("perm is not a permutation: ", from, " occurs twice");
      seen[from] = true;
      if (in.rank_known()) out.set_dim(i, in[from]);
    }
  }
  c.set_output(0, out);
  return {};
}

Status shape_broadcast_to(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(Shape out, c.value_as_shape(1));
  c.set_output(0, out);
  const Shape& in = c.input(0);
  if (!in.rank_known() || !out.rank_known()) return {};
  if (in.rank() > out.rank()) {
    return invalid_argument("Shape must be at most rank ", out.rank(), " but is rank ", in.rank(), ": ", in);
  }
  for (int i = 0; i < in.rank(); ++i) {
    const int64_t from = in[i], to = out[i + out.rank() - in.rank()];
    if (from > 1 && to >= 0 && from != to) {
      return invalid_argument("Dimensions must be equal, but are ", from, " and ", to);
    }
    if (from > 1) out.set_dim(i + out.rank() - in.rank(), from);
  }
  c.set_output(0, out);
  return {};
}

Status shape_broadcast_args(ShapeContext& c) {
  Shape a, b;
  TW_RETURN_IF_ERROR(c.with_rank(0, 1, &a));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &b));
  c.set_output(0, Shape{a[0] < 0 || b[0] < 0 ? kUnknownDim : std::max(a[0], b[0])});
  return {};
}

Status shape_broadcast_gradient_args(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  all_outputs(c, Shape{kUnknownDim});
  return {};
}

}  // namespace tw
