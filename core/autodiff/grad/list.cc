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

bool resizes(Vjp& v) { return v.op.attrs.contains("_resize"); }
// An element that is set stays so: before, it was not set, and what the list before has there for a derivative is never
// looked at.
bool writes_once(Vjp& v) { return v.op.attrs.contains("_write_once"); }

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
TW_GRADIENT(TensorListStack) { v.give(0, call("TensorListFromTensor", {v.dy(), row_shape(v.dy())})); }
TW_GRADIENT(TensorListFromTensor) {
  const Shape s = v.x(0).shape();
  const int64_t rows = s.rank() > 0 ? s[0] : -1;
  v.give(0, call("TensorListStack", {v.dy(), row_shape(v.x(0))},
                 {{"element_dtype", v.x(0).dtype()}, {"num_elements", rows}}));
}
TW_GRADIENT(TensorListGetItem) {
  const Val item = v.dy();
  v.give(0,
         call("TensorListSetItem", {reserve(v.x(0), item.dtype()), v.x(1), item}, {{"element_dtype", item.dtype()}}));
}
TW_GRADIENT(TensorListSetItem) {
  const Val item = v.x(2);
  const AttrMap element{{"element_dtype", item.dtype()}};
  // Read before the list is changed, which would copy it otherwise.
  v.give(2, call("TensorListGetItem", {v.dy(), v.x(1), shape_of(item)}, element));
  const Val rest = writes_once(v) ? v.dy() : call("TensorListSetItem", {v.dy(), v.x(1), zeros_like(item)}, element);
  v.give(0, resizes(v) ? call("TensorListResize", {rest, length(v.x(0))}) : rest);
}
TW_GRADIENT(TensorListAddItem) {
  const Val item = v.x(2);
  v.give(0, v.dy());
  v.give(2, call("TensorListGetItem", {v.dy(), v.x(1), shape_of(item)}, {{"element_dtype", item.dtype()}}));
}
TW_GRADIENT(TensorListScatterIntoExistingList) {
  const Val rows = v.x(1);
  const AttrMap element{{"element_dtype", rows.dtype()}};
  v.give(1, call("TensorListGather", {v.dy(), v.x(2), row_shape(rows)}, element));
  const Val rest =
      writes_once(v) ? v.dy() : call("TensorListScatterIntoExistingList", {v.dy(), zeros_like(rows), v.x(2)}, element);
  v.give(0, resizes(v) ? call("TensorListResize", {rest, length(v.x(0))}) : rest);
}
TW_GRADIENT(TensorListResize) { v.give(0, call("TensorListResize", {v.dy(), length(v.x(0))})); }
TW_GRADIENT(TensorListGather) {
  const Val rows = call("TensorListScatter", {v.dy(), v.x(1), element_shape(v.x(0))});
  v.give(0, call("TensorListResize", {rows, length(v.x(0))}));
}
TW_GRADIENT(TensorListScatter) {
  v.give(0, call("TensorListGather", {v.dy(), v.x(1), row_shape(v.x(0))}, {{"element_dtype", v.x(0).dtype()}}));
}
TW_GRADIENT(TensorListConcat) {
  if (v.has_dy(0)) v.give(0, call("TensorListSplit", {v.dy(0), element_shape(v.x(0)), v.y(1)}));
}
TW_GRADIENT(TensorListSplit) {
  Shape shape = v.x(0).shape();
  if (shape.rank() > 0) shape.set_dim(0, kUnknownDim);  // only the first dimension varies from element to element
  // A piece that nobody read has no derivative on the list; its length is that of the piece.
  const Val zeros = call("TensorListSplit", {zeros_like(v.x(0)), v.x(1), v.x(2)});
  const Val pieces = call("AddN", {v.dy(), zeros}, {{"N", 2}});
  v.give(0, call("TensorListConcat", {pieces}, {{"element_dtype", v.x(0).dtype()}, {"element_shape", shape}}));
}

}  // namespace tw
