#include "core/kernels/move/stream_copy.h"

#include <algorithm>
#include <cstring>

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/move/stream_copy.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void copy(const uint8_t* from, uint8_t* to, size_t bytes) {
  const hn::ScalableTag<uint8_t> d;
  constexpr size_t kLine = kLineBytes;
  const size_t head = std::min(bytes, (kLine - reinterpret_cast<uintptr_t>(to) % kLine) % kLine);
  std::memcpy(to, from, head);
  from += head;
  to += head;
  const size_t lines = (bytes - head) / kLine;
  for (size_t i = 0; i < lines * kLine; i += kLine) {
    for (size_t k = 0; k < kLine; k += hn::Lanes(d)) hn::Stream(hn::LoadU(d, from + i + k), d, to + i + k);
  }
  std::memcpy(to + lines * kLine, from + lines * kLine, bytes - head - lines * kLine);
}

void fence() { hwy::FlushStream(); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(copy);
HWY_EXPORT(fence);

void stream_copy(const void* from, void* to, size_t bytes) {
  HWY_DYNAMIC_DISPATCH(copy)(static_cast<const uint8_t*>(from), static_cast<uint8_t*>(to), bytes);
}
void stream_fence() { HWY_DYNAMIC_DISPATCH(fence)(); }

}  // namespace tw
#endif
