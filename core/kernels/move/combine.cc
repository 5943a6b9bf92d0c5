#include "core/kernels/move/combine.h"

#include "core/framework/tensor.h"

namespace tw {

bool combine_elements(Combine op, DType dtype, const void* from, void* to, int64_t count) {
  if (op == Combine::kUpdate) {
    copy_elements(dtype, from, to, count);
    return true;
  }
  if (dtype == DType::kString && op == Combine::kAdd) {
    for (int64_t i = 0; i < count; ++i) static_cast<std::string*>(to)[i] += static_cast<const std::string*>(from)[i];
    return true;
  }
  if (dtype == DType::kBool && op == Combine::kAdd) {
    for (int64_t i = 0; i < count; ++i) static_cast<bool*>(to)[i] |= static_cast<const bool*>(from)[i];
    return true;
  }
  return visit_number(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* f = static_cast<const T*>(from);
    T* t = static_cast<T*>(to);
    if (op == Combine::kAdd) {
      for (int64_t i = 0; i < count; ++i) t[i] = static_cast<T>(t[i] + f[i]);
    } else {
      for (int64_t i = 0; i < count; ++i) t[i] = static_cast<T>(t[i] - f[i]);
    }
  });
}

}  // namespace tw
