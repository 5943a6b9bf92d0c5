// The order of a step: what it costs in memory.
#include "core/plan/plan.h"
#include "tests/passes/pass_testing.h"

namespace tw {
namespace {

// Names of the nodes in order, without arguments, constants, handles and results.
std::string order_of(const std::string& text) {
  const std::unique_ptr<Body> body = body_of(text);
  for (NodeId i = 0; i < body->body->num_nodes(); ++i) {
    if (body->body->node(i).op->name != "_Arg") {
      EXPECT_TRUE(body->body->infer_shapes(i).ok());
    }
  }
  FunctionFacts facts;
  std::string names;
  for (NodeId id : order_nodes(*body, facts).nodes) {
    const Node& n = body->body->node(id);
    const std::string_view op = n.op->name;
    if (op == "_Arg" || op == "Const" || op == "VarHandleOp" || op == "_Retval") continue;
    names += (names.empty() ? "" : " ") + n.name;
  }
  return names;
}

constexpr char kVariable[] =
    "%v = VarHandleOp() {dtype=float, shape=[64,64], shared_name=\"v\", container=\"\"}\n"
    "%w = VarHandleOp() {dtype=float, shape=[64,64], shared_name=\"w\", container=\"\"}\n"
    "%x:float[64,64] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[64,64]]}\n";

// Made in TensorFlow's order: both gradients, then the rate, then both updates.
TEST(Order, UpdatesRunAsSoonAsTheirGradientIsThere) {
  EXPECT_EQ(order_of(std::string(kVariable) +
                     "%g = Exp(%x) {T=float}\n%h = Log(%x) {T=float}\n"
                     "%s = Const() {dtype=float, value=tensor<float [] = 0.5>}\n"
                     "%rate = Neg(%s) {T=float}\n"
                     "%first = ResourceApplyGradientDescent(%v, %rate, %g) {T=float, use_locking=false}\n"
                     "%second = ResourceApplyGradientDescent(%w, %rate, %h) {T=float, use_locking=false}\n"),
            "rate g first h second");
}

TEST(Order, WhatTakesMemoryComesBeforeItsFirstConsumer) {
  // `big` could be first, and would be alive while `a` and `b` are made.
  EXPECT_EQ(
      order_of(std::string(kVariable) + "%read = ReadVariableOp(%v) {dtype=float}\n%big = Exp(%read) {T=float}\n"
                                        "%a = Log(%x) {T=float}\n%b = Neg(%a) {T=float}\n%c = Add(%b, %big) {T=float}\n"
                                        "%r = _Retval(%c) {T=float, index=0}\n"),
      "read a b big c");
}

}  // namespace
}  // namespace tw
