#include "core/graph/graph.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/graph/builder.h"

namespace tw {
namespace {

constexpr int64_t U = kUnknownDim;

Output placeholder(Builder& b, DType t, const Shape& s) {
  return {b.add("Placeholder", {}, {{"dtype", t}, {"shape", s}}), 0};
}
Output ints(Builder& b, std::initializer_list<int32_t> v) { return b.vector<int32_t>(v); }
Output one(Builder& b, std::string_view op, std::vector<Output> in, AttrMap attrs = {}) {
  return {b.add(op, std::move(in), std::move(attrs)), 0};
}

TEST(Graph, InfersAsNodesAreAdded) {
  Graph g;
  Builder b(&g, "scope");
  const Output x = placeholder(b, DType::kFloat, {U, 3}), w = placeholder(b, DType::kFloat, {3, 4});
  const Output y = one(b, "MatMul", {x, w});
  ASSERT_TRUE(b.status().ok()) << b.status().to_string();
  EXPECT_EQ(g.shape(y), (Shape{U, 4}));
  EXPECT_EQ(g.dtype(y), DType::kFloat);
  EXPECT_EQ(g.node(x.node).name, "scope/Placeholder");
  EXPECT_EQ(g.node(w.node).name, "scope/Placeholder_1");
  EXPECT_EQ(*g.find("scope/MatMul"), y.node);
  ASSERT_TRUE(g.set_shape(y, {7, U}).ok());
  EXPECT_EQ(g.shape(y), (Shape{7, 4}));
  EXPECT_EQ(g.set_shape(y, {8, 4}).code(), Code::kInvalidArgument);
  EXPECT_TRUE(verify(g).ok());
}

TEST(Graph, CopiesOfCopiesKnowTheNames) {
  Graph shared;
  Builder b(&shared, "s");
  const Output x = placeholder(b, DType::kFloat, {2});
  ASSERT_TRUE(b.status().ok());
  const auto body = shared.copy();
  const auto add = [&](Graph& g, const char* name) {
    NodeSpec spec;
    spec.op = "Neg", spec.name = name, spec.inputs = {x};
    return g.add(std::move(spec));
  };
  const NodeId neg = *add(*body, "s/neg");
  const auto first = body->copy();
  ASSERT_TRUE(add(*body, "s/later").ok());
  const auto second = body->copy();
  for (Graph* g : {body.get(), first.get(), second.get()}) {
    EXPECT_EQ(*g->find("s/Placeholder"), x.node);
    EXPECT_EQ(*g->find("s/neg"), neg);
    EXPECT_EQ(add(*g, "s/neg").status().code(), Code::kAlreadyExists);
    EXPECT_EQ(g->unique_name("s/neg"), "s/neg_1");
  }
  EXPECT_FALSE(first->find("s/later").has_value());
  EXPECT_TRUE(second->find("s/later").has_value());

  // A name is free when its node is gone, in this copy alone; and gone for good with whatever took it.
  first->remove(neg);
  EXPECT_FALSE(first->find("s/neg").has_value());
  const NodeId again = *add(*first, "s/neg");
  EXPECT_EQ(*first->find("s/neg"), again);
  first->remove(neg);
  EXPECT_EQ(*first->find("s/neg"), again);
  EXPECT_EQ(*second->find("s/neg"), neg);
  const auto third = first->copy();
  EXPECT_EQ(*third->find("s/neg"), again);
  third->remove(again);
  EXPECT_FALSE(third->find("s/neg").has_value());
  EXPECT_EQ(*first->find("s/neg"), again);

  const std::vector<NodeId> now = second->renumber(std::vector<NodeId>{*second->find("s/Placeholder"), neg});
  EXPECT_EQ(*second->find("s/neg"), now[static_cast<size_t>(neg)]);
  EXPECT_FALSE(second->find("s/later").has_value());
}

TEST(Graph, ErrorsNameOpShapesAndNode) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {2, 3}), n = placeholder(b, DType::kInt32, {2, 3});
  const auto error = [&](NodeSpec spec) {
    auto r = g.add(std::move(spec));
    EXPECT_FALSE(r.ok());
    return r.status();
  };
  const Status shapes = error({"MatMul", "m", {x, x}, {}, {}, "", "prog.py:12"});
  EXPECT_EQ(shapes.message(),
            "Dimensions must be equal, but are 3 and 2 for 'm' (op: 'MatMul') with input shapes: [2,3], [2,3].");
  EXPECT_EQ(shapes.node(), "m");
  EXPECT_EQ(shapes.where(), "prog.py:12");
  EXPECT_EQ(error({"MatMul", "m", {x, n}, {}, {}, "", ""}).message(),
            "Input 'b' of 'MatMul' Op has type int32 that does not match type float32 of argument 'a'.");
  EXPECT_EQ(error({"NoOp", "Placeholder", {}, {}, {}, "", ""}).code(), Code::kAlreadyExists);
  EXPECT_EQ(error({"NoOp", "a b", {}, {}, {}, "", ""}).message(), "'a b' is not a valid node name");
  EXPECT_EQ(error({"Nope", "a", {}, {}, {}, "", ""}).code(), Code::kNotFound);
  EXPECT_EQ(error({"Neg", "a", {{x.node, 1}}, {}, {}, "", ""}).code(), Code::kInvalidArgument);
  EXPECT_EQ(error({"Neg", "a", {{99, 0}}, {}, {}, "", ""}).code(), Code::kInvalidArgument);
  EXPECT_EQ(error({"NoOp", "a", {}, {99}, {}, "", ""}).code(), Code::kInvalidArgument);
  EXPECT_FALSE(g.find("a").has_value());
  EXPECT_EQ(g.num_nodes(), 2);
}

TEST(Builder, KeepsTheFirstErrorAndGoesOnHarmlessly) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {2, 3});
  const Output bad = one(b, "MatMul", {x, x});
  EXPECT_FALSE(bad.valid());
  const Output worse = one(b, "Neg", {bad});
  EXPECT_FALSE(worse.valid());
  EXPECT_EQ(b.status().node(), "MatMul");
  EXPECT_EQ(g.num_nodes(), 1);
}

TEST(Graph, ShapesThatValuesSpell) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {U, 6});
  const auto reshaped = [&](Output shape) {
    const Output y = one(b, "Reshape", {x, shape});
    EXPECT_TRUE(b.status().ok()) << b.status().to_string();
    return g.shape(y);
  };
  EXPECT_EQ(reshaped(ints(b, {-1, 2, 3})), (Shape{U, 2, 3}));
  // The batch from Shape and StridedSlice, the rest constant: tf.stack([tf.shape(x)[0], 2, 3]).
  const Output batch = one(b, "StridedSlice", {one(b, "Shape", {x}), ints(b, {0}), ints(b, {1}), ints(b, {1})},
                           {{"shrink_axis_mask", 1}});
  EXPECT_EQ(reshaped(one(b, "Pack", {batch, b.scalar<int32_t>(2), b.scalar<int32_t>(3)})), (Shape{U, 2, 3}));
  EXPECT_EQ(reshaped(one(b, "ConcatV2", {ints(b, {-1}), ints(b, {6}), b.scalar<int32_t>(0)})), (Shape{U, 6}));
  const Output six = one(b, "StridedSlice", {one(b, "Shape", {x}), ints(b, {1}), ints(b, {2}), ints(b, {1})});
  EXPECT_EQ(reshaped(one(b, "ConcatV2", {ints(b, {-1}), one(b, "Mul", {six, ints(b, {1})}), b.scalar<int32_t>(0)})),
            (Shape{U, 6}));
  EXPECT_EQ(g.constant_value(six)->summary(), "int32 [1] = 6");
  EXPECT_EQ(g.constant_value(one(b, "Cast", {six}, {{"DstT", DType::kInt64}}))->summary(), "int64 [1] = 6");
  // An axis counted from the end: tf.where(axis >= 0, axis, axis + rank).
  const auto from_front = [&](int32_t value) {
    const Output axis = b.scalar<int32_t>(value), rank = one(b, "Rank", {x});
    return one(b, "SelectV2",
               {one(b, "GreaterEqual", {axis, b.scalar<int32_t>(0)}), axis, one(b, "AddV2", {axis, rank})});
  };
  EXPECT_EQ(g.constant_value(from_front(-1))->summary(), "int32 [] = 1");
  EXPECT_EQ(g.constant_value(from_front(0))->summary(), "int32 [] = 0");
  EXPECT_FALSE(g.constant_value(batch).has_value());
  EXPECT_FALSE(g.constant_value(x).has_value());
}

TEST(Graph, NamesAreMadeUnique) {
  Graph g;
  Builder b(&g);
  for (int i = 0; i < 3; ++i) b.add("NoOp", {});
  EXPECT_TRUE(g.find("NoOp_2").has_value());
  EXPECT_EQ(g.unique_name("NoOp"), "NoOp_3");
  EXPECT_EQ(g.unique_name("fresh"), "fresh");
}

TEST(Graph, EdgesAfterTheFactNeverCloseCycles) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {2}), n = placeholder(b, DType::kInt32, {2});
  const Output y = one(b, "Neg", {x}), z = one(b, "Add", {y, x});
  EXPECT_EQ(g.set_input(y.node, 0, z).code(), Code::kInvalidArgument);
  EXPECT_EQ(g.set_input(z.node, 0, n).code(), Code::kInvalidArgument);
  EXPECT_EQ(g.set_input(z.node, 5, x).code(), Code::kInvalidArgument);
  ASSERT_TRUE(g.set_input(z.node, 1, y).ok());
  EXPECT_EQ(g.node(z.node).inputs[1], y);
  EXPECT_EQ(g.add_control(x.node, z.node).code(), Code::kInvalidArgument);
  ASSERT_TRUE(g.add_control(z.node, n.node).ok());
  ASSERT_TRUE(g.add_control(z.node, n.node).ok());
  EXPECT_EQ(g.node(z.node).controls, std::vector<NodeId>{n.node});
  EXPECT_TRUE(verify(g).ok());
}

TEST(Graph, CopiesAreEditedApart) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {2}), y = one(b, "Neg", {x}), z = one(b, "Exp", {y});
  auto copy = g.copy();
  copy->replace_uses(y, x);
  copy->remove(y.node);
  EXPECT_EQ(copy->topological_order(), (std::vector<NodeId>{x.node, z.node}));
  EXPECT_TRUE(verify(*copy).ok());
  EXPECT_FALSE(copy->find("Neg").has_value());
  EXPECT_EQ(g.node(z.node).inputs[0], y);
  const Uses uses(*copy);
  ASSERT_EQ(uses.of(x.node).size(), 1u);
  EXPECT_EQ(uses.of(x.node)[0].node, z.node);
  EXPECT_TRUE(uses.of(z.node).empty());
}

TEST(Graph, CopiesNameTheirNodesApart) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {2});
  one(b, "Neg", {x});
  auto copy = g.copy();
  EXPECT_EQ(copy->unique_name("Neg"), "Neg_1");
  NodeSpec again{"Exp", "Neg", {x}, {}, {}, "", ""};
  EXPECT_EQ(copy->add(again).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(*copy->find("Neg"), *g.find("Neg"));
}

TEST(Graph, OrdersNodesThatWereMadeLate) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {2});
  const Output y = one(b, "Neg", {x}), z = one(b, "Exp", {x}), late = one(b, "Abs", {x});
  EXPECT_EQ(g.topological_order(), (std::vector<NodeId>{x.node, y.node, z.node, late.node}));
  ASSERT_TRUE(g.set_input(y.node, 0, late).ok());
  EXPECT_EQ(g.topological_order(), (std::vector<NodeId>{x.node, z.node, late.node, y.node}));
  // Nodes of many words of the set of those that are ready.
  std::vector<Output> chain{x};
  for (int i = 0; i < 500; ++i) chain.push_back(one(b, "Neg", {chain.back()}));
  ASSERT_TRUE(g.set_input(late.node, 0, chain.back()).ok());
  const std::vector<NodeId> order = g.topological_order();
  ASSERT_EQ(order.size(), 504u);
  EXPECT_EQ(order[order.size() - 2], late.node);
  EXPECT_EQ(order.back(), y.node);
}

TEST(Graph, VerifyFindsWhatAPassBroke) {
  Graph g;
  Builder b(&g);
  const Output x = placeholder(b, DType::kFloat, {2}), y = one(b, "Neg", {x}), z = one(b, "Exp", {y});
  const auto broken = [&](auto&& edit) {
    auto copy = g.copy();
    edit(*copy);
    return verify(*copy).message();
  };
  EXPECT_NE(broken([&](Graph& c) { c.mutable_node(y.node).inputs[0] = z; }).find("cycle"), std::string::npos);
  EXPECT_NE(broken([&](Graph& c) { c.remove(x.node); }).find("comes from no node"), std::string::npos);
  EXPECT_NE(broken([&](Graph& c) { c.mutable_node(z.node).name = "Neg"; }).find("two nodes"), std::string::npos);
  EXPECT_NE(broken([&](Graph& c) { c.mutable_node(z.node).inputs.clear(); }).find("takes 1 inputs"), std::string::npos);
  EXPECT_NE(broken([&](Graph& c) { c.mutable_node(x.node).output_dtypes[0] = DType::kInt8; }).find("has type int8"),
            std::string::npos);
}

TEST(Graph, ThreadsAddAndReadAtOnce) {
  Graph g;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&g, t] {
      Builder b(&g, internal::concat("t", t));
      Output x = b.scalar<float>(1);
      for (int i = 0; i < 200; ++i) {
        x = one(b, "Neg", {x});
        ASSERT_TRUE(b.status().ok());
        ASSERT_EQ(g.shape(x), Shape{});
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(g.num_nodes(), 4 * 201);
  EXPECT_TRUE(verify(g).ok());
}

TEST(FunctionLibrary, GoesWithItsGraph) {
  auto g = parse(
      "func @f(x=%x) -> (y=%y) [\n %x:float<unknown> = _Arg() {T=float, index=0}\n %y = _Retval(%x) {index=0}\n]\n");
  ASSERT_TRUE(g.ok());
  const std::weak_ptr<FunctionLibrary> library = (*g)->library();
  EXPECT_EQ((*g)->library()->find("f")->body->library().get(), library.lock().get());
  g = Result<std::unique_ptr<Graph>>(nullptr);
  EXPECT_TRUE(library.expired());
}

TEST(FunctionLibrary, EqualFunctionsMayComeTwice) {
  const auto make = [](std::string_view op) {
    auto g = parse(internal::concat(
        "func @f(x=%x) -> (y=%y) [\n %x:float<unknown> = _Arg() {T=float, index=0}\n %z:float<unknown> = ", op,
        "(%x)\n %y = _Retval(%z) {index=0}\n]\n"));
    EXPECT_TRUE(g.ok()) << g.status().to_string();
    return (*g)->library()->find("f");
  };
  FunctionLibrary library;
  ASSERT_TRUE(library.add(make("Neg")).ok());
  EXPECT_TRUE(library.add(make("Neg")).ok());
  EXPECT_EQ(library.add(make("Exp")).code(), Code::kAlreadyExists);
  EXPECT_EQ(library.all().size(), 1u);
  EXPECT_EQ(library.find("g"), nullptr);
}

// A copy makes its index of names when it is first asked for one, which readers must not do at the same time.
TEST(FunctionLibrary, ManyThreadsReadABodyThatWasACopy) {
  auto g = parse(
      "func @f(x=%x) -> (y=%y) [\n %x:float<unknown> = _Arg() {T=float, index=0}\n %y = _Retval(%x) {index=0}\n]\n");
  ASSERT_TRUE(g.ok());
  std::shared_ptr<Function> copy = (*g)->library()->find("f")->copy();
  copy->name = "copy";
  ASSERT_TRUE((*g)->library()->add(copy).ok());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto f = (*g)->library()->find("copy");
      EXPECT_EQ(f->body->find("x"), std::optional<NodeId>(f->args[0]));
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace tw
