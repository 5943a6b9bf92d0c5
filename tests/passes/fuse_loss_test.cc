// Cross entropies that multiply their derivatives themselves.
#include <cmath>

#include "core/autodiff/autodiff.h"
#include "core/graph/builder.h"
#include "core/runtime/session.h"
#include "tests/passes/pass_testing.h"

namespace tw {
namespace {

constexpr char kLoss[] =
    "%x:float[4,6] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[4,6]]}\n"
    "%y:float[4,6] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[4,6]]}\n"
    "%s:float[4,1] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[4,1]]}\n"
    "%l = SoftmaxCrossEntropyWithLogits(%x, %y) {T=float}\n";

TEST(FuseLoss, TakesTheProduct) {
  EXPECT_EQ(
      after(std::string(kLoss) + "%p = Mul(%s, %l:1) {T=float}\n%r = _Retval(%p) {T=float, index=0}\n", fuse_loss),
      "_ScaledSoftmaxCrossEntropy(x, y, s); _Retval(l:1)");
}

TEST(FuseLoss, LeavesWhatOthersRead) {
  EXPECT_EQ(after(std::string(kLoss) + "%p = Mul(%s, %l:1) {T=float}\n%r = _Retval(%p) {T=float, index=0}\n"
                                       "%t = _Retval(%l:1) {T=float, index=1}\n",
                  fuse_loss),
            "SoftmaxCrossEntropyWithLogits(x, y); Mul(s, l:1); _Retval(p); _Retval(l:1)");
}

// The factor hangs on the loss itself.
TEST(FuseLoss, NeverClosesACycle) {
  EXPECT_EQ(after(std::string(kLoss) + "%d = Const() {dtype=int32, value=tensor<int32 [1] = 1>}\n"
                                       "%e = ExpandDims(%l, %d) {T=float, Tdim=int32}\n%f = Mul(%s, %e) {T=float}\n"
                                       "%p = Mul(%f, %l:1) {T=float}\n%r = _Retval(%p) {T=float, index=0}\n",
                  fuse_loss),
            "SoftmaxCrossEntropyWithLogits(x, y); ExpandDims(l, d); Mul(s, e); Mul(f, l:1); _Retval(p)");
}

TEST(FuseLoss, GivesWhatTheOpsGive) {
  for (const bool sparse : {false, true}) {
    for (const int64_t classes : {1, 5, 16, 101}) {
      const Shape shape{7, classes};
      auto graph = std::make_shared<Graph>();
      Builder b(graph.get());
      std::vector<Output> feeds;
      std::vector<Tensor> values;
      const auto feed = [&](Tensor t) {
        feeds.push_back({b.add("Placeholder", {}, {{"dtype", t.dtype()}, {"shape", t.shape()}}), 0});
        values.push_back(std::move(t));
        return feeds.back();
      };
      const auto numbers = [&](const Shape& s) {
        Tensor t = Tensor::make_or_die(DType::kFloat, s);
        for (int64_t i = 0; i < s.num_elements(); ++i) t.data<float>()[i] = std::sin(static_cast<float>(3 * i + 1));
        return t;
      };
      const Output x = feed(numbers(shape));
      Tensor labels = numbers(shape);
      if (sparse) {
        labels = Tensor::make_or_die(DType::kInt32, Shape{7});
        for (int64_t i = 0; i < 7; ++i) labels.data<int32_t>()[i] = static_cast<int32_t>(i % classes);
      }
      const char* op = sparse ? "SparseSoftmaxCrossEntropyWithLogits" : "SoftmaxCrossEntropyWithLogits";
      const Output loss{b.add(op, {x, feed(std::move(labels))}), 0};
      GradientOptions options;
      options.grad_ys = {feed(numbers(Shape{7}))};
      auto grads = add_gradients(graph.get(), std::vector<Output>{loss}, std::vector<Output>{x}, options);
      ASSERT_TRUE(grads.ok() && b.status().ok());
      const std::vector<Output> fetches{loss, densify(b, (*grads)[0])};
      std::vector<std::vector<Tensor>> results;
      for (const bool optimize : {false, true}) {
        auto session = Session::create(graph, SessionOptions{.intra_op_threads = 1, .optimize = optimize});
        auto step = (*session)->prepare(feeds, fetches, {});
        ASSERT_TRUE(step.ok());
        results.emplace_back(2);
        ASSERT_TRUE((*step)->run({}, values, results.back()).ok());
      }
      for (size_t k = 0; k < 2; ++k) {
        for (int64_t i = 0; i < results[0][k].num_elements(); ++i) {
          EXPECT_EQ(results[0][k].data<float>()[i], results[1][k].data<float>()[i]) << op << " " << classes << " " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tw
