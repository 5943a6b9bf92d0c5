// Fusion: text in, text out; and what fused bodies compute beside what the ops compute one by one.
#include <cmath>

#include "core/graph/builder.h"
#include "core/runtime/session.h"
#include "tests/passes/pass_testing.h"

namespace tw {
namespace {

TEST(Fuse, MakesOneTape) {
  EXPECT_EQ(
      after(std::string(kArgs) + "%a = Add(%x, %y) {T=float}\n%b = Exp(%a) {T=float}\n%c = Mul(%b, %x) {T=float}\n"
                                 "%r = _Retval(%c) {T=float, index=0}\n",
            fuse),
      "_FusedMap(x, y); _Retval(c)");
}

TEST(Fuse, KeepsWhatOthersWant) {
  EXPECT_EQ(after(std::string(kArgs) +
                      "%a = Add(%x, %y) {T=float}\n%b = Exp(%a) {T=float}\n%r = _Retval(%b) {T=float, index=0}\n"
                      "%s = _Retval(%a) {T=float, index=1}\n",
                  fuse),
            "_FusedMap(x, y); _Retval(b); _Retval(b:1)");
}

// Known scalars are constants of the tape, and not inputs.
TEST(Fuse, TakesAPolynomialOfManyNumbers) {
  std::string text = "%x:float[2,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[2,3]]}\n", last = "x";
  for (int i = 0; i < 15; ++i) {
    const std::string n = std::to_string(i);
    text += "%c" + n + " = Const() {dtype=float, value=tensor<float [] = " + n + ".5>}\n%p" + n + " = Mul(%" + last +
            ", %x) {T=float}\n%s" + n + " = Add(%p" + n + ", %c" + n + ") {T=float}\n";
    last = "s" + n;
  }
  EXPECT_EQ(after(text + "%r = _Retval(%" + last + ") {T=float, index=0}\n", fuse), "_FusedMap(x); _Retval(s14)");
}

TEST(Fuse, TakesSumsOfEqualShapes) {
  const std::string sum = std::string(kArgs) +
                          "%a = Exp(%x) {T=float}\n%b = AddN(%a, %y, %x) {T=float, N=3}\n%c = Relu(%b) {T=float}\n"
                          "%r = _Retval(%c) {T=float, index=0}\n";
  EXPECT_EQ(after(sum, fuse), "_FusedMap(x, y); _Retval(c)");
  // Of what is not known to be equal, the op itself says what is wrong.
  std::string open = sum;
  open.replace(open.find("[[2,3]]"), 7, "[[?,3]]");
  open.replace(open.find("float[2,3]"), 10, "float[?,3]");
  EXPECT_NE(after(open, fuse).find("AddN"), std::string::npos);
}

TEST(Fuse, PutsBiasAndReluBehindTheProduct) {
  EXPECT_EQ(after("%x:float[4,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[4,3]]}\n"
                  "%w:float[3,5] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[3,5]]}\n"
                  "%b:float[5] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[5]]}\n"
                  "%m = MatMul(%x, %w) {T=float, transpose_a=false, transpose_b=false}\n"
                  "%a = BiasAdd(%m, %b) {T=float, data_format=\"NHWC\"}\n%y = Relu(%a) {T=float}\n"
                  "%r = _Retval(%y) {T=float, index=0}\n",
                  fuse),
            "_FusedContract(x, w, b); _Retval(y)");
}

constexpr char kTwoProducts[] =
    "%x:float[4,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[4,3]]}\n"
    "%w:float[3,5] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[3,5]]}\n"
    "%v:float[3,5] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[3,5]]}\n"
    "%b:float[5] = _Arg() {T=float, index=3, _output_shapes:list(shape)=[[5]]}\n"
    "%m = MatMul(%x, %w) {T=float, transpose_a=false, transpose_b=false}\n"
    "%n = MatMul(%x, %v) {T=float, transpose_a=false, transpose_b=false}\n";

// What hangs on the second product alone goes behind that one; from where the two meet, all goes behind the first.
TEST(Fuse, EachOfTwoProductsHasATape) {
  const std::string text = kTwoProducts;
  EXPECT_EQ(after(text + "%a = Mul(%m, %b) {T=float}\n%c = Mul(%n, %b) {T=float}\n%d = Exp(%c) {T=float}\n"
                         "%s = Add(%a, %d) {T=float}\n%y = Relu(%s) {T=float}\n%r = _Retval(%y) {T=float, index=0}\n",
                  fuse),
            "_FusedContract(x, v, b); _FusedContract(x, w, b, d); _Retval(y)");
  // As a result too, or where it is read twice.
  EXPECT_EQ(
      after(
          text +
              "%a = Mul(%m, %b) {T=float}\n%c = Mul(%n, %b) {T=float}\n%s = Add(%a, %c) {T=float}\n"
              "%y = Mul(%s, %c) {T=float}\n%r = _Retval(%y) {T=float, index=0}\n%q = _Retval(%c) {T=float, index=1}\n",
          fuse),
      "_FusedContract(x, v, b); _FusedContract(x, w, b, c); _Retval(y); _Retval(c)");
  // A third one that it is added to.
  EXPECT_EQ(after(text + "%k = MatMul(%x, %v) {T=float, transpose_a=false, transpose_b=false}\n"
                         "%a = Mul(%m, %b) {T=float}\n%c = Add(%n, %k) {T=float}\n%s = Add(%a, %c) {T=float}\n"
                         "%r = _Retval(%s) {T=float, index=0}\n",
                  fuse),
            "MatMul(x, v); _FusedContract(x, v, k); _FusedContract(x, w, b, c); _Retval(s)");
  // Nothing hangs on it alone.
  EXPECT_EQ(
      after(text + "%s = Add(%m, %n) {T=float}\n%y = Relu(%s) {T=float}\n%r = _Retval(%y) {T=float, index=0}\n", fuse),
      "MatMul(x, v); _FusedContract(x, w, n); _Retval(y)");
}

TEST(Fuse, PutsATapeBeforeTheSum) {
  EXPECT_EQ(
      after(std::string(kArgs) +
                "%axes = Const() {dtype=int32, value=tensor<int32 [1] = 0>}\n"
                "%a = Sub(%x, %y) {T=float}\n%b = Square(%a) {T=float}\n"
                "%c = Sum(%b, %axes) {T=float, Tidx=int32, keep_dims=false}\n%r = _Retval(%c) {T=float, index=0}\n",
            fuse),
      "_FusedReduce(x, y); _Retval(c)");
}

// a -> product -> c with a also in c's tape: a path leaves the group and comes back, so it must stay two.
TEST(Fuse, NeverClosesACycle) {
  EXPECT_EQ(after("%x:float[3,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[3,3]]}\n"
                  "%a = Exp(%x) {T=float}\n%m = MatMul(%a, %a) {T=float, transpose_a=false, transpose_b=false}\n"
                  "%c = Mul(%m, %a) {T=float}\n%r = _Retval(%c) {T=float, index=0}\n",
                  fuse),
            "Exp(x); _FusedContract(a, a, a); _Retval(c)");
}

// The only fused reduction of the body: "op pre -> post".
std::string tapes_after_fusion(std::string_view text) {
  std::unique_ptr<Body> body = body_of(text);
  const Status s = fuse(*body);
  EXPECT_TRUE(s.ok()) << s.to_string();
  remove_dead(*body);
  std::string found;
  for (NodeId id : body->body->topological_order()) {
    const Node& n = body->body->node(id);
    if (n.op->name != "_FusedReduce") continue;
    EXPECT_EQ(found, "") << "more than one fused reduction";
    found = n.attr().string("op") + ": " + n.attr().string("pre") + " | " + n.attr().string("post");
  }
  return found;
}

constexpr char kAxis0[] = "%axes = Const() {dtype=int32, value=tensor<int32 [1] = 0>}\n";

TEST(Fuse, PutsAChainBehindTheSum) {
  const std::string text = std::string(kArgs) + kAxis0 +
                           "%half = Const() {dtype=float, value=tensor<float [] = 0.5>}\n"
                           "%s = Sum(%x, %axes) {T=float, Tidx=int32, keep_dims=false}\n"
                           "%m = Mul(%s, %half) {T=float}\n%q = Sqrt(%m) {T=float}\n"
                           "%r = _Retval(%q) {T=float, index=0}\n";
  EXPECT_EQ(after(text, fuse), "_FusedReduce(x); _Retval(q)");
  EXPECT_EQ(tapes_after_fusion(text), "Sum:  | (float) { v1 = const float 0.5; v2 = mul v0 v1; v3 = sqrt v2 } -> v3");
}

TEST(Fuse, PutsTapesBeforeAndBehindTheSum) {
  const std::string text = std::string(kArgs) + kAxis0 +
                           "%d = Sub(%x, %y) {T=float}\n%b = Square(%d) {T=float}\n"
                           "%s = Sum(%b, %axes) {T=float, Tidx=int32, keep_dims=true}\n%q = Sqrt(%s) {T=float}\n"
                           "%r = _Retval(%q) {T=float, index=0}\n";
  EXPECT_EQ(after(text, fuse), "_FusedReduce(x, y); _Retval(q)");
  EXPECT_EQ(tapes_after_fusion(text),
            "Sum: (float, float) { v2 = sub v0 v1; v3 = square v2 } -> v3 | (float) { v1 = sqrt v0 } -> v1");
}

TEST(Fuse, ThePostTapeTakesOperands) {
  EXPECT_EQ(after(std::string(kArgs) + kAxis0 +
                      "%b:float[3] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[3]]}\n"
                      "%s = Max(%x, %axes) {T=float, Tidx=int32, keep_dims=false}\n%a = Add(%s, %b) {T=float}\n"
                      "%l = Log(%a) {T=float}\n%r = _Retval(%l) {T=float, index=0}\n"
                      "%t = _Retval(%a) {T=float, index=1}\n",
                  fuse),
            "_FusedReduce(x, b); _Retval(l); _Retval(l:1)");
}

TEST(Fuse, OneOfTwoReductionsTakesTheTapeOfBoth) {
  EXPECT_EQ(after(std::string(kArgs) + kAxis0 +
                      "%s = Sum(%x, %axes) {T=float, Tidx=int32, keep_dims=false}\n"
                      "%m = Max(%y, %axes) {T=float, Tidx=int32, keep_dims=false}\n"
                      "%d = RealDiv(%s, %m) {T=float}\n%r = _Retval(%d) {T=float, index=0}\n",
                  fuse),
            "Max(y, axes); _FusedReduce(x, m); _Retval(d)");
}

TEST(Fuse, AReductionThatOthersWantStaysAlone) {
  EXPECT_EQ(after(std::string(kArgs) + kAxis0 +
                      "%s = Sum(%x, %axes) {T=float, Tidx=int32, keep_dims=false}\n%q = Sqrt(%s) {T=float}\n"
                      "%r = _Retval(%q) {T=float, index=0}\n%t = _Retval(%s) {T=float, index=1}\n",
                  fuse),
            "Sum(x, axes); Sqrt(s); _Retval(q); _Retval(s)");
}

TEST(Fuse, ABroadcastResultIsNoPostTape) {
  EXPECT_EQ(after(std::string(kArgs) + kAxis0 +
                      "%s = Sum(%x, %axes) {T=float, Tidx=int32, keep_dims=true}\n%d = RealDiv(%x, %s) {T=float}\n"
                      "%r = _Retval(%d) {T=float, index=0}\n",
                  fuse),
            "Sum(x, axes); RealDiv(x, s); _Retval(d)");
}

// The engine of contractions has tapes only: its result's reduction comes after the epilogue, with a tape of its own.
TEST(Fuse, AReductionBehindAContractionKeepsItsPostTape) {
  EXPECT_EQ(after("%x:float[4,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[4,3]]}\n"
                  "%w:float[3,5] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[3,5]]}\n" +
                      std::string(kAxis0) +
                      "%m = MatMul(%x, %w) {T=float, transpose_a=false, transpose_b=false}\n%y = Relu(%m) {T=float}\n"
                      "%s = Sum(%y, %axes) {T=float, Tidx=int32, keep_dims=false}\n%q = Sqrt(%s) {T=float}\n"
                      "%r = _Retval(%q) {T=float, index=0}\n",
                  fuse),
            "_FusedContract(x, w); _FusedReduce(y); _Retval(q)");
}

TEST(Fuse, WaitersOfASwallowedReductionStay) {
  EXPECT_EQ(after(std::string(kArgs) + kAxis0 +
                      "%w = NoOp()\n%s = Sum(%x, %axes, ^%w) {T=float, Tidx=int32, keep_dims=false}\n"
                      "%q = Sqrt(%s) {T=float}\n%r = _Retval(%q) {T=float, index=0}\n",
                  fuse),
            "NoOp(); _FusedReduce(x, ^w); _Retval(q)");
}

// Programs of reductions and products with tapes around them, run as they are and without any optimisation.
struct Program {
  std::string name;
  std::function<Output(Builder&, Output, Output)> build;
};

Output reduce(Builder& b, const char* op, Output x, std::vector<int32_t> axes, bool keep) {
  const Output a = b.constant(Tensor::vector<int32_t>(std::span<const int32_t>(axes)));
  return {b.add(op, {x, a}, {{"keep_dims", keep}}), 0};
}
Output unary(Builder& b, const char* op, Output x) { return {b.add(op, {x}), 0}; }
Output binary(Builder& b, const char* op, Output x, Output y) { return {b.add(op, {x, y}), 0}; }

std::vector<Program> programs() {
  std::vector<Program> all;
  for (const bool keep : {false, true}) {
    for (const std::vector<int32_t>& axes : std::vector<std::vector<int32_t>>{{0}, {1}, {0, 1}, {}, {-1, 0}}) {
      std::string at = keep ? "Kept" : "";
      for (const int32_t a : axes) at += a < 0 ? "Last" : std::to_string(a);
      all.push_back({"Norm" + at, [=](Builder& b, Output x, Output) {
                       return unary(b, "Sqrt", reduce(b, "Sum", unary(b, "Square", x), axes, keep));
                     }});
      all.push_back({"Mean" + at, [=](Builder& b, Output x, Output) {
                       const Output n = b.constant(Tensor::scalar<float>(0.25f));
                       return binary(b, "Mul", reduce(b, "Sum", x, axes, keep), n);
                     }});
      all.push_back({"LogSumExp" + at, [=](Builder& b, Output x, Output y) {
                       const Output m = reduce(b, "Max", x, axes, keep);
                       const Output s = reduce(b, "Sum", unary(b, "Exp", binary(b, "Sub", x, y)), axes, keep);
                       return binary(b, "Add", unary(b, "Log", s), m);
                     }});
      all.push_back({"MeanOfProduct" + at, [=](Builder& b, Output x, Output y) {
                       const Output m = reduce(b, "Mean", binary(b, "Mul", x, y), axes, keep);
                       return binary(b, "Maximum", m, reduce(b, "Min", y, axes, keep));
                     }});
    }
  }
  all.push_back({"TwoProducts", [](Builder& b, Output x, Output y) {
                   const auto product = [&](Output l, Output r) {
                     return Output{b.add("MatMul", {l, r}, {{"transpose_b", true}}), 0};
                   };
                   const Output half = b.constant(Tensor::scalar<float>(0.5f));
                   const Output one = binary(b, "Mul", product(x, y), half);
                   const Output other = unary(b, "Tanh", binary(b, "Add", product(y, y), half));
                   return binary(b, "Mul", unary(b, "Relu", binary(b, "Add", one, other)), other);
                 }});
  return all;
}

class FusedPrograms : public ::testing::TestWithParam<Program> {};

TEST_P(FusedPrograms, GivesWhatTheOpsGive) {
  for (const Shape& shape : {Shape{3, 5}, Shape{1, 1}, Shape{0, 4}, Shape{4, 0}, Shape{17, 1030}, Shape{600, 7}}) {
    for (const DType t : {DType::kFloat, DType::kHalf}) {
      Tensor x = Tensor::make_or_die(DType::kFloat, shape), y = Tensor::make_or_die(DType::kFloat, shape);
      for (int64_t i = 0; i < x.num_elements(); ++i) {
        x.data<float>()[i] = static_cast<float>((i * 7919) % 101) / 64.0f - 0.5f;
        y.data<float>()[i] = static_cast<float>((i * 104729) % 89) / 64.0f - 0.5f;
      }
      std::vector<Tensor> results[2];
      for (const bool optimize : {false, true}) {
        auto graph = std::make_shared<Graph>();
        Builder b(graph.get());
        const AttrMap attrs{{"dtype", DType::kFloat}, {"shape", Shape::unknown()}};
        const Output px{b.add("Placeholder", {}, attrs), 0}, py{b.add("Placeholder", {}, attrs), 0};
        // The tapes run in the dtype of the test; scalars are floats.
        Output out = GetParam().build(b, px, py);
        if (t == DType::kHalf) out = {b.add("Cast", {out}, {{"DstT", DType::kHalf}}), 0};
        ASSERT_TRUE(b.status().ok()) << b.status().to_string();
        SessionOptions options;
        options.intra_op_threads = 2;
        options.optimize = optimize;
        auto session = Session::create(graph, options);
        ASSERT_TRUE(session.ok());
        const std::pair<Output, Tensor> feeds[] = {{px, x}, {py, y}};
        const Status s = (*session)->run({}, feeds, {&out, 1}, {}, &results[optimize]);
        ASSERT_TRUE(s.ok()) << s.to_string();
      }
      const Tensor &plain = results[0][0], &fused = results[1][0];
      ASSERT_EQ(plain.shape(), fused.shape());
      ASSERT_EQ(plain.dtype(), t);
      for (int64_t i = 0; i < plain.num_elements(); ++i) {
        const double want = t == DType::kHalf ? static_cast<float>(plain.data<half>()[i]) : plain.data<float>()[i];
        const double got = t == DType::kHalf ? static_cast<float>(fused.data<half>()[i]) : fused.data<float>()[i];
        if (want == got || (std::isnan(want) && std::isnan(got))) continue;
        ASSERT_NEAR(got, want, (t == DType::kHalf ? 1e-3 : 1e-6) * (1 + std::abs(want))) << shape << " element " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, FusedPrograms, ::testing::ValuesIn(programs()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tw
