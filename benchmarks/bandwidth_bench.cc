// Memory-bound work as a share of what copying takes: each row is a step of a session, and the bytes counted are the
// least that the work must move, however it is done. The copy runs between arrays far beyond the last cache and takes
// turns with the row, so that both see the same machine. Arguments: elements, threads.
//   bandwidth_bench --benchmark_filter=softmax
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "core/autodiff/autodiff.h"
#include "core/graph/builder.h"
#include "core/platform/limits.h"
#include "core/runtime/session.h"

namespace tw {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Bytes read plus written per second by a copy between arrays beyond the caches, measured once more, on one thread.
double copy_rate() {
  static WorkerPool pool(1);
  static const LimitMeter meter(pool, size_t{64} << 20);
  return meter.copy();
}

// The graph of one row.
struct Row {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  Builder b{graph.get()};
  std::vector<Output> feeds, fetches;
  std::vector<Tensor> values;
  std::vector<NodeId> targets, init;
  double bytes = 0;  // the least that must be read and written

  Output feed(const Shape& shape) {
    Tensor t = Tensor::make_or_die(DType::kFloat, shape);
    uint32_t state = 12345;
    for (float& v : t.flat<float>()) {
      state = state * 1664525 + 1013904223;
      v = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
    }
    return feed(std::move(t));
  }
  Output feed(Tensor t) {
    const Output o{b.add("Placeholder", {}, {{"dtype", t.dtype()}, {"shape", t.shape()}}), 0};
    feeds.push_back(o);
    values.push_back(std::move(t));
    return o;
  }
  Output indices(int64_t count, int64_t limit) {
    Tensor t = Tensor::make_or_die(DType::kInt32, Shape{count});
    uint32_t state = 99;
    for (int32_t& v : t.flat<int32_t>()) {
      state = state * 1664525 + 1013904223;
      v = static_cast<int32_t>((static_cast<uint64_t>(state) * static_cast<uint64_t>(limit)) >> 32);
    }
    return feed(std::move(t));
  }
  Output variable(const Shape& shape, float value) {
    Tensor t = Tensor::make_or_die(DType::kFloat, shape);
    std::fill_n(t.data<float>(), t.num_elements(), value);
    const Output v{
        b.add("VarHandleOp", {},
              {{"dtype", DType::kFloat}, {"shape", shape}, {"shared_name", "v" + std::to_string(init.size())}}),
        0};
    init.push_back(b.add("AssignVariableOp", {v, b.constant(std::move(t))}));
    return v;
  }
  Output op(std::string_view name, std::vector<Output> inputs, AttrMap attrs = {}) {
    return {b.add(name, std::move(inputs), std::move(attrs)), 0};
  }
  Output num(float v) { return b.scalar(v); }
  Output ints(std::vector<int32_t> v) {
    Tensor t = Tensor::make_or_die(DType::kInt32, Shape{static_cast<int64_t>(v.size())});
    std::copy(v.begin(), v.end(), t.data<int32_t>());
    return b.constant(std::move(t));
  }
  Output reduce(std::string_view name, Output x, std::vector<int32_t> axes, bool keep = false) {
    return op(name, {x, ints(std::move(axes))}, {{"keep_dims", keep}});
  }
  // Derivatives of y for a given dy.
  void gradients(Output y, Output dy, const std::vector<Output>& xs) {
    GradientOptions options;
    options.grad_ys = {dy};
    const Output ys[] = {y};
    auto grads = add_gradients(graph.get(), ys, xs, options);
    if (!grads.ok()) return b.fail(grads.status());
    for (const Grad& g : *grads) fetches.push_back(densify(b, g));
  }
};

using Make = std::function<void(Row&, int64_t n)>;

void run(benchmark::State& state, const Make& make) {
  Row row;
  make(row, state.range(0));
  if (!row.b.status().ok()) return state.SkipWithError(row.b.status().message().c_str());
  auto session = Session::create(row.graph, SessionOptions{.intra_op_threads = static_cast<int>(state.range(1))});
  if (!session.ok()) return state.SkipWithError(session.status().message().c_str());
  std::vector<Tensor> none;
  if (!row.init.empty()) {
    const Status s = (*session)->run({}, {}, {}, row.init, &none);
    if (!s.ok()) return state.SkipWithError(s.message().c_str());
  }
  auto step = (*session)->prepare(row.feeds, row.fetches, row.targets);
  if (!step.ok()) return state.SkipWithError(step.status().message().c_str());
  std::vector<Tensor> results(row.fetches.size());
  const auto once = [&] { return (*step)->run({}, row.values, results); };
  for (int i = 0; i < 3; ++i) {
    if (const Status s = once(); !s.ok()) return state.SkipWithError(s.message().c_str());
  }
  double start = seconds();
  (void)once();
  // A round is long enough for the clock, and begins with what the copy left in the caches replaced.
  const int repeats = std::clamp(static_cast<int>(3e-3 / (seconds() - start)), 1, 1000);
  std::vector<double> shares;
  for (auto _ : state) {
    const double copy = copy_rate();
    (void)once();
    start = seconds();
    for (int i = 0; i < repeats; ++i) (void)once();
    const double each = (seconds() - start) / repeats;
    state.SetIterationTime(each);
    shares.push_back(row.bytes / each / copy);
  }
  std::nth_element(shares.begin(), shares.begin() + static_cast<int64_t>(shares.size() / 2), shares.end());
  state.counters["of_copy"] = shares[shares.size() / 2];
}

// `columns` columns and as many rows as make about n elements.
Shape rows_of(int64_t n, int64_t columns) { return {std::max<int64_t>(1, n / columns), columns}; }
double elements(const Shape& s) { return static_cast<double>(s.num_elements()); }

// --- element-wise ---

void add(Row& r, int64_t n) {
  r.fetches = {r.op("Add", {r.feed(Shape{n}), r.feed(Shape{n})})};
  r.bytes = 12.0 * static_cast<double>(n);
}
// relu(x * 1.5 + y) * x - y.
void expression(Row& r, int64_t n) {
  const Output x = r.feed(Shape{n}), y = r.feed(Shape{n});
  const Output a = r.op("Relu", {r.op("Add", {r.op("Mul", {x, r.num(1.5f)}), y})});
  r.fetches = {r.op("Sub", {r.op("Mul", {a, x}), y})};
  r.bytes = 12.0 * static_cast<double>(n);
}
void long_expression(Row& r, int64_t n) {
  const Output x = r.feed(Shape{n}), y = r.feed(Shape{n});
  Output a = x;
  for (int i = 0; i < 8; ++i) {
    a = r.op("Sub", {r.op("Mul", {r.op("Add", {a, y}), r.num(0.5f)}), r.op("Maximum", {a, x})});
  }
  r.fetches = {a};
  r.bytes = 12.0 * static_cast<double>(n);
}
void gelu(Row& r, int64_t n) {
  const Output x = r.feed(Shape{n});
  const Output cube = r.op("Mul", {r.op("Mul", {x, x}), x});
  const Output inner = r.op("Mul", {r.num(0.79788456f), r.op("Add", {x, r.op("Mul", {r.num(0.044715f), cube})})});
  const Output one = r.op("Add", {r.op("Tanh", {inner}), r.num(1)});
  r.fetches = {r.op("Mul", {r.op("Mul", {x, r.num(0.5f)}), one})};
  r.bytes = 8.0 * static_cast<double>(n);
}
void bias_relu(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  r.fetches = {r.op("Relu", {r.op("BiasAdd", {r.feed(s), r.feed(Shape{columns})})})};
  r.bytes = 8 * elements(s);
}

// --- along rows ---

void softmax(Row& r, int64_t n, int64_t columns, const char* name) {
  const Shape s = rows_of(n, columns);
  r.fetches = {r.op(name, {r.feed(s)})};
  r.bytes = 8 * elements(s);
}
// The derivative alone: the result of softmax is fed.
void softmax_grad(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const Output y = r.feed(s), dy = r.feed(s);
  const Output sum = r.reduce("Sum", r.op("Mul", {dy, y}), {-1}, true);
  r.fetches = {r.op("Mul", {r.op("Sub", {dy, sum}), y})};
  r.bytes = 12 * elements(s);
}
void log_softmax_grad(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const Output y = r.feed(s), dy = r.feed(s);
  r.fetches = {r.op("Sub", {dy, r.op("Mul", {r.reduce("Sum", dy, {-1}, true), r.op("Exp", {y})})})};
  r.bytes = 12 * elements(s);
}
void softmax_composed(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const Output x = r.feed(s);
  const Output e = r.op("Exp", {r.op("Sub", {x, r.reduce("Max", x, {-1}, true)})});
  r.fetches = {r.op("RealDiv", {e, r.reduce("Sum", e, {-1}, true)})};
  r.bytes = 8 * elements(s);
}
// Loss and the logits' gradient.
void cross_entropy(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const Output x = r.feed(s), labels = r.feed(s);
  const NodeId loss = r.b.add("SoftmaxCrossEntropyWithLogits", {x, labels});
  r.fetches = {{loss, 0}};
  r.gradients({loss, 0}, r.feed(Shape{s[0]}), {x});
  r.bytes = 12 * elements(s);
}
void sparse_cross_entropy(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const Output x = r.feed(s);
  const NodeId loss = r.b.add("SparseSoftmaxCrossEntropyWithLogits", {x, r.indices(s[0], columns)});
  r.fetches = {{loss, 0}};
  r.gradients({loss, 0}, r.feed(Shape{s[0]}), {x});
  r.bytes = 8 * elements(s);
}
// tf.nn.moments and tf.nn.batch_normalization over the given axes.
Output normalised(Row& r, Output x, Output gamma, Output beta, std::vector<int32_t> axes) {
  const Output mean = r.reduce("Mean", x, axes, true);
  const Output square = r.op("SquaredDifference", {x, r.op("StopGradient", {mean})});
  const Output variance = r.reduce("Mean", square, axes, true);
  const Output inverse = r.op("Mul", {r.op("Rsqrt", {r.op("Add", {variance, r.num(1e-5f)})}), gamma});
  const Output shift = r.op("Sub", {beta, r.op("Mul", {mean, inverse})});
  return r.op("Add", {r.op("Mul", {x, inverse}), shift});
}
void layer_norm(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  r.fetches = {normalised(r, r.feed(s), r.feed(Shape{columns}), r.feed(Shape{columns}), {-1})};
  r.bytes = 8 * elements(s);
}
void layer_norm_grad(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const Output x = r.feed(s), gamma = r.feed(Shape{columns}), beta = r.feed(Shape{columns});
  r.gradients(normalised(r, x, gamma, beta, {-1}), r.feed(s), {x, gamma, beta});
  r.bytes = 12 * elements(s);
}
void l2_normalise(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const Output x = r.feed(s);
  const Output sum = r.reduce("Sum", r.op("Square", {x}), {-1}, true);
  r.fetches = {r.op("Mul", {x, r.op("Rsqrt", {r.op("Maximum", {sum, r.num(1e-12f)})})})};
  r.bytes = 8 * elements(s);
}

// --- along columns ---

Shape image(int64_t n, int64_t channels) {
  int64_t side = 1;
  while ((side + 1) * (side + 1) * channels * 2 <= n && side < 56) ++side;
  return {std::max<int64_t>(1, n / (side * side * channels)), side, side, channels};
}
void batch_norm(Row& r, int64_t n, int64_t channels, bool training, bool grad) {
  const Shape s = image(n, channels), c{channels}, statistics{training ? 0 : channels};
  const Output x = r.feed(s), scale = r.feed(c), offset = r.feed(c);
  if (!grad) {
    Tensor variance = Tensor::make_or_die(DType::kFloat, statistics);
    std::fill_n(variance.data<float>(), variance.num_elements(), 1.0f);
    r.fetches = {r.op("FusedBatchNormV3", {x, scale, offset, r.feed(statistics), r.feed(std::move(variance))},
                      {{"is_training", training}})};
    r.bytes = (training ? 12 : 8) * elements(s);
    return;
  }
  const NodeId g = r.b.add("FusedBatchNormGradV3", {r.feed(s), x, scale, offset, r.op("Abs", {scale}), offset});
  r.fetches = {{g, 0}, {g, 1}, {g, 2}};
  r.bytes = 20 * elements(s);
}
void batch_norm_composed(Row& r, int64_t n, int64_t channels) {
  const Shape s = image(n, channels);
  r.fetches = {normalised(r, r.feed(s), r.feed(Shape{channels}), r.feed(Shape{channels}), {0, 1, 2})};
  r.bytes = 12 * elements(s);
}

// --- reductions ---

void reduction(Row& r, const Shape& s, const char* name, std::vector<int32_t> axes) {
  r.fetches = {r.reduce(name, r.feed(s), std::move(axes))};
  r.bytes = 4 * elements(s);
}
void arg(Row& r, const Shape& s, int32_t axis) {
  r.fetches = {r.op("ArgMax", {r.feed(s), r.b.scalar(axis)}, {{"output_type", DType::kInt64}})};
  r.bytes = 4 * elements(s);
}

// --- movement ---

void transpose(Row& r, const Shape& s, std::vector<int32_t> order) {
  r.fetches = {r.op("Transpose", {r.feed(s), r.ints(std::move(order))})};
  r.bytes = 8 * elements(s);
}
// As many rows as the table has, in no order.
void gather(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  r.fetches = {r.op("GatherV2", {r.feed(s), r.indices(s[0], s[0]), r.b.scalar(int32_t{0})})};
  r.bytes = 8 * elements(s) + 4 * static_cast<double>(s[0]);
}
void segment_sum(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  const int64_t segments = std::max<int64_t>(1, s[0] / 4);
  r.fetches = {
      r.op("UnsortedSegmentSum", {r.feed(s), r.indices(s[0], segments), r.b.scalar(static_cast<int32_t>(segments))})};
  r.bytes = 5 * elements(s);
}
void concat(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n / 3, columns);
  r.fetches = {r.op("ConcatV2", {r.feed(s), r.feed(s), r.feed(s), r.b.scalar(int32_t{-1})}, {{"N", int64_t{3}}})};
  r.bytes = 24 * elements(s);
}
void one_hot(Row& r, int64_t n, int64_t depth) {
  const int64_t count = std::max<int64_t>(1, n / depth);
  r.fetches = {r.op("OneHot", {r.indices(count, depth), r.b.scalar(static_cast<int32_t>(depth)), r.num(1), r.num(0)},
                    {{"axis", int64_t{-1}}})};
  r.bytes = 4 * static_cast<double>(count * depth);
}
void pad(Row& r, int64_t n, int64_t columns) {
  const Shape s = rows_of(n, columns);
  Tensor by = Tensor::make_or_die(DType::kInt32, Shape{2, 2});
  std::fill_n(by.data<int32_t>(), 4, 1);
  r.fetches = {r.op("Pad", {r.feed(s), r.b.constant(std::move(by))})};
  r.bytes = 8 * elements(s);
}
void random_uniform(Row& r, int64_t n) {
  r.fetches = {r.op("RandomUniform", {r.ints({static_cast<int32_t>(n)})},
                    {{"dtype", DType::kFloat}, {"seed", int64_t{1}}, {"seed2", int64_t{2}}})};
  r.bytes = 4.0 * static_cast<double>(n);
}
void dropout(Row& r, int64_t n) {
  const Output x = r.feed(Shape{n});
  const Output random = r.op("RandomUniform", {r.ints({static_cast<int32_t>(n)})},
                             {{"dtype", DType::kFloat}, {"seed", int64_t{1}}, {"seed2", int64_t{2}}});
  const Output mask =
      r.op("Cast", {r.op("GreaterEqual", {random, r.num(0.3f)})}, {{"SrcT", DType::kBool}, {"DstT", DType::kFloat}});
  r.fetches = {r.op("Mul", {r.op("Mul", {x, r.num(1 / 0.7f)}), mask})};
  r.bytes = 8.0 * static_cast<double>(n);
}

// --- optimizers ---

void optimizer(Row& r, int64_t n, const char* name, int slots, int scalars) {
  std::vector<Output> inputs;
  for (int i = 0; i < slots; ++i) inputs.push_back(r.variable(Shape{n}, 0.5f));
  for (int i = 0; i < scalars; ++i) inputs.push_back(r.num(0.1f));
  // The gradient is the last input, but for momentum, whose last is the momentum.
  const Output grad = r.feed(Shape{n});
  if (std::string_view(name) == "ResourceApplyMomentum") {
    inputs.insert(inputs.end() - 1, grad);
  } else {
    inputs.push_back(grad);
  }
  r.targets = {r.b.add(name, inputs)};
  r.bytes = 4.0 * (2 * slots + 1) * static_cast<double>(n);
}

void register_all() {
  // In the second-level cache, in the third, and far beyond it; the last is no multiple of anything.
  static constexpr int64_t kSizes[] = {24 << 10, 512 << 10, 12'345'677};
  const auto row = [](const std::string& name, const Make& make) {
    auto* b = benchmark::RegisterBenchmark(name.c_str(), [make](benchmark::State& s) { run(s, make); });
    for (int64_t n : kSizes) b->Args({n, 1})->Args({n, 2});
    b->UseManualTime()->Iterations(25)->Unit(benchmark::kMicrosecond);
  };
  row("add", add);
  row("expression", expression);
  row("long_expression", long_expression);
  row("gelu", gelu);
  for (int64_t c : {64, 1001}) {
    const std::string of = "/" + std::to_string(c);
    row("bias_relu" + of, [c](Row& r, int64_t n) { bias_relu(r, n, c); });
    row("softmax" + of, [c](Row& r, int64_t n) { softmax(r, n, c, "Softmax"); });
    row("log_softmax" + of, [c](Row& r, int64_t n) { softmax(r, n, c, "LogSoftmax"); });
    row("softmax_grad" + of, [c](Row& r, int64_t n) { softmax_grad(r, n, c); });
    row("log_softmax_grad" + of, [c](Row& r, int64_t n) { log_softmax_grad(r, n, c); });
    row("softmax_composed" + of, [c](Row& r, int64_t n) { softmax_composed(r, n, c); });
    row("cross_entropy" + of, [c](Row& r, int64_t n) { cross_entropy(r, n, c); });
    row("sparse_cross_entropy" + of, [c](Row& r, int64_t n) { sparse_cross_entropy(r, n, c); });
    row("layer_norm" + of, [c](Row& r, int64_t n) { layer_norm(r, n, c); });
    row("layer_norm_grad" + of, [c](Row& r, int64_t n) { layer_norm_grad(r, n, c); });
    row("l2_normalise" + of, [c](Row& r, int64_t n) { l2_normalise(r, n, c); });
    row("gather" + of, [c](Row& r, int64_t n) { gather(r, n, c); });
    row("segment_sum" + of, [c](Row& r, int64_t n) { segment_sum(r, n, c); });
    row("concat" + of, [c](Row& r, int64_t n) { concat(r, n, c); });
    row("one_hot" + of, [c](Row& r, int64_t n) { one_hot(r, n, c); });
    row("pad" + of, [c](Row& r, int64_t n) { pad(r, n, c); });
  }
  for (int64_t c : {37, 256}) {
    const std::string of = "/" + std::to_string(c);
    row("batch_norm" + of, [c](Row& r, int64_t n) { batch_norm(r, n, c, true, false); });
    row("batch_norm_grad" + of, [c](Row& r, int64_t n) { batch_norm(r, n, c, true, true); });
    row("batch_norm_inference" + of, [c](Row& r, int64_t n) { batch_norm(r, n, c, false, false); });
    row("batch_norm_composed" + of, [c](Row& r, int64_t n) { batch_norm_composed(r, n, c); });
    row("sum_columns" + of, [c](Row& r, int64_t n) { reduction(r, rows_of(n, c), "Sum", {0}); });
    row("sum_rows" + of, [c](Row& r, int64_t n) { reduction(r, rows_of(n, c), "Sum", {1}); });
    row("max_columns" + of, [c](Row& r, int64_t n) { reduction(r, rows_of(n, c), "Max", {0}); });
    row("max_rows" + of, [c](Row& r, int64_t n) { reduction(r, rows_of(n, c), "Max", {1}); });
    row("mean_middle" + of, [c](Row& r, int64_t n) { reduction(r, {n / (41 * c), 41, c}, "Mean", {1}); });
    row("mean_around" + of, [c](Row& r, int64_t n) { reduction(r, {n / (41 * c), 41, c}, "Mean", {0, 2}); });
    row("argmax_rows" + of, [c](Row& r, int64_t n) { arg(r, rows_of(n, c), 1); });
    row("argmax_columns" + of, [c](Row& r, int64_t n) { arg(r, rows_of(n, c), 0); });
    row("transpose" + of, [c](Row& r, int64_t n) { transpose(r, rows_of(n, c), {1, 0}); });
    row("nhwc_to_nchw" + of, [c](Row& r, int64_t n) { transpose(r, image(n, c), {0, 3, 1, 2}); });
    row("nchw_to_nhwc" + of, [c](Row& r, int64_t n) {
      const Shape s = image(n, c);
      transpose(r, {s[0], s[3], s[1], s[2]}, {0, 2, 3, 1});
    });
    row("reverse_axes" + of, [c](Row& r, int64_t n) { transpose(r, {n / (41 * c), 41, c}, {2, 1, 0}); });
  }
  row("sum_all", [](Row& r, int64_t n) { reduction(r, Shape{n}, "Sum", {0}); });
  row("transpose_square", [](Row& r, int64_t n) {
    int64_t side = 1;
    while ((side + 1) * (side + 1) <= n) ++side;
    transpose(r, {side, side}, {1, 0});
  });
  row("split_heads", [](Row& r, int64_t n) { transpose(r, {n / (64 * 8 * 48), 48, 8, 64}, {0, 2, 1, 3}); });
  row("gather_scalars", [](Row& r, int64_t n) { gather(r, n, 1); });
  row("random_uniform", random_uniform);
  row("dropout", dropout);
  row("sgd", [](Row& r, int64_t n) { optimizer(r, n, "ResourceApplyGradientDescent", 1, 1); });
  row("momentum", [](Row& r, int64_t n) { optimizer(r, n, "ResourceApplyMomentum", 2, 2); });
  row("adagrad", [](Row& r, int64_t n) { optimizer(r, n, "ResourceApplyAdagrad", 2, 1); });
  row("rmsprop", [](Row& r, int64_t n) { optimizer(r, n, "ResourceApplyRMSProp", 3, 4); });
  row("adam", [](Row& r, int64_t n) { optimizer(r, n, "ResourceApplyAdam", 3, 6); });
}

}  // namespace
}  // namespace tw

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  tw::register_all();
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
