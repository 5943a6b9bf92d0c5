// Work for tools/instruction_gate.py, which counts instructions: `executor_gate CASE RUNS` runs a case so often, and
// `executor_gate --list` prints the compiler and each case with the number of operations in one run. Kernels are those
// of AVX2, which valgrind knows (it has no AVX-512) and newer processors have too, so that counts do not depend on
// them.
#include <hwy/targets.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/graph/builder.h"
#include "core/runtime/session.h"

#if defined(__clang__)
#define TW_COMPILER "clang " __clang_version__
#else
#define TW_COMPILER "gcc " __VERSION__
#endif

namespace tw {
namespace {

void check(const Status& s) {
  if (s.ok()) return;
  std::fprintf(stderr, "%s\n", s.to_string().c_str());
  std::exit(1);
}
template <typename T>
T check(Result<T> r) {
  check(r.status());
  return std::move(*r);
}

struct Graphed {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  Builder b{graph.get()};
  Output x{b.add("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", Shape{}}}), 0};
  Output y;  // what is fetched
};

// Scalar additions, each waiting for the one before it.
void chain(Graphed& g, int length) {
  g.y = g.x;
  for (int i = 0; i < length; ++i) g.y = Output{g.b.add("Add", {g.y, g.x}), 0};
}

void counting_loop(Graphed& g, int length) {
  const auto function = [&](const char* name, const char* op, float operand) {
    auto f = std::make_shared<Function>();
    f->name = name;
    f->body = std::make_unique<Graph>(g.graph->library());
    Builder b(f->body.get());
    const Output i{b.add("_Arg", {}, {{"T", DType::kFloat}, {"index", int64_t{0}}}), 0};
    check(f->body->set_shape(i, Shape{}));
    const Output c{b.add("Const", {}, {{"dtype", DType::kFloat}, {"value", Tensor::scalar(operand)}}), 0};
    const NodeId result = b.add("_Retval", {Output{b.add(op, {i, c}), 0}}, {{"index", int64_t{0}}});
    check(b.status());
    f->args = {i.node};
    f->results = {result};
    check(g.graph->library()->add(f));
    return AttrValue(FuncRef{name, {}});
  };
  const std::vector<DType> types{DType::kFloat};
  const AttrValue cond = function("cond", "Less", static_cast<float>(length)), body = function("body", "Add", 1.0f);
  const Output zero{g.b.add("Sub", {g.x, g.x}), 0};
  g.y = {g.b.add("While", {zero}, {{"T", types}, {"cond", cond}, {"body", body}}), 0};
}

// A scalar into a queue and out of it again.
void queue_pairs(Graphed& g, int length) {
  const std::vector<DType> types{DType::kFloat};
  const Output queue{g.b.add("FIFOQueueV2", {}, {{"component_types", types}, {"shapes", std::vector<Shape>{Shape{}}}}),
                     0};
  g.y = g.x;
  for (int i = 0; i < length; ++i) {
    const NodeId put = g.b.add("QueueEnqueueV2", {queue, g.y}, {});
    const NodeId get = g.b.add("QueueDequeueV2", {queue}, {{"component_types", types}});
    check(g.graph->add_control(get, put));
    g.y = {get, 0};
  }
}

struct Case {
  const char* name;
  void (*build)(Graphed&, int length);
  int length;
  bool optimize;
};
constexpr Case kCases[] = {
    {"empty_run", chain, 1, true},          {"chain_not_fused", chain, 1000, false},
    {"chain_fused", chain, 1000, true},     {"while_loop", counting_loop, 1000, true},
    {"queue_pair", queue_pairs, 100, true},
};

void run(const Case& c, int runs) {
  Graphed g;
  c.build(g, c.length);
  check(g.b.status());
  SessionOptions options;
  options.intra_op_threads = 1;
  options.optimize = c.optimize;
  const auto session = check(Session::create(g.graph, options));
  const auto callable = check(session->prepare(std::vector<Output>{g.x}, std::vector<Output>{g.y}, {}));
  const std::vector<Tensor> feeds{Tensor::scalar(1.0f)};
  std::vector<Tensor> fetches(1);
  for (int i = 0; i < runs; ++i) check(callable->run({}, feeds, fetches));
}

}  // namespace
}  // namespace tw

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    std::printf("%s\n", TW_COMPILER);
    for (const tw::Case& c : tw::kCases) std::printf("%s %d\n", c.name, c.length);
    return 0;
  }
#if HWY_ARCH_X86_64
  hwy::DisableTargets(HWY_AVX2 - 1);  // better targets have smaller numbers
  if ((hwy::SupportedTargets() & HWY_AVX2) == 0) {
    std::fprintf(stderr, "this processor has no AVX2\n");
    return 3;
  }
#endif
  const int runs = argc == 3 ? std::atoi(argv[2]) : 0;
  for (const tw::Case& c : tw::kCases) {
    if (runs <= 0 || std::strcmp(argv[1], c.name) != 0) continue;
    tw::run(c, runs);
    return 0;
  }
  std::fprintf(stderr, "usage: %s --list | CASE RUNS\n", argv[0]);
  return 2;
}
