// What a step costs beside its arithmetic: an empty run, a long chain of scalar additions with and without fusion, and
// scalars through a queue.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

#include "core/graph/builder.h"
#include "core/platform/alloc.h"
#include "core/runtime/session.h"

namespace tw {
namespace {

template <typename T>
T check(Result<T> r) {
  if (!r.ok()) {
    std::fprintf(stderr, "%s\n", r.status().to_string().c_str());
    std::abort();
  }
  return std::move(*r);
}

struct Chain {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::unique_ptr<Session> session;
  std::shared_ptr<Callable> callable;
  std::vector<Tensor> feeds, fetches{1};

  Chain(int length, bool optimize) {
    Builder b(graph.get());
    const Output x{b.add("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", Shape{}}}), 0};
    Output y = x;
    for (int i = 0; i < length; ++i) y = Output{b.add("Add", {y, x}), 0};
    SessionOptions options;
    options.intra_op_threads = 1;
    options.optimize = optimize;
    session = check(Session::create(graph, options));
    callable = check(session->prepare(std::vector<Output>{x}, std::vector<Output>{y}, {}));
    feeds = {Tensor::scalar(1.0f)};
    run();
  }
  void run() {
    const Status s = callable->run({}, feeds, fetches);
    if (!s.ok()) std::abort();
  }
};

void chain(benchmark::State& state, bool optimize) {
  const int length = static_cast<int>(state.range(0));
  Chain c(length, optimize);
  c.run();
  const int64_t before = alloc_stats().system_calls;
  for (auto _ : state) c.run();
  state.counters["mallocs"] = static_cast<double>(alloc_stats().system_calls - before);
  state.counters["per_op"] = benchmark::Counter(
      static_cast<double>(length), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void empty_run(benchmark::State& state) { chain(state, true); }
void chain_not_fused(benchmark::State& state) { chain(state, false); }
void chain_fused(benchmark::State& state) { chain(state, true); }

// A scalar into a FIFOQueue and out of it again. `per_step` pairs are in one step, one after the other, so that what a
// run costs is seen apart from what an enqueue and a dequeue cost.
void queue_pairs(benchmark::State& state) {
  const int per_step = static_cast<int>(state.range(0));
  auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  const std::vector<DType> types{DType::kFloat};
  const Output queue{b.add("FIFOQueueV2", {}, {{"component_types", types}, {"shapes", std::vector<Shape>{Shape{}}}}),
                     0};
  Output x{b.add("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", Shape{}}}), 0};
  const Output fed = x;
  for (int i = 0; i < per_step; ++i) {
    const NodeId put = b.add("QueueEnqueueV2", {queue, x}, {});
    const NodeId get = b.add("QueueDequeueV2", {queue}, {{"component_types", types}});
    if (!graph->add_control(get, put).ok()) std::abort();
    x = {get, 0};
  }
  const auto session = check(Session::create(graph, {}));
  const auto callable = check(session->prepare(std::vector<Output>{fed}, std::vector<Output>{x}, {}));
  const std::vector<Tensor> feeds{Tensor::scalar(1.0f)};
  std::vector<Tensor> fetches(1);
  for (auto _ : state) {
    if (!callable->run({}, feeds, fetches).ok()) std::abort();
  }
  state.counters["pairs_per_s"] =
      benchmark::Counter(static_cast<double>(per_step), benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(queue_pairs)->Arg(1)->Arg(100);
BENCHMARK(empty_run)->Arg(1);
BENCHMARK(chain_not_fused)->Arg(1000);
BENCHMARK(chain_fused)->Arg(1000);

}  // namespace
}  // namespace tw

BENCHMARK_MAIN();
