#include "core/framework/tape.h"

#include <gtest/gtest.h>

namespace tw {
namespace {

TEST(Tape, TextRoundTrips) {
  for (const char* text :
       {"(float, float) { v2 = add v0 v1; v3 = exp v2 } -> v3", "(float) { } -> v0", "() { v0 = const int32 -7 } -> v0",
        "(float) { v1 = const float 0.1; v2 = const float -inf; v3 = mul v0 v1; v4 = maximum v3 v2; v5 = cast half v4 "
        "} -> v5, v3",
        "(bool, int64, int64) { v3 = select v0 v1 v2; v4 = lt v3 v1; v5 = logical_not v4 } -> v5",
        "(complex64) { v1 = abs float v0; v2 = real float v0; v3 = make_complex complex64 v1 v2; v4 = conj v3 } -> v4",
        "(float, float, float) { v3 = fma v0 v1 v2 } -> v3"}) {
    auto t = Tape::parse(text);
    ASSERT_TRUE(t.ok()) << t.status().to_string();
    EXPECT_EQ(t->to_string(), text);
  }
}

TEST(Tape, NamesAreReadFromAttributes) {
  auto t = Tape::parse("(T) { v1 = const T attr(alpha); v2 = mul v0 v1; v3 = cast DstT v2 } -> v3",
                       {{"T", DType::kDouble}, {"DstT", DType::kInt32}, {"alpha", 0.25f}});
  ASSERT_TRUE(t.ok()) << t.status().to_string();
  EXPECT_EQ(t->to_string(), "(double) { v1 = const double 0.25; v2 = mul v0 v1; v3 = cast int32 v2 } -> v3");
}

TEST(Tape, WhatBreaksTheRulesIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"(float, int32) { v2 = add v0 v1 } -> v2", "operands are float and int32"},
      {"(float) { v1 = exp v2 } -> v1", "v2 is used before it is defined"},
      {"(float) { v2 = exp v0 } -> v2", "v2 is defined where v1 is next"},
      {"(float) { v1 = exp v0; v2 = const float 1 } -> v1", "constants must come before"},
      {"(float) { v1 = frobnicate v0 } -> v1", "is no micro-op"},
      {"(float) { v1 = cast v0 } -> v1", "must state its result dtype"},
      {"(float) { v1 = neg int32 v0 } -> v1", "gives int32 from float"},
      {"(float, float) { v2 = logical_and v0 v1 } -> v2", "not bool"},
      {"(float, float, float) { v3 = select v0 v1 v2 } -> v3", "the condition is float"},
      {"(string) { } -> v0", "tape input of dtype string"},
      {"(float) { } -> v1", "output v1 is not defined"},
      {"(float) { } -> v0 x", "the end of the tape"}};
  for (const auto& [text, why] : cases) {
    auto t = Tape::parse(text);
    ASSERT_FALSE(t.ok()) << text;
    EXPECT_NE(t.status().message().find(why), std::string::npos) << t.status().message();
  }
}

TEST(Tape, ConcatenationRenumbers) {
  const Tape producer = *Tape::parse("(float, float) { v2 = const float 2; v3 = mul v0 v2; v4 = add v3 v1 } -> v4, v3");
  const Tape consumer = *Tape::parse("(float, float) { v2 = const float 3; v3 = sub v1 v0; v4 = pow v3 v2 } -> v4");
  const Tape joined = concatenate(producer, 0, consumer, 1, false);
  ASSERT_TRUE(joined.verify().ok());
  EXPECT_EQ(joined.to_string(),
            "(float, float, float) { v3 = const float 2; v4 = const float 3; v5 = mul v0 v3; v6 = add v5 v1; "
            "v7 = sub v6 v2; v8 = pow v7 v4 } -> v8");
  EXPECT_EQ(concatenate(producer, 1, consumer, 0, true).to_string(),
            "(float, float, float) { v3 = const float 2; v4 = const float 3; v5 = mul v0 v3; v6 = add v5 v1; "
            "v7 = sub v2 v5; v8 = pow v7 v4 } -> v8, v6, v5");
  // A producer that only passes an input on.
  const Tape pass = *Tape::parse("(float) { } -> v0");
  EXPECT_EQ(concatenate(pass, 0, consumer, 0, true).to_string(),
            "(float, float) { v2 = const float 3; v3 = sub v1 v0; v4 = pow v3 v2 } -> v4, v0");
}

TEST(Tape, OfOneMicroOp) {
  EXPECT_EQ(tape_of(MicroOp::k_add, DType::kFloat, DType::kFloat).to_string(),
            "(float, float) { v2 = add v0 v1 } -> v2");
  EXPECT_EQ(tape_of(MicroOp::k_select, DType::kInt8, DType::kInt8).to_string(),
            "(bool, int8, int8) { v3 = select v0 v1 v2 } -> v3");
  EXPECT_EQ(tape_of(MicroOp::k_cast, DType::kBool, DType::kHalf).to_string(), "(bool) { v1 = cast half v0 } -> v1");
}

}  // namespace
}  // namespace tw
