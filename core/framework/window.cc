#include "core/framework/window.h"

#include <algorithm>

namespace tw {

Result<Padding> padding_from_name(std::string_view name) {
  if (name == "VALID") return Padding::kValid;
  if (name == "SAME") return Padding::kSame;
  if (name == "EXPLICIT") return Padding::kExplicit;
  return invalid_argument("padding must be VALID, SAME or EXPLICIT, but is '", name, "'");
}

Result<Window> window_of(int64_t in, int64_t size, int64_t dilation, int64_t stride, Padding padding, int64_t before,
                         int64_t after) {
  if (stride <= 0) return invalid_argument("Stride must be > 0, but got ", stride);
  if (dilation <= 0) return invalid_argument("Dilation rate must be > 0, but got ", dilation);
  if (before < 0 || after < 0) return invalid_argument("Explicit paddings must not be negative");
  Window w;
  if (padding == Padding::kExplicit) {
    w.pad_before = before;
    w.pad_after = after;
  }
  if (in < 0 || (size < 0 && padding != Padding::kSame)) {
    w.out = -1;
    return w;
  }
  if (padding == Padding::kSame) {
    w.out = (in + stride - 1) / stride;
    if (size >= 0) {
      const int64_t needed = std::max<int64_t>(0, (w.out - 1) * stride + (size - 1) * dilation + 1 - in);
      w.pad_before = needed / 2;
      w.pad_after = needed - needed / 2;
    }
    return w;
  }
  const int64_t extent = size == 0 ? 0 : (size - 1) * dilation + 1;
  const int64_t padded = in + w.pad_before + w.pad_after;
  if (padded < extent) {
    return invalid_argument("Negative dimension size caused by subtracting ", extent, " from ", padded);
  }
  w.out = (padded - extent) / stride + 1;
  return w;
}

}  // namespace tw
