// What the kernels of tensor lists share.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "core/framework/kernel.h"
#include "core/framework/tensor_list.h"

namespace tw {

// More than any program means; a number from outside must not take all memory.
inline constexpr int64_t kMostElements = int64_t{1} << 31;

// Which elements of an array have been read. Thread-safe.
class ReadMarks {
 public:
  // InvalidArgument when the element was read before.
  Status mark(int64_t i);
  bool is_read(int64_t i) const;

 private:
  mutable std::mutex mutex_;
  std::vector<char> read_;
};

// A list of which an element may be read once: a TensorArray's with clear_after_read. Lists that are made of it by
// writing share the marks.
class ReadOnceList : public TensorList {
 public:
  std::shared_ptr<ReadMarks> marks;
};

// The list in scalar variant input i, for reading; it lives as long as the input.
Result<const TensorList*> list_input(const RunContext& ctx, int i, DType dtype = DType::kInvalid);

// The list in input i as one that the caller may change: taken out of the input when nobody else holds it, so that
// building a list in a loop is linear, and else a copy that shares the elements.
Result<Ref<TensorList>> take_list(const RunContext& ctx, int i, DType dtype = DType::kInvalid);

// A list of its own that shares the elements.
Ref<TensorList> copy_list(const TensorList& list);

// Puts a list into output o.
Status give_list(const RunContext& ctx, int o, Ref<TensorList> list, bool dynamic);

// The shape that an element_shape input spells: a vector, or a scalar -1 for any shape.
Result<Shape> read_element_shape(const Value& v);
// merge() with TensorFlow's message.
Result<Shape> merge_element_shapes(const Shape& a, const Shape& b);

// Zeros of that shape, for elements that were never set.
Result<Tensor> zero_element(DType dtype, const Shape& shape);

// Makes an input of the kernel element i of a list that has no other holder; appends it where i is the size.
Status store_input(const RunContext& ctx, int input, TensorList& list, int64_t i);
// The same for a tensor.
Status store(TensorList& list, int64_t i, Tensor element);
// An element, or where it was never set zeros of the shape that is known of it from the list, from its other elements
// and from what is wanted, which an element that is set must fit.
Result<Tensor> element_or_zeros(const TensorList& list, int64_t i, const Shape& wanted);

// Row i of a tensor as a tensor of its own: a view where the row lies aligned, and a copy otherwise.
Result<Tensor> row_of(const Tensor& t, int64_t begin, int64_t rows, const Shape& shape);

// Kernel state of all list ops.
struct ListState : KernelState {
  DType dtype = DType::kInvalid;           // of the elements
  int64_t num_elements = -1;               // that TensorListStack insists on
  Shape element_shape = Shape::unknown();  // TensorListConcat's attribute
  Shape planned = Shape::unknown();        // of the tensor that is read, as far as the plan knows it
  bool dynamic = false;
  bool resize = false;      // a write beyond the end makes the list longer
  bool write_once = false;  // an element that is set stays so
  bool read_once = false;   // a new list is a ReadOnceList; reading such a list leaves marks
};
Status prepare_list(PrepareContext& ctx);
// The same for ops whose last output is read from a list, and has the shape that the plan knows or the step fails.
Status prepare_read(PrepareContext& ctx);
// A list without elements.
Ref<TensorList> new_list(const ListState& state);
// Marks element i of a ReadOnceList as read where the op is one that does; InvalidArgument when it was read before.
Status mark_read(const TensorList& list, int64_t i, const ListState& state);
// Makes room for element i; InvalidArgument where the state forbids the write.
Status prepare_write(TensorList& list, int64_t i, const ListState& state);

}  // namespace tw
