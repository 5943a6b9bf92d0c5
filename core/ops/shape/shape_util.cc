#include "core/ops/shape/shape_util.h"

namespace tw::shape_util {

Result<int64_t> merge_dim(int64_t a, int64_t b) {
  if (a < 0) return b;
  if (b < 0 || a == b) return a;
  return invalid_argument("Dimensions must be equal, but are ", a, " and ", b);
}

int64_t add_dims(int64_t a, int64_t b) { return a < 0 || b < 0 ? kUnknownDim : a + b; }

int64_t multiply_dims(int64_t a, int64_t b) { return a < 0 || b < 0 ? kUnknownDim : a * b; }

Result<int> axis_in(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return invalid_argument("Expected dimension in the range [", -rank, ", ", rank, "), but got ", axis);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Shape part(const Shape& s, int begin, int end) {
  return Shape(s.dims().subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
}

Result<Shape> join(const Shape& a, const Shape& b) {
  if (!a.rank_known() || !b.rank_known()) return Shape::unknown();
  std::vector<int64_t> dims(a.dims().begin(), a.dims().end());
  dims.insert(dims.end(), b.dims().begin(), b.dims().end());
  return Shape::make(dims, true);
}

Result<Shape> reduced(const Shape& in, std::span<const int64_t> axes, bool keep_dims) {
  bool gone[kMaxRank] = {};
  for (const int64_t axis : axes) {
    if (axis < -in.rank() || axis >= in.rank()) {
      return invalid_argument("Invalid reduction dimension ", axis, " for input with ", in.rank(), " dimensions.");
    }
    gone[axis < 0 ? axis + in.rank() : axis] = true;
  }
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    if (!gone[i]) {
      out.add_dim(in[i]);
    } else if (keep_dims) {
      out.add_dim(1);
    }
  }
  return out;
}

std::optional<std::vector<int64_t>> values_of(const ShapeContext& c, int i) {
  const Tensor* t = c.value(i);
  if (!t || (t->dtype() != DType::kInt32 && t->dtype() != DType::kInt64)) return std::nullopt;
  std::vector<int64_t> values(static_cast<size_t>(t->num_elements()));
  for (size_t k = 0; k < values.size(); ++k) values[k] = index_value(*t, static_cast<int64_t>(k));
  return values;
}

Result<int64_t> scalar_value(const ShapeContext& c, int i) {
  TW_RETURN_IF_ERROR(check_rank(c, i, 0));
  const auto values = values_of(c, i);
  if (!values) return kUnknownDim;
  if (values->size() != 1)
    return invalid_argument("Input ", i, " must be a scalar, but has ", values->size(), " elements");
  return values->front();
}

Status check_rank(const ShapeContext& c, int i, int rank) {
  Shape ignored;
  return c.with_rank(i, rank, &ignored);
}

Status check_one_element(const ShapeContext& c, int i) {
  const Shape& s = c.input(i);
  for (int d = 0; d < s.rank(); ++d) {
    if (s[d] >= 0 && s[d] != 1) return invalid_argument("Input ", i, " must be a scalar, but has shape ", s);
  }
  return {};
}

void all_outputs(ShapeContext& c, const Shape& s) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, s);
}

}  // namespace tw::shape_util
