// What a tape behind a reduction saves: 64 norms sqrt(sum(square(x)) / n) of different tensors in one step, with the
// tape in the reduction and as an op of its own. Arguments: kept, reduced (sizes of each tensor), 1 for fused.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

#include "core/graph/builder.h"
#include "core/runtime/session.h"

namespace tw {
namespace {

constexpr int kNorms = 64;

void norms(benchmark::State& state) {
  const Shape shape{state.range(0), state.range(1)};
  auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  std::vector<Output> feeds, sums;
  std::vector<NodeId> sum_nodes;
  std::vector<Tensor> values;
  const Output axis = b.constant(Tensor::vector<int32_t>({1}));
  const Output scale = b.constant(Tensor::scalar(1.0f / static_cast<float>(shape[1])));
  for (int i = 0; i < kNorms; ++i) {
    feeds.push_back({b.add("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", shape}}), 0});
    values.push_back(Tensor::make_or_die(DType::kFloat, shape));
    for (float& v : values.back().flat<float>()) v = 1.5f;
    const Output square{b.add("Square", {feeds.back()}), 0};
    sum_nodes.push_back(b.add("Sum", {square, axis}, {{"keep_dims", false}}));
    sums.push_back({b.add("Sqrt", {{b.add("Mul", {{sum_nodes.back(), 0}, scale}), 0}}), 0});
  }
  // A node that waits for the sums keeps them nodes of their own.
  std::vector<NodeId> targets;
  if (state.range(2) == 0) {
    b.set_controls(sum_nodes);
    targets.push_back(b.add("NoOp", {}));
  }
  auto session = Session::create(graph, SessionOptions{.intra_op_threads = 1});
  auto step =
      session.ok() ? (*session)->prepare(feeds, sums, targets) : Result<std::shared_ptr<Callable>>(session.status());
  if (!step.ok()) return state.SkipWithError(step.status().message().c_str());
  std::vector<Tensor> results(sums.size());
  for (auto _ : state) {
    const Status s = (*step)->run({}, values, results);
    if (!s.ok()) return state.SkipWithError(s.message().c_str());
  }
  state.counters["per_norm"] = benchmark::Counter(
      static_cast<double>(kNorms), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(norms)->ArgsProduct({{1, 16, 256, 4096}, {16}, {0, 1}})->Args({16, 1024, 0})->Args({16, 1024, 1});

}  // namespace
}  // namespace tw

BENCHMARK_MAIN();
