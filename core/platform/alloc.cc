#include "core/platform/alloc.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TW_ASAN 1
#endif
#endif
#ifdef TW_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

namespace tw {
namespace {

// Eight classes per doubling, so that rounding up wastes at most an eighth.
constexpr int kStepsLog2 = 3;
constexpr int kSteps = 1 << kStepsLog2;
constexpr size_t kSmallest = 64;
constexpr int kNumClasses = (48 - 6) * kSteps + 1;
constexpr size_t kLargest = size_t{1} << 48;
// Below this much, freed blocks are always kept; above it, never more than the peak of live bytes.
constexpr int64_t kCacheFloor = int64_t{256} << 20;
constexpr size_t kHugePage = size_t{2} << 20;

// Lies in the 64 bytes before each block.
struct Header {
  Header* next;
  int32_t size_class;
};
static_assert(sizeof(Header) <= kAlignment);

struct alignas(64) FreeList {
  std::mutex mutex;
  Header* head = nullptr;
};

struct Heap {
  std::array<FreeList, kNumClasses> lists;
  alignas(64) std::atomic<int64_t> live{0};
  std::atomic<int64_t> peak{0};
  alignas(64) std::atomic<int64_t> cached{0};
  std::atomic<int64_t> system_calls{0};
};

// Never destroyed: tensors in static storage may outlive every other static.
Heap& heap() {
  static Heap* const h = new Heap;
  return *h;
}

// Class c holds blocks of (kSteps + c % kSteps) * 2^(c / kSteps) * kSmallest / kSteps bytes.
size_t class_bytes(int c) {
  return ((static_cast<size_t>(kSteps + c % kSteps)) << (c / kSteps)) * (kSmallest / kSteps);
}
int class_of(size_t bytes) {
  if (bytes <= kSmallest) return 0;
  const size_t units = (bytes - 1) / (kSmallest / kSteps);  // in [kSteps, ...)
  const int shift = std::bit_width(units) - 1 - kStepsLog2;
  const int step = static_cast<int>(units >> shift) - kSteps;
  return shift * kSteps + step + 1;
}

char* block_of(Header* h) { return reinterpret_cast<char*>(h) + kAlignment; }
size_t usable(int c) { return class_bytes(c) + kTailPadding; }

Header* system_allocate(int c) {
  Heap& h = heap();
  const size_t total = kAlignment + (usable(c) + kAlignment - 1) / kAlignment * kAlignment;
  h.system_calls.fetch_add(1, std::memory_order_relaxed);
  void* p = system_memory(total);
  if (p == nullptr && h.cached.load(std::memory_order_relaxed) > 0) {
    release_cached_memory();
    p = system_memory(total);
  }
  if (p == nullptr) return nullptr;
  auto* header = new (p) Header;
  header->size_class = c;
  return header;
}

}  // namespace

void* system_memory(size_t bytes) {
#if defined(MADV_HUGEPAGE)
  if (bytes >= 2 * kHugePage) {
    void* p = nullptr;  // not aligned_alloc, which some systems give no odd sizes
    if (posix_memalign(&p, kHugePage, bytes) != 0) return nullptr;
    // Advice only: a system without huge pages refuses it, and the block is as good. Only for whole pages: a first
    // touch takes all of one, and a matrix of 4 MiB with 128 bytes around it would take 6.
    madvise(p, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
    return p;
  }
#endif
  return std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
}

void* allocate(size_t bytes) {
  if (bytes > kLargest) return nullptr;
  Heap& h = heap();
  const int c = class_of(bytes);
  const int64_t size = static_cast<int64_t>(class_bytes(c));
  FreeList& list = h.lists[static_cast<size_t>(c)];
  Header* header;
  {
    std::lock_guard lock(list.mutex);
    header = list.head;
    if (header != nullptr) list.head = header->next;
  }
  if (header != nullptr) {
    h.cached.fetch_sub(size, std::memory_order_relaxed);
    ASAN_UNPOISON_MEMORY_REGION(block_of(header), usable(c));
  } else if ((header = system_allocate(c)) == nullptr) {
    return nullptr;
  }
  const int64_t live = h.live.fetch_add(size, std::memory_order_relaxed) + size;
  int64_t peak = h.peak.load(std::memory_order_relaxed);
  while (live > peak && !h.peak.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
  }
  return block_of(header);
}

void deallocate(void* block) {
  if (block == nullptr) return;
  Heap& h = heap();
  auto* header = reinterpret_cast<Header*>(static_cast<char*>(block) - kAlignment);
  const int c = header->size_class;
  const int64_t size = static_cast<int64_t>(class_bytes(c));
  h.live.fetch_sub(size, std::memory_order_relaxed);
  const int64_t cached = h.cached.fetch_add(size, std::memory_order_relaxed) + size;
  if (cached > std::max(kCacheFloor, h.peak.load(std::memory_order_relaxed))) {
    h.cached.fetch_sub(size, std::memory_order_relaxed);
    std::free(header);
    return;
  }
  ASAN_POISON_MEMORY_REGION(block, usable(c));
  FreeList& list = h.lists[static_cast<size_t>(c)];
  std::lock_guard lock(list.mutex);
  header->next = list.head;
  list.head = header;
}

AllocStats alloc_stats() {
  const Heap& h = heap();
  return {h.system_calls.load(std::memory_order_relaxed), h.live.load(std::memory_order_relaxed),
          h.peak.load(std::memory_order_relaxed), h.cached.load(std::memory_order_relaxed)};
}

void release_cached_memory() {
  Heap& h = heap();
  for (int c = 0; c < kNumClasses; ++c) {
    FreeList& list = h.lists[static_cast<size_t>(c)];
    Header* head;
    {
      std::lock_guard lock(list.mutex);
      head = std::exchange(list.head, nullptr);
    }
    while (head != nullptr) {
      Header* next = head->next;
      ASAN_UNPOISON_MEMORY_REGION(block_of(head), usable(c));
      std::free(head);
      h.cached.fetch_sub(static_cast<int64_t>(class_bytes(c)), std::memory_order_relaxed);
      head = next;
    }
  }
}

}  // namespace tw
