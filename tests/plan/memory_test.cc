// Arena layout: stretches alive together never overlap, and memory is reused.
#include <gtest/gtest.h>

#include <random>

#include "core/plan/plan.h"

namespace tw {
namespace {

struct Stretch {
  size_t bytes;
  uint32_t begin, end;  // inclusive
};

// Both ways to say when stretches are alive give the same layout.
size_t pack(const std::vector<Stretch>& l, std::vector<size_t>* at) {
  std::vector<size_t> bytes;
  std::vector<Lifetime> lives;
  for (const Stretch& one : l) {
    bytes.push_back(one.bytes);
    lives.push_back({one.begin, one.end});
  }
  std::vector<size_t> by_pairs;
  const auto together = [&](size_t i, size_t j) { return l[i].begin <= l[j].end && l[j].begin <= l[i].end; };
  const size_t total = pack_arena(bytes, together, &by_pairs);
  EXPECT_EQ(pack_arena(bytes, lives, at), total);
  EXPECT_EQ(*at, by_pairs);
  EXPECT_GE(total, most_alive(bytes, lives));
  return total;
}

void expect_disjoint(const std::vector<Stretch>& l, const std::vector<size_t>& at, size_t total) {
  for (size_t i = 0; i < l.size(); ++i) {
    EXPECT_LE(at[i] + l[i].bytes, total);
    EXPECT_EQ(at[i] % 64, 0u);
    for (size_t j = i + 1; j < l.size(); ++j) {
      const bool together = l[i].begin <= l[j].end && l[j].begin <= l[i].end;
      const bool overlap = at[i] < at[j] + l[j].bytes && at[j] < at[i] + l[i].bytes;
      EXPECT_FALSE(together && overlap) << i << " and " << j;
    }
  }
}

TEST(PackArena, ReusesWhatIsDead) {
  const std::vector<Stretch> l{{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}};
  std::vector<size_t> at;
  const size_t total = pack(l, &at);
  expect_disjoint(l, at, total);
  EXPECT_EQ(at[0], at[2]);
  EXPECT_EQ(at[1], at[3]);
}

TEST(PackArena, KnowsWhatIsAliveTogether) {
  // Sizes with their padding: 128, 128, 192. The second and third meet at instruction 2; one is never used.
  EXPECT_EQ(most_alive({64, 10, 100, 1000}, {{0, 1}, {1, 2}, {2, 5}, {}}), 320u);
  EXPECT_EQ(most_alive({}, {}), 0u);
}

TEST(PackArena, RandomLifetimes) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<Stretch> l;
    for (int i = 0; i < 120; ++i) {
      const uint32_t begin = random() % 200;
      l.push_back({random() % 5000, begin, begin + static_cast<uint32_t>(random() % 40)});
    }
    std::vector<size_t> at;
    expect_disjoint(l, at, pack(l, &at));
  }
}

}  // namespace
}  // namespace tw
