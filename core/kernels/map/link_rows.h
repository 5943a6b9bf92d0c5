// Rows of results beyond the caches, by programs of links.
#pragma once

#include <array>
#include <cstddef>

#include "core/kernels/map/links.h"
#include "core/kernels/move/stream_copy.h"

namespace tw {

// Runs programs over rows that follow each other in the outputs, which pass the caches by. No output may be an input.
class LinkRows {
 public:
  // `past` streams all float outputs, `code` is the same program without streams. Both are kept by reference.
  LinkRows(const LinkCode& code, const LinkCode& past) : code_(code), past_(past) {}
  // The next n elements. The float outputs' first whole line begins behind `head` elements.
  void run(LinkOperands& operands, size_t head, size_t n);
  // After the last row. stream_fence() follows.
  void finish();

 private:
  void store(const LinkOperands& operands, size_t at, size_t first, size_t end);

  const LinkCode& code_;
  const LinkCode& past_;
  std::array<LineBuffer, kMaxLinkOperands> lines_;  // of the outputs
};

}  // namespace tw
