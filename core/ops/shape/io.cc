// Shapes of checkpoint, string and printing ops.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_save_v2(ShapeContext& c) {
  Shape names, slices;
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &names));
  TW_RETURN_IF_ERROR(c.with_rank(2, 1, &slices));
  TW_RETURN_IF_ERROR(merge_dim(names[0], c.num_inputs() - 3).status());
  return merge_dim(slices[0], c.num_inputs() - 3).status();
}

Status shape_restore_v2(ShapeContext& c) {
  Shape names, slices;
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &names));
  TW_RETURN_IF_ERROR(c.with_rank(2, 1, &slices));
  TW_RETURN_IF_ERROR(merge_dim(names[0], c.num_outputs()).status());
  return merge_dim(slices[0], c.num_outputs()).status();
}

Status shape_restore_slice(ShapeContext& c) {
  for (int i = 0; i < 3; ++i) TW_RETURN_IF_ERROR(check_rank(c, i, 0));
  return {};
}

Status shape_print(ShapeContext& c) {
  c.set_output(0, c.input(0));
  c.set_output_handle(0, c.handle(0));
  return {};
}

// Scalars go to every element of the others, which have one shape.
Status shape_string_join(ShapeContext& c) {
  Shape s;
  bool unknown = false;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const Shape& in = c.input(i);
    if (!in.rank_known()) {
      unknown = true;
    } else if (in.rank() > 0) {
      if (s.rank() == 0) {
        s = in;
      } else {
        TW_ASSIGN_OR_RETURN(s, merge(s, in));
      }
    }
  }
  c.set_output(0, unknown && s.rank() == 0 ? Shape::unknown() : s);
  return {};
}

}  // namespace tw
