#include "core/platform/small_vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "core/platform/shared_string.h"

namespace tw {
namespace {

using Small = SmallVector<int64_t, 3>;

TEST(SmallVector, HoldsWhatAVectorHolds) {
  std::mt19937 random(11);
  Small small;
  std::vector<int64_t> plain;
  for (int step = 0; step < 20000; ++step) {
    const auto value = static_cast<int64_t>(random() % 1000);
    const size_t at = plain.empty() ? 0 : random() % plain.size();
    const ptrdiff_t offset = static_cast<ptrdiff_t>(at);
    switch (random() % 9) {
      case 0: small.push_back(value), plain.push_back(value); break;
      case 1: small.insert(small.begin() + at, value), plain.insert(plain.begin() + offset, value); break;
      case 2:
        if (!plain.empty()) small.erase(small.begin() + at), plain.erase(plain.begin() + offset);
        break;
      case 3:
        if (!plain.empty()) small.pop_back(), plain.pop_back();
        break;
      case 4: {
        const size_t size = random() % 8;
        small.resize(size, value), plain.resize(size, value);
        break;
      }
      case 5: {
        const std::vector<int64_t> more(random() % 5, value);
        small.insert(small.begin() + at, more.begin(), more.end());
        plain.insert(plain.begin() + offset, more.begin(), more.end());
        break;
      }
      case 6: {
        // One of its own elements.
        if (!plain.empty()) small.push_back(small[at]), plain.push_back(plain[at]);
        break;
      }
      case 7: {
        Small copy = small, moved = std::move(small);
        ASSERT_EQ(copy, moved);
        small = step % 2 == 0 ? std::move(moved) : copy;
        break;
      }
      default: small.assign(at, value), plain.assign(at, value); break;
    }
    ASSERT_EQ(small.size(), plain.size());
    ASSERT_EQ(static_cast<std::vector<int64_t>>(small), plain);
    ASSERT_TRUE(std::equal(small.rbegin(), small.rend(), plain.rbegin(), plain.rend()));
  }
}

TEST(SmallVector, MovesIntoOneThatHoldsMemory) {
  for (const size_t from : {0, 2, 3, 4, 50}) {
    for (const size_t to : {0, 3, 4, 50}) {
      Small a(from, 7), b(to, 8);
      b = std::move(a);
      EXPECT_EQ(b, Small(from, 7));
      EXPECT_TRUE(a.empty());
      a.push_back(1);
      EXPECT_EQ(a, Small{1});
      EXPECT_EQ(b, Small(from, 7));
    }
  }
}

TEST(SharedString, CopiesShareTheirText) {
  const SharedString a = std::string(100, 'x'), b = a, none, empty = "";
  EXPECT_EQ(std::string_view(a).data(), std::string_view(b).data());
  EXPECT_EQ(a, SharedString(std::string(100, 'x')));
  EXPECT_FALSE(a == "x");
  EXPECT_EQ(none, empty);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(internal::concat(SharedString("a"), '/', none), "a/");
  EXPECT_EQ(SharedString("a") + "/b", "a/b");
}

}  // namespace
}  // namespace tw
