// What is known of functions is found out once, however deep they are nested and from however many levels it is asked.
#include "core/passes/function_facts.h"

#include <gtest/gtest.h>

#include "core/graph/builder.h"
#include "core/passes/pass.h"

namespace tw {
namespace {

const std::vector<DType> kOne{DType::kFloat};

// Functions level0, level1, ...: level k is x when x[0] is k, and otherwise what level k + 1 makes of x.
class Nested : public ::testing::Test {
 protected:
  void build(int depth, const std::function<Output(Builder&, Output)>& innermost) {
    define(level(depth), innermost);
    define("same", [](Builder& b, Output x) { return Output{b.add("Neg", {x}, {}), 0}; });
    for (int k = depth - 1; k >= 0; --k) define(level(k), [&](Builder& b, Output x) { return branch(b, x, k); });
  }
  static std::string level(int k) { return "level" + std::to_string(k); }
  static Output branch(Builder& b, Output x, int k) {
    const Output p{b.add("Equal", {Output{b.add("Sum", {x, b.scalar<int32_t>(0)}, {}), 0}, b.scalar<float>(k)}, {}), 0};
    return {b.add("StatelessIf", {p, x},
                  {{"Tin", kOne},
                   {"Tout", kOne},
                   {"then_branch", FuncRef{"same", {}}},
                   {"else_branch", FuncRef{level(k + 1), {}}}}),
            0};
  }
  void define(const std::string& name, const std::function<Output(Builder&, Output)>& body) {
    auto f = std::make_shared<Function>();
    f->name = name;
    f->body = std::make_unique<Graph>(library_);
    Builder b(f->body.get());
    f->args = {b.add("_Arg", {}, {{"T", DType::kFloat}, {"index", int64_t{0}}})};
    const Output y = body(b, {f->args[0], 0});
    f->results = {b.add("_Retval", {y}, {{"T", DType::kFloat}, {"index", int64_t{0}}})};
    ASSERT_TRUE(library_->add(std::move(f)).ok());
  }
  std::unique_ptr<Body> body(int k) { return std::move(*instantiate(*library_->find(level(k)), {})); }
  Node& if_of(Body& body) {
    const Output result = body.body->mutable_node(body.results[0]).inputs[0];
    return body.body->mutable_node(result.node);
  }

  std::shared_ptr<FunctionLibrary> library_ = std::make_shared<FunctionLibrary>();
  FunctionFacts facts_;
};

TEST_F(Nested, ShapesAreFoundOncePerFunction) {
  constexpr int kDepth = 40;
  build(kDepth, [](Builder& b, Output x) { return Output{b.add("Exp", {x}, {}), 0}; });
  const Shape shape{3};
  for (int k = 0; k < kDepth; ++k) {
    const std::unique_ptr<Body> b = body(k);
    const Status s = specialise(*b, {&shape, 1}, facts_);
    ASSERT_TRUE(s.ok()) << s.to_string();
    EXPECT_EQ(if_of(*b).output_shapes[0], shape) << "level " << k;
  }
  // Each level but the outermost, and "same".
  EXPECT_EQ(facts_.readings(), kDepth + 1);
  // Other shapes are another question.
  const Shape other{4};
  const std::unique_ptr<Body> b = body(kDepth - 1);
  ASSERT_TRUE(specialise(*b, {&other, 1}, facts_).ok());
  EXPECT_EQ(if_of(*b).output_shapes[0], other);
  EXPECT_EQ(facts_.readings(), kDepth + 3);
}

TEST_F(Nested, WhatMayBlockIsFoundOncePerFunction) {
  constexpr int kDepth = 40;
  build(kDepth, [](Builder& b, Output x) { return Output{b.add("Exp", {x}, {}), 0}; });
  for (int k = 0; k < kDepth; ++k) {
    const std::unique_ptr<Body> b = body(k);
    EXPECT_FALSE(facts_.may_block(*library_, if_of(*b)));
  }
  EXPECT_EQ(facts_.readings(), kDepth + 1);
}

TEST_F(Nested, ABlockingOpIsSeenFromEveryLevel) {
  constexpr int kDepth = 5;
  build(kDepth, [](Builder& b, Output x) {
    return Output{b.add("PyFunc", {x}, {{"token", std::string("t")}, {"Tin", kOne}, {"Tout", kOne}}), 0};
  });
  for (const int k : {2, 0, 4}) {
    const std::unique_ptr<Body> b = body(k);
    EXPECT_TRUE(facts_.may_block(*library_, if_of(*b))) << "level " << k;
  }
}

// Functions that call each other: what holds inside a call of itself must not be taken for what holds outside of it.
TEST_F(Nested, FunctionsThatCallEachOtherHaveTheirOwnShapes) {
  define("same", [](Builder& b, Output x) { return Output{b.add("Neg", {x}, {}), 0}; });
  define("level2", [](Builder& b, Output x) { return branch(b, x, 0); });
  define("level1", [](Builder& b, Output x) { return branch(b, x, 1); });
  const Shape shape{3};
  const auto inner = [&](int k) {
    const std::unique_ptr<Body> b = body(k);
    EXPECT_TRUE(specialise(*b, {&shape, 1}, facts_).ok());
    return if_of(*b).output_shapes[0];
  };
  FunctionFacts fresh;
  const std::unique_ptr<Body> alone = body(2);
  ASSERT_TRUE(specialise(*alone, {&shape, 1}, fresh).ok());
  static_cast<void>(inner(1));
  EXPECT_EQ(inner(2), if_of(*alone).output_shapes[0]);
}

TEST_F(Nested, AFunctionThatIsMissingIsAskedForAgain) {
  define("same", [](Builder& b, Output x) { return Output{b.add("Neg", {x}, {}), 0}; });
  define("level0", [](Builder& b, Output x) { return branch(b, x, 0); });
  const std::unique_ptr<Body> b = body(0);
  EXPECT_FALSE(facts_.may_block(*library_, if_of(*b)));
  define("level1", [](Builder& b, Output x) {
    return Output{b.add("PyFunc", {x}, {{"token", std::string("t")}, {"Tin", kOne}, {"Tout", kOne}}), 0};
  });
  EXPECT_TRUE(facts_.may_block(*library_, if_of(*b)));
}

}  // namespace
}  // namespace tw
