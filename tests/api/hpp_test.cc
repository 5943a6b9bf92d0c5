// The C++ header over the C API: building, running, gradients, and errors as exceptions.
#include <gtest/gtest.h>
#include <thalweg/thalweg.hpp>

namespace {

TEST(Hpp, RunsAGraph) {
  tw::Graph g;
  const tw::Output x = g.placeholder<float>({-1, 2});
  const tw::Output y = g.op("MatMul", {x, g.constant<float>({2, 1}, {10, 1})});
  tw::Session session(g);
  const tw::Tensor result = session.run({{x, tw::Tensor::of<float>({2, 2}, {1, 2, 3, 4})}}, {y})[0];
  EXPECT_EQ(result.shape(), (tw::Shape{2, 1}));
  EXPECT_EQ(result.to_vector<float>(), (std::vector<float>{12, 34}));
}

TEST(Hpp, VariablesAndGradients) {
  tw::Graph g;
  const tw::Variable v = g.variable<float>("v", {2});
  const tw::Output read = v.read();
  const tw::Output loss = g.op("Sum", {g.op("Square", {read}), g.constant<int32_t>({1}, {0})});
  const tw::Output dv = g.gradients({loss}, {read})[0];
  ASSERT_TRUE(dv.valid());
  tw::Session session(g);
  session.run_targets({v.assign(g.constant<float>({2}, {3, -4}))});
  EXPECT_EQ(session.run({}, {dv})[0].to_vector<float>(), (std::vector<float>{6, -8}));
  session.run_targets({v.assign_sub(dv)});
  EXPECT_EQ(session.run({}, {v.read()})[0].to_vector<float>(), (std::vector<float>{-3, 4}));
}

TEST(Hpp, SparseGradientsAreMadeDense) {
  tw::Graph g;
  const tw::Output table = g.placeholder<float>({4, 2});
  const tw::Output rows = g.op("GatherV2", {table, g.constant<int32_t>({3}, {1, 3, 1}), g.scalar<int32_t>(0)});
  const tw::Output dx = g.gradients({rows}, {table})[0];
  tw::Session session(g);
  const tw::Tensor t = session.run({{table, tw::Tensor::of<float>({4, 2}, std::vector<float>(8, 1))}}, {dx})[0];
  EXPECT_EQ(t.to_vector<float>(), (std::vector<float>{0, 0, 2, 2, 0, 0, 1, 1}));
}

TEST(Hpp, ErrorsAreThrown) {
  tw::Graph g;
  const tw::Output a = g.constant<float>({2, 3}, std::vector<float>(6)),
                   b = g.constant<float>({2, 3}, std::vector<float>(6));
  try {
    g.op("MatMul", {a, b}, {}, "product");
    FAIL() << "no error";
  } catch (const tw::Error& e) {
    EXPECT_EQ(e.code(), TW_INVALID_ARGUMENT);
    EXPECT_EQ(e.node(), "product");
    EXPECT_NE(std::string(e.what()).find("Dimensions must be equal, but are 3 and 2"), std::string::npos) << e.what();
  }
  EXPECT_THROW(g.find("nowhere"), tw::Error);
  EXPECT_THROW(tw::Tensor::scalar(1.0f).data<double>(), tw::Error);
}

}  // namespace
