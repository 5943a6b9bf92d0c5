// Between tensor lists and tensors: stack, gather, concat, and their inverses.
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/list/tensor_list.h"
#include "core/kernels/move/fill.h"

namespace tw {
namespace {

// The shape all elements have; unset ones take it too.
Result<Shape> common_shape(const TensorList& list, const Shape& wanted, const char* verb) {
  TW_ASSIGN_OR_RETURN(Shape shape, merge_element_shapes(wanted, list.element_shape));
  if (const Shape* common = list.common_shape()) {
    TW_ASSIGN_OR_RETURN(shape, merge_element_shapes(shape, *common));
  } else {
    for (int64_t i = 0; i < list.size(); ++i) {
      if (!list.is_set(i)) continue;
      TW_ASSIGN_OR_RETURN(shape, merge_element_shapes(shape, list.shape(i)));
    }
  }
  if (shape.fully_known()) return shape;
  if (list.size() == 0) {
    return invalid_argument("Tried to ", verb,
                            " elements of an empty list with non-fully-defined element_shape: ", shape);
  }
  return invalid_argument("Tried to ", verb,
                          " list which only contains uninitialized tensors and has a non-fully-defined "
                          "element_shape: ",
                          shape);
}

// The shape of `count` elements of a shape, one after the other.
Result<Shape> rows_shape(int64_t count, const Shape& element, const Shape& planned) {
  if (element.rank() == kMaxRank)
    return invalid_argument("A stacked list would have a rank above ", kMaxRank, ": ", element);
  Shape out{count};
  for (int64_t d : element.dims()) out.add_dim(d);
  if (planned.fully_known() && !(planned == out)) {
    return invalid_argument("Elements of a list, stacked, have shape ", out, " where ", planned, " is expected");
  }
  return out;
}

// Writes elements of a list, the one at index_of(k) as row k, as output 0 of shape [count] + shape.
template <typename IndexOf>
Status write_rows(const RunContext& ctx, const TensorList& list, int64_t count, const Shape& shape,
                  const IndexOf& index_of) {
  TW_ASSIGN_OR_RETURN(const Shape out, rows_shape(count, shape, ctx.state<ListState>().planned));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, out, ctx.state<ListState>().dynamic));
  const int64_t row = shape.num_elements();
  const size_t bytes = static_cast<size_t>(row) * dtype_size(list.dtype);
  for (int64_t k = 0; k < count; ++k) {
    const int64_t i = index_of(k);
    char* dest = static_cast<char*>(to) + static_cast<size_t>(k) * bytes;
    if (list.is_set(i)) copy_elements(list.dtype, list.data(i), dest, row);
    else fill_elements(list.dtype, nullptr, dest, row);
  }
  return {};
}

Status run_stack(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0, state.dtype));
  const int64_t size = list->size();
  if (state.num_elements != -1 && state.num_elements != size) {
    return invalid_argument("Operation expected a list with ", state.num_elements, " elements but got a list with ",
                            size, " elements.");
  }
  TW_ASSIGN_OR_RETURN(const Shape wanted, read_element_shape(ctx.input(1)));
  TW_ASSIGN_OR_RETURN(const Shape shape, common_shape(*list, wanted, "stack"));
  for (int64_t i = 0; i < size; ++i) TW_RETURN_IF_ERROR(mark_read(*list, i, state));
  if (Tensor stacked = list->stacked(); stacked.valid() && state.dynamic) {
    TW_RETURN_IF_ERROR(rows_shape(size, shape, state.planned).status());
    ctx.set_output(0, std::move(stacked));
    return {};
  }
  return write_rows(ctx, *list, size, shape, [](int64_t k) { return k; });
}

Status run_gather(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0, state.dtype));
  const Value indices = ctx.input(1);
  TW_ASSIGN_OR_RETURN(const Shape wanted, read_element_shape(ctx.input(2)));
  const int64_t size = list->size();
  const int64_t count = indices.shape->num_elements();
  for (int64_t k = 0; k < count; ++k) {
    const int64_t i = index_at(indices, k);
    if (i < 0 || i >= size) return invalid_argument("Index ", i, " out o range; list only has ", size, " elements.");
    TW_RETURN_IF_ERROR(mark_read(*list, i, state));
  }
  TW_ASSIGN_OR_RETURN(const Shape shape, common_shape(*list, wanted, "gather"));
  return write_rows(ctx, *list, count, shape, [&](int64_t k) { return index_at(indices, k); });
}

// The rows of a tensor, whose first dimension counts them.
struct Rows {
  Tensor tensor;
  Shape row;
  Ref<TensorList> list;  // to be filled
};

Result<Rows> read_rows(const RunContext& ctx, int shape_input) {
  const Shape in = *ctx.input(0).shape;
  TW_ASSIGN_OR_RETURN(const Shape wanted, read_element_shape(ctx.input(shape_input)));
  if (in.rank() < 1) return invalid_argument("Tensor must be at least a vector, but saw shape: ", in);
  const Shape row(in.dims().subspan(1));
  if (!compatible(wanted, row)) {
    return invalid_argument("Specified a list with shape ", wanted, " from a tensor with shape ", row);
  }
  TW_ASSIGN_OR_RETURN(Tensor t, ctx.input_tensor(0, true));
  auto list = make_ref<TensorList>();
  list->dtype = t.dtype();
  list->element_shape = wanted;
  return Rows{std::move(t), row, std::move(list)};
}

// Whether the list can take all rows of the tensor as they lie.
bool adopts(const TensorList& list, const Tensor& rows) {
  return is_plain(list.dtype) && rows.num_elements() > 0 && !list.any_set();
}

Status run_from_tensor(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Rows rows, read_rows(ctx, 1));
  if (adopts(*rows.list, rows.tensor)) rows.list->adopt_rows(rows.tensor);
  for (int64_t i = rows.list->size(); i < rows.tensor.shape()[0]; ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, row_of(rows.tensor, i, 1, rows.row));
    TW_RETURN_IF_ERROR(rows.list->keep(i, std::move(t)));
  }
  return give_list(ctx, 0, std::move(rows.list), ctx.state<ListState>().dynamic);
}

Status run_scatter(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Rows rows, read_rows(ctx, 2));
  const Value indices = ctx.input(1);
  const int64_t count = indices.shape->num_elements();
  if (count != rows.tensor.shape()[0]) {
    return invalid_argument("Invalid number of rows in input tensor. Expected: ", count,
                            " Actual: ", rows.tensor.shape()[0]);
  }
  for (int64_t k = 0; k < count; ++k) {
    const int64_t i = index_at(indices, k);
    if (i < 0) return invalid_argument("Indices in TensorListScatter must all be non-negative.");
    if (i >= rows.list->size()) rows.list->resize(i + 1);
    TW_ASSIGN_OR_RETURN(Tensor t, row_of(rows.tensor, k, 1, rows.row));
    TW_RETURN_IF_ERROR(rows.list->keep(i, std::move(t)));
  }
  return give_list(ctx, 0, std::move(rows.list), ctx.state<ListState>().dynamic);
}

Status run_scatter_into(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* before, list_input(ctx, 0, state.dtype));
  const Value indices = ctx.input(2);
  const Shape in = *ctx.input(1).shape;
  const int64_t count = indices.shape->num_elements();
  if (in.rank() < 1 || in[0] != count) {
    return invalid_argument("Invalid number of rows in input tensor. Expected: ", count, " Actual: ", in);
  }
  const Shape row(in.dims().subspan(1));
  if (!compatible(before->element_shape, row)) {
    return invalid_argument("Specified a list with shape ", before->element_shape, " from a tensor with shape ", row);
  }
  TW_ASSIGN_OR_RETURN(const Tensor rows, ctx.input_tensor(1, true));
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  bool in_order = !list->any_set();
  for (int64_t k = 0; k < count && in_order; ++k) {
    in_order = index_at(indices, k) == k;
    TW_RETURN_IF_ERROR(prepare_write(*list, index_at(indices, k), state));
  }
  if (in_order && list->size() == count && adopts(*list, rows)) {
    list->adopt_rows(rows);
    return give_list(ctx, 0, std::move(list), state.dynamic);
  }
  for (int64_t k = 0; k < count; ++k) {
    const int64_t i = index_at(indices, k);
    TW_RETURN_IF_ERROR(prepare_write(*list, i, state));
    TW_ASSIGN_OR_RETURN(Tensor t, row_of(rows, k, 1, row));
    TW_RETURN_IF_ERROR(store(*list, i, std::move(t)));
  }
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

// Elements joined along their first dimension, and how long each was.
Status run_concat(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0, state.dtype));
  const auto rest_of = [](const Shape& s) { return s.rank_known() ? Shape(s.dims().subspan(1)) : Shape::unknown(); };
  for (const Shape* s : {&state.element_shape, &list->element_shape}) {
    if (s->rank() == 0)
      return invalid_argument("Concat requires elements to be at least vectors, found scalars instead.");
  }
  TW_ASSIGN_OR_RETURN(Shape rest, merge_element_shapes(rest_of(state.element_shape), rest_of(list->element_shape)));
  const int64_t size = list->size();
  for (int64_t i = 0; i < size; ++i) TW_RETURN_IF_ERROR(mark_read(*list, i, state));
  int64_t total = 0;
  bool unset = false, any = false;
  for (int64_t i = 0; i < size; ++i) {
    unset |= !list->is_set(i);
    if (!list->is_set(i)) continue;
    any = true;
    const Shape& shape = list->shape(i);
    if (shape.rank() == 0) {
      return invalid_argument("Concat saw a scalar shape at index ", i, " but requires at least vectors.");
    }
    TW_ASSIGN_OR_RETURN(rest, merge_element_shapes(rest, rest_of(shape)));
    total += shape[0];
  }
  if (size == 0 && !rest.fully_known()) {
    return invalid_argument(
        "All except the first dimension must be fully defined when concating an empty tensor list. "
        "element_shape: ",
        list->element_shape);
  }
  if (unset) {
    TW_ASSIGN_OR_RETURN(const Shape whole, merge_element_shapes(state.element_shape, list->element_shape));
    if (!any && !rest.fully_known()) {
      return invalid_argument(
          "Trying to concat list with only uninitialized tensors but element_shape_except_first_dim_ is "
          "not fully defined: ",
          rest);
    }
    if (!whole.rank_known() || whole[0] < 0) {
      return invalid_argument(
          "Trying to concat list with uninitialized tensors whose first dimension is not known. "
          "element_shape: ",
          list->element_shape);
    }
    for (int64_t i = 0; i < size; ++i) total += list->is_set(i) ? 0 : whole[0];
  }
  Shape out{total};
  for (int64_t d : rest.dims()) out.add_dim(d);
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(0, out));
  TW_ASSIGN_OR_RETURN(void* const lengths, ctx.allocate_output(1, Shape{size}));
  char* dest = static_cast<char*>(to);
  const int64_t row = rest.num_elements();
  const Shape& model =
      state.element_shape.rank_known() && state.element_shape[0] >= 0 ? state.element_shape : list->element_shape;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t n = list->is_set(i) ? list->shape(i)[0] : model[0];
    if (list->is_set(i)) copy_elements(list->dtype, list->data(i), dest, n * row);
    else fill_elements(list->dtype, nullptr, dest, n * row);
    dest += static_cast<size_t>(n * row) * dtype_size(list->dtype);
    static_cast<int64_t*>(lengths)[i] = n;
  }
  return {};
}

Status run_split(const RunContext& ctx) {
  const Value lengths = ctx.input(2);
  const Shape in = *ctx.input(0).shape;
  if (in.rank() < 1) return invalid_argument("Tensor must be at least a vector, but saw shape: ", in);
  if (lengths.shape->rank() != 1)
    return invalid_argument("Expected lengths to be a vector, received shape: ", *lengths.shape);
  TW_ASSIGN_OR_RETURN(const Shape wanted, read_element_shape(ctx.input(1)));
  TW_ASSIGN_OR_RETURN(const Tensor t, ctx.input_tensor(0, true));
  Ref<TensorList> list = new_list(ctx.state<ListState>());
  list->dtype = t.dtype();
  list->element_shape = wanted;
  int64_t used = 0;
  for (int64_t i = 0; i < lengths.shape->num_elements(); ++i) {
    const int64_t n = index_at(lengths, i);
    if (n < 0) return invalid_argument("Invalid value in lengths: ", n);
    if (n > in[0] - used) {
      return invalid_argument("Attempting to slice [", used, ", ", used + n, "] from tensor with length ", in[0]);
    }
    Shape shape = in;
    shape.set_dim(0, n);
    if (!compatible(wanted, shape)) {
      return invalid_argument("Specified a list with shape ", wanted, " from a tensor with shape ", shape);
    }
    TW_ASSIGN_OR_RETURN(Tensor part, row_of(t, used, n, shape));
    TW_RETURN_IF_ERROR(list->keep(i, std::move(part)));
    used += n;
  }
  if (used != in[0]) {
    return invalid_argument("Unused values in tensor. Length of tensor: ", in[0], " Values used: ", used);
  }
  return give_list(ctx, 0, std::move(list), ctx.state<ListState>().dynamic);
}

}  // namespace

TW_KERNEL(TensorListStack, prepare_read, run_stack);
TW_KERNEL(TensorListGather, prepare_read, run_gather);
TW_KERNEL(TensorListFromTensor, prepare_list, run_from_tensor);
TW_KERNEL(TensorListScatter, prepare_list, run_scatter);
TW_KERNEL(TensorListScatterIntoExistingList, prepare_list, run_scatter_into);
TW_KERNEL(TensorListConcat, prepare_list, run_concat);
TW_KERNEL(TensorListSplit, prepare_list, run_split);

}  // namespace tw
