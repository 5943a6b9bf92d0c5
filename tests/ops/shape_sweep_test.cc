// Every row over the shapes of its patterns and all dtypes it has a kernel for: against TensorFlow 1.15 where that has
// a kernel, against the same op on the widest dtype everywhere, through a session, and with the kernel alone between
// pages that nobody may touch.
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>

#include "tests/ops/golden.h"
#include "tests/ops/sweep.h"
#include "tests/ops/tally.h"

namespace tw::test {
namespace {

// The values of `t` as another dtype; integers wrap.
Tensor converted(const Tensor& t, DType to) {
  if (t.dtype() == to || t.dtype() == DType::kString || t.dtype() == DType::kBool) return t;
  Tensor out = Tensor::make_or_die(to, t.shape());
  visit_number(t.dtype(), [&](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    visit_number(to, [&](auto to_tag) {
      using To = typename decltype(to_tag)::type;
      for (int64_t i = 0; i < t.num_elements(); ++i) {
        const From v = t.data<From>()[i];
        To& o = out.data<To>()[i];
        if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
          o = static_cast<To>(v);
        } else if constexpr (sizeof(From) == 16 || std::is_same_v<From, std::complex<float>>) {
          if constexpr (std::is_same_v<To, std::complex<float>>) {
            o = To(static_cast<float>(v.real()), static_cast<float>(v.imag()));
          } else if constexpr (std::is_same_v<To, std::complex<double>>) {
            o = To(v.real(), v.imag());
          }
        } else {
          const auto real = static_cast<double>(v);
          if constexpr (std::is_arithmetic_v<To>) o = static_cast<To>(real);
          else if constexpr (sizeof(To) == 2) o = To(static_cast<float>(real));
          else o = To(static_cast<typename To::value_type>(real));
        }
      }
    });
  });
  return out;
}

double tolerance_of(DType t) {
  switch (t) {
    case DType::kHalf: return 2e-3;
    case DType::kBfloat16: return 1.6e-2;
    case DType::kDouble:
    case DType::kComplex128: return 1e-11;
    case DType::kFloat:
    case DType::kComplex64: return 1e-5;
    default: return 1e-12;
  }
}

std::vector<std::string> swept_rows() {
  std::vector<std::string> rows;
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode == "sweep" && (rows.empty() || rows.back() != c.op)) rows.push_back(c.op);
  }
  return rows;
}

class ShapeSweep : public ::testing::TestWithParam<std::string> {
 protected:
  // A row's kernel alone where it has no state, else the op in a session; then its variables' values.
  Result<std::vector<Tensor>> run(const SweepCase& c, const Types& types, const std::vector<OpInput>& inputs) {
    const OpDef& op = *find_op(c.op);
    if (runs_alone(op)) {
      TW_ASSIGN_OR_RETURN(const auto kernel, OpRun::make(op, attrs_of(c, types), inputs, OpRun::Memory::kFenced));
      const Status s = kernel->run();
      EXPECT_EQ(kernel->overrun(), "") << "was written to";
      TW_RETURN_IF_ERROR(s);
      return kernel->outputs();
    }
    return in_session(c, types, inputs);
  }
  Result<std::vector<Tensor>> in_session(const SweepCase& c, const Types& types, const std::vector<OpInput>& inputs) {
    TW_ASSIGN_OR_RETURN(OpResults r, run_in_session(c.op, attrs_of(c, types), inputs, least_known(c.op)));
    for (size_t i = 0; i < r.outputs.size(); ++i) {
      EXPECT_TRUE(compatible(r.inferred[i], r.outputs[i].shape())) << "inferred " << r.inferred[i];
    }
    r.outputs.insert(r.outputs.end(), r.after.begin(), r.after.end());
    return std::move(r.outputs);
  }

  void check(const SweepCase& c) {
    const std::vector<Types> choices = type_choices(c);
    ASSERT_FALSE(choices.empty());
    for (size_t n = 0; n < choices.size(); ++n) {
      const Types& types = choices[n];
      SCOPED_TRACE(c.name() + " " + text_of(types));
      const std::vector<OpInput> inputs = draw_inputs(c, types);
      auto got = run(c, types, inputs);
      EXPECT_TRUE(got.ok()) << got.status().to_string();
      if (!got.ok()) continue;
      if (c.num_outputs >= 0) got->resize(static_cast<size_t>(c.num_outputs));
      if (n == 0 && runs_alone(*find_op(c.op))) {
        auto again = in_session(c, types, inputs);
        ASSERT_TRUE(again.ok()) << again.status().to_string();
        for (size_t i = 0; i < got->size(); ++i) EXPECT_EQ(difference((*again)[i], (*got)[i]), "") << "in a session";
      }
      check_goldens(c, types, *got);
      const Types wide = widest(c, types);
      if (wide == types || c.exact) continue;
      std::vector<OpInput> wide_inputs = inputs;
      for (size_t i = 0; i < inputs.size(); ++i) {
        const auto it = wide.find(c.inputs[i].type);
        if (it != wide.end()) wide_inputs[i].value = converted(inputs[i].value, it->second);
      }
      auto want = run(c, wide, wide_inputs);
      ASSERT_TRUE(want.ok()) << want.status().to_string();
      for (size_t i = 0; i < got->size(); ++i) {
        const DType t = (*got)[i].dtype();
        const double tolerance = c.tolerance > 0 ? std::max(c.tolerance, tolerance_of(t)) : tolerance_of(t);
        EXPECT_EQ(difference((*got)[i], converted((*want)[i], t), tolerance), "") << "output " << i;
      }
    }
    check_other_goldens(c, choices);
  }

  // Goldens of dtypes that the row's choices leave out, because they are too many or there is no kernel.
  void check_other_goldens(const SweepCase& c, const std::vector<Types>& choices) {
    for (const SweepGolden* golden : sweep_goldens(c)) {
      if (golden->outputs.empty()) continue;  // TensorFlow refused the case, or crashed
      const Types types = parse_types(golden->types);
      if (std::find(choices.begin(), choices.end(), types) != choices.end()) continue;
      auto got = run(c, types, draw_inputs(c, types));
      if (got.ok()) {
        check_goldens(c, types, *got);
      } else {
        tally_.count(c.op, golden->types, c.number, got.status().to_string());
      }
    }
  }

  // What TensorFlow gave for these dtypes.
  void check_goldens(const SweepCase& c, const Types& types, const std::vector<Tensor>& got) {
    const SweepGolden* golden = sweep_golden(c, types);
    if (golden == nullptr || golden->outputs.empty()) return;
    std::string difference;
    if (golden->outputs[0] != "nothing") {  // the op has no result
      ASSERT_LE(golden->outputs.size(), got.size());
      for (size_t i = 0; i < golden->outputs.size() && difference.empty(); ++i) {
        const double tolerance = std::max(c.tolerance, tolerance_of(got[i].dtype()));
        difference = differs_from_golden(got[i], golden->outputs[i], tolerance);
        if (!difference.empty()) difference = internal::concat("output ", i, ": ", difference);
      }
    }
    tally_.count(c.op, text_of(types), c.number, difference);
  }

  Tally tally_{"sweep"};
};

TEST_P(ShapeSweep, AllShapesAndDtypes) {
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode == "sweep" && c.op == GetParam()) check(c);
  }
  // Rows that passes make are no ops of TensorFlow.
  EXPECT_GT(tally_.total(), 0) << "TensorFlow's results are missing: run make_sweep_goldens.py";
}

INSTANTIATE_TEST_SUITE_P(Ops, ShapeSweep, ::testing::ValuesIn(swept_rows()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace tw::test
