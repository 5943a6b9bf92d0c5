// Shapes of variables, resource handles and refs, and of the optimizers' updates.
#include "core/ops/shape/index_shapes.h"

namespace tw {
using namespace shape_util;

Status shape_var_handle(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const DType dtype, c.attrs().get<DType>("dtype"));
  TW_ASSIGN_OR_RETURN(const Shape shape, c.attrs().get<Shape>("shape"));
  c.set_output(0, Shape{});
  c.set_output_handle(0, {dtype, shape});
  return {};
}

namespace {

Status check_handle_dtype(const ShapeContext& c, DType wanted, std::string_view doing) {
  const DType have = c.handle(0).dtype;
  if (have == DType::kInvalid || have == wanted) return {};
  return invalid_argument("Trying to ", doing, " variable with wrong dtype. Expected ", dtype_name(have), " got ",
                          dtype_name(wanted));
}

}  // namespace

Status shape_read_variable(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_handle_dtype(c, c.attrs().dtype("dtype"), "read"));
  c.set_output(0, c.handle(0).shape);
  return {};
}

Status shape_assign_variable(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_handle_dtype(c, c.attrs().dtype("dtype"), "assign to"));
  return merge(c.handle(0).shape, c.input(1)).status();
}

// A reference has the dtype and shape of the value behind it.
Status shape_ref_handle(ShapeContext& c) {
  c.set_output(0, Shape{});
  c.set_output_handle(0, {c.attrs().dtype("T"), c.input(0)});
  return {};
}

Status shape_handle_ref(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_handle_dtype(c, c.attrs().dtype("T"), "refer to"));
  TW_ASSIGN_OR_RETURN(const Shape stated, c.attrs().get<Shape>("shape"));
  TW_ASSIGN_OR_RETURN(const Shape shape, merge(stated, c.handle(0).shape));
  c.set_output(0, shape);
  return {};
}

Status shape_variable_shape(ShapeContext& c) {
  c.set_output(0, Shape{c.handle(0).shape.rank()});
  return {};
}

Status shape_resource_gather(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_handle_dtype(c, c.attrs().dtype("dtype"), "read"));
  const int64_t batch_dims = c.attrs().integer("batch_dims");
  const Shape& params = c.handle(0).shape;
  if (params.rank() == 0) return invalid_argument("Shape must be at least rank 1 but is rank 0: ", params);
  const Shape& indices = c.input(1);
  if (!params.rank_known() || !indices.rank_known()) return {};
  const int axis = static_cast<int>(batch_dims < 0 ? batch_dims + indices.rank() : batch_dims);
  if (axis < 0 || axis >= params.rank()) {
    return invalid_argument("batch_dims (", batch_dims, ") must be less than the rank of the variable (", params.rank(),
                            ")");
  }
  TW_ASSIGN_OR_RETURN(const Shape s, gathered_shape(params, indices, axis, batch_dims));
  c.set_output(0, s);
  return {};
}

Status shape_resource_gather_nd(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, gathered_nd_shape(c.handle(0).shape, c.input(1)));
  c.set_output(0, s);
  return {};
}

Status shape_resource_scatter(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_handle_dtype(c, c.attrs().dtype("dtype"), "update"));
  return check_row_updates(c.handle(0).shape, c.input(1), c.input(2));
}

Status shape_resource_scatter_nd(ShapeContext& c) {
  return check_nd_updates(c.handle(0).shape, c.input(1), c.input(2));
}

Status shape_variable_ref(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape shape, c.attrs().get<Shape>("shape"));
  c.set_output(0, shape);
  return {};
}

// The first version could not say "unknown", and wrote a scalar's shape instead.
Status shape_variable_ref_v1(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape shape, c.attrs().get<Shape>("shape"));
  c.set_output(0, shape.rank() == 0 ? Shape::unknown() : shape);
  return {};
}

Status shape_assign_ref(ShapeContext& c) {
  if (!c.attrs().boolean("validate_shape")) {
    c.set_output(0, c.input(1));
    return {};
  }
  TW_ASSIGN_OR_RETURN(const Shape s, merge(c.input(0), c.input(1)));
  c.set_output(0, s);
  return {};
}

Status shape_assign_ref_update(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, merge(c.input(0), c.input(1)));
  c.set_output(0, s);
  return {};
}

Status shape_scatter_ref(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_row_updates(c.input(0), c.input(1), c.input(2)));
  c.set_output(0, c.input(0));
  return {};
}

namespace {

// The variable and its slots have one shape, a dense gradient too; of a sparse one the rows. Other inputs are scalars.
Status training(ShapeContext& c, bool sparse, bool refs) {
  Shape var = Shape::unknown();
  for (int i = 0; i < c.num_inputs(); ++i) {
    const ArgDef& arg = c.op().inputs[static_cast<size_t>(i)];
    if (arg.is_ref || arg.dtype == DType::kResource) {
      TW_ASSIGN_OR_RETURN(var, merge(var, refs ? c.input(i) : c.handle(i).shape));
    }
  }
  for (int i = 0; i < c.num_inputs(); ++i) {
    const ArgDef& arg = c.op().inputs[static_cast<size_t>(i)];
    if (arg.is_ref || arg.dtype == DType::kResource) continue;
    if (arg.name != "grad" && arg.name != "delta" && arg.name != "indices") {
      TW_RETURN_IF_ERROR(check_rank(c, i, 0));
    } else if (arg.name == "indices") {
      TW_RETURN_IF_ERROR(check_rank(c, i, 1));
    } else if (!sparse) {
      TW_ASSIGN_OR_RETURN(var, merge(var, c.input(i)));
    } else if (var.rank_known()) {
      Shape rows;
      TW_RETURN_IF_ERROR(c.with_rank(i, var.rank(), &rows));
      if (var.rank() < 1) return invalid_argument("Shape must be at least rank 1 but is rank 0: ", var);
      TW_RETURN_IF_ERROR(merge(part(rows, 1, rows.rank()), part(var, 1, var.rank())).status());
      const Shape& indices = c.input(i + 1);  // the gradient stands before its indices in every row
      if (indices.rank() == 1) TW_RETURN_IF_ERROR(merge_dim(rows[0], indices[0]).status());
    }
  }
  if (refs) c.set_output(0, var);
  return {};
}

}  // namespace

Status shape_training(ShapeContext& c) { return training(c, false, false); }
Status shape_sparse_training(ShapeContext& c) { return training(c, true, false); }
Status shape_training_ref(ShapeContext& c) { return training(c, false, true); }
Status shape_sparse_training_ref(ShapeContext& c) { return training(c, true, true); }

}  // namespace tw
