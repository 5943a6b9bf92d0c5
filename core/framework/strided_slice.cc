#include "core/framework/strided_slice.h"

#include <algorithm>

namespace tw {
namespace {

bool bit(int64_t mask, int64_t i) { return i < 63 && ((mask >> i) & 1) != 0; }

// What the caller wrote for one input dimension, once the ellipsis is expanded.
struct DimSpec {
  int64_t entry = -1;  // of begin, end and strides; -1 for dimensions under the ellipsis
  bool shrink = false;
};

// An index or bound as Python reads it, clamped to where a walk with this stride may stand.
int64_t canonical(int64_t x, int64_t dim, int64_t stride) {
  const int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? dim : dim - 1;
  return std::clamp(x < 0 ? x + dim : x, low, high);
}

int64_t walk_length(int64_t interval, int64_t stride) {
  if (interval == 0 || (interval < 0) != (stride < 0)) return 0;
  return interval / stride + (interval % stride != 0 ? 1 : 0);
}

}  // namespace

StridedSliceMasks StridedSliceMasks::from_attrs(const AttrReader& attrs) {
  return {attrs.integer("begin_mask"), attrs.integer("end_mask"), attrs.integer("ellipsis_mask"),
          attrs.integer("new_axis_mask"), attrs.integer("shrink_axis_mask")};
}

Result<StridedSlice> resolve_strided_slice(const Shape& input, int64_t length, const Tensor* begin, const Tensor* end,
                                           const Tensor* strides, const StridedSliceMasks& masks) {
  if (length > 32) return invalid_argument("A strided slice takes at most 32 entries, but got ", length);
  int64_t ellipsis = -1, new_after_ellipsis = 0;
  for (int64_t i = 0; i < length; ++i) {
    if (ellipsis >= 0 && bit(masks.new_axis, i)) ++new_after_ellipsis;
    if (!bit(masks.ellipsis, i)) continue;
    if (ellipsis >= 0) return invalid_argument("Multiple ellipses in slice spec not allowed");
    ellipsis = i;
  }

  // Expand to one DimSpec per input dimension, and note where the result's dimensions come from: an input dimension,
  // or -1 for a new axis.
  const int rank = input.rank();
  std::array<DimSpec, kMaxRank> specs;
  std::vector<int> result;
  int dim = 0;
  for (int64_t i = 0; i < length; ++i) {
    if (i == ellipsis) {
      const int64_t stop = std::min<int64_t>(rank - (length - i - 1 - new_after_ellipsis), rank);
      for (; dim < stop; ++dim) result.push_back(dim);
    } else if (bit(masks.new_axis, i)) {
      result.push_back(-1);
    } else {
      if (dim >= rank) {
        return invalid_argument("Index out of range using input dim ", dim, "; input has only ", rank, " dims");
      }
      specs[static_cast<size_t>(dim)] = {i, bit(masks.shrink_axis, i)};
      if (!bit(masks.shrink_axis, i)) result.push_back(dim);
      ++dim;
    }
  }
  for (; dim < rank; ++dim) result.push_back(dim);

  StridedSlice out;
  out.rank = rank;
  for (int d = 0; d < rank; ++d) {
    const auto at = static_cast<size_t>(d);
    const int64_t size = input[d];
    const auto [i, shrink] = specs[at];
    if (i < 0) {
      out.stride[at] = 1;
      out.slice.add_dim(size);
      continue;
    }
    const int64_t stride = strides ? index_value(*strides, i) : 0;
    if (strides && stride == 0) return invalid_argument("strides[", i, "] must be non-zero");
    if (shrink && strides && stride <= 0) return invalid_argument("only stride 1 allowed on non-range indexing.");
    const bool from_start = bit(masks.begin, i), to_end = bit(masks.end, i);
    if (shrink) {
      out.slice.add_dim(1);
      out.stride[at] = 1;
      if (begin == nullptr || size < 0) continue;
      const int64_t given = index_value(*begin, i), index = given < 0 ? given + size : given;
      if (index < 0 || index >= size)
        return invalid_argument("slice index ", given, " of dimension ", i, " out of bounds.");
      out.begin[at] = index;
      continue;
    }
    if (from_start && to_end && size >= 0 && (strides || size == 0)) {
      out.begin[at] = stride > 0 ? 0 : size - 1;
      out.stride[at] = stride;
      out.slice.add_dim(size == 0 ? 0 : walk_length(stride > 0 ? size : -size, stride));
      continue;
    }
    if (size < 0 || strides == nullptr || (begin == nullptr && !from_start) || (end == nullptr && !to_end)) {
      out.slice.add_dim(kUnknownDim);
      continue;
    }
    const int64_t first = from_start ? (stride > 0 ? 0 : size - 1) : canonical(index_value(*begin, i), size, stride);
    const int64_t stop = to_end ? (stride > 0 ? size : -1) : canonical(index_value(*end, i), size, stride);
    out.begin[at] = first;
    out.stride[at] = stride;
    out.slice.add_dim(walk_length(stop - first, stride));
  }
  if (result.size() > static_cast<size_t>(kMaxRank)) {
    return invalid_argument("A slice of rank ", result.size(), " is not supported: the largest rank is ", kMaxRank);
  }
  for (int d : result) out.shape.add_dim(d < 0 ? 1 : out.slice[d]);
  return out;
}

}  // namespace tw
