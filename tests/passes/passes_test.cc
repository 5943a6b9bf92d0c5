// Text in, text out: what each pass makes of a small body.
#include <gtest/gtest.h>

#include "core/framework/op_def.h"
#include "core/passes/pass.h"
#include "core/platform/worker_pool.h"

namespace tw {
namespace {

class FoldStep : public StepContext {
 public:
  WorkerPool& pool() override { return pool_; }
  ResourceManager& resources() override { return resources_; }
  bool cancelled() const override { return false; }
  int64_t step_id() const override { return 0; }

 private:
  WorkerPool pool_{1};
  ResourceManager resources_;
};

std::unique_ptr<Body> body_of(std::string_view text) {
  auto graph = parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().to_string();
  auto body = std::make_unique<Body>();
  body->name = "test";
  body->body = std::move(*graph);
  for (NodeId i = 0; i < body->body->num_nodes(); ++i) {
    const Node& n = body->body->node(i);
    if (n.op->name == "_Arg") body->args.push_back(i);
    if (n.op->name == "_Retval") body->results.push_back(i);
    if (n.op->has(kWritesResource) || n.op->name.starts_with("Assign")) body->controls.push_back(i);
  }
  return body;
}

// The ops of a body in order, without arguments and results, "Op(inputs)" each.
std::string ops_of(const Body& body) {
  std::string text;
  for (NodeId id : body.body->topological_order()) {
    const Node& n = body.body->node(id);
    if (n.op->name == "_Arg" || n.op->name == "Const") continue;
    text += (text.empty() ? "" : "; ") + std::string(n.op->name) + "(";
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      const Node& source = body.body->node(n.inputs[i].node);
      text += (i ? ", " : "") + source.name;
      if (n.inputs[i].index > 0) text += ":" + std::to_string(n.inputs[i].index);
    }
    for (NodeId c : n.controls) text += (n.inputs.empty() ? "^" : ", ^") + body.body->node(c).name;
    text += ")";
  }
  return text;
}

std::string after(std::string_view text, const std::function<Status(Body&)>& pass) {
  std::unique_ptr<Body> body = body_of(text);
  Status s = pass(*body);
  EXPECT_TRUE(s.ok()) << s.to_string();
  remove_dead(*body);
  Status valid = verify(*body->body);
  EXPECT_TRUE(valid.ok()) << valid.to_string();
  return ops_of(*body);
}

Status folded(Body& b) {
  FoldStep step;
  return fold(b, PassContext{&step});
}

constexpr char kArgs[] =
    "%x:float[2,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[2,3]]}\n"
    "%y:float[2,3] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[2,3]]}\n";

TEST(Passes, TheTextFormRoundTrips) {
  std::unique_ptr<Body> body =
      body_of(std::string(kArgs) + "%s = Add(%x, %y) {T=float}\n%r = _Retval(%s) {T=float, index=0}\n");
  const std::string once = print(*body->body);
  auto again = parse(once);
  ASSERT_TRUE(again.ok()) << again.status().to_string() << "\n" << once;
  EXPECT_EQ(print(**again), once);
}

TEST(Passes, FoldEvaluatesConstants) {
  EXPECT_EQ(after("%a = Const() {dtype=float, value=tensor<float [2] = 1 2>}\n"
                  "%b = Add(%a, %a) {T=float}\n%c = Mul(%b, %a) {T=float}\n%r = _Retval(%c) {T=float, index=0}\n",
                  folded),
            "_Retval(c)");
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

TEST(Passes, SimplifyAddsSingleElementsToALongList) {
  EXPECT_EQ(after("%l = _Arg() {T=variant, index=0}\n%n = _Arg() {T=int32, index=1}\n%x = _Arg() {T=float, index=2}\n"
                  "%e = Const() {dtype=int32, value=tensor<int32 [] = -1>}\n"
                  "%z = TensorListReserve(%e, %n) {element_dtype=float, shape_type=int32}\n"
                  "%s = TensorListSetItem(%z, %n, %x) {element_dtype=float}\n"
                  "%a = AddN(%l, %s) {N=2, T=variant}\n%r = _Retval(%a) {T=variant, index=0}\n",
                  simplify),
            "_TensorListAddItem(l, n, x); _Retval(a)");
}

TEST(Passes, LowerRefsFollowsHandlesThroughFunctions) {
  EXPECT_EQ(after("%h = _Arg() {T=resource, index=0, _handle_dtypes:list(type)=[float], "
                  "_handle_shapes:list(shape)=[[]]}\n%x = _Arg() {T=float, index=1}\n"
                  "%v = _HandleRef(%h) {T=float, shape=[]}\n"
                  "%a = AssignAdd(%v, %x) {T=float, use_locking=false}\n%g = _RefHandle(%a) {T=float}\n"
                  "%i = Identity(%a) {T=float}\n%r = _Retval(%i) {T=float, index=0}\n"
                  "%s = _Retval(%g) {T=resource, index=1}\n",
                  lower_refs),
            "AssignAddVariableOp(h, x); Identity(h, ^a); ReadVariableOp(h, ^a); _Retval(i); _Retval(g)");
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

TEST(Passes, FuseMakesOneTape) {
  EXPECT_EQ(
      after(std::string(kArgs) + "%a = Add(%x, %y) {T=float}\n%b = Exp(%a) {T=float}\n%c = Mul(%b, %x) {T=float}\n"
                                 "%r = _Retval(%c) {T=float, index=0}\n",
            fuse),
      "_FusedMap(x, y); _Retval(c)");
}

TEST(Passes, FuseKeepsWhatOthersWant) {
  EXPECT_EQ(after(std::string(kArgs) +
                      "%a = Add(%x, %y) {T=float}\n%b = Exp(%a) {T=float}\n%r = _Retval(%b) {T=float, index=0}\n"
                      "%s = _Retval(%a) {T=float, index=1}\n",
                  fuse),
            "_FusedMap(x, y); _Retval(b); _Retval(b:1)");
}

TEST(Passes, FusePutsBiasAndReluBehindTheProduct) {
  EXPECT_EQ(after("%x:float[4,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[4,3]]}\n"
                  "%w:float[3,5] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[3,5]]}\n"
                  "%b:float[5] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[5]]}\n"
                  "%m = MatMul(%x, %w) {T=float, transpose_a=false, transpose_b=false}\n"
                  "%a = BiasAdd(%m, %b) {T=float, data_format=\"NHWC\"}\n%y = Relu(%a) {T=float}\n"
                  "%r = _Retval(%y) {T=float, index=0}\n",
                  fuse),
            "_FusedContract(x, w, b); _Retval(y)");
}

TEST(Passes, FusePutsATapeBeforeTheSum) {
  EXPECT_EQ(
      after(std::string(kArgs) +
                "%axes = Const() {dtype=int32, value=tensor<int32 [1] = 0>}\n"
                "%a = Sub(%x, %y) {T=float}\n%b = Square(%a) {T=float}\n"
                "%c = Sum(%b, %axes) {T=float, Tidx=int32, keep_dims=false}\n%r = _Retval(%c) {T=float, index=0}\n",
            fuse),
      "_FusedReduce(x, y); _Retval(c)");
}

// a -> product -> c with a also in c's tape: a path leaves the group and comes back, so it must stay two.
TEST(Passes, FuseNeverClosesACycle) {
  EXPECT_EQ(after("%x:float[3,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[3,3]]}\n"
                  "%a = Exp(%x) {T=float}\n%m = MatMul(%a, %a) {T=float, transpose_a=false, transpose_b=false}\n"
                  "%c = Mul(%m, %a) {T=float}\n%r = _Retval(%c) {T=float, index=0}\n",
                  fuse),
            "Exp(x); _FusedContract(a, a, a); _Retval(c)");
}

}  // namespace
}  // namespace tw
