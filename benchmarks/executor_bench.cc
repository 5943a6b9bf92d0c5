// What a step costs beside its arithmetic: an empty run, and a long chain of scalar additions with and without fusion.
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

BENCHMARK(empty_run)->Arg(1);
BENCHMARK(chain_not_fused)->Arg(1000);
BENCHMARK(chain_fused)->Arg(1000);

}  // namespace
}  // namespace tw

BENCHMARK_MAIN();
