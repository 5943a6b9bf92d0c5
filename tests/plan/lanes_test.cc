// Which lanes are opened, and what the clocks of a schedule say.
#include "core/plan/lanes.h"

#include <gtest/gtest.h>

#include <random>

namespace tw {
namespace {

LaneStep step(std::vector<uint32_t> before, double ns, uint32_t blocked = 0) {
  LaneStep s;
  s.before = std::move(before);
  s.ns = ns;
  s.blocked = blocked;
  return s;
}

TEST(ChooseLanes, ShortWorkStaysInOneLane) {
  std::vector<LaneStep> steps;
  for (int i = 0; i < 20; ++i) steps.push_back(step({}, 500));
  EXPECT_EQ(choose_lanes(steps, {}, 8, 8), std::vector<uint32_t>(20, 0));
}

TEST(ChooseLanes, IndependentChainsGetLanesOfTheirOwn) {
  // Two chains of ten steps, 30 us each.
  std::vector<LaneStep> steps;
  for (uint32_t c = 0; c < 2; ++c) {
    for (uint32_t i = 0; i < 10; ++i) {
      steps.push_back(step(i == 0 ? std::vector<uint32_t>{} : std::vector<uint32_t>{10 * c + i - 1}, 30000));
    }
  }
  const std::vector<uint32_t> lanes = choose_lanes(steps, {}, 2, 2);
  for (uint32_t i = 0; i < 20; ++i) EXPECT_EQ(lanes[i], i / 10);
  EXPECT_EQ(choose_lanes(steps, {}, 1, 8), std::vector<uint32_t>(20, 0)) << "one thread";
  EXPECT_EQ(choose_lanes(steps, {}, 2, 1), std::vector<uint32_t>(20, 0)) << "one lane asked for";
}

TEST(ChooseLanes, KernelsThatUseAllThreadsGainNothing) {
  EXPECT_EQ(choose_lanes({step({}, 1e6), step({}, 1e6)}, {}, 2, 2), (std::vector<uint32_t>{0, 0}));
}

TEST(ChooseLanes, ABlockedChainIsOneLane) {
  BlockedSets sets;
  const uint32_t a = sets.unite({}, 7), ab = sets.unite({a}, 9);
  // Independent work, a blocking op, what follows it, another blocking op behind it.
  const std::vector<LaneStep> steps{step({}, 100), step({}, 100, a), step({1}, 100, a), step({2}, 100, ab)};
  EXPECT_EQ(choose_lanes(steps, sets, 4, 1), (std::vector<uint32_t>{0, 0, 0, 0}));
}

TEST(ChooseLanes, IndependentBlockingOpsNeverWaitInLine) {
  BlockedSets sets;
  const uint32_t a = sets.unite({}, 1), b = sets.unite({}, 2), ab = sets.unite({a, b}, -1);
  const std::vector<LaneStep> steps{step({}, 100), step({}, 100, a), step({}, 100, b), step({1, 2}, 100, ab)};
  // One thread and one lane for speed; correctness asks for two all the same.
  EXPECT_EQ(choose_lanes(steps, sets, 1, 1), (std::vector<uint32_t>{0, 0, 1, 0}));
}

TEST(BlockedSets, UnionsAreShared) {
  BlockedSets sets;
  const uint32_t a = sets.unite({}, 1), b = sets.unite({}, 2);
  EXPECT_NE(a, b);
  EXPECT_EQ(sets.unite({a, b}, -1), sets.unite({b}, 1));
  EXPECT_EQ(sets.unite({a, 0}, -1), a);
  EXPECT_TRUE(sets.subset(0, a));
  EXPECT_FALSE(sets.subset(a, b));
  EXPECT_TRUE(sets.subset(a, sets.unite({a, b}, -1)));
}

// Against reachability by search: a step is before another when edges and lanes lead from one to the other.
TEST(HappensBefore, EqualsReachability) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    const uint32_t n = 40, lanes = 1 + random() % 4;
    std::vector<LaneStep> steps(n);
    std::vector<uint32_t> lane_of(n);
    for (uint32_t i = 0; i < n; ++i) {
      lane_of[i] = random() % lanes;
      for (int k = 0; k < 2 && i > 0; ++k) {
        if (random() % 3 == 0) steps[i].before.push_back(random() % i);
      }
      std::sort(steps[i].before.begin(), steps[i].before.end());
    }
    std::vector<std::vector<char>> reach(n, std::vector<char>(n, 0));
    std::vector<int> last(lanes, -1);
    for (uint32_t i = 0; i < n; ++i) {
      std::vector<uint32_t> before = steps[i].before;
      if (last[lane_of[i]] >= 0) before.push_back(static_cast<uint32_t>(last[lane_of[i]]));
      last[lane_of[i]] = static_cast<int>(i);
      for (uint32_t b : before) {
        reach[b][i] = 1;
        for (uint32_t k = 0; k < n; ++k) reach[k][i] |= reach[k][b];
      }
    }
    const HappensBefore when(steps, lane_of);
    for (uint32_t i = 0; i < n; ++i) {
      for (uint32_t j = 0; j < n; ++j) {
        if (i != j) {
          EXPECT_EQ(when.before(i, j), reach[i][j] != 0) << i << " and " << j;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tw
