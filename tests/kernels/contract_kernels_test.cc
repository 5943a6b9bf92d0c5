// The op kernels over the contract engine: attributes, layouts, constants, fused tapes, bad shapes.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/kernels/contract.h"
#include "core/kernels/ref/contract_ref.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {
extern const KernelDef kernel_MatMul, kernel_BatchMatMul, kernel_Conv2D, kernel_Conv2DBackpropInput,
    kernel_Conv2DBackpropFilter, kernel_DepthwiseConv2dNative, kernel_FusedContract;

namespace {

using test::Mode;
using test::Node;

Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  Tensor t = Tensor::make_or_die(DType::kFloat, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.data<float>()[i] = static_cast<float>(random() % 2001) / 1000.0f - 1;
  return t;
}

Result<Tensor> run_one(const KernelDef& kernel, const AttrMap& attrs, const std::vector<Tensor>& inputs,
                       const Shape& out, DType t = DType::kFloat) {
  auto r = Node(kernel, attrs, {t}).run(inputs, Mode::kStatic, {out});
  if (!r.ok()) return r.status();
  return (*r)[0];
}

void expect_near(const Tensor& a, const Tensor& b, float tolerance = 1e-5f) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.num_elements(); ++i)
    ASSERT_NEAR(a.data<float>()[i], b.data<float>()[i], tolerance) << "element " << i;
}

AttrMap matmul_attrs(bool ta, bool tb) {
  AttrMap a;
  a["transpose_a"] = AttrValue(ta);
  a["transpose_b"] = AttrValue(tb);
  a["T"] = AttrValue(DType::kFloat);
  return a;
}

TEST(MatMulKernel, Transposes) {
  for (int t = 0; t < 4; ++t) {
    const bool ta = t & 1, tb = t & 2;
    const Tensor a = random_tensor(ta ? Shape{7, 20} : Shape{20, 7}, 1),
                 b = random_tensor(tb ? Shape{33, 7} : Shape{7, 33}, 2);
    Tensor want = Tensor::make_or_die(DType::kFloat, Shape{20, 33});
    ref::matmul<float, double>(a.data<float>(), b.data<float>(), want.data<float>(), 20, 33, 7, ta, tb);
    auto got = run_one(kernel_MatMul, matmul_attrs(ta, tb), {a, b}, want.shape());
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    expect_near(*got, want);
  }
}

TEST(MatMulKernel, RejectsUnequalInnerSizes) {
  const auto r =
      run_one(kernel_MatMul, matmul_attrs(false, false), {random_tensor({2, 3}, 1), random_tensor({4, 5}, 2)}, {2, 5});
  EXPECT_EQ(r.status().code(), Code::kInvalidArgument);
  EXPECT_NE(r.status().message().find("[2,3]"), std::string::npos) << r.status().message();
}

TEST(BatchMatMulKernel, BroadcastsBatchDimensions) {
  AttrMap attrs;
  attrs["adj_x"] = AttrValue(false);
  attrs["adj_y"] = AttrValue(true);
  const Tensor a = random_tensor({3, 1, 4, 5}, 1), b = random_tensor({2, 6, 5}, 2);
  Tensor want = Tensor::make_or_die(DType::kFloat, Shape{3, 2, 4, 6});
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < 2; ++j) {
      ref::matmul<float, double>(a.data<float>() + i * 20, b.data<float>() + j * 30,
                                 want.data<float>() + (i * 2 + j) * 24, 4, 6, 5, false, true);
    }
  }
  auto got = run_one(kernel_BatchMatMul, attrs, {a, b}, want.shape());
  ASSERT_TRUE(got.ok()) << got.status().to_string();
  expect_near(*got, want);
}

AttrMap conv_attrs(int64_t stride, const char* padding, bool nchw) {
  AttrMap a;
  a["T"] = AttrValue(DType::kFloat);
  a["strides"] =
      AttrValue(nchw ? std::vector<int64_t>{1, 1, stride, stride} : std::vector<int64_t>{1, stride, stride, 1});
  a["dilations"] = AttrValue(std::vector<int64_t>{1, 1, 1, 1});
  a["padding"] = AttrValue(padding);
  a["data_format"] = AttrValue(nchw ? "NCHW" : "NHWC");
  return a;
}

Tensor to_nchw(const Tensor& t) {
  const Shape& s = t.shape();
  Tensor r = Tensor::make_or_die(DType::kFloat, Shape{s[0], s[3], s[1], s[2]});
  const int64_t pixels = s[1] * s[2];
  for (int64_t n = 0; n < s[0]; ++n) {
    for (int64_t p = 0; p < pixels; ++p) {
      for (int64_t c = 0; c < s[3]; ++c)
        r.data<float>()[(n * s[3] + c) * pixels + p] = t.data<float>()[(n * pixels + p) * s[3] + c];
    }
  }
  return r;
}

Tensor sizes_of(const Shape& s) {
  Tensor t = Tensor::make_or_die(DType::kInt32, Shape{4});
  for (int i = 0; i < 4; ++i) t.data<int32_t>()[i] = static_cast<int32_t>(s[i]);
  return t;
}

AttrMap fused_attrs(AttrMap base, const char* kind, const std::string& tape, std::vector<DType> extra) {
  base["kind"] = AttrValue(kind);
  base["tape"] = AttrValue(tape);
  base["Textra"] = AttrValue(std::move(extra));
  return base;
}

// A bias, a residual that broadcasts, and a rectifier.
std::string bias_tape() {
  Tape t;
  const uint16_t x = t.add_input(DType::kFloat), bias = t.add_input(DType::kFloat),
                 residual = t.add_input(DType::kFloat);
  const uint16_t zero = t.add_constant(DType::kFloat, 0);
  const uint16_t sum = t.emit(MicroOp::k_add, DType::kFloat, x, bias);
  const uint16_t all = t.emit(MicroOp::k_add, DType::kFloat, sum, residual);
  t.outputs = {t.emit(MicroOp::k_maximum, DType::kFloat, all, zero)};
  return t.to_string();
}

void apply_bias(Tensor* y, const Tensor& bias, const Tensor& residual, int64_t channel_step) {
  for (int64_t i = 0; i < y->num_elements(); ++i) {
    float& v = y->data<float>()[i];
    v = std::max(0.0f, v + bias.data<float>()[i / channel_step % bias.num_elements()] +
                           residual.data<float>()[i % residual.num_elements()]);
  }
}

TEST(ConvKernel, GradientsAreAdjointAndNchwIsTheSameTurned) {
  for (int64_t stride : {1, 2}) {
    const Tensor x = random_tensor({2, 7, 6, 3}, 1), f = random_tensor({3, 3, 3, 5}, 2);
    const Shape out = stride == 1 ? Shape{2, 7, 6, 5} : Shape{2, 4, 3, 5};
    const Tensor dy = random_tensor(out, 3);
    const AttrMap a = conv_attrs(stride, "SAME", false), b = conv_attrs(stride, "SAME", true);
    const Tensor y = *run_one(kernel_Conv2D, a, {x, f}, out);
    const Tensor dx = *run_one(kernel_Conv2DBackpropInput, a, {sizes_of(x.shape()), f, dy}, x.shape());
    const Tensor df = *run_one(kernel_Conv2DBackpropFilter, a, {x, sizes_of(f.shape()), dy}, f.shape());
    const auto dot = [](const Tensor& p, const Tensor& q) {
      double sum = 0;
      for (int64_t i = 0; i < p.num_elements(); ++i)
        sum += static_cast<double>(p.data<float>()[i]) * static_cast<double>(q.data<float>()[i]);
      return sum;
    };
    EXPECT_NEAR(dot(y, dy), dot(x, dx), 1e-4);
    EXPECT_NEAR(dot(y, dy), dot(f, df), 1e-4);

    const Tensor xt = to_nchw(x), dyt = to_nchw(dy);
    expect_near(*run_one(kernel_Conv2D, b, {xt, f}, dyt.shape()), to_nchw(y));
    expect_near(*run_one(kernel_Conv2DBackpropInput, b, {sizes_of(xt.shape()), f, dyt}, xt.shape()), to_nchw(dx));
    expect_near(*run_one(kernel_Conv2DBackpropFilter, b, {xt, sizes_of(f.shape()), dyt}, f.shape()), df);
  }
}

TEST(ConvKernel, ExplicitPadding) {
  AttrMap a = conv_attrs(1, "EXPLICIT", false);
  a["explicit_paddings"] = AttrValue(std::vector<int64_t>{0, 0, 1, 0, 0, 2, 0, 0});
  const Tensor x = test::tensor<float>({1, 2, 2, 1}, {1, 2, 3, 4}),
               f = test::tensor<float>({2, 2, 1, 1}, {1, 10, 100, 1000});
  const Tensor y = *run_one(kernel_Conv2D, a, {x, f}, {1, 2, 3, 1});
  EXPECT_EQ(test::values<float>(y), (std::vector<float>{2100, 200, 0, 4321, 402, 0}));
}

TEST(ConvKernel, RejectsWhatDoesNotFit) {
  const AttrMap a = conv_attrs(1, "VALID", false);
  const Tensor x = random_tensor({2, 7, 6, 3}, 1), f = random_tensor({3, 3, 3, 5}, 2);
  const Tensor dy = random_tensor({2, 4, 4, 5}, 3);  // height 5 would fit
  EXPECT_EQ(run_one(kernel_Conv2DBackpropInput, a, {sizes_of(x.shape()), f, dy}, x.shape()).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(run_one(kernel_Conv2DBackpropFilter, a, {x, sizes_of(f.shape()), dy}, f.shape()).status().code(),
            Code::kInvalidArgument);
  const Tensor other = random_tensor({3, 5, 4, 5}, 3);  // another batch
  EXPECT_EQ(run_one(kernel_Conv2DBackpropInput, a, {sizes_of(x.shape()), f, other}, x.shape()).status().code(),
            Code::kInvalidArgument);
  // Two groups of three channels, which five output channels cannot share.
  EXPECT_EQ(run_one(kernel_Conv2D, a, {random_tensor({2, 7, 6, 6}, 1), f}, {2, 5, 4, 5}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(run_one(kernel_Conv2D, a, {random_tensor({2, 7, 6, 4}, 1), f}, {2, 5, 4, 5}).status().code(),
            Code::kInvalidArgument);
}

// Each group is the convolution of its own channels.
TEST(ConvKernel, GroupsSeeTheirOwnChannels) {
  const auto channels = [](const Tensor& t, int64_t begin, int64_t count) {
    Shape s = t.shape();
    const int64_t all = s[3];
    s.set_dim(3, count);
    Tensor part = Tensor::make_or_die(DType::kFloat, s);
    for (int64_t i = 0; i < part.num_elements(); ++i) {
      part.data<float>()[i] = t.data<float>()[i / count * all + begin + i % count];
    }
    return part;
  };
  const Tensor x = random_tensor({2, 6, 5, 6}, 1), f = random_tensor({3, 3, 3, 4}, 2);
  const Tensor bias = random_tensor({4}, 3);
  const Shape out{2, 6, 5, 4};
  const AttrMap a = conv_attrs(1, "SAME", false);
  const Tensor y = *run_one(kernel_Conv2D, a, {x, f}, out);
  for (int64_t g : {0, 1}) {
    const Tensor one = *run_one(kernel_Conv2D, a, {channels(x, 3 * g, 3), channels(f, 2 * g, 2)}, {2, 6, 5, 2});
    expect_near(channels(y, 2 * g, 2), one);
  }
  expect_near(*run_one(kernel_Conv2D, conv_attrs(1, "SAME", true), {to_nchw(x), f}, {2, 4, 6, 5}), to_nchw(y));
  // With a tape behind it.
  const Tensor zero = Tensor::scalar<float>(0);
  Tensor want = *y.clone();
  apply_bias(&want, bias, zero, 1);
  const AttrMap fused = fused_attrs(a, "Conv2D", bias_tape(), {DType::kFloat, DType::kFloat});
  expect_near(*run_one(kernel_FusedContract, fused, {x, f, bias, zero}, out), want);
}

TEST(FusedContract, MatMulWithBiasResidualAndRectifier) {
  for (auto [m, n, k] : {std::tuple{9, 10, 7}, {64, 70, 33}, {200, 300, 400}, {3, 900, 50}}) {
    const Tensor a = random_tensor({m, k}, 1), b = random_tensor({k, n}, 2), bias = random_tensor({n}, 3),
                 residual = random_tensor({m, n}, 4);
    Tensor want = *run_one(kernel_MatMul, matmul_attrs(false, false), {a, b}, {m, n});
    apply_bias(&want, bias, residual, 1);
    auto got = run_one(kernel_FusedContract,
                       fused_attrs(matmul_attrs(false, false), "MatMul", bias_tape(), {DType::kFloat, DType::kFloat}),
                       {a, b, bias, residual}, want.shape());
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    expect_near(*got, want);
  }
}

TEST(FusedContract, Convolutions) {
  const Tensor x = random_tensor({4, 9, 8, 6}, 1), residual = random_tensor({9, 8, 6}, 4);
  for (const char* kind : {"Conv2D", "DepthwiseConv2dNative"}) {
    const bool depthwise = std::string(kind) != "Conv2D";
    const Tensor f = random_tensor(depthwise ? Shape{3, 3, 6, 1} : Shape{3, 3, 6, 6}, 2), bias = random_tensor({6}, 3);
    const KernelDef& kernel = depthwise ? kernel_DepthwiseConv2dNative : kernel_Conv2D;
    for (bool nchw : {false, true}) {
      const Tensor in = nchw ? to_nchw(x) : x;
      Tensor want = *run_one(kernel, conv_attrs(1, "SAME", nchw), {in, f}, in.shape());
      apply_bias(&want, bias, residual, nchw ? 72 : 1);
      const Tensor operand = nchw ? bias.reshaped({6, 1, 1}) : bias;
      const Tensor second = nchw ? residual.reshaped({6, 9, 8}) : residual;
      auto got = run_one(kernel_FusedContract,
                         fused_attrs(conv_attrs(1, "SAME", nchw), kind, bias_tape(), {DType::kFloat, DType::kFloat}),
                         {in, f, operand, second}, want.shape());
      ASSERT_TRUE(got.ok()) << got.status().to_string();
      expect_near(*got, want);
    }
  }
}

// Two outputs, neither of which may hold the sums: a bool mask, and the result doubled as double.
TEST(FusedContract, OutputsOfOtherTypes) {
  Tape t;
  const uint16_t x = t.add_input(DType::kFloat);
  const uint16_t zero = t.add_constant(DType::kFloat, 0);
  const uint16_t positive = t.emit(MicroOp::k_gt, DType::kBool, x, zero);
  const uint16_t wide = t.emit(MicroOp::k_cast, DType::kDouble, x);
  t.outputs = {positive, wide};
  for (auto [m, n, k] : {std::tuple{9, 10, 7}, {100, 600, 300}}) {
    const Tensor a = random_tensor({m, k}, 1), b = random_tensor({k, n}, 2);
    const Tensor want = *run_one(kernel_MatMul, matmul_attrs(false, false), {a, b}, {m, n});
    auto r = Node(kernel_FusedContract, fused_attrs(matmul_attrs(false, false), "MatMul", t.to_string(), {}),
                  {DType::kBool, DType::kDouble})
                 .run({a, b}, Mode::kStatic, {want.shape(), want.shape()});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    for (int64_t i = 0; i < want.num_elements(); ++i) {
      ASSERT_EQ((*r)[0].data<bool>()[i], want.data<float>()[i] > 0);
      ASSERT_EQ((*r)[1].data<double>()[i], static_cast<double>(want.data<float>()[i]));
    }
  }
}

TEST(FusedContract, RejectsAForeignTape) {
  const Tensor a = random_tensor({2, 3}, 1), b = random_tensor({3, 4}, 2);
  const auto code = [&](const std::string& tape) {
    return run_one(kernel_FusedContract, fused_attrs(matmul_attrs(false, false), "MatMul", tape, {}), {a, b}, {2, 4})
        .status()
        .code();
  };
  EXPECT_EQ(code(bias_tape()), Code::kInvalidArgument);  // wants two operands
  EXPECT_EQ(code("(double) { v1 = neg v0 } -> v1"), Code::kInvalidArgument);
  EXPECT_EQ(code("nonsense"), Code::kInvalidArgument);
}

}  // namespace
}  // namespace tw
