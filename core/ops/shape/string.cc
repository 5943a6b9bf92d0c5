// Shapes of the string ops.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

// A sparse matrix of pieces: indices, values and dense shape.
Status shape_string_split(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  c.set_output(0, Shape{kUnknownDim, 2});
  c.set_output(1, Shape{kUnknownDim});
  c.set_output(2, Shape{2});
  return {};
}

Status shape_substr(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape pos, merge(c.input(1), c.input(2)));
  TW_ASSIGN_OR_RETURN(const Shape s, broadcast(c.input(0), pos));
  c.set_output(0, s);
  return {};
}

// Pattern and rewrite are scalars.
Status shape_regex(ShapeContext& c) {
  for (int i = 1; i < c.num_inputs(); ++i) TW_RETURN_IF_ERROR(check_rank(c, i, 0));
  c.set_output(0, c.input(0));
  return {};
}

Status shape_decode_raw(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, join(c.input(0), Shape{kUnknownDim}));
  c.set_output(0, s);
  return {};
}

Status shape_fingerprint(ShapeContext& c) {
  Shape data;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &data));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  c.set_output(0, Shape{data.rank_known() ? data[0] : kUnknownDim, 8});
  return {};
}

Status shape_string_ngrams(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  c.set_output(0, Shape{kUnknownDim});
  c.set_output(1, c.input(1));
  return {};
}

// Splits have one element more than there are strings.
Status shape_unicode_decode(ShapeContext& c) {
  const Shape& s = c.input(0);
  const bool known = s.fully_known();
  c.set_output(0, Shape{known ? s.num_elements() + 1 : kUnknownDim});
  for (int i = 1; i < c.num_outputs(); ++i) c.set_output(i, Shape{kUnknownDim});
  return {};
}

Status shape_unicode_encode(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 1));
  Shape splits;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &splits));
  c.set_output(0, Shape{splits[0] > 0 ? splits[0] - 1 : kUnknownDim});
  return {};
}

}  // namespace tw
