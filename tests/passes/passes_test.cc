// Text in, text out: what each pass makes of a small body.
#include "core/graph/builder.h"
#include "tests/passes/pass_testing.h"

namespace tw {
namespace {

Status folded(Body& b) {
  CompileStep step;
  FunctionFacts facts;
  return fold(b, PassContext{&step, &facts});
}

TEST(Passes, TheTextFormRoundTrips) {
  std::unique_ptr<Body> body =
      body_of(std::string(kArgs) + "%s = Add(%x, %y) {T=float}\n%r = _Retval(%s) {T=float, index=0}\n");
  const std::string once = print(*body->body);
  auto again = parse(once);
  ASSERT_TRUE(again.ok()) << again.status().to_string() << "\n" << once;
  EXPECT_EQ(print(**again), once);
}

TEST(Passes, RenumberPutsLateNodesWhereTheyAreUsed) {
  std::unique_ptr<Body> body = body_of(std::string(kArgs) +
                                       "%a = Add(%x, %y) {T=float}\n%b = Neg(%a) {T=float}\n%c = Exp(%b) {T=float}\n"
                                       "%r = _Retval(%c) {T=float, index=0}\n%d = Neg(%y) {T=float}\n");
  Graph& g = *body->body;
  auto late = add_node(*body, g.node(*g.find("a")), "late", "Abs", {Output{*g.find("x"), 0}}, {});
  ASSERT_TRUE(late.ok());
  g.mutable_node(*g.find("b")).inputs[0] = Output{*late, 0};
  remove_dead(*body);
  renumber(*body);
  std::string names;
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    EXPECT_EQ(g.node(i).id, i);
    names += g.node(i).name + " ";
  }
  EXPECT_EQ(names, "x y a/late b c r ");
  EXPECT_EQ(*g.find("a/late"), 2);
  EXPECT_EQ(body->args, (std::vector<NodeId>{0, 1}));
  EXPECT_EQ(body->results, std::vector<NodeId>{5});
  EXPECT_TRUE(verify(g).ok());
}

// What is known of its result does not keep a node from being held against the shape that it is given.
TEST(Passes, SpecialiseChecksNodesOfKnownShape) {
  const auto specialised = [](int64_t elements) {
    std::unique_ptr<Body> body = body_of(
        "%x:float[?] = _Arg() {T=float, index=0}\n%s = Const() {dtype=int32, value=tensor<int32 [2] = 2 3>}\n"
        "%y = Reshape(%x, %s)\n%r = _Retval(%y) {T=float, index=0}\n");
    const Graph& g = *body->body;
    EXPECT_EQ(g.shape(Output{*g.find("y"), 0}), (Shape{2, 3}));
    FunctionFacts facts;
    const Shape shape{elements};
    return specialise(*body, {&shape, 1}, facts);
  };
  EXPECT_TRUE(specialised(6).ok());
  EXPECT_EQ(specialised(5).code(), Code::kInvalidArgument);
}

TEST(Passes, FoldEvaluatesConstants) {
  EXPECT_EQ(after("%a = Const() {dtype=float, value=tensor<float [2] = 1 2>}\n"
                  "%b = Add(%a, %a) {T=float}\n%c = Mul(%b, %a) {T=float}\n%r = _Retval(%c) {T=float, index=0}\n",
                  folded),
            "_Retval(c)");
}

TEST(Passes, FoldTakesADimensionFromAShapeThatIsPartlyKnown) {
  const auto part = [](int i) {
    return internal::concat(
        "%x:float[?,5] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[?,5]]}\n",
        "%s = Shape(%x) {T=float, out_type=int32}\n%b = Const() {dtype=int32, value=tensor<int32 [1] = ", i,
        ">}\n%e = Const() {dtype=int32, value=tensor<int32 [1] = ", i + 1,
        ">}\n%o = Const() {dtype=int32, value=tensor<int32 [1] = 1>}\n",
        "%d = StridedSlice(%s, %b, %e, %o) {T=int32, Index=int32, shrink_axis_mask=1}\n",
        "%n = Neg(%d) {T=int32}\n%r = _Retval(%n) {T=int32, index=0}\n");
  };
  EXPECT_EQ(after(part(1), folded), "_Retval(n)");
  EXPECT_EQ(after(part(0), folded), "Shape(x); StridedSlice(s, b, e, o); Neg(d); _Retval(n)");
}

TEST(Passes, FoldKeepsWhatConstantsWaitFor) {
  EXPECT_EQ(after("%w = NoOp()\n%a = Const(^%w) {dtype=float, value=tensor<float [] = 1>}\n"
                  "%b = Neg(%a) {T=float}\n%c = Neg(%b) {T=float}\n%r = _Retval(%c) {T=float, index=0}\n",
                  [](Body& b) {
                    Status s = folded(b);
                    const Node& c = b.body->node(b.body->node(b.results[0]).inputs[0].node);
                    EXPECT_EQ(c.controls, std::vector<NodeId>{0});
                    return s;
                  }),
            "NoOp(); _Retval(c)");
}

TEST(Passes, FoldLeavesRandomOpsAlone) {
  EXPECT_EQ(
      after("%a = Const() {dtype=int32, value=tensor<int32 [1] = 2>}\n"
            "%b = RandomUniform(%a) {T=int32, dtype=float, seed=1, seed2=2}\n%r = _Retval(%b) {T=float, index=0}\n",
            folded),
      "RandomUniform(a); _Retval(b)");
}

TEST(Passes, CseMergesEqualTrees) {
  EXPECT_EQ(after(std::string(kArgs) + "%a = AddV2(%x, %y) {T=float}\n%b = AddV2(%y, %x) {T=float}\n%c = Exp(%a) "
                                       "{T=float}\n%d = Exp(%b) {T=float}\n"
                                       "%e = Mul(%c, %d) {T=float}\n%r = _Retval(%e) {T=float, index=0}\n",
                  cse),
            "AddV2(x, y); Exp(a); Mul(c, c); _Retval(e)");
}

// Reading an element twice is an error where elements may be read once.
TEST(Passes, CseLeavesReadsThatLeaveMarks) {
  const auto text = [](const char* more) {
    const std::string read = internal::concat("TensorListGetItem(%l, %i, %i) {element_dtype=float", more, "}\n");
    return "%l = _Arg() {T=variant, index=0}\n%i = _Arg() {T=int32, index=1}\n%a = " + read + "%b = " + read +
           "%r = _Retval(%a) {T=float, index=0}\n%s = _Retval(%b) {T=float, index=1}\n";
  };
  EXPECT_EQ(after(text(""), cse), "TensorListGetItem(l, i, i); _Retval(a); _Retval(a)");
  EXPECT_EQ(after(text(", _clear_after_read:bool=true"), cse),
            "TensorListGetItem(l, i, i); TensorListGetItem(l, i, i); _Retval(a); _Retval(b)");
}

TEST(Passes, SimplifyRemovesWhatPassesOn) {
  EXPECT_EQ(after(std::string(kArgs) +
                      "%i = Identity(%x) {T=float}\n%s = StopGradient(%i) {T=float}\n%n = Neg(%s) {T=float}\n"
                      "%r = _Retval(%n) {T=float, index=0}\n",
                  simplify),
            "Neg(x); _Retval(n)");
}

TEST(Passes, SimplifyKeepsAnIdentityThatWaits) {
  EXPECT_EQ(
      after(std::string(kArgs) + "%w = NoOp()\n%i = Identity(%x, ^%w) {T=float}\n%r = _Retval(%i) {T=float, index=0}\n",
            simplify),
      "NoOp(); Identity(x, ^w); _Retval(i)");
}

TEST(Passes, SimplifyDropsNeutralElements) {
  EXPECT_EQ(after(std::string(kArgs) +
                      "%one = Const() {dtype=float, value=tensor<float [] = 1>}\n"
                      "%zero = Const() {dtype=float, value=tensor<float [] = 0>}\n"
                      "%a = Mul(%x, %one) {T=float}\n%b = Add(%zero, %a) {T=float}\n%c = Mul(%b, %zero) {T=float}\n"
                      "%r = _Retval(%c) {T=float, index=0}\n",
                  simplify),
            // Times zero stays: it turns infinities into NaN.
            "Mul(x, zero); _Retval(c)");
}

TEST(Passes, SimplifyTakesSelectForElementWiseWhereItIs) {
  const auto text = [](const char* condition) {
    return internal::concat("%c = _Arg() {T=bool, index=2, _output_shapes:list(shape)=[", condition, "]}\n", kArgs,
                            "%s = Select(%c, %x, %y) {T=float}\n%r = _Retval(%s) {T=float, index=0}\n");
  };
  EXPECT_EQ(after(text("[2,3]"), simplify), "SelectV2(c, x, y); _Retval(s)");
  for (const char* other : {"[2]", "[]", "[2,?]"}) {
    EXPECT_EQ(after(text(other), simplify), "Select(c, x, y); _Retval(s)") << other;
  }
}

// Element-wise ops stretch what they read themselves, but for those that take equal shapes only.
TEST(Passes, SimplifyReadsBeforeABroadcast) {
  const auto text = [](const char* op) {
    return internal::concat(
        "%x = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[2,1]]}\n"
        "%y = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[2,3]]}\n"
        "%s = Const() {dtype=int32, value=tensor<int32 [2] = 2 3>}\n"
        "%b = BroadcastTo(%x, %s) {T=float, Tidx=int32}\n%z = ",
        op, "(%b, %y) {T=float}\n%r = _Retval(%z) {T=float, index=0}\n");
  };
  EXPECT_EQ(after(text("Mul"), simplify), "Mul(x, y); _Retval(z)");
  EXPECT_EQ(after(text("ReluGrad"), simplify), "BroadcastTo(x, s); ReluGrad(b, y); _Retval(z)");
}

TEST(Passes, SimplifyAddsSingleElementsToALongList) {
  EXPECT_EQ(after("%l = _Arg() {T=variant, index=0}\n%n = _Arg() {T=int32, index=1}\n%x = _Arg() {T=float, index=2}\n"
                  "%e = Const() {dtype=int32, value=tensor<int32 [] = -1>}\n"
                  "%z = TensorListReserve(%e, %n) {element_dtype=float, shape_type=int32}\n"
                  "%s = TensorListSetItem(%z, %n, %x) {element_dtype=float}\n"
                  "%a = AddN(%l, %s) {N=2, T=variant}\n%r = _Retval(%a) {T=variant, index=0}\n",
                  simplify),
            "_TensorListAddItem(l, n, x); _Retval(a)");
}

constexpr char kNormOperands[] =
    "%x = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[1,4,4,2]]}\n"
    "%v = Const() {dtype=float, value=tensor<float [2] = 1 2>}\n";

// What is constant of it is folded.
TEST(Passes, NormsBecomeAProductAndASum) {
  const auto pass = [](Body& b) -> Status {
    TW_ASSIGN_OR_RETURN(const bool changed, lower_norms(b));
    EXPECT_TRUE(changed);
    return folded(b);
  };
  EXPECT_EQ(after(std::string(kNormOperands) + "%n = FusedBatchNorm(%x, %v, %v, %v, %v) {T=float, "
                                               "is_training=false}\n%r = _Retval(%n) {T=float, index=0}\n",
                  pass),
            "Mul(x, n/factor); AddV2(n/scaled, n/shift); _Retval(n)");
}

TEST(Passes, NormsThatTrainStay) {
  const auto pass = [](Body& b) -> Status {
    TW_ASSIGN_OR_RETURN(const bool changed, lower_norms(b));
    EXPECT_FALSE(changed);
    return {};
  };
  const std::string end = "%r = _Retval(%n) {T=float, index=0}\n";
  const std::string norm = "%n = FusedBatchNorm(%x, %v, %v, %v, %v) {T=float, ";
  EXPECT_EQ(after(kNormOperands + norm + "is_training=true}\n" + end, pass),
            "FusedBatchNorm(x, v, v, v, v); _Retval(n)");
  // Its other outputs are wanted.
  EXPECT_EQ(after(kNormOperands + norm + "is_training=false}\n%s = _Retval(%n:1) {T=float, index=1}\n" + end, pass),
            "FusedBatchNorm(x, v, v, v, v); _Retval(n:1); _Retval(n)");
  // What the op would refuse when it runs.
  EXPECT_EQ(after("%x = _Arg() {T=float, index=0}\n%v = Const() {dtype=float, value=tensor<float [2] = 1 2>}\n" + norm +
                      "is_training=false}\n" + end,
                  pass),
            "FusedBatchNorm(x, v, v, v, v); _Retval(n)");
}

TEST(Passes, ColumnsThatNobodyReadsAreNotComputed) {
  const auto text = [](int64_t rows, const char* transpose, const char* shape, std::string_view results) {
    return internal::concat("%x = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[", rows,
                            ",4]]}\n%w = _Arg() {T=float, index=1, ", "_output_shapes:list(shape)=[[", shape,
                            "]]}\n%m = MatMul(%x, %w) {T=float, transpose_b=", transpose, "}\n",
                            "%sizes = Const() {dtype=int32, value=tensor<int32 [3] = 2 3 4>}\n",
                            "%axis = Const() {dtype=int32, value=tensor<int32 [] = 1>}\n",
                            "%s = SplitV(%m, %sizes, %axis) {T=float, Tlen=int32, num_split=3}\n", results);
  };
  const std::string last = "%r = _Retval(%s:2) {T=float, index=0}\n",
                    middle = "%q = _Retval(%s:1) {T=float, index=1}\n", first = "%p = _Retval(%s) {T=float, index=2}\n";
  for (const auto& [transpose, shape] : {std::pair("true", "9,4"), std::pair("false", "4,9")}) {
    EXPECT_EQ(after(text(40, transpose, shape, last), trim_products),
              "Slice(w, m/const, m/const_1); MatMul(x, m/part); _Retval(m)");
    EXPECT_EQ(after(text(100, transpose, shape, last + middle), trim_products),
              "Slice(w, m/const, m/const_1); MatMul(x, m/part); SplitV(m, s/const, s/const_1); _Retval(s/wanted:1); "
              "_Retval(s/wanted)");
    // All are read, if only those at both ends; too few rows.
    const std::string as_it_was = "MatMul(x, w); SplitV(m, sizes, axis); _Retval(s:2)";
    EXPECT_EQ(after(text(100, transpose, shape, last + first), trim_products), as_it_was + "; _Retval(s)");
    EXPECT_EQ(after(text(4, transpose, shape, last), trim_products), as_it_was);
    // Somebody waits for the split.
    EXPECT_EQ(after(text(40, transpose, shape, "%w2 = NoOp(^%s)\n%r = _Retval(%s:2, ^%w2) {T=float, index=0}\n"),
                    trim_products),
              "MatMul(x, w); SplitV(m, sizes, axis); NoOp(^s); _Retval(s:2, ^w2)");
  }
}

// The gradient of weights that three steps use.
TEST(Passes, ProductsThatAreAddedBecomeOne) {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    text += internal::concat("%a", i, " = _Arg() {T=float, index=", 2 * i, ", _output_shapes:list(shape)=[[4,2]]}\n%b",
                             i, " = _Arg() {T=float, index=", 2 * i + 1, ", _output_shapes:list(shape)=[[4,3]]}\n%m", i,
                             " = MatMul(%a", i, ", %b", i, ") {T=float, transpose_a=true}\n");
  }
  text += "%s = AddN(%m0, %m1, %m2) {N=3, T=float}\n%r = _Retval(%s) {T=float, index=0}\n";
  EXPECT_EQ(after(text, merge_products),
            "ConcatV2(a0, a1, a2, s/const); ConcatV2(b0, b1, b2, s/const_1); MatMul(s/left, s/right); _Retval(s)");
  // One that is wanted for itself stays, and so then do two.
  EXPECT_EQ(after(text + "%t = _Retval(%m1) {T=float, index=1}\n", merge_products),
            "MatMul(a0, b0); MatMul(a1, b1); MatMul(a2, b2); AddN(m0, m1, m2); _Retval(s); _Retval(m1)");
}

// The same as an unrolled loop adds them up, one after the other.
TEST(Passes, ASumThatBeginsWithASumBecomesOne) {
  std::string text =
      "%w = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[2,3]]}\n%s0 = ZerosLike(%w) {T=float}\n";
  for (int i = 0; i < 3; ++i) {
    text += internal::concat(
        "%a", i, " = _Arg() {T=float, index=", 2 * i + 1, ", _output_shapes:list(shape)=[[4,2]]}\n%b", i,
        " = _Arg() {T=float, index=", 2 * i + 2, ", _output_shapes:list(shape)=[[4,3]]}\n%m", i, " = MatMul(%a", i,
        ", %b", i, ") {T=float, transpose_a=true}\n%s", i + 1, " = AddN(%s", i, ", %m", i, ") {N=2, T=float}\n");
  }
  text += "%r = _Retval(%s3) {T=float, index=0}\n";
  EXPECT_EQ(after(text, merge_products),
            "ConcatV2(a0, a1, a2, s3/const); ConcatV2(b0, b1, b2, s3/const_1); MatMul(s3/left, s3/right); _Retval(s3)");
  // A sum that is wanted for itself stays.
  const std::string kept = after(text + "%q = _Retval(%s2) {T=float, index=1}\n", merge_products);
  EXPECT_NE(kept.find("AddN(m0, m1)"), std::string::npos) << kept;
}

TEST(Passes, AMatrixThatManyProductsTakeTransposedIsTurnedOnce) {
  const auto text = [](int n, int rows) {
    std::string t = "%w = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[5,3]]}\n";
    for (int i = 0; i < n; ++i) {
      t += internal::concat("%x", i, " = _Arg() {T=float, index=", i + 1, ", _output_shapes:list(shape)=[[", rows,
                            ",3]]}\n%m", i, " = MatMul(%x", i, ", %w) {T=float, transpose_b=true}\n%r", i,
                            " = _Retval(%m", i, ") {T=float, index=", i, "}\n");
    }
    return t;
  };
  EXPECT_EQ(after(text(2, 20), merge_products), "MatMul(x0, w); _Retval(m0); MatMul(x1, w); _Retval(m1)");
  EXPECT_EQ(after(text(3, 20), merge_products),
            "Transpose(w, m0/const); MatMul(x0, m0/turned); _Retval(m0); MatMul(x1, m0/turned); _Retval(m1); "
            "MatMul(x2, m0/turned); _Retval(m2)");
  // Few rows read it as it lies.
  EXPECT_EQ(after(text(3, 2), merge_products),
            "MatMul(x0, w); _Retval(m0); MatMul(x1, w); _Retval(m1); MatMul(x2, w); _Retval(m2)");
}

// A function of one int32 that returns `op` of it and 5.
void add_function(const std::shared_ptr<FunctionLibrary>& library, const std::string& name, std::string_view op) {
  auto f = std::make_shared<Function>();
  f->name = name;
  f->body = std::make_unique<Graph>(library);
  Builder b(f->body.get());
  const NodeId arg = b.add("_Arg", {}, {{"T", DType::kInt32}, {"index", 0}});
  const Output made{b.add(op, {Output{arg, 0}, b.scalar<int32_t>(5)}), 0};
  f->args = {arg};
  f->results = {b.add("_Retval", {made}, {{"index", 0}})};
  ASSERT_TRUE(b.status().ok()) << b.status().to_string();
  ASSERT_TRUE(library->add(f).ok());
}

TEST(Passes, RotateLoopsPutsTheConditionBehindTheBody) {
  std::unique_ptr<Body> body = body_of("%n = _Arg() {T=int32, index=0}\n");
  const auto library = body->body->library();
  add_function(library, "next", "Add");
  add_function(library, "below", "Less");
  Builder b(body->body.get());
  const NodeId loop =
      b.add("While", {Output{body->args[0], 0}}, {{"cond", FuncRef{"below", {}}}, {"body", FuncRef{"next", {}}}});
  ASSERT_TRUE(b.status().ok()) << b.status().to_string();
  body->controls = {loop};
  EXPECT_FALSE(is_rotated(body->body->node(loop)));
  ASSERT_TRUE(rotate_loops(*body).ok());
  ASSERT_TRUE(rotate_loops(*body).ok());
  ASSERT_TRUE(is_rotated(body->body->node(loop)));
  const FuncRef next = body->body->node(loop).attr().must<FuncRef>("body");
  const auto made = instantiate(**library->resolve(next), next.attrs);
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_TRUE(verify(*(*made)->body).ok());
  EXPECT_EQ((*made)->results.size(), 2u);
  EXPECT_EQ(ops_of(**made), "Add(_Arg, Const); _Retval(Add); Less(Add, Const_1); _Retval(Less)");
}

// A loop of a count and a matrix that adds to the matrix what `term` makes of it and of two others.
using Term = std::function<Output(Builder&, Output sum, Output a, Output b)>;
std::unique_ptr<Body> adding_loop(const Term& term, const char* cond_op, NodeId* loop,
                                  const std::vector<Shape>& shapes = {}) {
  std::unique_ptr<Body> body = body_of(
      "%n = _Arg() {T=int32, index=0}\n%s = _Arg() {T=float, index=1}\n"
      "%a = _Arg() {T=float, index=2}\n%b = _Arg() {T=float, index=3}\n%r = _Retval(%s) {T=float, index=0}\n");
  const auto library = body->body->library();
  for (const bool is_cond : {true, false}) {
    auto f = std::make_shared<Function>();
    f->name = is_cond ? "more" : "next";
    f->body = std::make_unique<Graph>(library);
    Builder b(f->body.get());
    std::vector<Output> args;
    for (int64_t i = 0; i < 4; ++i) {
      const DType t = i == 0 ? DType::kInt32 : DType::kFloat;
      AttrMap attrs{{"T", t}, {"index", i}};
      if (i > 0 && !shapes.empty()) attrs["_output_shapes"] = std::vector<Shape>{shapes[static_cast<size_t>(i - 1)]};
      f->args.push_back(b.add("_Arg", {}, std::move(attrs)));
      args.push_back({f->args.back(), 0});
    }
    std::vector<Output> results;
    if (is_cond) {
      results = {{b.add("Less", {args[0], b.scalar<int32_t>(3)}), 0}};
      if (std::string_view(cond_op) == "Max") {  // the condition reads the matrix
        const Output all{b.add("Sum", {args[1], b.constant(Tensor::vector<int32_t>({0, 1}))}), 0};
        results = {{b.add("Less", {all, b.scalar<float>(9)}), 0}};
      }
    } else {
      results = {
          {b.add("Add", {args[0], b.scalar<int32_t>(1)}), 0}, term(b, args[1], args[2], args[3]), args[2], args[3]};
    }
    for (size_t i = 0; i < results.size(); ++i) {
      f->results.push_back(b.add("_Retval", {results[i]}, {{"index", static_cast<int64_t>(i)}}));
    }
    EXPECT_TRUE(b.status().ok()) << b.status().to_string();
    EXPECT_TRUE(library->add(f).ok());
  }
  Builder b(body->body.get());
  std::vector<Output> inputs;
  for (NodeId a : body->args) inputs.push_back({a, 0});
  *loop = b.add("While", inputs, {{"cond", FuncRef{"more", {}}}, {"body", FuncRef{"next", {}}}});
  EXPECT_TRUE(b.status().ok()) << b.status().to_string();
  body->body->mutable_node(body->results[0]).inputs[0] = Output{*loop, 1};
  return body;
}

Output product(Builder& b, Output x, Output y, bool transpose_a) {
  return {b.add("MatMul", {x, y}, {{"transpose_a", transpose_a}}), 0};
}

TEST(Passes, DeferProductsCollectsFactors) {
  NodeId loop = -1;
  const auto body =
      adding_loop([](Builder& b, Output sum, Output x,
                     Output y) { return Output{b.add("AddN", {product(b, x, y, true), sum}, {{"N", 2}}), 0}; },
                  "Less", &loop);
  ASSERT_TRUE(defer_products(*body).ok());
  ASSERT_TRUE(defer_products(*body).ok());
  ASSERT_TRUE(rotate_loops(*body).ok());
  const Graph& g = *body->body;
  EXPECT_TRUE(verify(g).ok());
  EXPECT_EQ(ops_of(*body),
            "_EmptyProductSum(); While(n, While/sum, a, b); _ProductSumTotal(While:1, s); _Retval(While/total)");
  const FuncRef next = g.node(loop).attr().must<FuncRef>("body");
  const auto made = instantiate(**g.library()->resolve(next), next.attrs);
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_TRUE(verify(*(*made)->body).ok());
  EXPECT_NE(ops_of(**made).find("_AddProduct("), std::string::npos) << ops_of(**made);
}

TEST(Passes, DeferProductsLeavesOtherLoops) {
  const auto stays = [](const Term& term, const char* cond_op = "Less", Shape start = Shape{2, 4}) {
    NodeId loop = -1;
    const auto body = adding_loop(term, cond_op, &loop, {start, Shape{3, 2}, Shape{3, 4}});
    EXPECT_TRUE(defer_products(*body).ok());
    return ops_of(*body).find("_ProductSum") == std::string::npos;
  };
  const Term plain = [](Builder& b, Output sum, Output x, Output y) {
    return Output{b.add("AddV2", {sum, product(b, x, y, true)}), 0};
  };
  EXPECT_FALSE(stays(plain));
  EXPECT_TRUE(stays(plain, "Max"));
  // What the loop begins with would be stretched, or might be.
  for (const Shape& start : {Shape{1, 4}, Shape{}, Shape{kUnknownDim, 4}, Shape::unknown()}) {
    EXPECT_TRUE(stays(plain, "Less", start)) << start;
  }
  // Not transposed; the sum is read in the body; the product is.
  EXPECT_TRUE(stays([](Builder& b, Output sum, Output x, Output y) {
    const Output turned{b.add("Transpose", {x, b.constant(Tensor::vector<int32_t>({1, 0}))}), 0};
    return Output{b.add("AddN", {sum, product(b, turned, y, false)}, {{"N", 2}}), 0};
  }));
  EXPECT_TRUE(stays([](Builder& b, Output sum, Output x, Output y) {
    const Output all{b.add("Sum", {sum, b.constant(Tensor::vector<int32_t>({0, 1}))}), 0};
    const Output scaled{b.add("Mul", {x, all}), 0};
    return Output{b.add("AddN", {sum, product(b, scaled, y, true)}, {{"N", 2}}), 0};
  }));
  EXPECT_TRUE(stays([](Builder& b, Output sum, Output x, Output y) {
    const Output p = product(b, x, y, true);
    b.add("Print", {p, p}, {{"U", std::vector<DType>{DType::kFloat}}});
    return Output{b.add("AddN", {sum, p}, {{"N", 2}}), 0};
  }));
}

TEST(Passes, LowerRefsFollowsHandlesThroughFunctions) {
  EXPECT_EQ(after("%h = _Arg() {T=resource, index=0, _handle_dtypes:list(type)=[float], "
                  "_handle_shapes:list(shape)=[[]]}\n%x = _Arg() {T=float, index=1}\n"
                  "%v = _HandleRef(%h) {T=float, shape=[]}\n"
                  "%a = AssignAdd(%v, %x) {T=float, use_locking=false}\n%g = _RefHandle(%a) {T=float}\n"
                  "%i = Identity(%a) {T=float}\n%r = _Retval(%i) {T=float, index=0}\n"
                  "%s = _Retval(%g) {T=resource, index=1}\n",
                  lower_refs),
            "Identity(h); AssignAddVariableOp(h, x); Identity(h, ^a); ReadVariableOp(h, ^a); _Retval(i); _Retval(g)");
}

TEST(Passes, LowerRefsOrdersReadsBehindWrites) {
  EXPECT_EQ(
      after("%v = VariableV2() {dtype=float, shape=[2,3], container=\"\", shared_name=\"\"}\n" + std::string(kArgs) +
                "%a = Assign(%v, %x) {T=float, use_locking=true, validate_shape=true}\n%n = Neg(%a) {T=float}\n"
                "%i = Identity(%v) {T=float}\n%s = Add(%n, %i) {T=float}\n%r = _Retval(%s) {T=float, index=0}\n",
            lower_refs),
      "VarHandleOp(); AssignVariableOp(v, x); ReadVariableOp(v); ReadVariableOp(v, ^a); Neg(v/read_value); "
      "Add(n, i); _Retval(s)");
}

}  // namespace
}  // namespace tw
