// Each op against TensorFlow 1.15's results, through a session: with fed inputs of unknown shape, and with constants.
#include <gtest/gtest.h>

#include "tests/ops/golden.h"

namespace tw::test {
namespace {

class Golden : public ::testing::TestWithParam<GoldenCase> {
 protected:
  void check(Feeding how) {
    const GoldenCase& c = GetParam();
    const auto r = run_in_session(c.op, c.attrs, c.inputs, how, static_cast<int>(c.outputs.size()));
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    for (size_t i = 0; i < c.outputs.size(); ++i) {
      EXPECT_EQ(difference(r->outputs[i], c.outputs[i], c.tolerance), "") << "output " << i;
      EXPECT_TRUE(compatible(r->inferred[i], c.outputs[i].shape()))
          << "inferred " << r->inferred[i] << " for output " << i;
    }
    for (size_t i = 0; i < c.after.size(); ++i) {
      EXPECT_EQ(difference(r->after[i], c.after[i], c.tolerance), "") << "variable " << i << " afterwards";
    }
  }
};

TEST_P(Golden, Fed) { check(Feeding::kFed); }
TEST_P(Golden, Constant) { check(Feeding::kConstant); }

INSTANTIATE_TEST_SUITE_P(Ops, Golden, ::testing::ValuesIn(golden_cases()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace

void PrintTo(const GoldenCase& c, std::ostream* out) { *out << c.name(); }

}  // namespace tw::test
