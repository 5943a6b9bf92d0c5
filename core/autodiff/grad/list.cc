// Tensor lists: the derivative of a list is the list of the elements' derivatives.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

Val element_shape(Val list) { return call("TensorListElementShape", {list}, {{"shape_type", DType::kInt32}}); }
Val length(Val list) { return call("TensorListLength", {list}); }
Val reserve(Val like, DType element) {
  return call("TensorListReserve", {element_shape(like), length(like)}, {{"element_dtype", element}});
}
Val row_shape(Val tensor) { return part(shape_of(tensor), 1); }

// The shape of elements of which only the first dimension is free.
Val ragged_shape(Val tensor) { return concat({ints(tensor.builder(), {-1}), row_shape(tensor)}, 0); }

void scatter(Vjp& v) {
  v.give(0, call("TensorListGather", {v.dy(), v.x(1), row_shape(v.x(0))}, {{"element_dtype", v.x(0).dtype()}}));
}
void concatenated(Vjp& v) {
  if (!v.has_dy(0)) return;
  v.give(0, call("TensorListSplit", {v.dy(0), element_shape(v.x(0)), v.y(1)}));
}

}  // namespace

TW_GRADIENT(TensorListPushBack) {
  const Val element = v.x(1);
  const Vals popped = call_n("TensorListPopBack", 2, {v.dy(), shape_of(element)}, {{"element_dtype", element.dtype()}});
  v.give(0, popped[0]);
  v.give(1, popped[1]);
}
TW_GRADIENT(TensorListPopBack) {
  const DType element = v.attr().dtype("element_dtype");
  Val list = v.has_dy(0) ? v.dy(0) : zeros_like(v.y(0));
  const Val delement = v.has_dy(1) ? v.dy(1) : zeros_like(v.y(1));
  v.give(0, call("TensorListPushBack", {list, delement}, {{"element_dtype", element}}));
}
TW_GRADIENT(TensorListStack) {
  v.give(0, call("TensorListFromTensor", {v.dy(), row_shape(v.dy())}));
}
TW_GRADIENT(TensorListFromTensor) {
  const Shape s = v.x(0).shape();
  const int64_t rows = s.rank() > 0 ? s[0] : -1;
  v.give(0, call("TensorListStack", {v.dy(), row_shape(v.x(0))},
                 {{"element_dtype", v.x(0).dtype()}, {"num_elements", rows}}));
}
TW_GRADIENT(TensorListConcat) { concatenated(v); }
TW_GRADIENT(TensorListConcatV2) { concatenated(v); }
TW_GRADIENT(TensorListSplit) {
  v.give(0, call("TensorListConcatV2", {v.dy(), ragged_shape(v.x(0)), v.x(2)}, {{"element_dtype", v.x(0).dtype()}}));
}
TW_GRADIENT(TensorListGetItem) {
  const Val item = v.dy();
  v.give(0, call("TensorListSetItem", {reserve(v.x(0), item.dtype()), v.x(1), item}, {{"element_dtype", item.dtype()}}));
}
TW_GRADIENT(TensorListSetItem) {
  const Val item = v.x(2);
  const AttrMap element{{"element_dtype", item.dtype()}};
  v.give(0, call("TensorListSetItem", {v.dy(), v.x(1), zeros_like(item)}, element));
  v.give(2, call("TensorListGetItem", {v.dy(), v.x(1), shape_of(item)}, element));
}
TW_GRADIENT(TensorListResize) { v.give(0, call("TensorListResize", {v.dy(), length(v.x(0))})); }
TW_GRADIENT(TensorListGather) {
  v.give(0, call("TensorListScatterIntoExistingList", {reserve(v.x(0), v.dy().dtype()), v.dy(), v.x(1)}));
}
TW_GRADIENT(TensorListScatter) { scatter(v); }
TW_GRADIENT(TensorListScatterV2) { scatter(v); }
TW_GRADIENT(TensorListScatterIntoExistingList) {
  const Val tensor = v.x(1), indices = v.x(2);
  v.give(0, call("TensorListScatterIntoExistingList", {v.dy(), zeros_like(tensor), indices}));
  v.give(1, call("TensorListGather", {v.dy(), indices, row_shape(tensor)}, {{"element_dtype", tensor.dtype()}}));
}

}  // namespace tw
