#include "core/kernels/cpu/array/outputs.h"

namespace tw {

std::string element_position(const Shape& shape, int64_t flat) {
  if (shape.rank() == 0) return {};
  std::string text = "]";
  for (int i = shape.rank() - 1; i >= 0; --i) {
    text = std::to_string(flat % shape[i]) + text;
    flat /= shape[i];
    text = (i == 0 ? "[" : ",") + text;
  }
  return text;
}

}  // namespace tw
