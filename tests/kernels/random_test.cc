#include <cmath>
#include <numeric>

#include "core/kernels/cpu/random/philox.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {

#define TW_EXTERN(name) extern const KernelDef kernel_##name
TW_EXTERN(RandomUniform);
TW_EXTERN(RandomUniformInt);
TW_EXTERN(RandomStandardNormal);
TW_EXTERN(TruncatedNormal);
TW_EXTERN(RandomShuffle);
TW_EXTERN(Multinomial);
TW_EXTERN(RandomGamma);
TW_EXTERN(RandomPoissonV2);
TW_EXTERN(StatelessRandomUniform);
TW_EXTERN(StatelessRandomNormal);
TW_EXTERN(StatelessTruncatedNormal);
TW_EXTERN(StatelessRandomUniformInt);
TW_EXTERN(StatelessMultinomial);

namespace {

using namespace test;

struct Golden {
  std::string op;
  DType dtype;
  int64_t seed, seed2;
  std::vector<int64_t> shape;
  int run, stride;
  std::vector<int64_t> parameters;
  std::vector<uint64_t> bits;
};

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> rows = {
#include "tests/kernels/random_goldens.inc"
  };
  return rows;
}

const std::map<std::string, const KernelDef*>& kernels() {
  static const std::map<std::string, const KernelDef*> table = {
      {"RandomUniform", &kernel_RandomUniform},
      {"RandomUniformInt", &kernel_RandomUniformInt},
      {"RandomStandardNormal", &kernel_RandomStandardNormal},
      {"TruncatedNormal", &kernel_TruncatedNormal},
      {"RandomShuffle", &kernel_RandomShuffle},
      {"Multinomial", &kernel_Multinomial},
      {"RandomGamma", &kernel_RandomGamma},
      {"RandomPoissonV2", &kernel_RandomPoissonV2},
      {"StatelessRandomUniform", &kernel_StatelessRandomUniform},
      {"StatelessRandomNormal", &kernel_StatelessRandomNormal},
      {"StatelessTruncatedNormal", &kernel_StatelessTruncatedNormal},
      {"StatelessRandomUniformInt", &kernel_StatelessRandomUniformInt}};
  return table;
}

Tensor int32s(const std::vector<int64_t>& v) {
  Tensor t = Tensor::make_or_die(DType::kInt32, {static_cast<int64_t>(v.size())});
  for (size_t i = 0; i < v.size(); ++i) t.data<int32_t>()[i] = static_cast<int32_t>(v[i]);
  return t;
}

Tensor number(DType dtype, double x) {
  Tensor t = Tensor::make_or_die(dtype, {});
  visit_real(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) t.data<T>()[0] = static_cast<T>(x);
    if constexpr (!std::is_integral_v<T>) t.data<T>()[0] = static_cast<T>(static_cast<float>(x));
  });
  return t;
}

std::vector<Tensor> inputs_of(const Golden& g) {
  std::vector<Tensor> in = {int32s(g.shape)};
  if (g.op == "RandomShuffle") {
    Tensor x = Tensor::make_or_die(DType::kInt32, {g.shape[0]});
    std::iota(x.data<int32_t>(), x.data<int32_t>() + g.shape[0], 0);
    return {x};
  }
  if (g.op == "Multinomial") {
    Tensor logits = Tensor::make_or_die(DType::kFloat, {3, 5});
    for (int i = 0; i < 15; ++i) logits.data<float>()[i] = std::log(static_cast<float>(i + 1));
    return {logits, Tensor::scalar<int32_t>(static_cast<int32_t>(g.shape[1]))};
  }
  if (g.op == "RandomGamma") {
    Tensor alpha = Tensor::make_or_die(g.dtype, {3});
    const double a[] = {0.3, 1.0, 2.5};
    for (int i = 0; i < 3; ++i) {
      if (g.dtype == DType::kDouble) alpha.data<double>()[i] = a[i];
      if (g.dtype == DType::kFloat) alpha.data<float>()[i] = static_cast<float>(a[i]);
      if (g.dtype == DType::kHalf) alpha.data<half>()[i] = half(static_cast<float>(a[i]));
    }
    in.push_back(alpha);
  }
  if (g.op == "RandomPoissonV2") in.push_back(tensor<double>({3}, {0.5, 3.0, 50.0}));
  if (g.op.starts_with("Stateless")) in.push_back(tensor<int64_t>({2}, {g.seed, g.seed2}));
  for (int64_t p : g.parameters) in.push_back(number(g.dtype, static_cast<double>(p)));
  return in;
}

// Distance in representable numbers, for the ops that go through the C library's log, sin and cos.
int64_t distance(const Tensor& t, int64_t i, uint64_t want) {
  int64_t a = 0, b = 0;
  switch (dtype_size(t.dtype())) {
    case 2: a = t.data<int16_t>()[i], b = static_cast<int16_t>(want); break;
    case 4: a = t.data<int32_t>()[i], b = static_cast<int32_t>(want); break;
    default: a = t.data<int64_t>()[i], b = static_cast<int64_t>(want); break;
  }
  if ((a < 0) != (b < 0)) return a == b ? 0 : INT64_MAX;
  return std::abs(a - b);
}

TEST(RandomGoldens, EqualTensorFlow) {
  std::map<std::string, int> rows;
  size_t at = 0;
  while (at < goldens().size()) {
    // The runs of one node stand together.
    const Golden& first = goldens()[at];
    AttrMap attrs = {{"seed", first.seed}, {"seed2", first.seed2}, {"_node", "golden" + std::to_string(at)}};
    Node node(*kernels().at(first.op), attrs, {first.dtype});
    for (int run = 0; at < goldens().size() && (run == 0 || goldens()[at].run > 0); ++run, ++at) {
      const Golden& g = goldens()[at];
      ASSERT_EQ(g.run, run);
      const auto got = node.run(inputs_of(g));
      ASSERT_TRUE(got.ok()) << got.status().to_string();
      const Tensor& t = (*got)[0];
      ASSERT_EQ((t.num_elements() + g.stride - 1) / g.stride, static_cast<int64_t>(g.bits.size())) << g.op;
      for (size_t i = 0; i < g.bits.size(); ++i) {
        const int64_t d = distance(t, static_cast<int64_t>(i) * g.stride, g.bits[i]);
#if defined(__GLIBC__)
        ASSERT_EQ(d, 0) << g.op << " " << dtype_name(g.dtype) << " seeds " << g.seed << " " << g.seed2 << " run " << run
                        << " element " << i << " " << t.summary(8);
#else
        // Another C library may round log, sin and cos otherwise.
        ASSERT_LE(d, 4) << g.op << " " << dtype_name(g.dtype) << " element " << i;
#endif
      }
      ++rows[g.op];
    }
  }
  EXPECT_EQ(rows.size(), kernels().size());
  RecordProperty("passed.values", static_cast<int>(goldens().size()));
  RecordProperty("differs.values", 0);
}

TEST(Random, DoesNotDependOnThreads) {
  for (const auto* kernel : {&kernel_RandomUniform, &kernel_RandomStandardNormal, &kernel_TruncatedNormal}) {
    Step one(1), four(4);
    const AttrMap attrs = {{"seed", 3}, {"seed2", 4}};
    Node a(*kernel, attrs, {DType::kFloat}, one), b(*kernel, attrs, {DType::kFloat}, four);
    EXPECT_TRUE(same_values((*a.run({int32s({123457})}))[0], (*b.run({int32s({123457})}))[0]));
  }
}

TEST(Random, MultinomialDoesNotDependOnThreads) {
  Step one(1), four(4);
  Tensor logits = Tensor::make_or_die(DType::kFloat, {2000, 3});
  for (int64_t i = 0; i < logits.num_elements(); ++i) logits.data<float>()[i] = static_cast<float>(i % 5);
  const AttrMap attrs = {{"seed", 3}, {"seed2", 4}};
  Node a(kernel_Multinomial, attrs, {DType::kInt64}, one), b(kernel_Multinomial, attrs, {DType::kInt64}, four);
  const std::vector<Tensor> in = {logits, Tensor::scalar<int32_t>(7)};
  EXPECT_TRUE(same_values((*a.run(in))[0], (*b.run(in))[0]));
}

TEST(Random, NodesOfTheSameNameShareASequence) {
  Step step;
  const AttrMap attrs = {{"seed", 3}, {"seed2", 4}, {"_node", "r"}};
  Node a(kernel_RandomUniform, attrs, {DType::kFloat}, step), b(kernel_RandomUniform, attrs, {DType::kFloat}, step);
  const Tensor first = (*a.run({int32s({4})}))[0], second = (*b.run({int32s({4})}))[0];
  EXPECT_FALSE(same_values(first, second));
  step.resources().clear();
  EXPECT_TRUE(same_values((*a.run({int32s({4})}))[0], first));
}

TEST(Random, ZeroSeedsDiffer) {
  const AttrMap attrs = {{"seed", 0}, {"seed2", 0}};
  Node a(kernel_RandomUniform, attrs, {DType::kFloat}), b(kernel_RandomUniform, attrs, {DType::kFloat});
  EXPECT_FALSE(same_values((*a.run({int32s({8})}))[0], (*b.run({int32s({8})}))[0]));
}

TEST(Random, OutputsBetweenGuards) {
  for (int64_t n = 0; n < 9; ++n) {
    for (DType dtype : {DType::kHalf, DType::kFloat, DType::kDouble}) {
      for (const auto* kernel : {&kernel_RandomUniform, &kernel_RandomStandardNormal, &kernel_TruncatedNormal}) {
        Node node(*kernel, {{"seed", 3}, {"seed2", 4}}, {dtype});
        ASSERT_TRUE(node.run({int32s({n})}, Mode::kStatic, {Shape{n}}).ok());
      }
    }
  }
}

TEST(Random, ShuffleKeepsRows) {
  const Tensor x = iota<float>({50, 3});
  Node node(kernel_RandomShuffle, {{"seed", 3}, {"seed2", 4}}, {DType::kFloat});
  const Tensor y = (*node.run({x}))[0];
  std::vector<int> seen(50);
  for (int64_t i = 0; i < 50; ++i) {
    const auto row = static_cast<int64_t>(y.data<float>()[3 * i] - 1) / 3;
    ++seen[static_cast<size_t>(row)];
    for (int64_t j = 0; j < 3; ++j) EXPECT_EQ(y.data<float>()[3 * i + j], x.data<float>()[3 * row + j]);
  }
  EXPECT_EQ(seen, std::vector<int>(50, 1));
}

TEST(Random, BadInput) {
  const auto message = [](const KernelDef& kernel, const std::vector<Tensor>& in, DType dtype) {
    Node node(kernel, {{"seed", 1}, {"seed2", 1}}, {dtype});
    const auto got = node.run(in);
    EXPECT_EQ(got.status().code(), Code::kInvalidArgument);
    return got.status().message();
  };
  EXPECT_EQ(message(kernel_RandomUniform, {Tensor::scalar<int32_t>(3)}, DType::kFloat),
            "shape must be a vector of {int32,int64}, got shape []");
  EXPECT_EQ(message(kernel_RandomUniformInt, {int32s({3}), number(DType::kInt32, 5), number(DType::kInt32, 3)},
                    DType::kInt32),
            "Need minval < maxval, got 5 >= 3");
  EXPECT_EQ(message(kernel_StatelessRandomUniform, {int32s({3}), tensor<int64_t>({3}, {1, 2, 3})}, DType::kFloat),
            "seed must have shape [2], not [3]");
  EXPECT_EQ(message(kernel_Multinomial, {iota<float>({3}), Tensor::scalar<int32_t>(1)}, DType::kInt64),
            "logits should be a matrix, got shape [3]");
  EXPECT_EQ(message(kernel_Multinomial, {iota<float>({1, 3}), Tensor::scalar<int32_t>(-1)}, DType::kInt64),
            "num_samples should be nonnegative, got -1");
}

TEST(Philox, SkipCarriesAndFillAgrees) {
  Philox a(1, 2), b = a;
  a.skip(~uint64_t{0});
  b.skip(~uint64_t{0} - 5);
  uint32_t words[4 * 20];
  Philox c = b;
  c.fill(words, 20);
  for (int i = 0; i < 20; ++i) {
    const Philox::Block block = b();
    for (size_t j = 0; j < 4; ++j) ASSERT_EQ(words[4 * i + static_cast<int>(j)], block[j]);
    // b began five blocks before a, and its low counter word wraps after one more.
    if (i == 5) {
      EXPECT_EQ(block, Philox(a)());
    }
  }
}

// Whole vectors of counters up to where the lowest word wraps, single ones around it.
TEST(Philox, FillsAcrossTheWrapOfAWord) {
  Philox start(3, 4);
  start.skip((uint64_t{1} << 32) - 150);
  constexpr int kBlocks = 333;
  std::vector<uint32_t> words(4 * kBlocks);
  std::vector<float> floats(4 * kBlocks);
  Philox a = start, b = start, c = start;
  a.fill(words.data(), kBlocks);
  b.fill(floats.data(), kBlocks);
  for (size_t i = 0; i < kBlocks; ++i) {
    const Philox::Block block = c();
    for (size_t j = 0; j < 4; ++j) {
      ASSERT_EQ(words[4 * i + j], block[j]) << "block " << i;
      ASSERT_EQ(floats[4 * i + j], unit_float(block[j])) << "block " << i;
    }
  }
  const Philox::Block next = c();
  EXPECT_EQ(a(), next);
  EXPECT_EQ(b(), next);
}

}  // namespace
}  // namespace tw
