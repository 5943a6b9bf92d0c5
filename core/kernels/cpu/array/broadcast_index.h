// Which element of an input belongs to an element of the result that the inputs broadcast to. For loops over elements
// that the map engine does not hold.
#pragma once

#include "core/framework/shape.h"

namespace tw {

class BroadcastIndex {
 public:
  BroadcastIndex(const Shape& in, const Shape& out) : out_(out) {
    const auto own = strides_of(in);
    const int lead = out.rank() - in.rank();
    for (int d = 0; d < in.rank(); ++d) {
      if (in[d] != 1) strides_[static_cast<size_t>(lead + d)] = own[static_cast<size_t>(d)];
    }
  }
  int64_t operator()(int64_t flat) const {
    int64_t at = 0;
    for (int d = out_.rank(); d-- > 0; flat /= out_[d]) at += flat % out_[d] * strides_[static_cast<size_t>(d)];
    return at;
  }

 private:
  Shape out_;
  std::array<int64_t, kMaxRank> strides_{};
};

}  // namespace tw
