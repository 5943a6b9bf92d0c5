// Products and convolutions as a share of the processor's peak, which is measured at start in this same run; counters
// `gflops` and `of_peak` refer to it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/kernels/contract.h"
#include "core/platform/alloc.h"
#include "core/platform/limits.h"

namespace tw {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Operations per second on one core: doubles go at half the rate of floats.
template <typename T>
double peak_flops() {
  static const double peak = [] {
    WorkerPool one(1);
    return machine_limits(one).flops;
  }();
  return peak * 4 / sizeof(T);
}

struct Memory {
  explicit Memory(size_t bytes) : data(allocate(bytes)) { std::memset(data, 0, bytes); }
  ~Memory() { deallocate(data); }
  void* data;
};

template <typename T>
void run(benchmark::State& state, Result<std::unique_ptr<ContractPlan>> plan, int64_t a, int64_t b, int64_t c,
         int threads) {
  if (!plan.ok()) {
    state.SkipWithError(plan.status().message().c_str());
    return;
  }
  const auto bytes = [](int64_t n) { return static_cast<size_t>(n) * sizeof(T); };
  Memory left(bytes(a)), right(bytes(b)), result(bytes(c)), workspace((*plan)->workspace_bytes());
  WorkerPool pool(threads);
  void* out = result.data;
  const double peak = peak_flops<T>() * threads;
  double best = 1e9;
  for (auto _ : state) {
    const double start = seconds();
    benchmark::DoNotOptimize((*plan)->run(left.data, right.data, nullptr, &out, workspace.data, pool).ok());
    best = std::min(best, seconds() - start);
  }
  state.counters["gflops"] = (*plan)->flops() / best * 1e-9;
  state.counters["of_peak"] = (*plan)->flops() / best / peak;
}

// m, n, k, transposes (bit 0: A, bit 1: B), threads
template <typename T>
void gemm(benchmark::State& state) {
  GemmSpec s;
  s.dtype = dtype_of<T>;
  s.m = state.range(0), s.n = state.range(1), s.k = state.range(2);
  s.transpose_a = state.range(3) & 1, s.transpose_b = state.range(3) & 2;
  const int threads = static_cast<int>(state.range(4));
  run<T>(state, plan_gemm(s, threads), s.m * s.k, s.k * s.n, s.m * s.n, threads);
}
BENCHMARK(gemm<float>)
    ->Args({16, 16, 16, 0, 1})
    ->Args({64, 64, 64, 0, 1})
    ->Args({256, 256, 256, 0, 1})
    ->Args({512, 512, 512, 0, 1})
    ->Args({512, 512, 512, 1, 1})
    ->Args({512, 512, 512, 2, 1})
    ->Args({1024, 1024, 1024, 0, 1})
    ->Args({1024, 1024, 1024, 0, 2})
    ->Args({64, 128, 1024, 0, 1})
    ->Args({64, 10, 128, 0, 1})
    ->Args({1, 1024, 1024, 0, 1})
    ->Args({1024, 1, 1024, 0, 1})
    ->UseRealTime();
BENCHMARK(gemm<double>)->Args({512, 512, 512, 0, 1})->UseRealTime();

// kind, batch, image side, in and out channels, filter side, stride, depthwise; SAME padding, one thread
void conv(benchmark::State& state) {
  ConvSpec s;
  s.kind = static_cast<ConvSpec::Kind>(state.range(0));
  s.batch = state.range(1);
  s.in_h = s.in_w = state.range(2);
  s.in_c = state.range(3), s.out_c = state.range(4);
  s.filter_h = s.filter_w = state.range(5);
  s.stride_h = s.stride_w = state.range(6);
  s.depthwise = state.range(7) != 0;
  s.out_h = s.out_w = (s.in_h + s.stride_h - 1) / s.stride_h;
  s.pad_top = s.pad_left = std::max<int64_t>(0, (s.out_h - 1) * s.stride_h + s.filter_h - s.in_h) / 2;
  const int64_t input = s.batch * s.in_h * s.in_w * s.in_c, output = s.batch * s.out_h * s.out_w * s.out_c;
  const int64_t filter = s.filter_h * s.filter_w * (s.depthwise ? 1 : s.in_c) * s.out_c;
  switch (s.kind) {
    case ConvSpec::Kind::kForward: return run<float>(state, plan_conv(s, 1), input, filter, output, 1);
    case ConvSpec::Kind::kInputGrad: return run<float>(state, plan_conv(s, 1), filter, output, input, 1);
    case ConvSpec::Kind::kFilterGrad: return run<float>(state, plan_conv(s, 1), input, output, filter, 1);
  }
}
void conv_cases(benchmark::internal::Benchmark* b) {
  for (int64_t kind : {0, 1, 2}) {
    b->Args({kind, 64, 8, 32, 32, 3, 1, 0});
    b->Args({kind, 64, 4, 64, 64, 3, 2, 0});
    b->Args({kind, 4, 56, 64, 64, 3, 1, 0});
    b->Args({kind, 8, 14, 256, 256, 3, 1, 0});
    b->Args({kind, 8, 28, 128, 128, 1, 1, 0});
    b->Args({kind, 8, 28, 96, 96, 3, 1, 1});
  }
  b->Args({0, 64, 8, 1, 32, 3, 1, 0});
  b->Args({2, 64, 8, 1, 32, 3, 1, 0});
  b->Args({0, 4, 112, 3, 64, 7, 2, 0});
  b->UseRealTime();
}
BENCHMARK(conv)->Apply(conv_cases);

}  // namespace
}  // namespace tw

BENCHMARK_MAIN();
