// Switch, Merge and frames become If and While; graphs that no loop or branch could have made are refused.
#include <gtest/gtest.h>

#include "core/passes/lift/conditions.h"
#include "core/passes/pass.h"

namespace tw {
namespace {

std::unique_ptr<Body> body_of(std::string_view text) {
  auto graph = parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().to_string();
  auto body = std::make_unique<Body>();
  if (!graph.ok()) {
    body->body = std::make_unique<Graph>();
    return body;
  }
  body->body = std::move(*graph);
  body->internal = true;
  for (NodeId i = 0; i < body->body->num_nodes(); ++i) {
    const Node& n = body->body->node(i);
    if (n.op->name == "_Arg") body->args.push_back(i);
    if (n.op->name == "_Retval") body->results.push_back(i);
    if (n.op->name == "Assert") body->controls.push_back(i);
  }
  return body;
}

// Ops in order, with the functions that they call in braces; without arguments, results and constants.
std::string ops_of(const Graph& g) {
  std::string text;
  for (const NodeId id : g.topological_order()) {
    const Node& n = g.node(id);
    if (n.op->name == "_Arg" || n.op->name == "_Retval" || n.op->name == "Const") continue;
    text += (text.empty() ? "" : " ") + std::string(n.op->name);
    const auto functions = called_functions(n);
    for (size_t i = 0; i < functions.size(); ++i) {
      const auto f = g.library()->find(functions[i].second.name);
      text += (i == 0 ? "{" : "} {") + (f ? ops_of(*f->body) : std::string("?"));
    }
    if (!functions.empty()) text += "}";
  }
  return text;
}

std::string lifted(std::string_view text) {
  std::unique_ptr<Body> body = body_of(text);
  Status s = functionalise(*body);
  EXPECT_TRUE(s.ok()) << s.to_string();
  remove_dead(*body);
  s = verify(*body->body);
  EXPECT_TRUE(s.ok()) << s.to_string() << "\n" << print(*body->body);
  EXPECT_TRUE(body->body->library()->all().empty()) << "what compiling makes is not the user's";
  return ops_of(*body->body);
}

Status error_of(std::string_view text) { return functionalise(*body_of(text)); }

std::string with_args(std::string_view text) {
  return std::string(
             "%p:bool[] = _Arg() {T=bool, index=0, _output_shapes:list(shape)=[[]]}\n"
             "%q:bool[] = _Arg() {T=bool, index=1, _output_shapes:list(shape)=[[]]}\n"
             "%x:float[2] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[2]]}\n") +
         std::string(text);
}

TEST(Conditions, AreEqualWhenTheyMeanTheSame) {
  lift::Conditions c;
  const auto p = c.literal(0, true), q = c.literal(1, true), not_p = c.literal(0, false);
  EXPECT_EQ(c.either(p, not_p), lift::kAlways);
  EXPECT_EQ(c.both(p, not_p), lift::kNever);
  EXPECT_EQ(c.either(c.both(p, q), c.without(p, q)), p);
  EXPECT_EQ(c.given(c.either(c.both(p, q), not_p), 1, false), not_p);
  EXPECT_EQ(c.given(c.both(p, q), 0, true), q);
  EXPECT_EQ(c.first(c.both(q, p)), 0);
  EXPECT_FALSE(c.exhausted());
}

TEST(Conditions, GiveUpOnGraphsMadeToHaveNone) {
  lift::Conditions c;
  // x0 y0 + x1 y1 + ... has a diagram of exponential size when all x come before all y.
  auto sum = lift::kNever;
  for (int i = 0; i < 24 && !c.exhausted(); ++i)
    sum = c.either(sum, c.both(c.literal(i, true), c.literal(24 + i, true)));
  EXPECT_TRUE(c.exhausted());
}

TEST(Functionalise, ABranch) {
  EXPECT_EQ(lifted(with_args("%s = Switch(%x, %p)\n%a = Neg(%s)\n%b = Exp(%s:1)\n%m = Merge(%a, %b)\n"
                             "%r = _Retval(%m) {index=0}\n")),
            "StatelessIf{Neg} {Exp}");
}

TEST(Functionalise, ABranchWhosePredicateIsKnown) {
  EXPECT_EQ(lifted(with_args("%t = Const() {dtype=bool, value=tensor<bool [] = true>}\n%s = Switch(%x, %t)\n"
                             "%a = Neg(%s)\n%b = Exp(%s:1)\n%m = Merge(%a, %b)\n%r = _Retval(%m) {index=0}\n")),
            "Exp");
}

TEST(Functionalise, BranchesInABranch) {
  EXPECT_EQ(lifted(with_args("%s = Switch(%x, %p)\n%qs = Switch(%q, %p)\n%t = Switch(%s:1, %qs:1)\n%a = Neg(%t)\n"
                             "%b = Exp(%t:1)\n%i = Merge(%a, %b)\n%c = Tanh(%s)\n%m = Merge(%c, %i)\n"
                             "%r = _Retval(%m) {index=0}\n")),
            "StatelessIf{Tanh} {StatelessIf{Neg} {Exp}}");
}

// A value of the branch is used after the Merge, in another branch of the same predicate, as gradients do.
TEST(Functionalise, BranchesOneAfterAnother) {
  EXPECT_EQ(
      lifted(with_args("%s = Switch(%x, %p)\n%b = Exp(%s:1)\n%m = Merge(%s, %b)\n%y = Sin(%m)\n"
                       "%g = Switch(%y, %p)\n%h = Mul(%g:1, %b)\n%k = Merge(%g, %h)\n%r = _Retval(%k) {index=0}\n")),
      "StatelessIf{_Nothing} {Exp} Sin StatelessIf{} {Mul}");
}

TEST(Functionalise, AnEffectInABranch) {
  EXPECT_EQ(lifted(with_args("%s = Switch(%q, %p)\n%a = Assert(%s, %s)\n%r = _Retval(%x) {index=0}\n")),
            "If{Assert} {}");
}

TEST(Functionalise, AValueThatMayBeMissing) {
  EXPECT_EQ(lifted(with_args("%s = Switch(%x, %p)\n%b = Exp(%s:1)\n%r = _Retval(%b) {index=0}\n")),
            "StatelessIf{_Fail} {Exp}");
}

constexpr char kLoop[] =
    "%n:int32[] = _Arg() {T=int32, index=0, _output_shapes:list(shape)=[[]]}\n"
    "%zero = Const() {dtype=int32, value=tensor<int32 [] = 0>}\n"
    "%one = Const() {dtype=int32, value=tensor<int32 [] = 1>}\n"
    "%e = Enter(%zero) {frame_name=\"f\"}\n%k = Enter(%n) {frame_name=\"f\", is_constant=true}\n"
    "%u = Enter(%one) {frame_name=\"f\", is_constant=true}\n";

TEST(Functionalise, ALoop) {
  EXPECT_EQ(lifted(std::string(kLoop) +
                   "%m = Merge(%e, %next)\n%l = Less(%m, %k)\n%c = LoopCond(%l)\n%s = Switch(%m, %c)\n"
                   "%a = Add(%s:1, %u)\n%next = NextIteration(%a)\n%x = Exit(%s)\n%r = _Retval(%x) {index=0}\n"),
            "StatelessWhile{Add} {Less}");
}

// What leaves the loop is not a variable but what the last turn made of it.
TEST(Functionalise, ALoopThatIsNotPlain) {
  EXPECT_EQ(
      lifted(std::string(kLoop) + "%m = Merge(%e, %next)\n%l = Less(%m, %k)\n%c = LoopCond(%l)\n%s = Switch(%m, %c)\n"
                                  "%a = Add(%s:1, %u)\n%next = NextIteration(%a)\n%d = Neg(%s)\n%x = Exit(%d)\n"
                                  "%r = _Retval(%x) {index=0}\n"),
      "_Nothing StatelessWhile{Less Identity StatelessIf{Neg _Nothing} {Add _Nothing}} {}");
}

struct Hostile {
  const char* name;
  std::string text;
  const char* message;
};

class FunctionaliseRefuses : public ::testing::TestWithParam<Hostile> {};

TEST_P(FunctionaliseRefuses, WithAName) {
  const Status s = error_of(GetParam().text);
  EXPECT_EQ(s.code(), Code::kInvalidArgument) << s.to_string();
  EXPECT_NE(s.message().find(GetParam().message), std::string::npos) << s.message();
}

const std::string kTurn = "%l = Less(%m, %k)\n%c = LoopCond(%l)\n%s = Switch(%m, %c)\n%a = Add(%s:1, %u)\n";

INSTANTIATE_TEST_SUITE_P(
    Graphs, FunctionaliseRefuses,
    ::testing::Values(
        Hostile{"EnterWithoutExit", std::string(kLoop) + "%d = Neg(%e)\n%r = _Retval(%d) {index=0}\n",
                "'d' is inside the loop 'f'"},
        Hostile{"ExitWithoutEnter", with_args("%d = Exit(%x)\n%r = _Retval(%d) {index=0}\n"),
                "Exit 'd' is outside all loops"},
        Hostile{"NoLoopCond",
                std::string(kLoop) + "%m = Merge(%e, %next)\n%l = Less(%m, %k)\n%s = Switch(%m, %l)\n"
                                     "%next = NextIteration(%s:1)\n%x = Exit(%s)\n%r = _Retval(%x) {index=0}\n",
                "frame 'f' has no LoopCond"},
        Hostile{"TwoLoopConds",
                std::string(kLoop) + "%m = Merge(%e, %next)\n" + kTurn +
                    "%c2 = LoopCond(%l)\n%t = Switch(%a, %c2)\n%next = NextIteration(%t:1)\n%x = Exit(%s)\n"
                    "%r = _Retval(%x) {index=0}\n",
                "frame 'f' has two LoopConds"},
        Hostile{"MergeOfTwoFrames",
                std::string(kLoop) + "%e2 = Enter(%zero) {frame_name=\"g\"}\n%m = Merge(%e, %e2)\n%x = Exit(%m)\n"
                                     "%r = _Retval(%x) {index=0}\n",
                "node 'm' has inputs from different frames: 'e' is in frame 'f', and 'e2' is in frame 'g'"},
        Hostile{"InputFromOutside",
                std::string(kLoop) + "%m = Merge(%e, %next)\n%l = Less(%m, %n)\n%c = LoopCond(%l)\n"
                                     "%s = Switch(%m, %c)\n%next = NextIteration(%s:1)\n%x = Exit(%s)\n"
                                     "%r = _Retval(%x) {index=0}\n",
                "node 'l' has inputs from different frames"},
        Hostile{"OneFrameFromTwo",
                std::string(kLoop) + "%e2 = Enter(%e) {frame_name=\"f\"}\n%d = Neg(%e2)\n%x = Exit(%d)\n"
                                     "%r = _Retval(%x) {index=0}\n",
                "Enter 'e2' comes to frame 'f' from a node in frame 'f'"},
        Hostile{"NextIterationOutside",
                with_args("%d = NextIteration(%x)\n%m = Merge(%x, %d)\n%r = _Retval(%m) {index=0}\n"),
                "NextIteration 'd' is outside all loops"},
        Hostile{"NextIterationToOthers",
                std::string(kLoop) + "%m = Merge(%e, %next)\n" + kTurn +
                    "%next = NextIteration(%a)\n%d = Neg(%next)\n%x = Exit(%d)\n%r = _Retval(%x) {index=0}\n",
                "NextIteration 'next' may lead to Merge only"},
        Hostile{"VariableThatEntersTwice",
                std::string(kLoop) + "%m = Merge(%e, %next, %e)\n" + kTurn +
                    "%next = NextIteration(%a)\n%x = Exit(%s)\n%r = _Retval(%x) {index=0}\n",
                "a loop's Merge must have one Enter and one NextIteration"},
        Hostile{"EntryReadDirectly",
                std::string(kLoop) + "%m = Merge(%e, %next)\n" + kTurn +
                    "%b = Add(%a, %e)\n%next = NextIteration(%b)\n%x = Exit(%s)\n%r = _Retval(%x) {index=0}\n",
                "Enter 'e' is not constant"}),
    [](const auto& info) { return info.param.name; });

// Branches that are nested this deep.
std::string nested(int levels) {
  std::string text = with_args("");
  std::string data = "%x", pred = "%q";
  for (int i = 0; i < levels; ++i) {
    const std::string k = std::to_string(i);
    text += "%c" + k + " = LogicalNot(" + pred + ")\n%s" + k + " = Switch(" + data + ", %c" + k + ")\n%p" + k +
            " = Switch(%c" + k + ", %c" + k + ")\n";
    data = "%s" + k + ":1";
    pred = "%p" + k + ":1";
  }
  return text + "%r = _Retval(" + data + ") {index=0}\n";
}

TEST(Functionalise, BranchesMayBeNestedDeeply) {
  const Status s = error_of(nested(150));
  EXPECT_TRUE(s.ok()) << s.to_string();
}

TEST(Functionalise, NestingThatAStackMayNotHoldIsRefused) {
  const Status s = error_of(nested(lift::Conditions::kMostHeight + 1));
  EXPECT_EQ(s.code(), Code::kResourceExhausted) << s.to_string();
  EXPECT_NE(s.message().find("branches may be nested 500 deep"), std::string::npos) << s.message();
}

}  // namespace
}  // namespace tw
