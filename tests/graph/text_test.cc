#include <gtest/gtest.h>

#include "core/graph/builder.h"

namespace tw {
namespace {

std::string reprint(std::string_view text) {
  auto g = parse(text);
  return g.ok() ? print(**g) : g.status().to_string();
}

// Texts in the form that print() writes, so that reading and printing them changes nothing.
void expect_stable(std::string_view text) { EXPECT_EQ(reprint(text), text); }

TEST(GraphText, NodesKeepShapesAttrsControlsAndDevices) {
  expect_stable(
      "%x:float[2,?] = Placeholder() {dtype=float, shape=[2,?]}\n"
      "%w:float[3,4] = Const() {dtype=float, value=tensor<float [3,4] = 0.5>}\n"
      "%init = NoOp(^%w) @\"/cpu:0\"\n"
      "%scope/y:float[2,4] = MatMul(%x, %w, ^%init) {_class:list(string)=[\"loc:@w\"]}\n"
      "%t:float[4,2] = MatMul(%w, %x) {transpose_a=true, transpose_b=true}\n");
}

TEST(GraphText, SeveralOutputs) {
  expect_stable(
      "%axis:int32[] = Const() {dtype=int32, value=tensor<int32 [] = 0>}\n"
      "%x:float[4,3] = Placeholder() {dtype=float, shape=[4,3]}\n"
      "%s:(float[2,3], float[2,3]) = Split(%axis, %x) {num_split=2}\n"
      "%y:float[2,3] = Sub(%s:1, %s)\n");
}

TEST(GraphText, EveryKindOfConstant) {
  expect_stable(
      "%a:string[2] = Const() {dtype=string, value=tensor<string [2] = \"q\\\"\\\\\" \"\\xff\\n\">}\n"
      "%b:complex64[1] = Const() {dtype=complex64, value=tensor<complex64 [1] = (1,-2.5)>}\n"
      "%c:half[3] = Const() {dtype=half, value=tensor<half [3] = 1 inf -0>}\n"
      "%d:bool[2] = Const() {dtype=bool, value=tensor<bool [2] = true false>}\n"
      "%e:uint64[] = Const() {dtype=uint64, value=tensor<uint64 [] = 18446744073709551615>}\n"
      "%f:float[0,2] = Const() {dtype=float, value=tensor<float [0,2] =>}\n"
      "%g:double[2] = Const() {dtype=double, value=tensor<double [2] = 0.1 nan>}\n"
      "%h:int8[2,2] = Const() {dtype=int8, value=tensor<int8 [2,2] = -128>}\n");
}

TEST(GraphText, FunctionsFollowTheGraph) {
  expect_stable(
      "%x:float[2] = Placeholder() {dtype=float, shape=[2]}\n"
      "%y:float<unknown> = PartitionedCall(%x) {Tout=[float], f=@square{k:int=3}}\n"
      "\n"
      "func @square(x=%x) -> (y=%y_retval) controls(%n) stateful {_noinline:bool=true} [\n"
      "  %n = NoOp()\n"
      "  %x:float[2] = _Arg() {T=float, index=0}\n"
      "  %y:float[2] = Mul(%x, %x)\n"
      "  %y_retval = _Retval(%y) {index=0}\n"
      "]\n");
}

TEST(GraphText, LoopsOfTheWireForm) {
  const std::string text =
      "%zero:int32[] = Const() {dtype=int32, value=tensor<int32 [] = 0>}\n"
      "%enter:int32[] = Enter(%zero) {frame_name=\"loop\"}\n"
      "%merge:(int32<unknown>, int32[]) = Merge(%enter, %next)\n"
      "%next:int32<unknown> = NextIteration(%merge)\n";
  EXPECT_EQ(reprint(text), text);
}

TEST(GraphText, ErrorsSayWhereAndWhat) {
  const auto error = [](std::string_view text) {
    auto g = parse(text);
    EXPECT_FALSE(g.ok()) << text;
    return g.ok() ? "" : g.status().message();
  };
  EXPECT_NE(error("%a = NoOp(\n%b").find("line 2"), std::string::npos);
  EXPECT_NE(error("%a = NoSuchOp()").find("Op type not registered 'NoSuchOp'"), std::string::npos);
  EXPECT_EQ(error("%a = NoOp(^%b)"), "Node 'a': Unknown input node 'b'");
  EXPECT_NE(error("%a:float[] = Neg(%b)\n%b:float[] = Neg(%a)").find("2 nodes in a cycle"), std::string::npos);
  EXPECT_EQ(error("%a = NoOp()\n%a = NoOp()"), "Node 'a' is not unique");
  EXPECT_NE(error("%a:int32[] = Placeholder() {dtype=float}").find("does not have the outputs"), std::string::npos);
  EXPECT_NE(error("%a = NoOp() {x=1}").find("attribute 'x' is not declared by NoOp"), std::string::npos);
  EXPECT_NE(error("%a:float[] = Const() {dtype=float, value=tensor<float [4000000000000] = 1 2>}").find("2 are given"),
            std::string::npos);
  EXPECT_NE(error("%a:float[] = Const() {dtype=float, value=tensor<float_ref [1] = 1>}").find("has no text form"),
            std::string::npos);
}

// Random edits of a text end in a graph or an error, never in a crash; what is accepted prints stably.
TEST(GraphText, SurvivesMutation) {
  const std::string text =
      "%x:float[2,?] = Placeholder() {dtype=float, shape=[2,?]}\n"
      "%axis:int32[] = Const() {dtype=int32, value=tensor<int32 [] = 0>}\n"
      "%s:(float[1,?], float[1,?]) = Split(%axis, %x, ^%axis) {_class:list(string)=[\"loc:@x\"], num_split=2} "
      "@\"/cpu:0\"\n"
      "%y:float<unknown> = PartitionedCall(%s:1) {Tout=[float], f=@f{k:int=3}}\n"
      "func @f(a=%a) -> (r=%r) [\n"
      "  %a:float<unknown> = _Arg() {T=float, index=0}\n"
      "  %r = _Retval(%a) {index=0}\n"
      "]\n";
  uint64_t state = 99;
  const auto next = [&](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string mutated = text;
    for (uint64_t edits = 1 + next(3); edits > 0; --edits) {
      const size_t at = next(mutated.size());
      switch (next(4)) {
        case 0: mutated[at] = static_cast<char>(next(128)); break;
        case 1: mutated.erase(at, 1 + next(6)); break;
        case 2: mutated[at] = text[next(text.size())]; break;
        default: mutated.insert(at, mutated.substr(next(mutated.size()), next(12)));
      }
    }
    auto g = parse(mutated);
    if (!g.ok()) continue;
    ++accepted;
    EXPECT_TRUE(verify(**g).ok());
    const std::string printed = print(**g);
    EXPECT_EQ(reprint(printed), printed);
  }
  EXPECT_GT(accepted, 50);
}

}  // namespace
}  // namespace tw
