// Element-wise gradients, first and second order.
#include <gtest/gtest.h>

#include "tests/autodiff/numeric.h"

namespace tw::testing {
namespace {

using grad::call;
using grad::Val;
using grad::Vals;

struct Unary {
  const char* op;
  double low, high;
  int order = 2;
};

void PrintTo(const Unary& u, std::ostream* out) { *out << u.op; }

class UnaryGradient : public ::testing::TestWithParam<Unary> {};

TEST_P(UnaryGradient, MatchesFiniteDifferences) {
  const Unary& u = GetParam();
  AttrMap attrs;
  if (std::string_view(u.op) == "CheckNumerics") attrs["message"] = "of the test";
  check_gradient(u.op, {{{2, 3}, u.low, u.high}}, [&](const Vals& x) { return call(u.op, {x[0]}, attrs); },
                 {.order = u.order, .tolerance = 2e-5});
}

const Unary kUnary[] = {
    {"Abs", 0.2, 1.5},        {"Neg", -1, 1},      {"Square", -1, 1},    {"Sqrt", 0.3, 2},      {"Rsqrt", 0.3, 2},
    {"Reciprocal", 0.4, 2},   {"Inv", 0.4, 2},     {"Exp", -1, 1},       {"Expm1", -1, 1},      {"Log", 0.3, 2},
    {"Log1p", -0.5, 1},       {"Sin", -2, 2},      {"Cos", -2, 2},       {"Tan", -1, 1},        {"Asin", -0.8, 0.8},
    {"Acos", -0.8, 0.8},      {"Atan", -2, 2},     {"Sinh", -1, 1},      {"Cosh", -1, 1},       {"Tanh", -1, 1},
    {"Asinh", -2, 2},         {"Acosh", 1.3, 3},   {"Atanh", -0.7, 0.7}, {"Erf", -1, 1},        {"Erfc", -1, 1},
    {"Sigmoid", -2, 2},       {"Softplus", -2, 2}, {"Softsign", -2, 2},  {"Relu", 0.1, 2},      {"Relu6", 0.1, 8},
    {"Elu", -2, 2},           {"Selu", -2, 2},     {"LeakyRelu", -2, 2}, {"Lgamma", 0.5, 3, 1}, {"Identity", -1, 1},
    {"CheckNumerics", -1, 1}, {"L2Loss", -1, 1},   {"Softmax", -1, 1},   {"LogSoftmax", -1, 1}, {"Sign", 0.2, 1, 1},
};

INSTANTIATE_TEST_SUITE_P(Ops, UnaryGradient, ::testing::ValuesIn(kUnary),
                         [](const auto& info) { return std::string(info.param.op); });

struct Binary {
  const char* op;
  double low, high;  // of the first
  double low2, high2;
};

void PrintTo(const Binary& u, std::ostream* out) { *out << u.op; }

class BinaryGradient : public ::testing::TestWithParam<Binary> {
 protected:
  void check(const Shape& left, const Shape& right) {
    const Binary& u = GetParam();
    check_gradient(u.op, {{left, u.low, u.high}, {right, u.low2, u.high2}},
                   [&](const Vals& x) { return call(u.op, {x[0], x[1]}); }, {.tolerance = 2e-5});
  }
};

TEST_P(BinaryGradient, OfEqualShapes) { check({2, 3}, {2, 3}); }
TEST_P(BinaryGradient, BroadcastsTheSecond) { check({2, 3}, {3}); }
TEST_P(BinaryGradient, BroadcastsTheFirst) { check({2, 1}, {1, 2, 3}); }
TEST_P(BinaryGradient, BroadcastsAScalar) { check({}, {4}); }

const Binary kBinary[] = {
    {"Add", -1, 1, -1, 1},          {"AddV2", -1, 1, -1, 1},     {"Sub", -1, 1, -1, 1},
    {"Mul", -1, 1, -1, 1},          {"RealDiv", -1, 1, 0.5, 2},  {"Div", -1, 1, 0.5, 2},
    {"DivNoNan", -1, 1, 0.5, 2},    {"MulNoNan", -1, 1, 0.5, 2}, {"Pow", 0.5, 2, -1, 2},
    {"Maximum", 0, 1, 1.1, 2},      {"Minimum", 0, 1, 1.1, 2},   {"SquaredDifference", -1, 1, -1, 1},
    {"FloorMod", 1.2, 1.8, 1, 1.1}, {"Xlogy", 0.2, 2, 0.5, 2},   {"Xdivy", 0.2, 2, 0.5, 2},
};

INSTANTIATE_TEST_SUITE_P(Ops, BinaryGradient, ::testing::ValuesIn(kBinary),
                         [](const auto& info) { return std::string(info.param.op); });

TEST(ElementwiseGradient, OfAtan2) {
  check_gradient("Atan2", {{{2, 2}, 0.5, 2}, {{2, 2}, 0.5, 2}},
                 [](const Vals& x) { return call("Atan2", {x[0], x[1]}); }, {.tolerance = 2e-5});
}

// The same values with a static shape of which only the rank is known.
Val hide_shape(Val x) {
  return call("PlaceholderWithDefault", {x}, {{"shape", Shape::unknown_of_rank(x.shape().rank())}});
}

TEST(ElementwiseGradient, OfShapesUnknownInTheGraph) {
  check_gradient("Mul", {{{2, 3}}, {{3}}},
                 [](const Vals& x) { return hide_shape(x[0]) * call("Sin", {hide_shape(x[1])}); });
  check_gradient("RealDiv", {{{2, 1}}, {{2, 3}, 0.5, 2}},
                 [](const Vals& x) { return hide_shape(x[0]) / hide_shape(x[1]); }, {.tolerance = 2e-5});
}

TEST(ElementwiseGradient, OfPartlyKnownShapes) {
  const auto some = [](Val x, const Shape& s) { return call("PlaceholderWithDefault", {x}, {{"shape", s}}); };
  check_gradient("row", {{{2, 3}}, {{3}}},
                 [&](const Vals& x) { return some(x[0], {kUnknownDim, 3}) * call("Sin", {x[1]}); });
  check_gradient("column", {{{2, 3}}, {{2, 1}}}, [&](const Vals& x) {
    return call("Sin", {some(x[0], {2, kUnknownDim})}) * some(x[1], {kUnknownDim, 1});
  });
  check_gradient("both", {{{1, 3}}, {{2, 1}}}, [&](const Vals& x) {
    return call("Sin", {some(x[0], {1, kUnknownDim})}) * some(x[1], {kUnknownDim, 1});
  });
}

TEST(ElementwiseGradient, OfSelection) {
  const auto mask = [](Builder& b, const Shape& s) {
    Tensor t = Tensor::make_or_die(DType::kBool, s);
    for (int64_t i = 0; i < t.num_elements(); ++i) t.data<bool>()[i] = i % 3 == 0;
    return Val(b, b.constant(std::move(t)));
  };
  check_gradient("Select", {{{2, 3}}, {{2, 3}}}, [&](const Vals& x) {
    return call("Select", {mask(x[0].builder(), {2, 3}), call("Sin", {x[0]}), x[1] * x[1]});
  });
  check_gradient("SelectV2", {{{2, 3}}, {{3}}}, [&](const Vals& x) {
    return call("SelectV2", {mask(x[0].builder(), {2, 1}), call("Sin", {x[0]}), x[1] * x[1]});
  });
}

TEST(ElementwiseGradient, OfClipping) {
  check_gradient("ClipByValue", {{{8}, -2, 2}, {{}, -1, -0.5}, {{}, 0.5, 1}},
                 [](const Vals& x) { return call("ClipByValue", {x[0], x[1], x[2]}); });
}

TEST(ElementwiseGradient, OfSums) {
  check_gradient("AddN", {{{2}}, {{2}}, {{2}}}, [](const Vals& x) {
    return grad::call_n("AddN", 1, {x[0] * x[1], x[1], x[2] * x[2]}, {{"N", 3}})[0];
  });
}

TEST(ElementwiseGradient, OfCasts) {
  check_gradient("Cast", {{{3}}},
                 [](const Vals& x) { return grad::cast(grad::cast(x[0] * x[0], DType::kFloat), DType::kDouble); },
                 {.order = 1, .tolerance = 2e-2, .step = 1e-2});
}

}  // namespace
}  // namespace tw::testing
