// Geometry of sliding windows, for the shapes and kernels of convolution and pooling.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/platform/status.h"

namespace tw {

enum class Padding : uint8_t { kValid, kSame, kExplicit };

// From the attribute's "VALID", "SAME" or "EXPLICIT".
Result<Padding> padding_from_name(std::string_view name);

// One spatial dimension. Sizes may be -1 (unknown); then so is what depends on them.
struct Window {
  int64_t out = 0;
  int64_t pad_before = 0, pad_after = 0;
};

// Where windows of `size` elements, `dilation` apart, stand on `in` elements, `stride` apart. With kExplicit, before
// and after give the padding. InvalidArgument when the window does not fit, and for a stride or dilation below 1.
Result<Window> window_of(int64_t in, int64_t size, int64_t dilation, int64_t stride, Padding padding,
                         int64_t before = 0, int64_t after = 0);

}  // namespace tw
