// Inputs of wrong ranks, sizes, values and dtypes: an error of TensorFlow's class, or its success, and never a crash.
#include <gtest/gtest.h>

#include "core/graph/builder.h"
#include "tests/ops/sweep.h"
#include "tests/ops/tally.h"

namespace tw::test {
namespace {

std::vector<std::string> bent_rows() {
  std::vector<std::string> rows;
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode == "bad_input" && (rows.empty() || rows.back() != c.op)) rows.push_back(c.op);
  }
  return rows;
}

class BadInput : public ::testing::TestWithParam<std::string> {};

std::string describe(const std::vector<OpInput>& inputs) {
  std::string text;
  for (const OpInput& in : inputs) text += (text.empty() ? "" : "; ") + in.value.summary(8);
  return text;
}

TEST_P(BadInput, GivesTheErrorThatTensorFlowGives) {
  Tally tally("bad_input");
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode != "bad_input" || c.op != GetParam()) continue;
    for (const SweepGolden* golden : sweep_goldens(c)) {
      const std::vector<Types> choices = type_choices(c);
      ASSERT_FALSE(choices.empty());
      // Of a crash nothing is known, not even the dtypes.
      const Types types = golden->crash ? choices.front() : parse_types(golden->types);
      const std::vector<OpInput> inputs = draw_inputs(c, types);
      const auto check = [&](Feeding how, const char* name, int want) {
        const Status s = run_in_session(c.op, attrs_of(c, types), inputs, how).status();
        if (golden->crash) return;
        const Code wanted = static_cast<Code>(want);
        tally.count(c.op, name, c.number,
                    s.code() == wanted ? ""
                                       : internal::concat(s.to_string(), ", want ", code_name(wanted), " for ",
                                                          text_of(types), ": ", describe(inputs)));
      };
      check(Feeding::kFed, "fed", golden->fed_code);
      check(Feeding::kConstant, "known", golden->known_code);
    }
  }
}

TEST_P(BadInput, WrongDtypesAreRefusedWhileTheGraphIsBuilt) {
  const OpDef& op = *find_op(GetParam());
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode != "sweep" || c.op != GetParam()) continue;
    const Types types = type_choices(c).front();
    for (size_t i = 0; i < c.inputs.size(); ++i) {
      if (c.inputs[i].variable || i >= op.inputs.size()) continue;
      const ArgDef& arg = op.inputs[i];
      if (!arg.type_list_attr.empty()) continue;
      const AttrDef* attr = op.find_attr(arg.type_attr);
      std::vector<OpInput> inputs = draw_inputs(c, types);
      // A dtype that differs from what the argument or its neighbours have, or that the attribute does not allow.
      const bool alone = attr != nullptr && std::count_if(op.inputs.begin(), op.inputs.end(), [&](const ArgDef& a) {
                                              return a.type_attr == arg.type_attr;
                                            }) == 1;
      if (alone && attr->allowed_types.empty()) continue;
      std::optional<DType> wrong;
      for (const DType t : {DType::kString, DType::kBool, DType::kComplex64, DType::kInt32, DType::kFloat}) {
        const bool allowed =
            alone && std::find(attr->allowed_types.begin(), attr->allowed_types.end(), t) != attr->allowed_types.end();
        if (t != inputs[i].value.dtype() && !allowed && !wrong) wrong = t;
      }
      if (!wrong) continue;
      inputs[i].value = Tensor::make_or_die(*wrong, inputs[i].value.shape());
      AttrMap attrs = c.attrs;
      for (const auto& [name, t] : types) {
        if (name != arg.type_attr) attrs[name] = t;
      }
      const auto r = run_in_session(c.op, attrs, inputs, least_known(c.op));
      EXPECT_EQ(r.status().code(), Code::kInvalidArgument)
          << "input " << i << " of " << dtype_name(*wrong) << ": " << r.status().to_string();
    }
    return;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, BadInput, ::testing::ValuesIn(bent_rows()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace tw::test
