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
  list->resize(n);
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
  const int64_t size = before->size();
  if (before->max_elements >= 0 && size >= before->max_elements) {
    return invalid_argument("Tried to push item into a full list list size: ", size,
                            " max_num_elements: ", before->max_elements);
  }
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  TW_RETURN_IF_ERROR(store_input(ctx, 1, *list, size));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

// The shape that the op asks for in input i, or that the plan knows.
Result<Shape> wanted_shape(const RunContext& ctx, int i) {
  const Shape& planned = ctx.state<ListState>().planned;
  return planned.fully_known() ? planned : read_element_shape(ctx.input(i));
}

Status run_pop(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* before, list_input(ctx, 0, state.dtype));
  TW_ASSIGN_OR_RETURN(const Shape wanted, wanted_shape(ctx, 1));
  const int64_t size = before->size();
  if (size == 0) return invalid_argument("Trying to pop from an empty list.");
  TW_ASSIGN_OR_RETURN(Tensor last, element_or_zeros(*before, size - 1, wanted));
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  list->resize(size - 1);
  ctx.set_output(1, std::move(last));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_get(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0, state.dtype));
  TW_ASSIGN_OR_RETURN(const int64_t i, read_count(ctx, 1, "index"));
  const int64_t size = list->size();
  if (i < 0 || i >= size) {
    return invalid_argument("Trying to access element ", i, " in a list with ", size, " elements.");
  }
  TW_ASSIGN_OR_RETURN(const Shape wanted, wanted_shape(ctx, 2));
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
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  TW_RETURN_IF_ERROR(prepare_write(*list, i, state));
  TW_RETURN_IF_ERROR(store_input(ctx, 2, *list, i));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_resize(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const int64_t n, read_count(ctx, 1, "size"));
  if (n < 0 || n > kMostElements) {
    return invalid_argument("TensorListSlice expects size to be non-negative. Got: ", n);
  }
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  list->resize(n);
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_length(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, 0));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, Shape{}, ctx.state<ListState>().dynamic));
  *static_cast<int32_t*>(to) = static_cast<int32_t>(list->size());
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
TW_KERNEL(TensorListPopBack, prepare_read, run_pop);
TW_KERNEL(TensorListGetItem, prepare_read, run_get);
TW_KERNEL(TensorListSetItem, prepare_list, run_set);
TW_KERNEL(TensorListResize, prepare_list, run_resize);
TW_KERNEL(TensorListLength, prepare_list, run_length);
TW_KERNEL(TensorListElementShape, prepare_list, run_element_shape);

}  // namespace tw
