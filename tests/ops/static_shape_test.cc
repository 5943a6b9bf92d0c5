// The shapes that a graph knows of an op's outputs are TensorFlow 1.15's, or say more, whether the inputs' values are
// known, their shapes only, their ranks only, or nothing.
#include <gtest/gtest.h>

#include <sstream>

#include "core/graph/builder.h"
#include "tests/ops/sweep.h"
#include "tests/ops/tally.h"

namespace tw::test {
namespace {

std::vector<std::string> rows() {
  std::vector<std::string> names;
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode == "sweep" && !static_goldens(c).empty() && (names.empty() || names.back() != c.op)) {
      names.push_back(c.op);
    }
  }
  return names;
}

constexpr std::string_view kKnowledge[] = {"values", "shapes", "ranks", "nothing"};

// The outputs' shapes, or "error: why".
std::string inferred(const SweepCase& c, const Types& types, std::string_view known, std::vector<Shape>* shapes) {
  Graph graph;
  Builder b(&graph);
  std::vector<Output> inputs;
  int handles = 0;
  for (const OpInput& in : draw_inputs(c, types)) {
    const DType dtype = in.value.dtype();
    const Shape& shape = in.value.shape();
    if (in.variable) {
      const std::string name = "v" + std::to_string(handles++);
      inputs.push_back({b.add("VarHandleOp", {}, {{"dtype", dtype}, {"shape", shape}, {"shared_name", name}}), 0});
    } else if (known == "values") {
      inputs.push_back(b.constant(in.value));
    } else {
      Shape s = shape;
      if (known == "nothing") s = Shape::unknown();
      for (int i = 0; known == "ranks" && i < s.rank(); ++i) s.set_dim(i, -1);
      inputs.push_back({b.add("Placeholder", {}, {{"dtype", dtype}, {"shape", s}}), 0});
    }
  }
  const NodeId id = b.add(c.op, inputs, attrs_of(c, types));
  if (!b.status().ok()) return "error: " + b.status().message();
  const int count = static_cast<int>(graph.node(id).output_dtypes.size());
  std::string text;
  for (int i = 0; i < (c.num_outputs < 0 ? count : c.num_outputs); ++i) {
    shapes->push_back(graph.shape({id, i}));
    text += (i == 0 ? "" : " ") + shapes->back().to_string();
  }
  return text.empty() ? "nothing" : text;
}

// Whether the shapes say all that those of the text say.
bool refine(const std::vector<Shape>& got, const std::string& text) {
  std::istringstream in(text);
  size_t i = 0;
  for (std::string word; in >> word; ++i) {
    auto want = parse_attr(AttrType::kShape, word);
    EXPECT_TRUE(want.ok()) << want.status().to_string();
    if (!want.ok() || i == got.size()) return false;
    auto both = merge(got[i], *want->get<Shape>());
    if (!both.ok() || !(*both == got[i])) return false;
  }
  return i == got.size();
}

class StaticShapes : public ::testing::TestWithParam<std::string> {};

TEST_P(StaticShapes, AreTensorFlows) {
  Tally tally("static");
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode != "sweep" || c.op != GetParam()) continue;
    for (const SweepGolden* golden : static_goldens(c)) {
      ASSERT_EQ(golden->outputs.size(), std::size(kKnowledge));
      for (size_t k = 0; k < std::size(kKnowledge); ++k) {
        const std::string& want = golden->outputs[k];
        std::vector<Shape> shapes;
        const std::string got = inferred(c, parse_types(golden->types), kKnowledge[k], &shapes);
        const bool same = want == "error"     ? got.compare(0, 6, "error:") == 0
                          : want == "nothing" ? got == want
                                              : refine(shapes, want);
        tally.count(c.op, kKnowledge[k], c.number, same ? "" : "got " + got + ", want " + want);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, StaticShapes, ::testing::ValuesIn(rows()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace tw::test
