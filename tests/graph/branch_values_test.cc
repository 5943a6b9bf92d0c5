#include "core/graph/branch_values.h"

#include <gtest/gtest.h>

namespace tw {
namespace {

// A graph with a branch that was made of %n, %m and %late, in the state in which a language leaves it: the function has
// what its result needs, and the nodes have left the graph.
std::unique_ptr<Graph> branch() {
  auto g = parse(
      "%p:bool[] = Placeholder() {dtype=bool, shape=[]}\n"
      "%x:float[2] = Placeholder() {dtype=float, shape=[2]}\n"
      "%w:float[2] = Placeholder() {dtype=float, shape=[2]}\n"
      "%n:float[2] = Neg(%x)\n"
      "%m:float[2] = Mul(%n, %w)\n"
      "%late = NoOp(^%m)\n"
      "%If:float[2] = If(%p, %x) {Tcond=bool, Tin=[float], Tout=[float], else_branch=@no, output_shapes=[[2]], "
      "then_branch=@yes}\n"
      "\n"
      "func @no(x=%x) -> (y=%y) [\n"
      "  %x:float[2] = _Arg() {T=float, index=0}\n"
      "  %y = _Retval(%x) {index=0}\n"
      "]\n"
      "func @yes(x=%x) -> (y=%y) [\n"
      "  %n:float[2] = Neg(%x)\n"
      "  %x:float[2] = _Arg() {T=float, index=0}\n"
      "  %y = _Retval(%n) {index=0}\n"
      "]\n");
  EXPECT_TRUE(g.ok()) << g.status().to_string();
  for (const char* name : {"late", "m", "n"}) (*g)->remove(*(*g)->find(name));
  return std::move(*g);
}

NodeId removed(const Graph& g, std::string_view name) {
  for (NodeId id = 0; id < g.num_nodes(); ++id) {
    if (g.node(id).dead && g.node(id).name == name) return id;
  }
  return -1;
}

std::vector<BranchOfNode> path_of(const Graph& g, int number) {
  return {{*g.find("If"), number, {removed(g, "n"), removed(g, "m"), removed(g, "late")}}};
}

TEST(BranchValues, AValueBehindASwitch) {
  const auto g = branch();
  const NodeId m = removed(*g, "m");
  const auto made = leave_branches(g.get(), path_of(*g, 0), std::vector<NodeId>{m}, Leaving::kValues);
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  const Node& stand_in = g->node((*made)[0]);
  EXPECT_EQ(stand_in.name, "m");
  EXPECT_EQ(stand_in.op->name, "Identity");
  EXPECT_EQ(g->shape({stand_in.id, 0}), Shape{2});
  const Node& taken = g->node(stand_in.inputs[0].node);
  EXPECT_EQ(taken.op->name, "Switch");
  EXPECT_EQ(stand_in.inputs[0].index, 1);
  // The value may be an empty stand-in, and what it needs besides comes in as an argument of both branches.
  const Node& call = g->node(*g->find("If"));
  EXPECT_EQ(taken.inputs[0], (Output{call.id, 1}));
  EXPECT_EQ(taken.inputs[1], (Output{*g->find("p"), 0}));
  EXPECT_FALSE(g->shape({call.id, 1}).rank_known());
  ASSERT_EQ(call.inputs.size(), 3u);
  EXPECT_EQ(call.inputs[2].node, *g->find("w"));
  for (const char* branch : {"then_branch", "else_branch"}) {
    const auto f = g->library()->find(call.attr().must<FuncRef>(branch).name);
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(f->args.size(), 2u);
    EXPECT_EQ(f->results.size(), 2u);
  }
  EXPECT_TRUE(verify(*g).ok()) << verify(*g).to_string();
  // %n is in the function already, and %w an argument.
  ASSERT_TRUE(leave_branches(g.get(), path_of(*g, 0), std::vector<NodeId>{removed(*g, "n")}, Leaving::kValues).ok());
  EXPECT_EQ(call.inputs.size(), 3u);
  EXPECT_EQ(call.output_dtypes.size(), 3u);
}

TEST(BranchValues, AnOperationHandsOutThatItRan) {
  const auto g = branch();
  const std::vector<NodeId> nodes{removed(*g, "late"), removed(*g, "n")};
  const auto made = leave_branches(g.get(), path_of(*g, 0), nodes, Leaving::kOperations);
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_EQ(g->node((*made)[0]).name, "late");
  EXPECT_EQ(g->node((*made)[1]).name, "n/ran");
  for (const NodeId id : *made) {
    EXPECT_EQ(g->node(id).op->name, "NoOp");
    // A Switch runs in any case; what follows it does not.
    ASSERT_EQ(g->node(id).controls.size(), 1u);
    EXPECT_EQ(g->node(g->node(id).controls[0]).op->name, "Identity");
  }
  const Node& call = g->node(*g->find("If"));
  EXPECT_EQ(call.output_dtypes, (std::vector<DType>{DType::kFloat, DType::kBool, DType::kBool}));
}

TEST(BranchValues, TheOtherSide) {
  const auto g = branch();
  const auto made = leave_branches(g.get(), path_of(*g, 1), std::vector<NodeId>{removed(*g, "m")}, Leaving::kValues);
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_EQ(g->node((*made)[0]).inputs[0].index, 0);
}

TEST(BranchValues, PathsThatAreNone) {
  const auto g = branch();
  const std::vector<NodeId> m{removed(*g, "m")};
  const auto code = [&](std::vector<BranchOfNode> path, const std::vector<NodeId>& nodes) {
    return leave_branches(g.get(), path, nodes, Leaving::kValues).status().code();
  };
  EXPECT_EQ(code({}, m), Code::kInvalidArgument);
  EXPECT_EQ(code(path_of(*g, 2), m), Code::kInvalidArgument);
  EXPECT_EQ(code({{*g->find("x"), 0, m}}, m), Code::kInvalidArgument);
  EXPECT_EQ(code({{99, 0, m}}, m), Code::kInvalidArgument);
  // A node that is no member, and a member that is a placeholder.
  EXPECT_EQ(code({{*g->find("If"), 0, {}}}, m), Code::kInvalidArgument);
  EXPECT_EQ(code({{*g->find("If"), 0, {*g->find("w")}}}, {*g->find("w")}), Code::kInvalidArgument);
  EXPECT_EQ(g->node(*g->find("If")).output_dtypes.size(), 1u);
}

}  // namespace
}  // namespace tw
