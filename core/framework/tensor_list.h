// Lists of tensors (EmptyTensorList, TensorListReserve and their family), carried by variants.
#pragma once

#include <vector>

#include "core/framework/resource.h"

namespace tw {

// An immutable value once it is shared: who holds the only reference may change it, and others copy it first
// (share_elements). Small elements of one shape lie packed in slabs, so that a list that a loop saves values on takes
// little more memory than those; elements that differ, strings and other objects, and large elements are kept as
// tensors.
class TensorList : public VariantValue {
 public:
  DType dtype = DType::kInvalid;
  Shape element_shape = Shape::unknown();  // that elements must fit
  int64_t max_elements = -1;               // how far it may be pushed to; -1 means without limit

  int64_t size() const { return size_; }
  // Whether any element may have been set.
  bool any_set() const { return rows_ != Rows::kNone; }
  // Whether element i, in [0, size()), was ever set.
  bool is_set(int64_t i) const;
  // Of an element that is set.
  const Shape& shape(int64_t i) const;
  const void* data(int64_t i) const;
  // An element as a tensor: not valid() where it was never set. It shares the list's memory where the element lies
  // aligned and is a copy otherwise.
  Result<Tensor> element(int64_t i) const;
  // The shape of all elements that are set, where the list knows that they have one; else null.
  const Shape* common_shape() const { return rows_ != Rows::kNone && uniform_ ? &row_ : nullptr; }
  // The elements as one tensor of shape [size()] + common_shape() that shares their memory; not valid() unless all are
  // set and lie one after the other.
  Tensor stacked() const;

  // --- changes; the list must have no other holder ---

  // Where to write the bytes of element i, in [0, size()], which becomes set; size() appends one. Null when the list
  // does not pack elements of that shape: then keep() takes it. `shareable` says that the element's memory outlives
  // the step, so that a large one had better be kept than copied. ResourceExhausted when there is no memory.
  Result<void*> place(int64_t i, const Shape& shape, bool shareable);
  Status keep(int64_t i, Tensor element);
  // Cuts the list, or adds elements that are not set.
  void resize(int64_t n);
  // Takes the rows of a tensor of plain elements as the elements. Precondition: size() == 0 or nothing is set and
  // size() is the number of rows; rows are not empty.
  void adopt_rows(const Tensor& t);
  // The same elements as another list, of the same dtype.
  void share_elements(const TensorList& other);

 private:
  // Elements [begin, begin + room) of the list, one each `stride_` bytes, as far as the list reaches.
  struct Slab {
    Ref<Buffer> buffer;
    char* data;
    int64_t begin, room;
    int64_t end() const { return begin + room; }
    bool exclusive() const { return buffer->unique() && buffer->writable(); }
  };
  enum class Rows : uint8_t { kNone, kPacked, kKept };  // of the elements that are set; kNone: there are none

  bool packs(const Shape& shape, bool shareable) const;
  void begin_packing(const Shape& shape);
  Slab& slab_of(int64_t i);
  const Slab& slab_of(int64_t i) const { return const_cast<TensorList*>(this)->slab_of(i); }
  char* row(int64_t i) const;
  Status add_slab(int64_t begin, int64_t room);
  // Makes the memory of element i, which is shared, the list's own.
  Status unshare(int64_t i);
  // Keeps packed elements as tensors from now on.
  Status unpack();
  void mark_set(int64_t i);

  Rows rows_ = Rows::kNone;
  bool uniform_ = true;  // every element that was set had the shape row_
  int64_t size_ = 0;
  Shape row_;
  size_t bytes_ = 0, stride_ = 0;  // kPacked: an element's size, and the distance between two
  std::vector<Slab> slabs_;        // kPacked: one after the other from element 0
  std::vector<char> set_;          // kPacked: by element, whether it is set; empty when all are
  std::vector<Tensor> kept_;       // kKept: by element
};

}  // namespace tw
