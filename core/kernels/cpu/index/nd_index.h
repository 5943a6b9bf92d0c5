// The coordinates that GatherNd, ScatterNd and their kin index with.
#pragma once

#include <string>
#include <vector>

#include "core/framework/kernel.h"

namespace tw {

// An indices tensor [..., depth] read against the shape it indexes into: each row is the position of a slice.
struct NdIndex {
  Shape outer;        // indices.shape without its last dimension
  int depth = 0;      // coordinates per row
  int64_t count = 1;  // rows
  int64_t slice = 1;  // elements of one slice

  // Flat element offset of slice i, or -1 when a coordinate is out of range.
  int64_t offset(const Value& indices, const Shape& target, int64_t i) const;
  // The first row out of range, or -1.
  int64_t first_bad(const Value& indices, const Shape& target) const;
  // "indices[1] = [0, 3]", for messages.
  std::string describe(const Value& indices, int64_t i) const;
};

// The caller has checked that indices is at least a vector and its last dimension at most the target's rank.
NdIndex nd_index(const Shape& indices, const Shape& target);

}  // namespace tw
