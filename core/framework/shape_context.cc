#include "core/framework/shape_context.h"

namespace tw {

ShapeContext::ShapeContext(const OpDef& op, const AttrMap& attrs, std::span<const Shape> inputs,
                           std::span<const DType> input_dtypes, std::span<const Tensor* const> values,
                           std::span<const HandleShape> handles, size_t num_outputs)
    : op_(op),
      attrs_(attrs),
      inputs_(inputs),
      input_dtypes_(input_dtypes),
      values_(values),
      handles_(handles),
      outputs_(num_outputs, Shape::unknown()) {}

const HandleShape& ShapeContext::handle(int i) const {
  static const HandleShape unknown;
  return handles_.empty() ? unknown : handles_[static_cast<size_t>(i)];
}

Result<Shape> ShapeContext::value_as_shape(int i) const {
  if (const Tensor* t = value(i)) return shape_from_tensor(*t, true);
  if (!shape_values_.empty() && shape_values_[static_cast<size_t>(i)]) return *shape_values_[static_cast<size_t>(i)];
  const Shape& s = input(i);
  if (!s.rank_known()) return Shape::unknown();
  // A scalar may turn out to be -1, which spells an unknown shape.
  if (s.is_scalar()) return Shape::unknown();
  if (s.rank() != 1) return invalid_argument("Shape must be rank 1 but is rank ", s.rank(), ": ", s);
  if (s[0] < 0) return Shape::unknown();
  if (s[0] > kMaxRank) {
    return invalid_argument("Shapes of rank ", s[0], " are not supported: the largest rank is ", kMaxRank);
  }
  return Shape::unknown_of_rank(static_cast<int>(s[0]));
}

Result<std::pair<int, int>> ShapeContext::input_range(std::string_view arg) const {
  int first = 0;
  for (const ArgDef& a : op_.inputs) {
    int count = 1;
    if (!a.number_attr.empty()) {
      TW_ASSIGN_OR_RETURN(const int64_t n, attrs_.get<int64_t>(a.number_attr));
      count = static_cast<int>(n);
    } else if (!a.type_list_attr.empty()) {
      TW_ASSIGN_OR_RETURN(const std::vector<DType> types, attrs_.get<std::vector<DType>>(a.type_list_attr));
      count = static_cast<int>(types.size());
    }
    if (a.name == arg) return std::make_pair(first, count);
    first += count;
  }
  return internal_error("Op ", op_.name, " has no input argument '", arg, "'");
}

Status ShapeContext::with_rank(int i, int rank, Shape* out) const {
  const Shape& s = input(i);
  if (!s.rank_known()) {
    *out = Shape::unknown_of_rank(rank);
    return {};
  }
  if (s.rank() != rank) return invalid_argument("Shape must be rank ", rank, " but is rank ", s.rank(), ": ", s);
  *out = s;
  return {};
}

Status ShapeContext::with_rank_at_least(int i, int rank, Shape* out) const {
  const Shape& s = input(i);
  if (s.rank_known() && s.rank() < rank) {
    return invalid_argument("Shape must be at least rank ", rank, " but is rank ", s.rank(), ": ", s);
  }
  *out = s;
  return {};
}

}  // namespace tw
