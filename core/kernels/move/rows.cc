#include "core/kernels/move/rows.h"

#include <algorithm>

#include "core/framework/tensor.h"
#include "core/kernels/move/small_copy.h"
#include "core/kernels/move/stream_copy.h"
#include "core/kernels/prefetch.h"

namespace tw {
namespace {

template <typename T, typename Index>
void gather_elements(const void* from, const Index* indices, int64_t begin, int64_t end, void* to) {
  const T* f = static_cast<const T*>(from);
  T* t = static_cast<T*>(to);
  for (int64_t i = begin; i < end; ++i) t[i] = f[indices[i]];
}

// Rows of fewer lines would leave many lines to ordinary stores.
constexpr size_t kLeastStreamed = 512;

// `streams`: the result goes past the caches.
template <typename Index>
void gather_range(const char* from, const Index* indices, int64_t begin, int64_t end, size_t bytes, char* to,
                  bool streams) {
  switch (bytes) {
    case 1: return gather_elements<uint8_t>(from, indices, begin, end, to);
    case 2: return gather_elements<uint16_t>(from, indices, begin, end, to);
    case 4: return gather_elements<uint32_t>(from, indices, begin, end, to);
    case 8: return gather_elements<uint64_t>(from, indices, begin, end, to);
    default: break;
  }
  for (int64_t i = begin; i < end; ++i) {
    if (i + kRowsAhead < end) prefetch_indexed_row(from + static_cast<size_t>(indices[i + kRowsAhead]) * bytes, bytes);
    (streams ? stream_copy : copy_run)(from + static_cast<size_t>(indices[i]) * bytes,
                                       to + static_cast<size_t>(i) * bytes, bytes);
  }
  if (streams) stream_fence();
}

}  // namespace

template <typename Index>
int64_t first_bad_index(const Index* indices, int64_t count, int64_t limit) {
  // Negative indices are huge as unsigned ones. A block is first tested as a whole, which vectorises.
  constexpr int64_t kBlock = 256;
  for (int64_t b = 0; b < count; b += kBlock) {
    const int64_t end = std::min(count, b + kBlock);
    bool bad = false;
    for (int64_t i = b; i < end; ++i) {
      bad |= static_cast<uint64_t>(static_cast<int64_t>(indices[i])) >= static_cast<uint64_t>(limit);
    }
    if (!bad) continue;
    for (int64_t i = b; i < end; ++i) {
      if (static_cast<uint64_t>(static_cast<int64_t>(indices[i])) >= static_cast<uint64_t>(limit)) return i;
    }
  }
  return -1;
}

template <typename Index>
void gather_rows(DType dtype, const void* from, const Index* indices, int64_t count, int64_t row, void* to) {
  const size_t bytes = static_cast<size_t>(row) * dtype_size(dtype);
  const char* f = static_cast<const char*>(from);
  char* t = static_cast<char*>(to);
  if (bytes == 0) return;
  if (is_plain(dtype)) return gather_range(f, indices, 0, count, bytes, t, false);
  for (int64_t i = 0; i < count; ++i) {
    copy_elements(dtype, f + static_cast<size_t>(indices[i]) * bytes, t + static_cast<size_t>(i) * bytes, row);
  }
}

template <typename Index>
void gather_rows(DType dtype, const void* from, const Index* indices, int64_t count, int64_t row, void* to,
                 WorkerPool& pool) {
  const size_t bytes = static_cast<size_t>(row) * dtype_size(dtype);
  if (!is_plain(dtype) || bytes == 0) return gather_rows(dtype, from, indices, count, row, to);
  const bool streams = bytes >= kLeastStreamed && count > kStreamBytes / static_cast<int64_t>(bytes);
  // A row costs a cache miss and its bytes.
  pool.parallel_for(count, grain_for_ns(5 + static_cast<double>(bytes) / 8), [&](int64_t begin, int64_t end) {
    gather_range(static_cast<const char*>(from), indices, begin, end, bytes, static_cast<char*>(to), streams);
  });
}

template <typename Index>
void scatter_rows(DType dtype, const void* from, const Index* indices, int64_t count, int64_t row, void* to) {
  const size_t bytes = static_cast<size_t>(row) * dtype_size(dtype);
  const char* f = static_cast<const char*>(from);
  char* t = static_cast<char*>(to);
  for (int64_t i = 0; i < count; ++i) {
    const char* source = f + static_cast<size_t>(i) * bytes;
    char* dest = t + static_cast<size_t>(indices[i]) * bytes;
    if (is_plain(dtype)) {
      copy_run(source, dest, bytes);
    } else {
      copy_elements(dtype, source, dest, row);
    }
  }
}

#define TW_ROWS(Index)                                                                                      \
  template int64_t first_bad_index<Index>(const Index*, int64_t, int64_t);                                  \
  template void gather_rows<Index>(DType, const void*, const Index*, int64_t, int64_t, void*, WorkerPool&); \
  template void gather_rows<Index>(DType, const void*, const Index*, int64_t, int64_t, void*);              \
  template void scatter_rows<Index>(DType, const void*, const Index*, int64_t, int64_t, void*)
TW_ROWS(int32_t);
TW_ROWS(int64_t);
#undef TW_ROWS

}  // namespace tw
