#include "core/kernels/move/fill.h"

#include <algorithm>
#include <cstring>

#include "core/framework/resource.h"

namespace tw {
namespace {

struct Wide {
  uint64_t lo, hi;
};

template <typename T>
void fill_plain(const void* value, void* to, int64_t count, WorkerPool& pool) {
  T v;
  std::memcpy(&v, value, sizeof(T));
  T* t = static_cast<T*>(to);
  pool.parallel_for(count, (256 << 10) / static_cast<int64_t>(sizeof(T)),
                    [&](int64_t begin, int64_t end) { std::fill(t + begin, t + end, v); });
}

template <typename T>
void fill_objects(const void* value, void* to, int64_t count) {
  // The value may be one of those that are overwritten.
  const T v = value == nullptr ? T{} : *static_cast<const T*>(value);
  std::fill_n(static_cast<T*>(to), count, v);
}

}  // namespace

void fill_elements(DType dtype, const void* value, void* to, int64_t count, WorkerPool& pool) {
  if (count <= 0) return;
  if (dtype == DType::kString) return fill_objects<std::string>(value, to, count);
  if (dtype == DType::kResource) return fill_objects<ResourceHandle>(value, to, count);
  if (dtype == DType::kVariant) return fill_objects<Variant>(value, to, count);
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  if (value == nullptr) {
    char* bytes = static_cast<char*>(to);
    pool.parallel_for(count * size, 256 << 10, [&](int64_t begin, int64_t end) {
      std::memset(bytes + begin, 0, static_cast<size_t>(end - begin));
    });
    return;
  }
  switch (size) {
    case 1: return fill_plain<uint8_t>(value, to, count, pool);
    case 2: return fill_plain<uint16_t>(value, to, count, pool);
    case 4: return fill_plain<uint32_t>(value, to, count, pool);
    case 8: return fill_plain<uint64_t>(value, to, count, pool);
    default: return fill_plain<Wide>(value, to, count, pool);
  }
}

}  // namespace tw
