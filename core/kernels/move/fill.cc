#include "core/kernels/move/fill.h"

#include <algorithm>
#include <cstring>

#include "core/framework/resource.h"
#include "core/kernels/element_size.h"

namespace tw {
namespace {

template <typename T>
void fill_objects(const void* value, void* to, int64_t count) {
  // The value may be one of those that are overwritten.
  const T v = value == nullptr ? T{} : *static_cast<const T*>(value);
  std::fill_n(static_cast<T*>(to), count, v);
}

}  // namespace

void fill_elements(DType dtype, const void* value, void* to, int64_t count) {
  if (count <= 0) return;
  if (dtype == DType::kString) return fill_objects<std::string>(value, to, count);
  if (dtype == DType::kResource) return fill_objects<ResourceHandle>(value, to, count);
  if (dtype == DType::kVariant) return fill_objects<Variant>(value, to, count);
  const size_t size = dtype_size(dtype);
  if (value == nullptr) {
    std::memset(to, 0, static_cast<size_t>(count) * size);
    return;
  }
  visit_size(size, [&](auto v) {
    std::memcpy(&v, value, sizeof v);
    std::fill_n(static_cast<decltype(v)*>(to), count, v);
  });
}

void fill_elements(DType dtype, const void* value, void* to, int64_t count, WorkerPool& pool) {
  if (!is_plain(dtype)) return fill_elements(dtype, value, to, count);
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  pool.parallel_for(count, (256 << 10) / size, [&](int64_t begin, int64_t end) {
    fill_elements(dtype, value, static_cast<char*>(to) + begin * size, end - begin);
  });
}

}  // namespace tw
