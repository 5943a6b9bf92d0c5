// Kernels run as on a lesser processor where TW_TEST_TARGET names its vector target, such as AVX2: a processor with the
// widest vectors tests the loops of all.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/kernels/contract/tile.h"
#include "hwy/targets.h"

namespace tw {
namespace {

// The target's bit; 0 where none is named. Lesser targets have higher bits.
int64_t wanted_target() {
  const char* name = std::getenv("TW_TEST_TARGET");
  if (name == nullptr) return 0;
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const int64_t bit = left & -left;
    if (std::string_view(hwy::TargetName(bit)) == name) return bit;
  }
  std::fprintf(stderr, "This processor has no vector target %s\n", name);
  std::exit(1);
}

// Before the first kernel is looked up.
const int64_t target = [] {
  const int64_t bit = wanted_target();
  if (bit != 0) hwy::SetSupportedTargetsForTest(hwy::SupportedTargets() & -bit);
  return bit;
}();

TEST(Targets, KernelsAreOfTheOneAskedFor) {
  if (target == 0) GTEST_SKIP() << "TW_TEST_TARGET is not set";
  const int bits = target <= HWY_AVX3 ? 512 : target == HWY_AVX2 ? 256 : 128;
  EXPECT_EQ(contract::tile_set<float>().lanes * 32, bits);
}

}  // namespace
}  // namespace tw
