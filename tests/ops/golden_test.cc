// Each op against TensorFlow 1.15's results, through a session: with fed inputs of unknown shape, and with constants.
#include <gtest/gtest.h>

#include "tests/ops/golden.h"
#include "tests/ops/sweep.h"
#include "tests/ops/tally.h"

namespace tw::test {
namespace {

class Golden : public ::testing::TestWithParam<GoldenCase> {
 protected:
  void check(Feeding how) {
    const GoldenCase& c = GetParam();
    Tally tally("values");
    tally.count(c.op, how == Feeding::kConstant ? "known" : "fed", c.number, difference_of(c, how));
  }

 private:
  static std::string difference_of(const GoldenCase& c, Feeding how) {
    const auto r = run_in_session(c.op, c.attrs, c.inputs, how, static_cast<int>(c.outputs.size()));
    if (!r.ok()) return r.status().to_string();
    std::string text;
    const auto add = [&](const std::string& what, size_t i, const std::string& differs) {
      if (!differs.empty()) text += internal::concat(what, " ", i, ": ", differs, "; ");
    };
    for (size_t i = 0; i < c.outputs.size(); ++i) {
      add("output", i, difference(r->outputs[i], c.outputs[i], c.tolerance));
      if (!compatible(r->inferred[i], c.outputs[i].shape())) add("inferred shape", i, r->inferred[i].to_string());
    }
    for (size_t i = 0; i < c.after.size(); ++i) {
      add("variable afterwards", i, difference(r->after[i], c.after[i], c.tolerance));
    }
    return text;
  }
};

TEST_P(Golden, Fed) { check(least_known(GetParam().op)); }
TEST_P(Golden, Constant) { check(Feeding::kConstant); }

INSTANTIATE_TEST_SUITE_P(Ops, Golden, ::testing::ValuesIn(golden_cases()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace

void PrintTo(const GoldenCase& c, std::ostream* out) { *out << c.name(); }

}  // namespace tw::test
