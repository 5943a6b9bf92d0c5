// The meaning of StridedSlice's begin, end, strides and masks, for shape functions, gradients and kernels alike.
#pragma once

#include <array>

#include "core/framework/attr.h"

namespace tw {

struct StridedSliceMasks {
  int64_t begin = 0, end = 0, ellipsis = 0, new_axis = 0, shrink_axis = 0;
  static StridedSliceMasks from_attrs(const AttrReader& attrs);
};

// A slice resolved against an input shape: one entry per input dimension.
struct StridedSlice {
  int rank = 0;
  std::array<int64_t, kMaxRank> begin{}, stride{};  // unknown (0) where a size is unknown
  Shape slice;  // what is read of each input dimension; -1 where it depends on what is not known
  Shape shape;  // the result's: `slice` without the dimensions that shrink, with the new axes
};

// `length` is the number of entries of begin, end and strides, each of which is null when its value is not known yet.
// The input's rank must be known, its dimensions need not.
Result<StridedSlice> resolve_strided_slice(const Shape& input, int64_t length, const Tensor* begin, const Tensor* end,
                                           const Tensor* strides, const StridedSliceMasks& masks);

}  // namespace tw
