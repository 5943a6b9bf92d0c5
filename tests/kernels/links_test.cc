// Programs of links: what is joined, what is kept in registers, in which order values are computed.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/kernels/map/lower.h"

namespace tw {
namespace {

LoweredTape lowered(const char* text, int64_t count = 1000) {
  auto tape = Tape::parse(text);
  EXPECT_TRUE(tape.ok()) << tape.status().to_string();
  const std::vector<InputKind> direct(tape->inputs.size(), InputKind::kDirect);
  auto result = lower(*tape, direct, count);
  EXPECT_TRUE(result.ok());
  return **result;
}

// The links of a tape that is one program.
std::vector<LinkStep> links_of(const char* text) {
  const LoweredTape tape = lowered(text);
  EXPECT_EQ(tape.body.size(), 1u);
  return tape.body[0].links.steps;
}
size_t count(const std::vector<LinkStep>& steps, Link link) {
  return static_cast<size_t>(
      std::count_if(steps.begin(), steps.end(), [&](const LinkStep& s) { return s.link == link; }));
}

// What can be links is one program; what cannot comes between two, and alone an op keeps its loop.
TEST(Map, LinksAreJoined) {
  const auto programs = [](const char* text) {
    std::string kinds;
    for (const LoweredInst& inst : lowered(text).body) kinds += inst.linked() ? 'l' : 'f';
    return kinds;
  };
  EXPECT_EQ(
      programs("(float, float) { v2 = add v0 v1; v3 = gt v2 v0; v4 = mul v2 v2; v5 = select v3 v4 v1 } -> v5, v2"),
      "l");
  EXPECT_EQ(
      programs("(float, float) { v2 = add v0 v1; v3 = mul v2 v1; v4 = exp v3; v5 = sub v4 v0; v6 = abs v5 } -> v6"),
      "lfl");
  EXPECT_EQ(programs("(float, float) { v2 = add v0 v1 } -> v2"), "f");
}

// A comparison that only a select reads is part of it, whichever value is computed last; where the bools are read by
// something else it is not.
TEST(Map, ComparisonsAreJoinedWithSelects) {
  const auto links = links_of("(float, float) { v2 = const float 0; v3 = gt v1 v2; v4 = select v3 v0 v2 } -> v4");
  EXPECT_EQ(links.size(), 3u);
  EXPECT_EQ(count(links, Link::kWhereGreater), 1u);
  const auto computed =
      links_of("(float, float) { v2 = const float 0.5; v3 = le v2 v0; v4 = mul v1 v2; v5 = select v3 v0 v4 } -> v5");
  EXPECT_EQ(count(computed, Link::kUnlessGreaterEqual), 1u);  // v0 >= 0.5 ? v0 : v0 * 0.5
  EXPECT_EQ(count(computed, Link::kSelect), 0u);
  const auto unequal = links_of("(float, float) { v2 = abs v0; v3 = ne v0 v1; v4 = select v3 v2 v1 } -> v4");
  EXPECT_EQ(count(unequal, Link::kUnlessEqual), 1u);
  const auto both =
      links_of("(float, float) { v2 = gt v0 v1; v3 = abs v0; v4 = select v2 v3 v1; v5 = select v2 v1 v3 } -> v4, v5");
  EXPECT_EQ(count(both, Link::kSelect), 2u);
  const auto wanted = links_of("(float, float) { v2 = gt v0 v1; v3 = select v2 v0 v1 } -> v2, v3");
  EXPECT_EQ(count(wanted, Link::kSelect), 1u);
}

// Of the orders that there are, one that needs fewer loads and stores than the rule's: Huber's loss with one store
// between.
TEST(Map, LinksAreInACheapOrder) {
  if (!links_keep()) GTEST_SKIP() << "this processor has too few registers";
  const LoweredTape tape = lowered(
      "(float, float) { v2 = const float 0.5; v3 = const float 1; v4 = sub v0 v1; v5 = abs v4; v6 = mul v4 v4;"
      " v7 = mul v6 v2; v8 = sub v5 v2; v9 = le v5 v3; v10 = select v9 v7 v8 } -> v10");
  const LoweredInst& inst = tape.body[0];
  std::vector<size_t> steps;
  for (uint16_t slot : inst.args) steps.push_back(tape.slots[slot].kind == Slot::Kind::kConstant ? 0 : sizeof(float));
  const LinkCode code = compile_links(inst.links, steps, 0);
  constexpr int kStore = code_of(Link::kStore, Form::kPlain, Source::kEach, Source::kEach);
  const auto stores =
      std::count_if(code.steps.begin(), code.steps.end(), [](const LinkCode::Step& s) { return s.code == kStore; });
  EXPECT_EQ(stores, 1);
}

// What is read again and again, and what would be stored in between, stays in registers where there are enough.
TEST(Map, LinksKeepValues) {
  if (!links_keep()) GTEST_SKIP() << "this processor has too few registers";
  const auto in_memory = [](const LinkCode& code, int operand) {
    int count = 0;
    for (const LinkCode::Step& s : code.steps) count += s.x == operand || s.y == operand;
    return count;
  };
  const size_t steps[] = {sizeof(float), sizeof(float), 0};
  // ((x * y + 1) * y + 1) * y: y is read once.
  const LinkProgram horner{{{Link::kLoad, 0},
                            {Link::kMul, 1},
                            {Link::kAdd, 2},
                            {Link::kMul, 1},
                            {Link::kAdd, 2},
                            {Link::kMul, 1},
                            {Link::kStore, 3}},
                           3,
                           1,
                           0};
  const LinkCode once = compile_links(horner, steps, 0);
  EXPECT_TRUE(once.keeps);
  EXPECT_EQ(in_memory(once, 1), 1);
  // (x + y)^2 - (x + y) + y by a local; y, which is read twice, would be kept too if that were not in the way.
  const LinkProgram between{{{Link::kLoad, 1},
                             {Link::kAdd, 0},
                             {Link::kStore, 4},
                             {Link::kSquare},
                             {Link::kSub, 4},
                             {Link::kAdd, 1},
                             {Link::kStore, 3}},
                            3,
                            1,
                            1};
  const LinkCode kept = compile_links(between, steps, 0);
  EXPECT_TRUE(kept.keeps);
  EXPECT_EQ(in_memory(kept, 4), 0);
  EXPECT_EQ(in_memory(kept, 1), 2);
  // A single value for all elements stays in a register anyway.
  const LinkProgram scaled{
      {{Link::kLoad, 0}, {Link::kMul, 2}, {Link::kAdd, 2}, {Link::kMul, 2}, {Link::kStore, 3}}, 3, 1, 0};
  EXPECT_FALSE(compile_links(scaled, steps, 0).keeps);
  // (x + y > 0.5 ? x : 0.75) by a local: what is compared may be kept, and what it is compared with may not.
  const LinkProgram compared{{{Link::kLoad, 0},
                              {Link::kAdd, 1},
                              {Link::kStore, 5},
                              {Link::kLoad, 0},
                              {Link::kWhereGreater, 5, 2, 3},
                              {Link::kStore, 4}},
                             4,
                             1,
                             1};
  const size_t numbers[] = {sizeof(float), sizeof(float), 0, 0};
  EXPECT_TRUE(compile_links(compared, numbers, 0).keeps);
  LinkProgram turned = compared;
  turned.steps[4] = {Link::kWhereGreater, 1, 5, 3};
  EXPECT_EQ(in_memory(compile_links(turned, numbers, 0), 5), 2);
}

}  // namespace
}  // namespace tw
