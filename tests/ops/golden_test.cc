// Each op against TensorFlow 1.15's results, through a session: with fed inputs of unknown shape, and with constants.
#include <gtest/gtest.h>

#include "core/graph/builder.h"
#include "core/runtime/session.h"
#include "tests/ops/golden.h"

namespace tw::test {
namespace {

enum class Inputs { kFed, kConstant };

class Golden : public ::testing::TestWithParam<GoldenCase> {
 protected:
  void check(Inputs how) {
    const GoldenCase& c = GetParam();
    auto graph = std::make_shared<Graph>();
    Builder b(graph.get());
    std::vector<Output> inputs, handles, reads;
    std::vector<NodeId> assigns;
    std::vector<std::pair<Output, Tensor>> feeds;
    for (const GoldenInput& in : c.inputs) {
      if (in.variable) {
        const Output handle{b.add("VarHandleOp", {},
                                  {{"dtype", in.value.dtype()},
                                   {"shape", in.value.shape()},
                                   {"shared_name", "v" + std::to_string(handles.size())}}),
                            0};
        assigns.push_back(b.add("AssignVariableOp", {handle, b.constant(in.value)}));
        handles.push_back(handle);
        reads.push_back({b.add("ReadVariableOp", {handle}, {{"dtype", in.value.dtype()}}), 0});
        inputs.push_back(handle);
      } else if (how == Inputs::kConstant) {
        inputs.push_back(b.constant(in.value));
      } else {
        inputs.push_back({b.add("Placeholder", {}, {{"dtype", in.value.dtype()}, {"shape", Shape::unknown()}}), 0});
        feeds.push_back({inputs.back(), in.value});
      }
    }
    const NodeId id = b.add(c.op, inputs, c.attrs);
    ASSERT_TRUE(b.status().ok()) << b.status().to_string();
    SessionOptions options;
    options.intra_op_threads = 2;
    options.optimize = how == Inputs::kFed;
    auto session = Session::create(graph, options);
    ASSERT_TRUE(session.ok()) << session.status().to_string();
    std::vector<Tensor> results;
    if (!assigns.empty()) {
      const Status s = (*session)->run({}, {}, {}, assigns, &results);
      ASSERT_TRUE(s.ok()) << s.to_string();
    }
    std::vector<Output> fetches;
    for (size_t i = 0; i < c.outputs.size(); ++i) fetches.push_back({id, static_cast<int32_t>(i)});
    const NodeId targets[] = {id};
    Status s = (*session)->run(
        {}, feeds, fetches, fetches.empty() ? std::span<const NodeId>(targets) : std::span<const NodeId>(), &results);
    ASSERT_TRUE(s.ok()) << s.to_string();
    for (size_t i = 0; i < c.outputs.size(); ++i) {
      EXPECT_EQ(difference(results[i], c.outputs[i], c.tolerance), "") << "output " << i;
      EXPECT_TRUE(compatible(graph->shape(fetches[i]), c.outputs[i].shape()))
          << "inferred " << graph->shape(fetches[i]) << " for output " << i;
    }
    if (c.after.empty()) return;
    s = (*session)->run({}, {}, reads, {}, &results);
    ASSERT_TRUE(s.ok()) << s.to_string();
    for (size_t i = 0; i < c.after.size(); ++i) {
      EXPECT_EQ(difference(results[i], c.after[i], c.tolerance), "") << "variable " << i << " afterwards";
    }
  }
};

TEST_P(Golden, Fed) { check(Inputs::kFed); }
TEST_P(Golden, Constant) { check(Inputs::kConstant); }

INSTANTIATE_TEST_SUITE_P(Ops, Golden, ::testing::ValuesIn(golden_cases()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace

void PrintTo(const GoldenCase& c, std::ostream* out) { *out << c.name(); }

}  // namespace tw::test
