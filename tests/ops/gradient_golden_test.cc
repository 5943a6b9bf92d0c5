// Gradients in double precision are TensorFlow 1.15's, over the shapes of the rows' patterns.
#include <gtest/gtest.h>

#include "core/autodiff/autodiff.h"
#include "core/graph/builder.h"
#include "core/runtime/session.h"
#include "tests/ops/sweep.h"
#include "tests/ops/tally.h"

namespace tw::test {
namespace {

std::vector<std::string> rows() {
  std::vector<std::string> names;
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode == "sweep" && !gradient_goldens(c).empty() && (names.empty() || names.back() != c.op)) {
      names.push_back(c.op);
    }
  }
  return names;
}

// What the outputs are weighed with: the goldens' script draws the same numbers.
Tensor weights(const Tensor& like, uint64_t seed) {
  Tensor w = Tensor::make_or_die(like.dtype(), like.shape());
  for (int64_t i = 0; i < w.num_elements(); ++i) {
    const double v = static_cast<double>(draw(seed, static_cast<uint64_t>(i)) % 2001) / 1000 - 1;
    visit_floating(w.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (sizeof(T) == 2) w.data<T>()[i] = T(static_cast<float>(v));
      else w.data<T>()[i] = static_cast<T>(v);
    });
  }
  return w;
}

class Case {
 public:
  Case(const SweepCase& c, const Types& types) : graph_(std::make_shared<Graph>()), b_(graph_.get()) {
    std::vector<Output> inputs;
    for (const OpInput& in : draw_inputs(c, types)) {
      inputs.push_back(b_.constant(in.value));
      if (is_floating(in.value.dtype())) xs_.push_back(inputs.back());
    }
    const NodeId id = b_.add(c.op, inputs, attrs_of(c, types));
    if (!b_.status().ok()) return;
    const auto& dtypes = graph_->node(id).output_dtypes;
    const int count = c.num_outputs < 0 ? static_cast<int>(dtypes.size()) : c.num_outputs;
    for (int i = 0; i < count; ++i) {
      if (is_floating(dtypes[static_cast<size_t>(i)])) ys_.push_back({id, i});
    }
  }

  // Empty when the derivatives are the golden's, else what differs.
  std::string differs(const std::vector<std::string>& golden, double tolerance) {
    std::string text;
    const Status s = compare(golden, tolerance, &text);
    return s.ok() ? text : s.to_string();
  }

 private:
  // After the outputs, as the goldens' script does: a random op then draws its second numbers.
  Result<std::vector<Tensor>> run_second(const std::vector<Output>& fetches) {
    TW_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::create(graph_, SessionOptions{}));
    std::vector<Tensor> values;
    TW_RETURN_IF_ERROR(session->run({}, {}, ys_, {}, &values));
    TW_RETURN_IF_ERROR(session->run({}, {}, fetches, {}, &values));
    return values;
  }

  Status compare(const std::vector<std::string>& golden, double tolerance, std::string* text) {
    TW_RETURN_IF_ERROR(b_.status());
    TW_ASSIGN_OR_RETURN(const std::vector<Tensor> ys, run_second(ys_));
    GradientOptions options;
    for (size_t i = 0; i < ys.size(); ++i) options.grad_ys.push_back(b_.constant(weights(ys[i], 2 + i)));
    TW_ASSIGN_OR_RETURN(const std::vector<Grad> found, add_gradients(graph_.get(), ys_, xs_, options));
    std::vector<Output> fetches;
    for (const Grad& g : found) {
      if (g.valid()) fetches.push_back(densify(b_, g));
    }
    TW_RETURN_IF_ERROR(b_.status());
    TW_ASSIGN_OR_RETURN(const std::vector<Tensor> values, run_second(fetches));
    size_t at = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const std::string want = i < golden.size() ? golden[i] : "nothing";
      const std::string one = !found[i].valid() ? want == "none" ? "" : "none, want " + want
                              : want == "none"  ? "want none"
                                                : differs_from_golden(values[at], want, tolerance);
      at += found[i].valid();
      if (!one.empty() && text->empty()) *text = internal::concat("input ", i, ": ", one);
    }
    return Status();
  }

  std::shared_ptr<Graph> graph_;
  Builder b_;
  std::vector<Output> xs_, ys_;
};

class GradientGoldens : public ::testing::TestWithParam<std::string> {};

TEST_P(GradientGoldens, AreTensorFlows) {
  Tally tally("gradient");
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode != "sweep" || c.op != GetParam()) continue;
    for (const SweepGolden* golden : gradient_goldens(c)) {
      const Types types = parse_types(golden->types);
      const bool single =
          std::any_of(types.begin(), types.end(), [](const auto& t) { return t.second == DType::kFloat; });
      const bool twice =
          std::any_of(types.begin(), types.end(), [](const auto& t) { return t.second == DType::kDouble; });
      const double tolerance = std::max(c.tolerance, twice && !single ? 1e-10 : 2e-5);
      tally.count(c.op, "", c.number, Case(c, types).differs(golden->outputs, tolerance));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, GradientGoldens, ::testing::ValuesIn(rows()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace tw::test
