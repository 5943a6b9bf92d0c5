// Chains of reductions along rows: which nodes become one, and what that computes beside the ops one by one.
#include <cmath>
#include <functional>

#include "core/autodiff/autodiff.h"
#include "core/graph/builder.h"
#include "core/runtime/session.h"
#include "tests/passes/pass_testing.h"

namespace tw {
namespace {

constexpr char kRows[] =
    "%x:float[4,6] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[4,6]]}\n"
    "%y:float[4,6] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[4,6]]}\n"
    "%last = Const() {dtype=int32, value=tensor<int32 [1] = 1>}\n"
    "%first = Const() {dtype=int32, value=tensor<int32 [1] = 0>}\n";

std::string after_rows(const std::string& text) { return after(std::string(kRows) + text, fuse_rows); }

TEST(FuseRows, TakesASoftmax) {
  EXPECT_EQ(after_rows("%m = Max(%x, %last) {T=float, Tidx=int32, keep_dims=true}\n%d = Sub(%x, %m) {T=float}\n"
                       "%e = Exp(%d) {T=float}\n%s = Sum(%e, %last) {T=float, Tidx=int32, keep_dims=true}\n"
                       "%q = RealDiv(%e, %s) {T=float}\n%r = _Retval(%q) {T=float, index=0}\n"),
            "_FusedRows(x); _Retval(q)");
}

// A target of the step, which nobody reads, is as much wanted as a result.
TEST(FuseRows, TakesTargets) {
  std::unique_ptr<Body> body = body_of(
      std::string(kRows) + "%m = Mean(%x, %last) {T=float, Tidx=int32, keep_dims=true}\n%d = Sub(%x, %m) {T=float}\n");
  body->controls.push_back(*body->body->find("d"));
  ASSERT_TRUE(fuse_rows(*body).ok());
  remove_dead(*body);
  EXPECT_EQ(ops_of(*body), "_FusedRows(x)");
}

// Squares around a number per row are summed without being written down, unless somebody else reads them.
TEST(FuseRows, SumsSquaresWhereTheyAre) {
  const std::string program = std::string(kRows) +
                              "%m = Mean(%x, %last) {T=float, Tidx=int32, keep_dims=true}\n"
                              "%d = SquaredDifference(%x, %m) {T=float}\n"
                              "%v = Mean(%d, %last) {T=float, Tidx=int32, keep_dims=true}\n%q = Mul(%x, %v) {T=float}\n"
                              "%r = _Retval(%q) {T=float, index=0}\n";
  const auto stages = [](const std::string& text) {
    std::unique_ptr<Body> body = body_of(text);
    EXPECT_TRUE(fuse_rows(*body).ok());
    const Node& n = body->body->node(*body->body->find("q"));
    std::string all;
    for (const std::string& s : n.attr().must<std::vector<std::string>>("stages"))
      all += s.substr(0, s.find(':')) + "; ";
    return all;
  };
  EXPECT_EQ(stages(program), "Mean 0; Variance 0 1; map 0 2; ");
  EXPECT_EQ(stages(program + "%s = _Retval(%d) {T=float, index=1}\n"), "Mean 0; map 0 1; Mean 2; map 0 3; ");
}

TEST(FuseRows, LeavesAReductionAlone) {
  EXPECT_EQ(after_rows("%d = Exp(%x) {T=float}\n%s = Sum(%d, %last) {T=float, Tidx=int32, keep_dims=true}\n"
                       "%r = _Retval(%s) {T=float, index=0}\n"),
            "Exp(x); Sum(d, last); _Retval(s)");
}

TEST(FuseRows, TakesSumsOfColumnsAlong) {
  EXPECT_EQ(after_rows("%p = Mul(%x, %y) {T=float}\n%s = Sum(%p, %last) {T=float, Tidx=int32, keep_dims=true}\n"
                       "%d = Sub(%y, %s) {T=float}\n%c = Sum(%y, %first) {T=float, Tidx=int32, keep_dims=false}\n"
                       "%r = _Retval(%d) {T=float, index=0}\n%t = _Retval(%c) {T=float, index=1}\n"),
            "_FusedRows(x, y); _Retval(c:1); _Retval(c)");
}

// The numbers per row go round through a product: what comes back may not be part of what it came from.
TEST(FuseRows, NeverClosesACycle) {
  EXPECT_EQ(after_rows("%w:float[6,6] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[6,6]]}\n"
                       "%m = Mean(%x, %last) {T=float, Tidx=int32, keep_dims=true}\n%d = Sub(%x, %m) {T=float}\n"
                       "%p = MatMul(%d, %w) {T=float, transpose_a=false, transpose_b=false}\n"
                       "%q = Mul(%p, %d) {T=float}\n%r = _Retval(%q) {T=float, index=0}\n"),
            "_FusedRows(x); MatMul(d, w); Mul(p, d); _Retval(q)");
}

// In a square tensor, numbers per row without the reduced axis would lie along the columns.
TEST(FuseRows, KeepsNumbersThatLieAlongColumnsApart) {
  EXPECT_EQ(after("%x:float[4,4] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[4,4]]}\n"
                  "%last = Const() {dtype=int32, value=tensor<int32 [1] = 1>}\n"
                  "%s = Sum(%x, %last) {T=float, Tidx=int32, keep_dims=false}\n%d = Sub(%x, %s) {T=float}\n"
                  "%r = _Retval(%d) {T=float, index=0}\n",
                  fuse_rows),
            "Sum(x, last); Sub(x, s); _Retval(d)");
}

// Writes programs that reduce the last axes.
class Chain {
 public:
  Chain(Builder& b, int rank, int reduced) : b_(b) {
    for (int i = rank - reduced; i < rank; ++i) axes_.push_back(i);
  }
  Output op(const char* name, std::vector<Output> inputs) { return {b_.add(name, std::move(inputs)), 0}; }
  Output reduce(const char* name, Output x, bool keep = true) {
    Tensor axes = Tensor::make_or_die(DType::kInt32, Shape{static_cast<int64_t>(axes_.size())});
    std::copy(axes_.begin(), axes_.end(), axes.data<int32_t>());
    return {b_.add(name, {x, b_.constant(std::move(axes))}, {{"keep_dims", keep}}), 0};
  }
  Output number(Output like, double v) { return b_.scalar_of(b_.dtype(like), v); }

 private:
  Builder& b_;
  std::vector<int32_t> axes_;
};

Output softmax(Chain& c, Output x) {
  const Output e = c.op("Exp", {c.op("Sub", {x, c.reduce("Max", x)})});
  return c.op("RealDiv", {e, c.reduce("Sum", e)});
}
Output layer_norm(Chain& c, Output x, Output row) {
  const Output mean = c.reduce("Mean", x);
  const Output variance = c.reduce("Mean", c.op("SquaredDifference", {x, c.op("StopGradient", {mean})}));
  const Output inverse = c.op("Mul", {c.op("Rsqrt", {c.op("AddV2", {variance, c.number(x, 1e-3)})}), row});
  return c.op("AddV2", {c.op("Mul", {x, inverse}), c.op("Sub", {row, c.op("Mul", {mean, inverse})})});
}

struct Case {
  Shape shape;
  int reduced;  // trailing axes
};

class RowPrograms : public ::testing::TestWithParam<DType> {
 protected:
  // The program's results and the gradients of its first one, run with and without fusion on one and on two threads.
  void compare(const Case& c, const std::function<std::vector<Output>(Chain&, Output, Output, Output)>& build) {
    const DType t = GetParam();
    auto graph = std::make_shared<Graph>();
    Builder b(graph.get());
    Shape row;
    for (int i = c.shape.rank() - c.reduced; i < c.shape.rank(); ++i) row.add_dim(c.shape[i]);
    std::vector<Output> feeds;
    std::vector<Tensor> values;
    for (const Shape& s : {c.shape, c.shape, row}) {
      feeds.push_back({b.add("Placeholder", {}, {{"dtype", t}, {"shape", s}}), 0});
      values.push_back(Tensor::make_or_die(t, s));
      for (int64_t i = 0; i < s.num_elements(); ++i) {
        const double v = std::sin(0.7 * static_cast<double>(i) + static_cast<double>(values.size()));
        if (t == DType::kFloat) values.back().data<float>()[i] = static_cast<float>(v);
        else values.back().data<double>()[i] = v;
      }
    }
    Chain chain(b, c.shape.rank(), c.reduced);
    std::vector<Output> fetches = build(chain, feeds[0], feeds[1], feeds[2]);
    ASSERT_TRUE(b.status().ok()) << b.status().to_string();
    GradientOptions options;
    options.grad_ys = {feeds[1]};
    const Output ys[] = {fetches[0]};
    auto grads = add_gradients(graph.get(), ys, std::vector<Output>{feeds[0], feeds[2]}, options);
    ASSERT_TRUE(grads.ok()) << grads.status().to_string();
    for (const Grad& g : *grads) {
      if (g.valid()) fetches.push_back(densify(b, g));
    }
    const auto run = [&](bool optimize, int threads) {
      SessionOptions how;
      how.optimize = optimize;
      how.intra_op_threads = threads;
      auto session = Session::create(graph, how);
      auto step = (*session)->prepare(feeds, fetches, {});
      EXPECT_TRUE(step.ok()) << step.status().to_string();
      std::vector<Tensor> results(fetches.size());
      const Status s = (*step)->run({}, values, results);
      EXPECT_TRUE(s.ok()) << s.to_string();
      return results;
    };
    const std::vector<Tensor> expected = run(false, 1);
    for (int threads : {1, 2}) {
      const std::vector<Tensor> got = run(true, threads);
      for (size_t k = 0; k < got.size(); ++k) {
        ASSERT_EQ(got[k].shape(), expected[k].shape());
        for (int64_t i = 0; i < got[k].num_elements(); ++i) {
          const double g = t == DType::kFloat ? got[k].data<float>()[i] : got[k].data<double>()[i];
          const double e = t == DType::kFloat ? expected[k].data<float>()[i] : expected[k].data<double>()[i];
          // Sums of up to a thousand terms in another order.
          const double bound = (t == DType::kFloat ? 2e-5 : 1e-13) * (1 + std::abs(e)) * std::sqrt(c.shape[0]);
          ASSERT_NEAR(g, e, bound) << "result " << k << " element " << i << " of " << c.shape;
        }
      }
    }
  }
};

const Case kCases[] = {{{1, 7}, 1},    {{5, 1}, 1},       {{3, 16}, 1},     {{37, 101}, 1},
                       {{300, 64}, 1}, {{9, 1031}, 1},    {{2, 5, 257}, 1}, {{4, 3, 2, 33}, 2},
                       {{700, 5}, 1},  {{64, 1, 300}, 1}, {{2, 3, 4, 5}, 3}};

TEST_P(RowPrograms, Softmax) {
  for (const Case& c : kCases) {
    compare(c, [](Chain& chain, Output x, Output, Output) { return std::vector<Output>{softmax(chain, x)}; });
  }
}
TEST_P(RowPrograms, LayerNorm) {
  const auto build = [](Chain& chain, Output x, Output, Output row) {
    return std::vector<Output>{layer_norm(chain, x, row)};
  };
  for (const Case& c : kCases) compare(c, build);
  // Results beyond the caches, whose rows begin anywhere in their lines; threads share one of those.
  if (GetParam() == DType::kFloat) compare({{8209, 1031}, 1}, build);
}
// Numbers per row leave the chain under two shapes, and its parts are read from outside.
TEST_P(RowPrograms, Parts) {
  for (const Case& c : kCases) {
    compare(c, [&](Chain& chain, Output x, Output y, Output row) {
      const Output sum = chain.reduce("Sum", chain.op("Mul", {x, y}));
      const Output z = chain.op("Maximum", {chain.op("Sub", {x, sum}), row});
      const Output flat = chain.reduce("Min", z, false);
      return std::vector<Output>{chain.op("Mul", {z, sum}), sum, flat, chain.op("Neg", {flat})};
    });
  }
}
INSTANTIATE_TEST_SUITE_P(DTypes, RowPrograms, ::testing::Values(DType::kFloat, DType::kDouble));

}  // namespace
}  // namespace tw
