// Making tensor lists, and reading and changing their elements one at a time.
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/list/tensor_list.h"

namespace tw {
namespace {

Result<int64_t> read_count(const RunContext& ctx, int i, const char* what) {
  if (ctx.input(i).shape->num_elements() != 1)
    return invalid_argument(what, " must be a scalar, got shape ", *ctx.input(i).shape);
  return index_at(ctx.input(i));
}

Status run_empty(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  auto list = make_ref<TensorList>();
  list->dtype = state.dtype;
  TW_ASSIGN_OR_RETURN(list->element_shape, read_element_shape(ctx.input(0)));
  TW_ASSIGN_OR_RETURN(list->max_elements, read_count(ctx, 1, "max_num_elements"));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_reserve(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  Ref<TensorList> list = new_list(state);
  list->dtype = state.dtype;
  TW_ASSIGN_OR_RETURN(list->element_shape, read_element_shape(ctx.input(0)));
  TW_ASSIGN_OR_RETURN(const int64_t n, read_count(ctx, 1, "num_elements"));
  if (n < 0 || n > kMostElements) {
    return invalid_argument("The num_elements to reserve must be a non negative number, but got ", n);
  }
  list->elements.resize(static_cast<size_t>(n));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_push(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* before, list_input(ctx, 0, state.dtype));
  const Shape& shape = *ctx.input(1).shape;
  if (!compatible(before->element_shape, shape)) {
    return invalid_argument("Tried to append a tensor with incompatible shape to a list. Op element shape: ", shape,
                            " list shape: ", before->element_shape);
  }
  const auto size = static_cast<int64_t>(before->elements.size());
  if (before->max_elements >= 0 && size >= before->max_elements) {
    return invalid_argument("Tried to push item into a full list list size: ", size,
                            " max_num_elements: ", before->max_elements);
  }
  TW_ASSIGN_OR_RETURN(Tensor element, ctx.input_tensor(1, true));
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  list->elements.push_back(std::move(element));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

// The shape of an element that was never set, from what is known of the list and of its other elements.
Result<Shape> unset_shape(const TensorList& list, const Shape& wanted) {
  TW_ASSIGN_OR_RETURN(Shape shape, merge_element_shapes(list.element_shape, wanted));
  for (const Tensor& t : list.elements) {
    if (shape.fully_known()) return shape;
    if (!t.valid()) continue;
    TW_ASSIGN_OR_RETURN(shape, merge_element_shapes(shape, t.shape()));
  }
  if (shape.fully_known()) return shape;
  return invalid_argument("Trying to read an uninitialized tensor but element_shape is not fully defined: ", shape,
                          " and no list element is set.");
}

Result<Tensor> element_or_zeros(const TensorList& list, int64_t i, const Shape& wanted) {
  const Tensor& t = list.elements[static_cast<size_t>(i)];
  // The program was compiled for elements of the shape wanted.
  if (t.valid() && !compatible(wanted, t.shape())) {
    return invalid_argument("Tried to read element ", i, " of shape ", t.shape(),
                            " with an incompatible element_shape: ", wanted);
  }
  if (t.valid()) return t;
  TW_ASSIGN_OR_RETURN(const Shape shape, unset_shape(list, wanted));
  return zero_element(list.dtype, shape);
}

Status run_pop(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* before, list_input(ctx, 0, state.dtype));
  TW_ASSIGN_OR_RETURN(const Shape wanted, read_element_shape(ctx.input(1)));
  if (before->elements.empty()) return invalid_argument("Trying to pop from an empty list.");
  TW_ASSIGN_OR_RETURN(Tensor last,
                      element_or_zeros(*before, static_cast<int64_t>(before->elements.size()) - 1, wanted));
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  list->elements.pop_back();
  ctx.set_output(1, std::move(last));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_get(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0, state.dtype));
  TW_ASSIGN_OR_RETURN(const int64_t i, read_count(ctx, 1, "index"));
  const auto size = static_cast<int64_t>(list->elements.size());
  if (i < 0 || i >= size) {
    return invalid_argument("Trying to access element ", i, " in a list with ", size, " elements.");
  }
  TW_ASSIGN_OR_RETURN(const Shape wanted, read_element_shape(ctx.input(2)));
  TW_RETURN_IF_ERROR(mark_read(*list, i, state));
  TW_ASSIGN_OR_RETURN(Tensor t, element_or_zeros(*list, i, wanted));
  ctx.set_output(0, std::move(t));
  return {};
}

Status run_set(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* before, list_input(ctx, 0, state.dtype));
  TW_ASSIGN_OR_RETURN(const int64_t i, read_count(ctx, 1, "index"));
  const Shape& shape = *ctx.input(2).shape;
  if (!compatible(before->element_shape, shape)) {
    return invalid_argument("Tried to set a tensor with incompatible shape at a list index. Item element shape: ",
                            shape, " list shape: ", before->element_shape);
  }
  TW_ASSIGN_OR_RETURN(Tensor element, ctx.input_tensor(2, true));
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  TW_RETURN_IF_ERROR(prepare_write(*list, i, state));
  list->elements[static_cast<size_t>(i)] = std::move(element);
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_resize(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const int64_t n, read_count(ctx, 1, "size"));
  if (n < 0 || n > kMostElements) {
    return invalid_argument("TensorListSlice expects size to be non-negative. Got: ", n);
  }
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  list->elements.resize(static_cast<size_t>(n));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_length(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, Shape{}, ctx.state<ListState>().dynamic));
  *static_cast<int32_t*>(to) = static_cast<int32_t>(list->elements.size());
  return {};
}

Status run_element_shape(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0));
  const Shape shape = list->element_shape;
  const bool known = shape.rank_known();
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(0, known ? Shape{shape.rank()} : Shape{}));
  const bool narrow = ctx.output(0).dtype == DType::kInt32;
  for (int d = 0; d < (known ? shape.rank() : 1); ++d) {
    const int64_t size = known ? shape[d] : kUnknownDim;
    if (narrow) static_cast<int32_t*>(to)[d] = static_cast<int32_t>(size);
    if (!narrow) static_cast<int64_t*>(to)[d] = size;
  }
  return {};
}

}  // namespace

TW_KERNEL(EmptyTensorList, prepare_list, run_empty);
TW_KERNEL(TensorListReserve, prepare_list, run_reserve);
TW_KERNEL(TensorListPushBack, prepare_list, run_push);
TW_KERNEL(TensorListPopBack, prepare_list, run_pop);
TW_KERNEL(TensorListGetItem, prepare_list, run_get);
TW_KERNEL(TensorListSetItem, prepare_list, run_set);
TW_KERNEL(TensorListResize, prepare_list, run_resize);
TW_KERNEL(TensorListLength, prepare_list, run_length);
TW_KERNEL(TensorListElementShape, prepare_list, run_element_shape);

}  // namespace tw
