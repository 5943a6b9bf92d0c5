// The gradient of every op that has one, by finite differences in double precision, on the inputs of its golden cases.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/framework/op_ids.gen.h"
#include "tests/autodiff/numeric.h"
#include "tests/ops/golden.h"
#include "tests/ops/sweep.h"

namespace tw::test {
namespace {

DType to_double(DType t) { return t == DType::kFloat ? DType::kDouble : t; }

AttrMap to_double(AttrMap attrs) {
  attrs.replace_values([](const AttrValue& value) -> std::optional<AttrValue> {
    if (const DType* t = value.get<DType>()) return AttrValue(to_double(*t));
    const auto* list = value.get<std::vector<DType>>();
    if (list == nullptr) return std::nullopt;
    std::vector<DType> types = *list;
    for (DType& t : types) t = to_double(t);
    return AttrValue(types);
  });
  return attrs;
}

bool is_list(const ArgDef& arg) { return !arg.number_attr.empty() || !arg.type_list_attr.empty(); }

// Which argument each input of a case belongs to.
std::vector<int> arguments(const OpDef& op, size_t inputs) {
  size_t lists = 0;
  for (const ArgDef& a : op.inputs) lists += is_list(a);
  std::vector<int> owner;
  for (size_t a = 0; a < op.inputs.size(); ++a) {
    const size_t count = is_list(op.inputs[a]) ? 1 + (inputs - op.inputs.size()) / lists : 1;
    owner.insert(owner.end(), count, static_cast<int>(a));
  }
  return owner;
}

// Whether the row takes doubles where the case has floats.
bool takes_double(const OpDef& op, const GoldenCase& c) {
  const std::vector<int> owner = arguments(op, c.inputs.size());
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (c.inputs[i].value.dtype() != DType::kFloat) continue;
    const ArgDef& arg = op.inputs[static_cast<size_t>(owner[i])];
    if (arg.dtype != DType::kInvalid) return false;
    const AttrDef* attr = op.find_attr(arg.type_attr);
    if (!attr || attr->allowed_types.empty()) continue;
    if (std::find(attr->allowed_types.begin(), attr->allowed_types.end(), DType::kDouble) ==
        attr->allowed_types.end()) {
      return false;
    }
  }
  return true;
}

// Whether this mode applies: the row has a gradient, and a float goes in and comes out.
bool applies(const GoldenCase& c) {
  const OpDef* op = find_op(c.op);
  if (!op || !grad_entry(op->id).fn || !takes_double(*op, c)) return false;
  if (!skip_reason(op->name, "gradient").empty()) return false;
  bool in = false, out = false;
  for (const OpInput& i : c.inputs) {
    if (i.variable || is_complex(i.value.dtype())) return false;
    in = in || (i.value.dtype() == DType::kFloat && i.value.num_elements() > 0);
  }
  for (const Tensor& o : c.outputs) out = out || o.dtype() == DType::kFloat;
  return in && out;
}

std::vector<GoldenCase> cases() {
  std::vector<GoldenCase> found;
  for (const GoldenCase& c : golden_cases()) {
    if (applies(c)) found.push_back(c);
  }
  return found;
}

class Gradient : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(Gradient, MatchesFiniteDifferences) {
  const GoldenCase& c = GetParam();
  const OpDef& op = *find_op(c.op);
  const GradEntry& entry = grad_entry(op.id);
  std::vector<testing::In> inputs;
  testing::CheckOptions options;
  options.tolerance = 2e-5;
  options.order = skip_reason(op.name, "second_order").empty() ? 2 : 1;
  const std::vector<int> argument = arguments(op, c.inputs.size());
  std::vector<int> slot(c.inputs.size(), -1);
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const Tensor& t = c.inputs[i].value;
    if (t.dtype() != DType::kFloat || t.num_elements() == 0) continue;
    const auto values = t.flat<float>();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    slot[i] = static_cast<int>(inputs.size());
    if ((entry.not_differentiable >> argument[i]) & 1) options.constant_inputs.push_back(slot[i]);
    // Differences move single numbers, so distributions are made from free ones, by softmax.
    if (c.inputs[i].distributions) {
      inputs.push_back({t.shape()});
      continue;
    }
    // A single value is kept off its neighbours by a little room.
    inputs.push_back({t.shape(), *low, *low == *high ? *low + 0.25 : *high});
  }
  const auto f = [&](const grad::Vals& x) {
    Builder& b = x[0].builder();
    grad::Vals in;
    for (size_t i = 0; i < c.inputs.size(); ++i) {
      if (slot[i] >= 0) {
        const grad::Val v = x[static_cast<size_t>(slot[i])];
        in.push_back(c.inputs[i].distributions ? grad::call("Softmax", {v}) : v);
      } else if (c.inputs[i].value.dtype() == DType::kFloat) {
        in.push_back({b, b.constant(Tensor::make_or_die(DType::kDouble, c.inputs[i].value.shape()))});
      } else {
        in.push_back({b, b.constant(c.inputs[i].value)});
      }
    }
    // call_n takes the builder of its first input, which may be any of these.
    grad::Vals outputs = grad::call_n(c.op, c.outputs.size(), in, to_double(c.attrs)), flat;
    for (const grad::Val& y : outputs) {
      if (y.dtype() == DType::kDouble) flat.push_back(grad::as_vector(y));
    }
    return flat.size() == 1 ? flat[0] : grad::concat(flat, 0);
  };
  testing::check_gradient(c.name(), inputs, f, options);
}

INSTANTIATE_TEST_SUITE_P(Ops, Gradient, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name(); });

// No row leaves a mode in silence, and no reason stays behind where it has become untrue.
TEST(Modes, EveryRowRunsOrSaysWhyNot) {
  std::map<std::string, std::set<std::string>> runs;  // op -> modes
  for (const GoldenCase& c : golden_cases()) runs[c.op].insert("values");
  for (const GoldenCase& c : cases()) runs[c.op].insert("gradient");
  for (const SweepCase& c : sweep_cases()) runs[c.op].insert(c.mode);
  int count = 0;
  for (const OpDef& op : all_ops()) {
    for (const char* mode : {"values", "gradient", "sweep", "bad_input", "speed"}) {
      const std::string reason = skip_reason(op.name, mode);
      const bool run = runs[std::string(op.name)].count(mode) != 0;
      EXPECT_NE(run, !reason.empty()) << op.name << " in mode " << mode << (run ? " runs, although: " : ": no case ")
                                      << reason;
      ++count;
    }
  }
  EXPECT_EQ(count, 5 * kNumOps);
}

}  // namespace
}  // namespace tw::test
