#include "core/kernels/cpu/list/tensor_list.h"

#include <typeinfo>
#include <utility>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/move/fill.h"
#include "core/platform/alloc.h"

namespace tw {
namespace {

Result<TensorList*> list_in(const Value& v, DType dtype) {
  if (v.dtype != DType::kVariant || v.data == nullptr) {
    return invalid_argument("Input handle is not a list. Saw: a tensor of type ", dtype_name(v.dtype));
  }
  if (v.shape->rank() != 0) return invalid_argument("Input handle must be a scalar saw: ", *v.shape);
  VariantValue* const value = static_cast<const Variant*>(v.data)->get();
  // Most are no more than that, which is told much faster than what a type derives from.
  auto* list = value != nullptr && typeid(*value) == typeid(TensorList) ? static_cast<TensorList*>(value)
                                                                        : dynamic_cast<TensorList*>(value);
  if (list == nullptr) return invalid_argument("Input handle is not a list. Saw: an empty or other variant");
  if (dtype != DType::kInvalid && dtype != list->dtype) {
    return invalid_argument("Invalid data types; op elements ", dtype_name(dtype), " but list elements ",
                            dtype_name(list->dtype));
  }
  return list;
}

}  // namespace

Status ReadMarks::mark(int64_t i) {
  std::lock_guard lock(mutex_);
  if (read_.size() <= static_cast<size_t>(i)) read_.resize(static_cast<size_t>(i) + 1, 0);
  if (std::exchange(read_[static_cast<size_t>(i)], 1) == 0) return {};
  return invalid_argument("Could not read index ", i,
                          " twice because it was cleared after a previous read (perhaps try setting "
                          "clear_after_read = false?).");
}

bool ReadMarks::is_read(int64_t i) const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(i) < read_.size() && read_[static_cast<size_t>(i)] != 0;
}

Result<const TensorList*> list_input(const RunContext& ctx, int i, DType dtype) {
  TW_ASSIGN_OR_RETURN(const TensorList* list, list_in(ctx.input(i), dtype));
  return list;
}

Result<Ref<TensorList>> take_list(const RunContext& ctx, int i, DType dtype) {
  TW_ASSIGN_OR_RETURN(TensorList * list, list_in(ctx.input(i), dtype));
  if (Ref<VariantValue> alone = take_alone(ctx, i)) {
    return Ref<TensorList>::adopt(static_cast<TensorList*>(alone.release()));
  }
  return copy_list(*list);
}

Ref<TensorList> copy_list(const TensorList& list) {
  const auto* read_once = dynamic_cast<const ReadOnceList*>(&list);
  Ref<TensorList> copy;
  if (read_once == nullptr) {
    copy = make_ref<TensorList>();
  } else {
    auto marked = make_ref<ReadOnceList>();
    marked->marks = read_once->marks;
    copy = std::move(marked);
  }
  copy->dtype = list.dtype;
  copy->element_shape = list.element_shape;
  copy->max_elements = list.max_elements;
  copy->share_elements(list);
  return copy;
}

Status store_input(const RunContext& ctx, int input, TensorList& list, int64_t i) {
  const Value& v = ctx.input(input);
  const bool shareable = v.owner != nullptr && v.owner->writable();
  TW_ASSIGN_OR_RETURN(void* const to, list.place(i, *v.shape, shareable));
  if (to != nullptr) {
    copy_elements(v.dtype, v.data, to, v.shape->num_elements());
    return {};
  }
  TW_ASSIGN_OR_RETURN(Tensor t, ctx.input_tensor(input, true));
  return list.keep(i, std::move(t));
}

Status store(TensorList& list, int64_t i, Tensor element) {
  TW_ASSIGN_OR_RETURN(void* const to, list.place(i, element.shape(), true));
  if (to == nullptr) return list.keep(i, std::move(element));
  copy_elements(element.dtype(), element.raw(), to, element.num_elements());
  return {};
}

namespace {

// Whether take_list() left an empty variant of the step's own in input 0, which the output may have.
bool left_empty(const RunContext& ctx) {
  if (ctx.num_inputs() == 0 || !ctx.may_consume(0)) return false;
  const Value& v = ctx.input(0);
  return v.dtype == DType::kVariant && v.shape->rank() == 0 && v.owner != nullptr && v.owner->unique() &&
         v.owner->writable() && !*static_cast<const Variant*>(v.data);
}

}  // namespace

Status give_list(const RunContext& ctx, int o, Ref<TensorList> list, bool dynamic) {
  if (dynamic && left_empty(ctx)) {
    Value& from = ctx.values_[ctx.args_[0]];
    Tensor handle(DType::kVariant, Shape{}, Ref<Buffer>::adopt(std::exchange(from.owner, nullptr)));
    *static_cast<Variant*>(handle.raw()) = Variant(std::move(list));
    ctx.set_output(o, std::move(handle));
    return {};
  }
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, o, Shape{}, dynamic));
  *static_cast<Variant*>(to) = Variant(std::move(list));
  return {};
}

Result<Shape> read_element_shape(const Value& v) {
  if (v.shape->rank() == 0) {
    if (index_at(v) == -1) return Shape::unknown();
    return invalid_argument("The only valid scalar shape tensor is the fully unknown shape specified as -1.");
  }
  return shape_from_tensor(value_view(v), true);
}

Result<Shape> merge_element_shapes(const Shape& a, const Shape& b) {
  if (!compatible(a, b)) {
    return invalid_argument("PartialTensorShape: Incompatible shapes during merge: ", a, " vs. ", b);
  }
  return merge(a, b);
}

namespace {

// Of an element that was never set.
Result<Shape> unset_shape(const TensorList& list, const Shape& wanted) {
  TW_ASSIGN_OR_RETURN(Shape shape, merge_element_shapes(list.element_shape, wanted));
  if (const Shape* common = list.common_shape()) {
    TW_ASSIGN_OR_RETURN(shape, merge_element_shapes(shape, *common));
  }
  for (int64_t i = 0; i < list.size() && !shape.fully_known(); ++i) {
    if (!list.is_set(i)) continue;
    TW_ASSIGN_OR_RETURN(shape, merge_element_shapes(shape, list.shape(i)));
  }
  if (shape.fully_known()) return shape;
  return invalid_argument("Trying to read an uninitialized tensor but element_shape is not fully defined: ", shape,
                          " and no list element is set.");
}

}  // namespace

Result<Tensor> element_or_zeros(const TensorList& list, int64_t i, const Shape& wanted) {
  if (!list.is_set(i)) {
    TW_ASSIGN_OR_RETURN(const Shape shape, unset_shape(list, wanted));
    return zero_element(list.dtype, shape);
  }
  // The program was compiled for elements of the shape wanted.
  if (!compatible(wanted, list.shape(i))) {
    return invalid_argument("Tried to read element ", i, " of shape ", list.shape(i),
                            " with an incompatible element_shape: ", wanted);
  }
  return list.element(i);
}

Result<Tensor> zero_element(DType dtype, const Shape& shape) {
  TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(dtype, shape));
  if (is_plain(dtype)) fill_elements(dtype, nullptr, t.raw(), t.num_elements());
  return t;
}

Result<Tensor> row_of(const Tensor& t, int64_t begin, int64_t rows, const Shape& shape) {
  const size_t row = static_cast<size_t>(t.shape().product(1, t.shape().rank())) * dtype_size(t.dtype());
  char* const at = t.data<char>() + static_cast<size_t>(begin) * row;
  if (reinterpret_cast<uintptr_t>(at) % kAlignment == 0 && static_cast<size_t>(rows) * row % kAlignment == 0) {
    return Tensor(t.dtype(), shape, t.buffer(), static_cast<size_t>(at - static_cast<char*>(t.buffer()->data())));
  }
  TW_ASSIGN_OR_RETURN(Tensor copy, Tensor::make(t.dtype(), shape));
  copy_elements(t.dtype(), at, copy.raw(), copy.num_elements());
  return copy;
}

Ref<TensorList> new_list(const ListState& state) {
  if (!state.read_once) return make_ref<TensorList>();
  auto list = make_ref<ReadOnceList>();
  list->marks = std::make_shared<ReadMarks>();
  return list;
}

Status mark_read(const TensorList& list, int64_t i, const ListState& state) {
  if (!state.read_once) return {};
  const auto* read_once = dynamic_cast<const ReadOnceList*>(&list);
  return read_once == nullptr ? Status() : read_once->marks->mark(i);
}

Status prepare_write(TensorList& list, int64_t i, const ListState& state) {
  const int64_t size = list.size();
  if (i < 0 || i >= (state.resize ? kMostElements : size)) {
    return invalid_argument("Trying to modify element ", i, " in a list with ", size, " elements.");
  }
  if (i >= size) list.resize(i + 1);
  if (state.write_once && list.is_set(i)) {
    return invalid_argument("Could not write to TensorArray index ", i, " because it has already been written to.");
  }
  if (state.write_once) {
    const auto* read_once = dynamic_cast<const ReadOnceList*>(&list);
    if (read_once != nullptr && read_once->marks->is_read(i)) {
      return invalid_argument("Could not write to TensorArray index ", i, " because it has already been read.");
    }
  }
  return {};
}

Status prepare_list(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<ListState>();
  const AttrReader& attrs = ctx.attrs();
  if (attrs.has("element_dtype")) state.dtype = attrs.dtype("element_dtype");
  if (attrs.has("num_elements")) state.num_elements = attrs.integer("num_elements");
  if (attrs.has("element_shape")) state.element_shape = attrs.must<Shape>("element_shape");
  state.resize = attrs.has("_resize");
  state.write_once = attrs.has("_write_once");
  state.read_once = attrs.has("_clear_after_read");
  for (int o = 0; o < ctx.num_outputs(); ++o) state.dynamic |= output_is_dynamic(ctx, o);
  return {};
}

Status prepare_read(PrepareContext& ctx) {
  TW_RETURN_IF_ERROR(prepare_list(ctx));
  std::unique_ptr<KernelState> state = ctx.take_state();
  static_cast<ListState&>(*state).planned = ctx.output_shape(ctx.num_outputs() - 1);
  ctx.set_state(std::move(state));
  return {};
}

}  // namespace tw
