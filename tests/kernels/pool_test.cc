#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core/kernels/ref/contract_ref.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {
extern const KernelDef kernel_MaxPool, kernel_MaxPoolGrad, kernel_MaxPoolGradGrad, kernel_MaxPoolWithArgmax,
    kernel_MaxPoolGradWithArgmax, kernel_MaxPoolGradGradWithArgmax, kernel_AvgPool, kernel_AvgPoolGrad;

namespace {

using pool::PoolGeometry;
using test::Mode;
using test::Node;

// Few distinct values, so that windows have ties.
template <typename T>
Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  Tensor t = Tensor::make_or_die(dtype_of<T>, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.data<T>()[i] = static_cast<T>(static_cast<float>(random() % 21));
  return t;
}

struct Case {
  Shape in;  // NHWC
  int64_t window_h, window_w, stride_h, stride_w;
  bool same;
};

PoolGeometry geometry_of(const Case& c) {
  PoolGeometry g;
  g.batch = c.in[0], g.in_h = c.in[1], g.in_w = c.in[2], g.channels = c.in[3];
  g.window_h = c.window_h, g.window_w = c.window_w, g.stride_h = c.stride_h, g.stride_w = c.stride_w;
  const auto axis = [&](int64_t in, int64_t size, int64_t stride, int64_t* out, int64_t* pad) {
    *out = c.same ? (in + stride - 1) / stride : (in - size) / stride + 1;
    *pad = c.same ? std::max<int64_t>(0, (*out - 1) * stride + size - in) / 2 : 0;
  };
  axis(g.in_h, g.window_h, g.stride_h, &g.out_h, &g.pad_top);
  axis(g.in_w, g.window_w, g.stride_w, &g.out_w, &g.pad_left);
  return g;
}

AttrMap attrs_of(const Case& c, DType t, bool nchw = false) {
  AttrMap a;
  a["T"] = AttrValue(t);
  a["padding"] = AttrValue(c.same ? "SAME" : "VALID");
  a["data_format"] = AttrValue(nchw ? "NCHW" : "NHWC");
  const auto list = [nchw](int64_t h, int64_t w) {
    return nchw ? std::vector<int64_t>{1, 1, h, w} : std::vector<int64_t>{1, h, w, 1};
  };
  a["ksize"] = AttrValue(list(c.window_h, c.window_w));
  a["strides"] = AttrValue(list(c.stride_h, c.stride_w));
  return a;
}

Tensor run_one(const KernelDef& kernel, const AttrMap& attrs, const std::vector<Tensor>& inputs, DType t,
               const Shape& out) {
  Node node(kernel, attrs, {t});
  auto r = node.run(inputs, Mode::kStatic, {out});
  EXPECT_TRUE(r.ok()) << r.status().to_string();
  return r.ok() ? (*r)[0] : Tensor::make_or_die(t, out);
}

template <typename T>
void expect_equal(const Tensor& got, const std::vector<double>& want, double tolerance, const char* what) {
  ASSERT_EQ(static_cast<size_t>(got.num_elements()), want.size()) << what;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(got.data<T>()[i]), want[i], tolerance * (1 + std::abs(want[i])))
        << what << " element " << i;
  }
}

// What the definition says, for each output the first largest input.
std::vector<int64_t> largest(const PoolGeometry& g, const std::function<double(int64_t)>& value) {
  std::vector<int64_t> at(static_cast<size_t>(g.batch * g.out_h * g.out_w * g.channels), -1);
  ref::visit_pool(g, [&](int64_t o, int64_t i) {
    int64_t& best = at[static_cast<size_t>(o)];
    if (best < 0 || value(i) > value(best)) best = i;
  });
  return at;
}

template <typename T>
void check_pools(const Case& c) {
  SCOPED_TRACE(testing::Message() << dtype_name(dtype_of<T>) << " " << c.in << " window " << c.window_h << ","
                                  << c.window_w << " stride " << c.stride_h << "," << c.stride_w
                                  << (c.same ? " SAME" : " VALID"));
  const PoolGeometry g = geometry_of(c);
  const Shape out{g.batch, g.out_h, g.out_w, g.channels};
  const DType t = dtype_of<T>;
  const Tensor x = random_tensor<T>(c.in, 1), dy = random_tensor<T>(out, 2), ddx = random_tensor<T>(c.in, 3);
  const AttrMap attrs = attrs_of(c, t);
  const auto at = largest(g, [&](int64_t i) { return static_cast<double>(x.data<T>()[i]); });
  std::vector<double> max, picked, grad(static_cast<size_t>(x.num_elements()), 0.0);
  for (size_t o = 0; o < at.size(); ++o) {
    max.push_back(static_cast<double>(x.data<T>()[at[o]]));
    picked.push_back(static_cast<double>(ddx.data<T>()[at[o]]));
    grad[static_cast<size_t>(at[o])] += static_cast<double>(dy.data<T>()[o]);
  }
  const Tensor y = run_one(kernel_MaxPool, attrs, {x}, t, out);
  expect_equal<T>(y, max, 0, "MaxPool");
  // Sums of a few small integers are exact in every type but the narrowest.
  if (sizeof(T) > 1) expect_equal<T>(run_one(kernel_MaxPoolGrad, attrs, {x, y, dy}, t, c.in), grad, 0, "MaxPoolGrad");
  expect_equal<T>(run_one(kernel_MaxPoolGradGrad, attrs, {x, y, ddx}, t, out), picked, 0, "MaxPoolGradGrad");

  if (std::is_integral_v<T>) return;
  std::vector<double> sum(at.size(), 0.0), count(at.size(), 0.0), back(grad.size(), 0.0);
  ref::visit_pool(g, [&](int64_t o, int64_t i) {
    sum[static_cast<size_t>(o)] += static_cast<double>(x.data<T>()[i]);
    count[static_cast<size_t>(o)] += 1;
  });
  for (size_t o = 0; o < sum.size(); ++o) sum[o] /= count[o];
  ref::visit_pool(g, [&](int64_t o, int64_t i) {
    back[static_cast<size_t>(i)] += static_cast<double>(dy.data<T>()[o]) / count[static_cast<size_t>(o)];
  });
  const double tolerance = t == DType::kBfloat16 ? 5e-3 : t == DType::kHalf ? 6e-4 : t == DType::kFloat ? 1e-6 : 1e-15;
  expect_equal<T>(run_one(kernel_AvgPool, attrs, {x}, t, out), sum, tolerance, "AvgPool");
  const Tensor sizes = Tensor::vector<int32_t>({static_cast<int32_t>(c.in[0]), static_cast<int32_t>(c.in[1]),
                                                static_cast<int32_t>(c.in[2]), static_cast<int32_t>(c.in[3])});
  expect_equal<T>(run_one(kernel_AvgPoolGrad, attrs, {sizes, dy}, t, c.in), back, tolerance, "AvgPoolGrad");
}

template <typename T>
class PoolTypes : public testing::Test {};
using Types = testing::Types<float, double, half, bfloat16, int32_t, int64_t, uint8_t, int8_t, int16_t, uint16_t>;
TYPED_TEST_SUITE(PoolTypes, Types);

TYPED_TEST(PoolTypes, WindowsStridesAndPadding) {
  for (bool same : {false, true}) {
    for (auto [h, w] : {std::pair{1, 1}, {2, 2}, {3, 2}, {3, 3}}) {
      for (auto [sh, sw] : {std::pair{1, 1}, {2, 2}, {1, 3}, {3, 2}}) {
        check_pools<TypeParam>({Shape{2, 7, 6, 5}, h, w, sh, sw, same});
        if (this->HasFatalFailure()) return;
      }
    }
  }
  check_pools<TypeParam>({Shape{3, 8, 8, 40}, 2, 2, 2, 2, false});
  check_pools<TypeParam>({Shape{1, 5, 4, 300}, 3, 3, 2, 2, true});  // more channels than a block
}

TEST(Pool, ManyImagesInParallel) { check_pools<float>({Shape{64, 16, 16, 32}, 3, 3, 2, 2, true}); }

TEST(Pool, EmptyBatch) {
  check_pools<float>({Shape{0, 4, 4, 3}, 2, 2, 2, 2, false});
  check_pools<float>({Shape{2, 4, 4, 0}, 2, 2, 2, 2, false});
}

Tensor to_nchw(const Tensor& t) {
  const Shape& s = t.shape();
  Tensor r = Tensor::make_or_die(DType::kFloat, Shape{s[0], s[3], s[1], s[2]});
  for (int64_t n = 0; n < s[0]; ++n)
    for (int64_t h = 0; h < s[1]; ++h)
      for (int64_t w = 0; w < s[2]; ++w)
        for (int64_t c = 0; c < s[3]; ++c)
          r.data<float>()[((n * s[3] + c) * s[1] + h) * s[2] + w] =
              t.data<float>()[((n * s[1] + h) * s[2] + w) * s[3] + c];
  return r;
}

TEST(Pool, NchwIsTheSameTurned) {
  const Case c{Shape{2, 7, 6, 5}, 3, 2, 2, 1, true};
  const PoolGeometry g = geometry_of(c);
  const Shape out{g.batch, g.out_h, g.out_w, g.channels}, out_nchw{g.batch, g.channels, g.out_h, g.out_w};
  const Shape in_nchw{2, 5, 7, 6};
  const Tensor x = random_tensor<float>(c.in, 1), dy = random_tensor<float>(out, 2);
  const AttrMap a = attrs_of(c, DType::kFloat), b = attrs_of(c, DType::kFloat, true);
  const Tensor y = run_one(kernel_MaxPool, a, {x}, DType::kFloat, out);
  const Tensor y_nchw = run_one(kernel_MaxPool, b, {to_nchw(x)}, DType::kFloat, out_nchw);
  EXPECT_TRUE(test::same_values(to_nchw(y), y_nchw));
  EXPECT_TRUE(
      test::same_values(to_nchw(run_one(kernel_MaxPoolGrad, a, {x, y, dy}, DType::kFloat, c.in)),
                        run_one(kernel_MaxPoolGrad, b, {to_nchw(x), y_nchw, to_nchw(dy)}, DType::kFloat, in_nchw)));
  EXPECT_TRUE(test::same_values(to_nchw(run_one(kernel_AvgPool, a, {x}, DType::kFloat, out)),
                                run_one(kernel_AvgPool, b, {to_nchw(x)}, DType::kFloat, out_nchw)));
}

TEST(Pool, AcrossDepth) {
  AttrMap a = attrs_of({Shape{1, 2, 1, 6}, 1, 1, 1, 1, false}, DType::kFloat);
  a["ksize"] = AttrValue(std::vector<int64_t>{1, 1, 1, 3});
  a["strides"] = AttrValue(std::vector<int64_t>{1, 1, 1, 3});
  const Tensor x = test::tensor<float>(Shape{1, 2, 1, 6}, {1, 5, 2, 9, 8, 7, -1, -2, -3, 4, 4, 6});
  const Tensor y = run_one(kernel_MaxPool, a, {x}, DType::kFloat, Shape{1, 2, 1, 2});
  EXPECT_EQ(test::values<float>(y), (std::vector<float>{5, 9, -1, 6}));
  const Tensor dy = test::tensor<float>(Shape{1, 2, 1, 2}, {1, 2, 3, 4});
  EXPECT_EQ(test::values<float>(run_one(kernel_MaxPoolGrad, a, {x, y, dy}, DType::kFloat, x.shape())),
            (std::vector<float>{0, 1, 0, 2, 0, 0, 3, 0, 0, 0, 0, 4}));
}

TEST(Pool, SecondVersionsTakeSizesAsInputs) {
  const Case c{Shape{2, 7, 6, 5}, 3, 2, 2, 1, true};
  const PoolGeometry g = geometry_of(c);
  const Shape out{g.batch, g.out_h, g.out_w, g.channels};
  const Tensor x = random_tensor<float>(c.in, 1), dy = random_tensor<float>(out, 2);
  AttrMap first = attrs_of(c, DType::kFloat), second = first;
  second.erase("ksize");
  second.erase("strides");
  const Tensor size = Tensor::vector<int32_t>({1, 3, 2, 1}), strides = Tensor::vector<int32_t>({1, 2, 1, 1});
  const Tensor y = run_one(kernel_MaxPool, first, {x}, DType::kFloat, out);
  EXPECT_TRUE(test::same_values(y, run_one(kernel_MaxPool, second, {x, size, strides}, DType::kFloat, out)));
  EXPECT_TRUE(test::same_values(run_one(kernel_MaxPoolGrad, first, {x, y, dy}, DType::kFloat, c.in),
                                run_one(kernel_MaxPoolGrad, second, {x, y, dy, size, strides}, DType::kFloat, c.in)));
}

TEST(Pool, Argmax) {
  const Case c{Shape{3, 5, 6, 4}, 2, 3, 2, 2, true};
  const PoolGeometry g = geometry_of(c);
  const Shape out{g.batch, g.out_h, g.out_w, g.channels};
  const Tensor x = random_tensor<float>(c.in, 1), dy = random_tensor<float>(out, 2);
  const int64_t image = 5 * 6 * 4, pooled = out.num_elements() / 3;
  const auto want = largest(g, [&](int64_t i) { return static_cast<double>(x.data<float>()[i]); });
  for (bool batch : {false, true}) {
    for (DType index : {DType::kInt32, DType::kInt64}) {
      AttrMap a = attrs_of(c, DType::kFloat);
      a.erase("data_format");
      a["Targmax"] = AttrValue(index);
      a["include_batch_in_index"] = AttrValue(batch);
      Node node(kernel_MaxPoolWithArgmax, a, {DType::kFloat, index});
      auto r = node.run({x}, Mode::kStatic, {out, out});
      ASSERT_TRUE(r.ok()) << r.status().to_string();
      for (int64_t i = 0; i < out.num_elements(); ++i) {
        const int64_t w = want[static_cast<size_t>(i)];
        EXPECT_EQ((*r)[0].data<float>()[i], x.data<float>()[w]);
        EXPECT_EQ(index_value((*r)[1], i), batch ? w : w - i / pooled * image);
      }
      // The positions lead the gradients the way MaxPoolGrad finds by itself.
      const AttrMap plain = attrs_of(c, DType::kFloat);
      EXPECT_TRUE(test::same_values(run_one(kernel_MaxPoolGradWithArgmax, a, {x, dy, (*r)[1]}, DType::kFloat, c.in),
                                    run_one(kernel_MaxPoolGrad, plain, {x, (*r)[0], dy}, DType::kFloat, c.in)));
      EXPECT_TRUE(test::same_values(run_one(kernel_MaxPoolGradGradWithArgmax, a, {x, x, (*r)[1]}, DType::kFloat, out),
                                    (*r)[0]));
    }
  }
}

TEST(Pool, RejectsWhatWouldCrash) {
  const Case c{Shape{1, 4, 4, 1}, 2, 2, 2, 2, false};
  const Tensor x = random_tensor<float>(c.in, 1);
  const auto code = [](const KernelDef& kernel, const AttrMap& a, const std::vector<Tensor>& in, const Shape& out) {
    return Node(kernel, a, {DType::kFloat}).run(in, Mode::kStatic, {out}).status().code();
  };
  AttrMap a = attrs_of(c, DType::kFloat);
  EXPECT_EQ(code(kernel_MaxPoolGrad, a, {x, x, x}, c.in), Code::kInvalidArgument);  // grad is not of the pooled shape
  const Tensor small = random_tensor<float>(Shape{1, 2, 2, 1}, 1);
  a["strides"] = AttrValue(std::vector<int64_t>{1, 0, 2, 1});
  EXPECT_EQ(code(kernel_MaxPool, a, {x}, small.shape()), Code::kInvalidArgument);
  a = attrs_of(c, DType::kFloat);
  a["ksize"] = AttrValue(std::vector<int64_t>{2, 2, 2, 1});
  EXPECT_EQ(code(kernel_MaxPool, a, {x}, small.shape()), Code::kUnimplemented);
  a = attrs_of(c, DType::kFloat);
  a["Targmax"] = AttrValue(DType::kInt64);
  a["include_batch_in_index"] = AttrValue(false);
  for (int64_t bad : {int64_t{-1}, int64_t{16}}) {
    const Tensor argmax = test::tensor<int64_t>(Shape{1, 2, 2, 1}, {0, 1, bad, 3});
    EXPECT_EQ(code(kernel_MaxPoolGradWithArgmax, a, {x, small, argmax}, c.in), Code::kInvalidArgument);
    EXPECT_EQ(code(kernel_MaxPoolGradGradWithArgmax, a, {x, x, argmax}, small.shape()), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace tw
