// Slices of tensors, as partitioned variables are saved: a range per dimension.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/framework/tensor.h"

namespace tw {

struct TensorSlice {
  struct Extent {
    int64_t start = 0;
    int64_t length = -1;  // -1: the whole dimension
    bool operator==(const Extent&) const = default;
  };
  std::vector<Extent> extents;

  static TensorSlice full(int rank) { return {std::vector<Extent>(static_cast<size_t>(rank))}; }
  // "0,2:-:3,1" (start,length, or - for a whole dimension).
  static Result<TensorSlice> parse(std::string_view text);
  std::string to_string() const;
  int rank() const { return static_cast<int>(extents.size()); }
  bool is_full() const;
  // The same ranges with lengths spelled out; InvalidArgument when they do not lie inside `shape`.
  Result<TensorSlice> resolved(const Shape& shape) const;
  // The shape of the slice; precondition: resolved.
  Shape shape() const;
  bool operator==(const TensorSlice&) const = default;

  // The TensorSliceProto message.
  std::string encode() const;
  static Result<TensorSlice> decode(std::string_view proto);
};

// "4 6 0,2:-": the shape of the full tensor, then the slice. Empty text means all of the tensor.
struct ShapeAndSlice {
  bool whole = true;
  Shape shape;
  TensorSlice slice;
};
Result<ShapeAndSlice> parse_shape_and_slice(std::string_view text);

// The table key under which a slice's data stands.
std::string slice_key(std::string_view tensor_name, const TensorSlice& slice);

// Copies what `from` (holding slice `from_slice` of a tensor) and `to` (holding `to_slice`) share; both slices
// resolved. Returns the number of elements copied.
int64_t copy_overlap(DType dtype, const TensorSlice& from_slice, const void* from, const TensorSlice& to_slice,
                     void* to);

}  // namespace tw
