// The nodes that differentiation adds: names, sums, sparse forms, and what it refuses.
#include <gtest/gtest.h>

#include "core/autodiff/autodiff.h"
#include "core/autodiff/grad/vjp.h"

namespace tw {
namespace {

using grad::call;
using grad::call_n;
using grad::ints;
using grad::Val;
using grad::Vals;

class Gradients : public ::testing::Test {
 protected:
  Val placeholder(DType t, const Shape& s) {
    return {b_, Output{b_.add("Placeholder", {}, {{"dtype", t}, {"shape", s}}), 0}};
  }
  Val variable(const Shape& s) {
    return {b_, Output{b_.add("VarHandleOp", {}, {{"dtype", DType::kFloat}, {"shape", s}, {"shared_name", "v"}}), 0}};
  }
  Val read(Val handle) { return call("ReadVariableOp", {handle}, {{"dtype", DType::kFloat}}); }

  std::vector<Grad> differentiate(const Vals& ys, const Vals& xs, const GradientOptions& options = {}) {
    EXPECT_TRUE(b_.status().ok()) << b_.status().to_string();
    const std::vector<Output> y(ys.begin(), ys.end()), x(xs.begin(), xs.end());
    auto g = add_gradients(&graph_, y, x, options);
    status_ = g.ok() ? Status() : g.status();
    EXPECT_TRUE(g.ok() || refuse_) << status_.to_string();
    return g.ok() ? *g : std::vector<Grad>(xs.size());
  }
  // Expects an error and returns its text.
  std::string refused(const Vals& ys, const Vals& xs, const GradientOptions& options = {}) {
    refuse_ = true;
    differentiate(ys, xs, options);
    refuse_ = false;
    return status_.message();
  }
  const Node& node(Output o) { return graph_.node(o.node); }
  std::string op_of(Output o) { return std::string(node(o).op->name); }

  Graph graph_;
  Builder b_{&graph_};
  Status status_;
  bool refuse_ = false;
};

TEST_F(Gradients, AreNamedAsInTensorFlow) {
  const Val x = placeholder(DType::kFloat, {2, 3}), y = placeholder(DType::kFloat, {2, 3});
  const Val z = call("Mul", {x, y});
  const auto g = differentiate({z}, {x, y});
  EXPECT_TRUE(graph_.find("gradients/Shape"));
  EXPECT_TRUE(graph_.find("gradients/grad_ys_0"));
  EXPECT_TRUE(graph_.find("gradients/Fill"));
  EXPECT_EQ(node(g[0].dense).name, "gradients/Mul_grad/Mul");
  EXPECT_EQ(node(g[1].dense).name, "gradients/Mul_grad/Mul_1");
  differentiate({z}, {x});
  EXPECT_TRUE(graph_.find("gradients_1/Mul_grad/Mul"));
}

TEST_F(Gradients, OfAnInputUsedTwiceAreAddedUp) {
  const Val x = placeholder(DType::kFloat, {2});
  const auto g = differentiate({call("Mul", {x, x})}, {x});
  EXPECT_EQ(op_of(g[0].dense), "AddN");
  EXPECT_EQ(node(g[0].dense).name, "gradients/AddN");
}

TEST_F(Gradients, FollowTheAggregationAsked) {
  const Val x = placeholder(DType::kFloat, {2});
  const Val y = call_n("AddN", 1, {call("Sin", {x}), call("Cos", {x}), call("Exp", {x})}, {{"N", 3}})[0];
  EXPECT_EQ(node(differentiate({y}, {x})[0].dense).inputs.size(), 3u);
  EXPECT_EQ(node(differentiate({y}, {x}, {.aggregation = Aggregation::kTree})[0].dense).inputs.size(), 2u);
  EXPECT_EQ(op_of(differentiate({y}, {x}, {.aggregation = Aggregation::kAccumulate})[0].dense), "AccumulateNV2");
}

TEST_F(Gradients, OfUnreachableInputsAreAbsent) {
  const Val x = placeholder(DType::kFloat, {2}), other = placeholder(DType::kFloat, {2});
  const Val through_shape = call("Fill", {call("Shape", {other}), Val(b_, b_.scalar<float>(1))});
  const auto g = differentiate({call("Mul", {x, through_shape})}, {x, other});
  EXPECT_TRUE(g[0].valid());
  EXPECT_FALSE(g[1].valid());
}

TEST_F(Gradients, OfTheThingItselfAreItsSeed) {
  const Val x = placeholder(DType::kFloat, {2}), seed = placeholder(DType::kFloat, {2});
  EXPECT_EQ(node(differentiate({x}, {x})[0].dense).name, "gradients/Fill");
  const auto g = differentiate({x}, {x}, {.grad_ys = {seed}});
  EXPECT_EQ(node(g[0].dense).name, "gradients_1/grad_ys_0");
  EXPECT_EQ(node(g[0].dense).inputs[0], seed.output());
}

TEST_F(Gradients, StopWhereAsked) {
  const Val x = placeholder(DType::kFloat, {2});
  const Val inner = call("Sin", {x}), y = call("Mul", {inner, x});
  const auto whole = differentiate({y}, {x});
  EXPECT_EQ(op_of(whole[0].dense), "AddN");
  const auto part = differentiate({y}, {x}, {.stop_gradients = {inner}});
  EXPECT_EQ(op_of(part[0].dense), "Mul");
}

TEST_F(Gradients, WithRespectToIntermediatesReachBoth) {
  const Val x = placeholder(DType::kFloat, {2});
  const Val h = call("Sin", {x}), y = call("Square", {h});
  const auto g = differentiate({y}, {x, h});
  EXPECT_TRUE(g[0].valid());
  EXPECT_TRUE(g[1].valid());
}

TEST_F(Gradients, OfGatheredRowsStaySparse) {
  const Val v = variable({5, 2});
  const Val rows = grad::gather(call("Identity", {read(v)}), ints(b_, {1, 3, 1}));
  const auto g = differentiate({call("Square", {rows})}, {v});
  ASSERT_TRUE(g[0].sparse());
  EXPECT_EQ(graph_.shape(g[0].values), (Shape{3, 2}));
  EXPECT_EQ(graph_.shape(g[0].indices), (Shape{3}));
  const auto shape = graph_.constant_value(g[0].dense_shape);
  ASSERT_TRUE(shape);
  EXPECT_EQ(index_value(*shape, 0), 5);
}

TEST_F(Gradients, ThatAreAllSparseAreConcatenated) {
  const Val v = variable({5, 2});
  const Val a = call("ResourceGather", {v, ints(b_, {1})}, {{"dtype", DType::kFloat}});
  const Val c = call("ResourceGather", {v, ints(b_, {0, 2})}, {{"dtype", DType::kFloat}});
  const auto g = differentiate({a, c}, {v});
  ASSERT_TRUE(g[0].sparse());
  EXPECT_EQ(op_of(g[0].values), "ConcatV2");
  EXPECT_EQ(graph_.shape(g[0].values), (Shape{3, 2}));
}

TEST_F(Gradients, SparseAndDenseMakeDense) {
  const Val v = variable({5, 2});
  const Val value = read(v);
  const auto g = differentiate({grad::gather(value, ints(b_, {1})), call("Square", {value})}, {v});
  ASSERT_TRUE(g[0].valid());
  EXPECT_FALSE(g[0].sparse());
  EXPECT_EQ(graph_.shape(g[0].dense), (Shape{5, 2}));
}

TEST_F(Gradients, LookThroughReferences) {
  const Val v{b_, Output{b_.add("VariableV2", {}, {{"dtype", DType::kFloat}, {"shape", Shape{2}}}), 0}};
  const auto g = differentiate({call("Square", {call("Identity", {v})})}, {v});
  EXPECT_TRUE(g[0].valid());
}

TEST_F(Gradients, LeaveEqualShapesUnreduced) {
  const Val x = placeholder(DType::kFloat, {2, 3}), row = placeholder(DType::kFloat, {3});
  const auto g = differentiate({call("AddV2", {x, row})}, {x, row});
  EXPECT_EQ(op_of(g[0].dense), "Fill");
  EXPECT_EQ(op_of(g[1].dense), "Sum");
  // A batch of unknown size cannot be stretched by a row; by another batch it can.
  const Val batch = placeholder(DType::kFloat, Shape{kUnknownDim, 3}),
            other = placeholder(DType::kFloat, Shape{kUnknownDim, 3});
  const auto h = differentiate({call("AddV2", {batch, row})}, {batch, row});
  EXPECT_EQ(op_of(h[0].dense), "Fill");
  EXPECT_EQ(op_of(h[1].dense), "Sum");
  const auto k = differentiate({call("AddV2", {batch, other})}, {batch});
  EXPECT_EQ(op_of(k[0].dense), "Reshape");
}

TEST_F(Gradients, AskALanguageFirst) {
  const Val x = placeholder(DType::kFloat, {2});
  GradientOptions options;
  options.override_fn = [](Builder& b, const Node& n, std::span<const Output> dy,
                           std::vector<Grad>* dx) -> Result<bool> {
    if (n.op->name != "Sin") return false;
    dx->push_back(Grad::of(Output{b.add("Neg", {dy[0]}), 0}));
    return true;
  };
  const auto g = differentiate({call("Sin", {call("Cos", {x})})}, {x}, options);
  EXPECT_TRUE(graph_.find("gradients/Sin_grad/Neg"));
  EXPECT_FALSE(graph_.find("gradients/Sin_grad/Cos"));
  EXPECT_TRUE(g[0].valid());
}

TEST_F(Gradients, TakeTheForwardDeviceWhenColocated) {
  const Val x = placeholder(DType::kFloat, {2});
  b_.set_device("/cpu:0");
  const Val y = call("Sin", {x});
  b_.set_device("");
  differentiate({y}, {x}, {.colocate = true});
  EXPECT_EQ(graph_.node(*graph_.find("gradients/Sin_grad/Cos")).device, "/cpu:0");
}

TEST_F(Gradients, RefuseOpsWithoutOne) {
  const Val x = placeholder(DType::kFloat, {1, 2, 2, 5});
  const Val y = call("LRNGrad", {x, x, x});
  EXPECT_EQ(refused({y}, {x}), "No gradient defined for operation 'LRNGrad' (op type: LRNGrad)");
  EXPECT_EQ(status_.code(), Code::kNotFound);
  EXPECT_EQ(status_.node(), "LRNGrad");
  // Their results depend on the input smoothly, and TensorFlow has no derivative for them: none is no answer.
  for (const char* op : {"RandomShuffle", "Bitcast", "Unique"}) {
    const AttrMap attrs = op == std::string("Bitcast") ? AttrMap{{"type", DType::kFloat}} : AttrMap{};
    const Val v = placeholder(DType::kFloat, {5});
    refused({call(op, {v}, attrs)}, {v});
    EXPECT_EQ(status_.code(), Code::kNotFound) << op;
  }
}

TEST_F(Gradients, RefuseWherePrevented) {
  const Val x = placeholder(DType::kFloat, {2});
  const Val y = call("PreventGradient", {x}, {{"message", "because"}});
  EXPECT_EQ(refused({y}, {x}), "Gradient explicitly disabled. Reason: because");
}

TEST_F(Gradients, RefuseBadSeeds) {
  const Val x = placeholder(DType::kFloat, {2}), z = placeholder(DType::kComplex64, {2}),
            flag = placeholder(DType::kBool, {2});
  EXPECT_EQ(refused({x}, {x}, {.grad_ys = {x, x}}), "Passed 2 grad_ys for 1 ys");
  EXPECT_NE(refused({z}, {z}).find("Gradients of complex tensors must set grad_ys"), std::string::npos);
  EXPECT_NE(refused({flag}, {x}).find("must be numeric to obtain a default gradient"), std::string::npos);
  EXPECT_NE(refused({x}, {x}, {.grad_ys = {z}}).find("must be real or integer"), std::string::npos);
}

TEST_F(Gradients, NameTheForwardOpOfAWrongShape) {
  const Val x = placeholder(DType::kFloat, {2});
  GradientOptions options;
  options.override_fn = [](Builder& b, const Node&, std::span<const Output>, std::vector<Grad>* dx) -> Result<bool> {
    dx->push_back(Grad::of(b.vector<float>({1, 2, 3})));
    return true;
  };
  const std::string text = refused({call("Sin", {x})}, {x}, options);
  EXPECT_NE(text.find("Forward operation: Sin.  Input index: 0. Original input shape: [2]"), std::string::npos) << text;
}

TEST_F(Gradients, OfCastsFlowBetweenFloatingTypesOnly) {
  const Val x = placeholder(DType::kFloat, {2});
  EXPECT_TRUE(differentiate({grad::cast(x, DType::kDouble)}, {x})[0].valid());
  EXPECT_FALSE(differentiate({grad::cast(grad::cast(x, DType::kInt32), DType::kFloat)}, {x})[0].valid());
}

TEST_F(Gradients, OfComplexNumbersConjugate) {
  const Val x = placeholder(DType::kComplex64, {2}), y = placeholder(DType::kComplex64, {2}),
            seed = placeholder(DType::kComplex64, {2});
  const auto g = differentiate({call("Mul", {x, y})}, {x}, {.grad_ys = {seed}});
  EXPECT_EQ(op_of(node(g[0].dense).inputs[1]), "Conj");
}

}  // namespace
}  // namespace tw
