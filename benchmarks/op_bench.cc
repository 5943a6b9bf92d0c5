// Every row that has a pattern of its sizes (core/ops): time, bytes moved a second, and the share of the rate at which
// memory of the same size is copied, measured in this same run.
//   op_bench --benchmark_filter=Op/MatMul
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "core/graph/builder.h"
#include "core/runtime/session.h"
#include "tests/ops/sweep.h"

namespace tw::test {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Bytes read plus written a second by the best of many copies that move about `bytes` in all.
double copy_rate(double bytes) {
  static std::array<double, 40> rates{};
  size_t log = 10;
  while (log < 28 && static_cast<double>(size_t{1} << (log + 1)) < bytes) ++log;
  double& rate = rates[log];
  if (rate > 0) return rate;
  const size_t n = size_t{1} << log;  // half read, half written
  std::vector<char> from(n / 2, 1), to(n / 2, 2);
  const int repeats = static_cast<int>(std::max<size_t>(1, (size_t{1} << 20) / n));
  for (int trial = 0; trial < 30; ++trial) {
    const double start = seconds();
    for (int i = 0; i < repeats; ++i) {
      std::memcpy(to.data(), from.data(), n / 2);
      benchmark::DoNotOptimize(to.data());
      benchmark::ClobberMemory();
    }
    rate = std::max(rate, static_cast<double>(n) * repeats / (seconds() - start));
  }
  return rate;
}

template <typename Run>
void measure(benchmark::State& state, double bytes, Run&& run) {
  for (auto _ : state) {
    const Status s = run();
    if (!s.ok()) return state.SkipWithError(s.message().c_str());
  }
  using benchmark::Counter;
  const double count = static_cast<double>(state.iterations());
  state.counters["bytes/s"] = Counter(bytes * count, Counter::kIsRate);
  state.counters["of_copy"] = Counter(bytes * count / copy_rate(bytes), Counter::kIsRate);
}

// A row with state: one step of a session that holds its variables.
void run_step(benchmark::State& state, const SweepCase& c, const AttrMap& attrs, const std::vector<OpInput>& inputs) {
  auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  std::vector<Output> sources, feeds;
  std::vector<Tensor> values;
  std::vector<NodeId> assigns;
  double bytes = 0;
  for (const OpInput& in : inputs) {
    bytes += static_cast<double>(in.value.bytes());
    if (in.variable) {
      sources.push_back({b.add("VarHandleOp", {},
                               {{"dtype", in.value.dtype()},
                                {"shape", in.value.shape()},
                                {"shared_name", "v" + std::to_string(sources.size())}}),
                         0});
      assigns.push_back(b.add("AssignVariableOp", {sources.back(), b.constant(in.value)}));
    } else {
      sources.push_back({b.add("Placeholder", {}, {{"dtype", in.value.dtype()}, {"shape", in.value.shape()}}), 0});
      feeds.push_back(sources.back());
      values.push_back(in.value);
    }
  }
  const NodeId id = b.add(c.op, sources, attrs);
  if (!b.status().ok()) return state.SkipWithError(b.status().message().c_str());
  auto session = Session::create(graph, SessionOptions{.intra_op_threads = 2});
  if (!session.ok()) return state.SkipWithError(session.status().message().c_str());
  std::vector<Tensor> none;
  Status s = (*session)->run({}, {}, {}, assigns, &none);
  if (!s.ok() && !assigns.empty()) return state.SkipWithError(s.message().c_str());
  const NodeId targets[] = {id};
  auto step = (*session)->prepare(feeds, {}, targets);
  if (!step.ok()) return state.SkipWithError(step.status().message().c_str());
  measure(state, bytes, [&] { return (*step)->run({}, values, {}); });
}

void run_case(benchmark::State& state, const SweepCase& c, const Types& types) {
  const OpDef& op = *find_op(c.op);
  const std::vector<OpInput> inputs = draw_inputs(c, types);
  const AttrMap attrs = attrs_of(c, types);
  if (!runs_alone(op)) return run_step(state, c, attrs, inputs);
  auto kernel = OpRun::make(op, attrs, inputs, OpRun::Memory::kAligned);
  if (!kernel.ok()) return state.SkipWithError(kernel.status().message().c_str());
  measure(state, (*kernel)->bytes(), [&] { return (*kernel)->run(); });
}

void register_all() {
  for (const SweepCase& c : sweep_cases()) {
    if (c.mode != "speed") continue;
    const std::vector<Types> choices = type_choices(c);
    if (choices.empty()) continue;  // sweep_test finds such rows
    const std::string name = "Op/" + c.op + "/" + text_of(choices.front());
    benchmark::RegisterBenchmark(name.c_str(),
                                 [&c, types = choices.front()](benchmark::State& state) { run_case(state, c, types); })
        ->MinTime(0.05)
        ->UseRealTime();
  }
}

}  // namespace
}  // namespace tw::test

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  tw::test::register_all();
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
