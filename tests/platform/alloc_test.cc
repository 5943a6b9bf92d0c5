#include "core/platform/alloc.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <unistd.h>
// There where the thread sanitizer is, with which the library alone is compiled.
extern "C" void __tsan_init() __attribute__((weak));
#endif

namespace tw {
namespace {

TEST(Alloc, BlocksAreAlignedAndPadded) {
  std::vector<void*> blocks;
  for (size_t bytes = 0; bytes < 5000; bytes += 37) {
    void* p = allocate(bytes);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % kAlignment, 0u);
    std::memset(p, 0x5a, bytes + kTailPadding);
    blocks.push_back(p);
  }
  for (void* p : blocks) deallocate(p);
  deallocate(nullptr);
}

#if defined(__linux__)
// The header before a block takes a line of the page.
TEST(Alloc, LargeBlocksBeginAtAHugePage) {
  constexpr size_t kHugePage = size_t{2} << 20;
  void* large = allocate(5 * kHugePage);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % kHugePage, kAlignment);
  deallocate(large);
  void* direct = system_memory(2 * kHugePage);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(direct) % kHugePage, 0u);
  std::free(direct);
}

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// A matrix of 4 MiB lies behind its header: it begins a third huge page, which would be taken whole.
TEST(Alloc, APartOfAHugePageIsNotTakenWhole) {
  if (&__tsan_init != nullptr) GTEST_SKIP() << "the thread sanitizer's shadow takes several times the memory";
  constexpr size_t kBytes = size_t{4} << 20;
  const int64_t before = resident_bytes();
  std::vector<void*> blocks;
  for (int i = 0; i < 8; ++i) {
    blocks.push_back(allocate(kBytes));
    std::memset(blocks.back(), 1, kBytes);
  }
  // Blocks that were in use before count as resident already; a sanitizer's shadow takes an eighth more.
  EXPECT_LE(resident_bytes() - before, static_cast<int64_t>(8 * kBytes * 5 / 4));
  for (void* p : blocks) deallocate(p);
}
#endif

TEST(Alloc, ASteadyPatternNeverReachesTheSystem) {
  const auto step = [] {
    std::vector<void*> blocks;
    for (const size_t bytes : {size_t{10}, size_t{1000}, size_t{70000}, size_t{3} << 20, size_t{1000}}) {
      blocks.push_back(allocate(bytes));
    }
    for (void* p : blocks) deallocate(p);
  };
  step();
  const int64_t before = alloc_stats().system_calls;
  for (int i = 0; i < 100; ++i) step();
  EXPECT_EQ(alloc_stats().system_calls, before);
}

TEST(Alloc, CountersFollowTheBlocks) {
  const AllocStats start = alloc_stats();
  void* p = allocate(1 << 20);
  const AllocStats during = alloc_stats();
  EXPECT_GE(during.live_bytes - start.live_bytes, 1 << 20);
  EXPECT_LE(during.live_bytes - start.live_bytes, (1 << 20) + (1 << 17)) << "size classes waste an eighth at most";
  EXPECT_GE(during.peak_bytes, during.live_bytes);
  deallocate(p);
  EXPECT_EQ(alloc_stats().live_bytes, start.live_bytes);
  EXPECT_GE(alloc_stats().cached_bytes, 1 << 20);
  release_cached_memory();
  EXPECT_EQ(alloc_stats().cached_bytes, 0);
}

TEST(Alloc, RefusesWhatNoSystemHas) {
  EXPECT_EQ(allocate(size_t{1} << 47), nullptr);
  EXPECT_EQ(allocate(~size_t{0}), nullptr);
}

TEST(Alloc, ThreadsShareTheCache) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 2000; ++i) {
        const size_t bytes = static_cast<size_t>(64 + (i * 37 + t * 101) % 4000);
        auto* p = static_cast<unsigned char*>(allocate(bytes));
        std::memset(p, t, bytes);
        for (const size_t at : {size_t{0}, bytes / 2, bytes - 1}) ASSERT_EQ(p[at], t);
        deallocate(p);
      }
    });
  }
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace tw
