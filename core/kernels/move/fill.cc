#include "core/kernels/move/fill.h"

#include <algorithm>
#include <cstring>

#include "core/framework/resource.h"
#include "core/kernels/element_size.h"
#include "core/kernels/move/stream_copy.h"

namespace tw {
namespace {

constexpr int64_t kPieceBytes = 4096;  // of a value, which are streamed again and again

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
  const bool streams = count >= kStreamBytes / size;
  alignas(kLineBytes) char piece[kPieceBytes];
  if (streams) fill_elements(dtype, value, piece, kPieceBytes / size);
  pool.parallel_for(count, (256 << 10) / size, [&](int64_t begin, int64_t end) {
    char* at = static_cast<char*>(to) + begin * size;
    int64_t left = (end - begin) * size;
    if (!streams) return fill_elements(dtype, value, at, end - begin);
    for (int64_t n; left > 0; at += n, left -= n) {
      n = std::min(left, kPieceBytes - in_line(at) / size * size);
      stream_copy(piece, at, static_cast<size_t>(n));
    }
    stream_fence();
  });
}

}  // namespace tw
