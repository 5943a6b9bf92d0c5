// Kernels upon the map and reduce engines, against formulas in double.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "core/framework/tensor_list.h"
#include "core/kernels/ref/map_ref.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {
// clang-format off
#define K(name) extern const KernelDef kernel_##name;
K(AddN) K(ArgReduce) K(BiasAdd) K(BiasAddGrad) K(Bincount) K(Bucketize) K(FusedBatchNorm) K(FusedBatchNormGrad)
K(FusedMap) K(Map) K(FusedReduce) K(InTopK) K(L2Loss) K(LRN) K(LRNGrad) K(LogSoftmax) K(Reduce) K(Scan) K(Segment) K(Softmax)
K(SoftmaxCrossEntropyWithLogits) K(SparseSegment) K(SparseSegmentGrad) K(SparseSoftmaxCrossEntropyWithLogits) K(TopK)
K(UnsortedSegment)
// clang-format on
#undef K

                namespace {

  using test::Mode;
  using test::Node;

  std::mt19937& rng() {
    static std::mt19937 r(21);
    return r;
  }

  Tensor random_tensor(DType t, const Shape& shape, double low = -2, double high = 2) {
    Tensor out = Tensor::make_or_die(t, shape);
    std::uniform_real_distribution<double> real(low, high);
    for (int64_t i = 0; i < shape.num_elements(); ++i) {
      const double v = real(rng());
      ref::store(t, {v, 0, static_cast<int64_t>(v)}, out.raw(), i);
    }
    return out;
  }

  double at(const Tensor& t, int64_t i) {
    const ref::Number n = ref::load(t.dtype(), t.raw(), i);
    return is_integer(t.dtype()) || t.dtype() == DType::kBool ? static_cast<double>(n.integer) : n.re;
  }

  // Results with the outputs' shapes given, as a session with known shapes has them.
  std::vector<Tensor> run(Node & node, const std::vector<Tensor>& inputs, const std::vector<Shape>& shapes) {
    auto r = node.run(inputs, Mode::kStatic, shapes);
    EXPECT_TRUE(r.ok()) << r.status().to_string();
    return r.ok() ? *r : std::vector<Tensor>();
  }

  Status failure(Node & node, const std::vector<Tensor>& inputs, const std::vector<Shape>& shapes) {
    return node.run(inputs, Mode::kStatic, shapes).status();
  }

#define EXPECT_VALUES(tensor, ...)                                                           \
  do {                                                                                       \
    const std::vector<double> want_ = __VA_ARGS__;                                           \
    ASSERT_EQ((tensor).num_elements(), static_cast<int64_t>(want_.size()));                  \
    for (size_t i_ = 0; i_ < want_.size(); ++i_) {                                           \
      EXPECT_DOUBLE_EQ(at(tensor, static_cast<int64_t>(i_)), want_[i_]) << "element " << i_; \
    }                                                                                        \
  } while (false)

  double tolerance(DType t) {
    switch (t) {
      case DType::kDouble: return 1e-14;
      case DType::kHalf: return 2e-3;
      case DType::kBfloat16: return 1e-2;
      default: return 2e-6;
    }
  }

  TEST(Softmax, RowsOfEveryLength) {
    for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf, DType::kBfloat16}) {
      for (int64_t n : {1, 2, 5, 10, 16, 17, 33, 1000}) {
        const Shape shape{7, n};
        const Tensor x = random_tensor(t, shape, -20, 20);
        Node softmax(kernel_Softmax, {}, {t}), log_softmax(kernel_LogSoftmax, {}, {t});
        const Tensor y = run(softmax, {x}, {shape})[0], l = run(log_softmax, {x}, {shape})[0];
        for (int64_t r = 0; r < 7; ++r) {
          double max = -INFINITY, sum = 0;
          for (int64_t i = 0; i < n; ++i) max = std::max(max, at(x, r * n + i));
          for (int64_t i = 0; i < n; ++i) sum += std::exp(at(x, r * n + i) - max);
          for (int64_t i = 0; i < n; ++i) {
            const double log_p = at(x, r * n + i) - max - std::log(sum);
            ASSERT_NEAR(at(y, r * n + i), std::exp(log_p), tolerance(t)) << n;
            ASSERT_NEAR(at(l, r * n + i), log_p, tolerance(t) * std::max(1.0, std::abs(log_p))) << n;
          }
        }
      }
    }
  }

  TEST(Softmax, MaskedAndHugeLogits) {
    const float inf = std::numeric_limits<float>::infinity();
    const Shape shape{3, 4};
    Tensor x = Tensor::vector<float>({0, -inf, -1e9f, 0, 3e38f, 3e38f, -3e38f, 0, 1000, 999, 0, -1000}).reshaped(shape);
    Node softmax(kernel_Softmax, {}, {DType::kFloat});
    const Tensor y = run(softmax, {x}, {shape})[0];
    const float e = static_cast<float>(1 / (1 + std::exp(-1.0)));
    const float want[] = {0.5f, 0, 0, 0.5f, 0.5f, 0.5f, 0, 0, e, 1 - e, 0, 0};
    for (int i = 0; i < 12; ++i) EXPECT_NEAR(y.data<float>()[i], want[i], 1e-6) << i;
    EXPECT_EQ(y.data<float>()[1], 0);
    EXPECT_EQ(y.data<float>()[2], 0);
  }

  TEST(CrossEntropy, DenseAndBroadcast) {
    const struct {
      Shape x, labels, space;
    } cases[] = {
        {{6, 5}, {6, 5}, {6, 5}}, {{6, 40}, {1, 40}, {6, 40}}, {{1, 17}, {4, 17}, {4, 17}}, {{3, 8}, {3, 1}, {3, 8}}};
    for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf}) {
      for (const auto& c : cases) {
        const Tensor x = random_tensor(t, c.x), labels = random_tensor(t, c.labels, 0, 1);
        Node node(kernel_SoftmaxCrossEntropyWithLogits, {}, {t, t});
        const auto out = run(node, {x, labels}, {Shape{c.space[0]}, c.space});
        const int64_t n = c.space[1];
        for (int64_t r = 0; r < c.space[0]; ++r) {
          const auto logit = [&](int64_t i) { return at(x, (c.x[0] == 1 ? 0 : r) * n + i); };
          const auto label = [&](int64_t i) {
            return at(labels, (c.labels[0] == 1 ? 0 : r) * c.labels[1] + (c.labels[1] == 1 ? 0 : i));
          };
          double sum = 0, loss = 0;
          for (int64_t i = 0; i < n; ++i) sum += std::exp(logit(i));
          for (int64_t i = 0; i < n; ++i) {
            const double log_p = logit(i) - std::log(sum);
            loss -= label(i) * log_p;
            ASSERT_NEAR(at(out[1], r * n + i), std::exp(log_p) - label(i), 2 * tolerance(t));
          }
          ASSERT_NEAR(at(out[0], r), loss, 2 * tolerance(t) * std::max(1.0, loss));
        }
      }
    }
  }

  TEST(CrossEntropy, ZeroLabelsOfImpossibleClasses) {
    const float inf = std::numeric_limits<float>::infinity();
    const Shape shape{1, 2};
    Node node(kernel_SoftmaxCrossEntropyWithLogits, {}, {DType::kFloat, DType::kFloat});
    const auto out =
        run(node, {Tensor::vector<float>({1, -inf}).reshaped(shape), Tensor::vector<float>({1, 0}).reshaped(shape)},
            {Shape{1}, shape});
    EXPECT_EQ(out[0].data<float>()[0], 0);
  }

  TEST(CrossEntropy, SparseLabels) {
    for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf}) {
      const Shape shape{5, 9};
      const Tensor x = random_tensor(t, shape);
      const Tensor labels = Tensor::vector<int32_t>({0, 8, 3, 3, 7});
      Node node(kernel_SparseSoftmaxCrossEntropyWithLogits, {}, {t, t});
      const auto out = run(node, {x, labels}, {Shape{5}, shape});
      for (int64_t r = 0; r < 5; ++r) {
        double sum = 0;
        for (int64_t i = 0; i < 9; ++i) sum += std::exp(at(x, r * 9 + i));
        const int64_t label = labels.data<int32_t>()[r];
        EXPECT_NEAR(at(out[0], r), std::log(sum) - at(x, r * 9 + label), 2 * tolerance(t));
        for (int64_t i = 0; i < 9; ++i) {
          EXPECT_NEAR(at(out[1], r * 9 + i), std::exp(at(x, r * 9 + i)) / sum - (i == label), 2 * tolerance(t));
        }
      }
    }
    Node node(kernel_SparseSoftmaxCrossEntropyWithLogits, {}, {DType::kFloat, DType::kFloat});
    const Status s = failure(node, {random_tensor(DType::kFloat, Shape{3, 5}), Tensor::vector<int64_t>({1, 7, 2})},
                             {Shape{3}, Shape{3, 5}});
    EXPECT_EQ(s.code(), Code::kInvalidArgument);
    EXPECT_EQ(s.message(),
              "Received a label value of 7 which is outside the valid range of [0, 5).  Label values: 1 7 2");
  }

  TEST(Bias, AddAndGradient) {
    for (const char* format : {"NHWC", "NCHW"}) {
      const bool last = std::string(format) == "NHWC";
      for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf, DType::kInt32}) {
        const Shape shape{3, 4, 5, 6};
        const int64_t channels = last ? 6 : 4;
        const Tensor x = random_tensor(t, shape, -9, 9), bias = random_tensor(t, Shape{channels}, -9, 9);
        Node add(kernel_BiasAdd, {{"data_format", format}}, {t}),
            grad(kernel_BiasAddGrad, {{"data_format", format}}, {t});
        const Tensor y = run(add, {x, bias}, {shape})[0], sums = run(grad, {x}, {Shape{channels}})[0];
        std::vector<double> want(static_cast<size_t>(channels));
        for (int64_t i = 0; i < shape.num_elements(); ++i) {
          const int64_t c = last ? i % 6 : i / 30 % 4;
          EXPECT_NEAR(at(y, i), at(x, i) + at(bias, c), 16 * tolerance(t));
          want[static_cast<size_t>(c)] += at(x, i);
        }
        for (int64_t c = 0; c < channels; ++c)
          EXPECT_NEAR(at(sums, c), want[static_cast<size_t>(c)], 64 * tolerance(t));
      }
    }
    Node add(kernel_BiasAdd, {}, {DType::kFloat});
    EXPECT_EQ(
        failure(add, {random_tensor(DType::kFloat, Shape{2, 3}), random_tensor(DType::kFloat, Shape{4})}, {Shape{2, 3}})
            .code(),
        Code::kInvalidArgument);
  }

  struct Norm {
    bool last, training;
    int64_t channels() const { return last ? 5 : 3; }
    Shape shape{2, 3, 4, 5};
    int64_t channel(int64_t i) const { return last ? i % 5 : i / 20 % 3; }
    int64_t count() const { return 120 / channels(); }
    AttrMap attrs() const {
      return {{"data_format", last ? "NHWC" : "NCHW"}, {"is_training", training}, {"epsilon", 0.01f}};
    }
  };

  TEST(BatchNorm, ForwardAndGradient) {
    for (bool last : {true, false}) {
      for (bool training : {true, false}) {
        const Norm n{last, training};
        const DType t = DType::kFloat;
        const size_t c = static_cast<size_t>(n.channels());
        const Shape vec{n.channels()}, none{0};
        const Tensor x = random_tensor(t, n.shape, 1, 4), scale = random_tensor(t, vec, 0.5, 2),
                     offset = random_tensor(t, vec);
        const Tensor given_mean = random_tensor(t, vec, 1, 4), given_var = random_tensor(t, vec, 0.5, 2);
        const Tensor empty = Tensor::make_or_die(t, none);
        Node forward(kernel_FusedBatchNorm, n.attrs(), {t, t, t, t, t, t});
        const auto out = run(forward, {x, scale, offset, training ? empty : given_mean, training ? empty : given_var},
                             {n.shape, vec, vec, vec, vec, Shape{}});
        std::vector<double> mean(c), var(c);
        if (training) {
          for (int64_t i = 0; i < 120; ++i)
            mean[static_cast<size_t>(n.channel(i))] += at(x, i) / static_cast<double>(n.count());
          for (int64_t i = 0; i < 120; ++i) {
            const size_t k = static_cast<size_t>(n.channel(i));
            var[k] += (at(x, i) - mean[k]) * (at(x, i) - mean[k]) / static_cast<double>(n.count());
          }
        } else {
          for (size_t k = 0; k < c; ++k)
            mean[k] = at(given_mean, static_cast<int64_t>(k)), var[k] = at(given_var, static_cast<int64_t>(k));
        }
        const double unbiased = training ? static_cast<double>(n.count()) / static_cast<double>(n.count() - 1) : 1;
        for (size_t k = 0; k < c; ++k) {
          const int64_t i = static_cast<int64_t>(k);
          EXPECT_NEAR(at(out[1], i), mean[k], 2e-6);
          EXPECT_NEAR(at(out[2], i), var[k] * unbiased, 2e-6);
          EXPECT_NEAR(at(out[3], i), mean[k], 2e-6);
          EXPECT_NEAR(at(out[4], i), var[k], 2e-6);
        }
        const auto y = [&](size_t k, double v) {
          return (v - mean[k]) / std::sqrt(var[k] + 0.01) * at(scale, static_cast<int64_t>(k)) +
                 at(offset, static_cast<int64_t>(k));
        };
        for (int64_t i = 0; i < 120; ++i)
          EXPECT_NEAR(at(out[0], i), y(static_cast<size_t>(n.channel(i)), at(x, i)), 5e-6);

        const Tensor dy = random_tensor(t, n.shape);
        Node backward(kernel_FusedBatchNormGrad, n.attrs(), {t, t, t, t, t});
        const auto grads = run(backward, {dy, x, scale, out[3], out[4]}, {n.shape, vec, vec, none, none});
        std::vector<double> dscale(c), doffset(c);
        for (int64_t i = 0; i < 120; ++i) {
          const size_t k = static_cast<size_t>(n.channel(i));
          doffset[k] += at(dy, i);
          dscale[k] += at(dy, i) * (at(x, i) - mean[k]) / std::sqrt(var[k] + 0.01);
        }
        for (size_t k = 0; k < c; ++k) {
          EXPECT_NEAR(at(grads[1], static_cast<int64_t>(k)), dscale[k], 2e-5);
          EXPECT_NEAR(at(grads[2], static_cast<int64_t>(k)), doffset[k], 2e-5);
        }
        // dx by central differences of sum(dy * y), statistics included when training.
        const auto loss = [&](const std::vector<double>& values) {
          std::vector<double> m = mean, v = var;
          if (training) {
            std::fill(m.begin(), m.end(), 0);
            std::fill(v.begin(), v.end(), 0);
            for (size_t i = 0; i < 120; ++i)
              m[static_cast<size_t>(n.channel(static_cast<int64_t>(i)))] += values[i] / static_cast<double>(n.count());
            for (size_t i = 0; i < 120; ++i) {
              const size_t k = static_cast<size_t>(n.channel(static_cast<int64_t>(i)));
              v[k] += (values[i] - m[k]) * (values[i] - m[k]) / static_cast<double>(n.count());
            }
          }
          double sum = 0;
          for (size_t i = 0; i < 120; ++i) {
            const size_t k = static_cast<size_t>(n.channel(static_cast<int64_t>(i)));
            sum += at(dy, static_cast<int64_t>(i)) * (values[i] - m[k]) / std::sqrt(v[k] + 0.01) *
                   at(scale, static_cast<int64_t>(k));
          }
          return sum;
        };
        std::vector<double> values;
        for (int64_t i = 0; i < 120; ++i) values.push_back(at(x, i));
        for (size_t i = 0; i < 120; i += 7) {
          std::vector<double> up = values, down = values;
          up[i] += 1e-4;
          down[i] -= 1e-4;
          EXPECT_NEAR(at(grads[0], static_cast<int64_t>(i)), (loss(up) - loss(down)) / 2e-4, 2e-5) << i;
        }
      }
    }
  }

  TEST(BatchNorm, HalfInput) {
    const Norm n{true, true};
    const Shape vec{5}, none{0};
    const DType f = DType::kFloat, h = DType::kHalf;
    const Tensor x = random_tensor(h, n.shape), scale = random_tensor(f, vec, 0.5, 2), offset = random_tensor(f, vec);
    Tensor wide = Tensor::make_or_die(f, n.shape);
    for (int64_t i = 0; i < 120; ++i) wide.data<float>()[i] = static_cast<float>(at(x, i));
    const Tensor empty = Tensor::make_or_die(f, none);
    Node narrow_node(kernel_FusedBatchNorm, n.attrs(), {h, f, f, f, f}),
        wide_node(kernel_FusedBatchNorm, n.attrs(), {f, f, f, f, f});
    const auto a = run(narrow_node, {x, scale, offset, empty, empty}, {n.shape, vec, vec, vec, vec});
    const auto b = run(wide_node, {wide, scale, offset, empty, empty}, {n.shape, vec, vec, vec, vec});
    for (int64_t i = 0; i < 120; ++i) EXPECT_NEAR(at(a[0], i), at(b[0], i), 4e-3);
    for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(at(a[1], i), at(b[1], i));
  }

  TEST(Lrn, ForwardAndGradient) {
    const Shape shape{1, 2, 2, 9};
    const AttrMap attrs{{"depth_radius", 2}, {"bias", 1.5f}, {"alpha", 0.7f}, {"beta", 0.8f}};
    const Tensor x = random_tensor(DType::kFloat, shape), dy = random_tensor(DType::kFloat, shape);
    const auto forward = [&](const std::vector<double>& v, int64_t i) {
      const int64_t row = i / 9 * 9, c = i % 9;
      double squares = 0;
      for (int64_t k = std::max<int64_t>(0, c - 2); k <= std::min<int64_t>(8, c + 2); ++k) {
        squares += v[static_cast<size_t>(row + k)] * v[static_cast<size_t>(row + k)];
      }
      return v[static_cast<size_t>(i)] * std::pow(1.5f + 0.7f * squares, -0.8f);
    };
    std::vector<double> values;
    for (int64_t i = 0; i < 36; ++i) values.push_back(at(x, i));
    Node node(kernel_LRN, attrs, {DType::kFloat}), grad(kernel_LRNGrad, attrs, {DType::kFloat});
    const Tensor y = run(node, {x}, {shape})[0], dx = run(grad, {dy, x, y}, {shape})[0];
    for (int64_t i = 0; i < 36; ++i) {
      EXPECT_NEAR(at(y, i), forward(values, i), 1e-6);
      double slope = 0;
      std::vector<double> up = values, down = values;
      up[static_cast<size_t>(i)] += 1e-5;
      down[static_cast<size_t>(i)] -= 1e-5;
      for (int64_t k = 0; k < 36; ++k) slope += at(dy, k) * (forward(up, k) - forward(down, k)) / 2e-5;
      EXPECT_NEAR(at(dx, i), slope, 1e-5);
    }
  }

  TEST(TopK, OrderTiesAndErrors) {
    Node node(kernel_TopK, {{"sorted", true}}, {DType::kFloat, DType::kInt32});
    const float nan = std::nanf("");
    const Tensor x = Tensor::vector<float>({3, 1, 3, 7, nan, 2, 0, -1, -1, -1, 5, 4}).reshaped(Shape{2, 6});
    const auto out = run(node, {x, Tensor::scalar<int32_t>(3)}, {Shape{2, 3}, Shape{2, 3}});
    EXPECT_VALUES(out[0], {7, 3, 3, 5, 4, 0});
    EXPECT_VALUES(out[1], {3, 0, 2, 4, 5, 0});
    const auto one = run(node, {x, Tensor::scalar<int32_t>(1)}, {Shape{2, 1}, Shape{2, 1}});
    EXPECT_VALUES(one[1], {3, 4});
    EXPECT_EQ(failure(node, {x, Tensor::scalar<int32_t>(7)}, {Shape{2, 7}, Shape{2, 7}}).message(),
              "input must have at least k columns. Had 6, needed 7");
    // Long rows, against a sort.
    const Tensor big = random_tensor(DType::kDouble, Shape{5, 300});
    Node wide(kernel_TopK, {{"sorted", true}}, {DType::kDouble, DType::kInt32});
    for (int32_t k : {2, 40, 200, 300}) {
      const auto got = run(wide, {big, Tensor::scalar<int32_t>(k)}, {Shape{5, k}, Shape{5, k}});
      for (int64_t r = 0; r < 5; ++r) {
        std::vector<double> row(big.data<double>() + r * 300, big.data<double>() + r * 300 + 300);
        std::sort(row.rbegin(), row.rend());
        for (int64_t i = 0; i < k; ++i) {
          ASSERT_EQ(at(got[0], r * k + i), row[static_cast<size_t>(i)]);
          ASSERT_EQ(at(big, r * 300 + got[1].data<int32_t>()[r * k + i]), row[static_cast<size_t>(i)]);
        }
      }
    }
  }

  TEST(InTopK, TiesAndBadScores) {
    Node node(kernel_InTopK, {{"k", 2}}, {DType::kBool});
    const float inf = std::numeric_limits<float>::infinity();
    const Tensor x = Tensor::vector<float>({1, 2, 2, 2, 5, 4, 3, 2, 1, 0, inf, 9}).reshaped(Shape{3, 4});
    const auto out = run(node, {x, Tensor::vector<int32_t>({1, 2, 3})}, {Shape{3}});
    EXPECT_VALUES(out[0], {1, 0, 0});
    const auto outside = run(node, {x, Tensor::vector<int32_t>({-1, 0, 4})}, {Shape{3}});
    EXPECT_VALUES(outside[0], {0, 1, 0});
  }

  TEST(Scan, EveryDirection) {
    for (DType t : {DType::kFloat, DType::kDouble, DType::kInt32, DType::kInt8, DType::kHalf}) {
      for (const char* op : {"Cumsum", "Cumprod"}) {
        for (int flags = 0; flags < 4; ++flags) {
          for (int32_t axis : {0, 1, -1}) {
            const bool exclusive = flags & 1, reverse = flags & 2, product = std::string(op) == "Cumprod";
            const Shape shape{3, 4, 5};
            const Tensor x = random_tensor(t, shape, 0.5, 2.9);
            Node node(kernel_Scan, {{"exclusive", exclusive}, {"reverse", reverse}}, {t});
            const Tensor y = run(node.named(op), {x, Tensor::scalar<int32_t>(axis)}, {shape})[0];
            const int a = axis < 0 ? axis + 3 : axis;
            const int64_t stride = shape.product(a + 1, 3), n = shape[a];
            for (int64_t i = 0; i < 60; ++i) {
              const int64_t place = i / stride % n, base = i - place * stride;
              double want = product ? 1 : 0;
              for (int64_t k = 0; k < n; ++k) {
                const bool in = reverse ? (exclusive ? k > place : k >= place) : (exclusive ? k < place : k <= place);
                if (in) want = product ? want * at(x, base + k * stride) : want + at(x, base + k * stride);
              }
              ASSERT_NEAR(at(y, i), want, 2 * tolerance(t) * std::max(1.0, std::abs(want)));
            }
          }
        }
      }
    }
  }

  TEST(Segment, SortedIds) {
    const Tensor x = Tensor::vector<float>({1, 2, 3, 4, -5, 6, 7, 8}).reshaped(Shape{4, 2});
    const Tensor ids = Tensor::vector<int32_t>({0, 0, 2, 2});
    const auto of = [&](const char* op) {
      Node node(kernel_Segment, {}, {DType::kFloat});
      auto r = node.named(op).run({x, ids});
      EXPECT_TRUE(r.ok()) << r.status().to_string();
      return (*r)[0];
    };
    EXPECT_VALUES(of("SegmentSum"), {4, 6, 0, 0, 2, 14});
    EXPECT_VALUES(of("SegmentMean"), {2, 3, 0, 0, 1, 7});
    EXPECT_VALUES(of("SegmentProd"), {3, 8, 1, 1, -35, 48});
    EXPECT_VALUES(of("SegmentMax"), {3, 4, 0, 0, 7, 8});
    EXPECT_VALUES(of("SegmentMin"), {1, 2, 0, 0, -5, 6});
    Node node(kernel_Segment, {}, {DType::kFloat});
    EXPECT_EQ(node.named("SegmentSum").run({x, Tensor::vector<int32_t>({0, 1, 0, 2})}).status().message(),
              "segment ids are not increasing");
    EXPECT_EQ(node.run({x, Tensor::vector<int32_t>({-1, 1, 1, 2})}).status().message(), "segment ids must be >= 0");
  }

  TEST(Segment, UnsortedIds) {
    const Tensor x = Tensor::vector<float>({1, 2, 3, 4, -5, 6, 7, 8}).reshaped(Shape{4, 2});
    const Tensor ids = Tensor::vector<int64_t>({2, 0, -1, 2}), three = Tensor::scalar<int32_t>(3);
    const auto of = [&](const char* op) {
      Node node(kernel_UnsortedSegment, {}, {DType::kFloat});
      return run(node.named(op), {x, ids, three}, {Shape{3, 2}})[0];
    };
    const double low = std::numeric_limits<float>::lowest(), high = std::numeric_limits<float>::max();
    EXPECT_VALUES(of("UnsortedSegmentSum"), {3, 4, 0, 0, 8, 10});
    EXPECT_VALUES(of("UnsortedSegmentProd"), {3, 4, 1, 1, 7, 16});
    EXPECT_VALUES(of("UnsortedSegmentMax"), {3, 4, low, low, 7, 8});
    EXPECT_VALUES(of("UnsortedSegmentMin"), {3, 4, high, high, 1, 2});
    Node node(kernel_UnsortedSegment, {}, {DType::kFloat});
    EXPECT_EQ(
        failure(node.named("UnsortedSegmentSum"), {x, Tensor::vector<int64_t>({0, 3, 0, 0}), three}, {Shape{3, 2}})
            .message(),
        "segment_ids[1] = 3 is out of range [0, 3)");
  }

  TEST(Segment, ThreadsShareSegmentsOfNarrowRowsAndColumnsOfWideOnes) {
    for (const auto& [rows, inner, segments] :
         {std::tuple<int64_t, int64_t, int64_t>{30011, 7, 1009}, {30011, 64, 2}, {2003, 1021, 37}}) {
      const Tensor x = random_tensor(DType::kFloat, Shape{rows, inner});
      std::vector<int32_t> ids;
      std::vector<float> want(static_cast<size_t>(segments * inner), 0.0f);
      const float* from = static_cast<const float*>(x.raw());
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t id = static_cast<int64_t>(rng()() % static_cast<uint64_t>(segments + 1)) - 1;
        ids.push_back(static_cast<int32_t>(id));
        for (int64_t j = 0; id >= 0 && j < inner; ++j) want[static_cast<size_t>(id * inner + j)] += from[i * inner + j];
      }
      Node node(kernel_UnsortedSegment, {}, {DType::kFloat});
      const Tensor got = run(node.named("UnsortedSegmentSum"),
                             {x, Tensor::vector<int32_t>(ids), Tensor::scalar<int32_t>(static_cast<int32_t>(segments))},
                             {Shape{segments, inner}})[0];
      // Rows are added in their order, whoever does it.
      const float* sums = static_cast<const float*>(got.raw());
      for (size_t i = 0; i < want.size(); ++i)
        ASSERT_EQ(sums[i], want[i]) << rows << " x " << inner << ", element " << i;
    }
  }

  TEST(Segment, SparseRows) {
    const Tensor x = Tensor::vector<float>({1, 2, 3, 4, 5, 6}).reshaped(Shape{3, 2});
    const Tensor indices = Tensor::vector<int32_t>({2, 0, 1, 1}), ids = Tensor::vector<int32_t>({0, 0, 0, 2});
    const auto of = [&](const char* op) {
      Node node(kernel_SparseSegment, {}, {DType::kFloat});
      auto r = node.named(op).run({x, indices, ids});
      EXPECT_TRUE(r.ok()) << r.status().to_string();
      return (*r)[0];
    };
    EXPECT_VALUES(of("SparseSegmentSum"), {9, 12, 0, 0, 3, 4});
    EXPECT_VALUES(of("SparseSegmentMean"), {3, 4, 0, 0, 3, 4});
    Node grad(kernel_SparseSegmentGrad, {}, {DType::kFloat});
    const Tensor dy = Tensor::vector<float>({3, 6, 9, 9, 2, 4}).reshaped(Shape{3, 2});
    const auto dx =
        run(grad.named("SparseSegmentMeanGrad"), {dy, indices, ids, Tensor::scalar<int32_t>(4)}, {Shape{4, 2}});
    EXPECT_VALUES(dx[0], {1, 2, 3, 6, 1, 2, 0, 0});
    Node node(kernel_SparseSegment, {}, {DType::kFloat});
    EXPECT_EQ(node.named("SparseSegmentSum").run({x, Tensor::vector<int32_t>({9, 0, 1, 1}), ids}).status().message(),
              "Bad: indices[0] == 9 out of range [0, 3)");
  }

  TEST(Bins, CountAndBucket) {
    Node count(kernel_Bincount, {}, {DType::kFloat});
    const Tensor x = Tensor::vector<int32_t>({1, 3, 1, 9});
    EXPECT_VALUES(
        run(count, {x, Tensor::scalar<int32_t>(4), Tensor::make_or_die(DType::kFloat, Shape{0})}, {Shape{4}})[0],
        {0, 2, 0, 1});
    EXPECT_VALUES(run(count, {x, Tensor::scalar<int32_t>(4), Tensor::vector<float>({0.5f, 2, 3, 4})}, {Shape{4}})[0],
                  {0, 3.5, 0, 2});
    EXPECT_EQ(failure(count, {Tensor::vector<int32_t>({-1}), Tensor::scalar<int32_t>(4), Tensor::vector<float>({1})},
                      {Shape{4}})
                  .message(),
              "Input arr must be non-negative!");
    Node bucket(kernel_Bucketize, {{"boundaries", std::vector<float>{0, 10, 100}}}, {DType::kInt32});
    EXPECT_VALUES(run(bucket, {Tensor::vector<int32_t>({-5, 0, 9, 10, 150})}, {Shape{5}})[0], {0, 1, 1, 2, 3});
  }

  TEST(AddN, AnyNumberOfInputs) {
    for (int n : {1, 2, 8, 9, 15, 16, 40}) {
      std::vector<Tensor> inputs;
      for (int i = 0; i < n; ++i) inputs.push_back(random_tensor(DType::kInt64, Shape{37}, -1000, 1000));
      Node node(kernel_AddN, {}, {DType::kInt64});
      const Tensor y = run(node, inputs, {Shape{37}})[0];
      for (int64_t i = 0; i < 37; ++i) {
        double want = 0;
        for (const Tensor& t : inputs) want += at(t, i);
        ASSERT_EQ(at(y, i), want);
      }
    }
  }

  TEST(AddN, TensorLists) {
    const auto list = [](std::vector<Tensor> elements) {
      auto l = make_ref<TensorList>();
      l->dtype = DType::kFloat;
      for (size_t i = 0; i < elements.size(); ++i) {
        EXPECT_TRUE(l->keep(static_cast<int64_t>(i), std::move(elements[i])).ok());
      }
      return Tensor::scalar<Variant>(Variant(std::move(l)));
    };
    const Tensor a = list({Tensor::vector<float>({1, 2}), Tensor(), Tensor::scalar<float>(5)});
    const Tensor b = list({Tensor::vector<float>({10, 20}), Tensor::scalar<float>(3), Tensor()});
    Node node(kernel_AddN, {}, {DType::kVariant});
    auto r = node.run({a, b, a});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    const auto* sum = static_cast<const TensorList*>((*r)[0].data<Variant>()->get());
    ASSERT_EQ(sum->size(), 3);
    EXPECT_VALUES(*sum->element(0), {12, 24});
    EXPECT_VALUES(*sum->element(1), {3});
    EXPECT_VALUES(*sum->element(2), {10});
    EXPECT_EQ(node.run({a, list({})}).status().code(), Code::kInvalidArgument);
  }

  TEST(Reductions, KernelsOfEveryOp) {
    const Tensor x = Tensor::vector<float>({1, -2, 3, 4, 5, -6}).reshaped(Shape{2, 3});
    const auto of = [&](const char* op, std::initializer_list<int32_t> axes, const Shape& shape, const Tensor& in) {
      Node node(kernel_Reduce, {{"keep_dims", false}}, {in.dtype()});
      return run(node.named(op), {in, Tensor::vector<int32_t>(axes)}, {shape})[0];
    };
    EXPECT_VALUES(of("Sum", {1}, Shape{2}, x), {2, 3});
    EXPECT_VALUES(of("Sum", {-1, 0}, Shape{}, x), {5});
    EXPECT_VALUES(of("Mean", {0}, Shape{3}, x), {2.5, 1.5, -1.5});
    EXPECT_VALUES(of("Prod", {1}, Shape{2}, x), {-6, -120});
    EXPECT_VALUES(of("Max", {0}, Shape{3}, x), {4, 5, 3});
    EXPECT_VALUES(of("Min", {1}, Shape{2}, x), {-2, -6});
    EXPECT_VALUES(of("EuclideanNorm", {1}, Shape{2}, Tensor::vector<float>({3, 4, 6, 8}).reshaped(Shape{2, 2})),
                  {5, 10});
    EXPECT_VALUES(of("EuclideanNorm", {0}, Shape{}, Tensor::vector<int32_t>({3, 4})), {5});
    EXPECT_VALUES(of("Sum", {}, Shape{2, 3}, x), {1, -2, 3, 4, 5, -6});
    Node loss(kernel_L2Loss, {}, {DType::kFloat});
    EXPECT_VALUES(run(loss, {x}, {Shape{}})[0], {45.5});
    Node arg(kernel_ArgReduce, {}, {DType::kInt64});
    EXPECT_VALUES(run(arg.named("ArgMax"), {x, Tensor::scalar<int32_t>(1)}, {Shape{2}})[0], {2, 1});
    EXPECT_VALUES(run(arg.named("ArgMin"), {x, Tensor::scalar<int32_t>(-2)}, {Shape{3}})[0], {0, 0, 1});
    EXPECT_VALUES(of("Sum", {0, -2}, Shape{3}, x), {5, 3, -3});
  }

  TEST(Map, Strings) {
    const Tensor x = Tensor::vector<std::string>({"a", "bc", ""}), y = Tensor::scalar<std::string>("bc");
    Node equal(kernel_Map, {}, {DType::kBool}), add(kernel_Map, {}, {DType::kString});
    EXPECT_VALUES(run(equal.named("Equal"), {x, y}, {Shape{3}})[0], {0, 1, 0});
    EXPECT_VALUES(run(equal.named("NotEqual"), {x, y}, {Shape{3}})[0], {1, 0, 1});
    const Tensor sum = run(add.named("Add"), {y, x}, {Shape{3}})[0];
    EXPECT_EQ(sum.data<std::string>()[0], "bca");
    EXPECT_EQ(sum.data<std::string>()[1], "bcbc");
    EXPECT_EQ(sum.data<std::string>()[2], "bc");
  }

  TEST(Fused, MapAndReduce) {
    const DType f = DType::kFloat;
    Tape tape;
    const uint16_t a = tape.add_input(f), b = tape.add_input(f);
    const uint16_t s = tape.emit(MicroOp::k_add, f, a, b);
    const uint16_t m = tape.emit(MicroOp::k_mul, f, s, a);
    tape.outputs = {m, s};
    const Tensor x = Tensor::vector<float>({1, 2, 3, 4, 5, 6}).reshaped(Shape{2, 3}),
                 y = Tensor::vector<float>({1, 0, -1});
    Node map(kernel_FusedMap, {{"tape", tape.to_string()}}, {f, f});
    const auto out = run(map, {x, y}, {Shape{2, 3}, Shape{2, 3}});
    EXPECT_VALUES(out[0], {2, 4, 6, 20, 25, 30});
    EXPECT_VALUES(out[1], {2, 2, 2, 5, 5, 5});
    tape.outputs = {m};
    Node reduce(kernel_FusedReduce,
                {{"pre", tape.to_string()},
                 {"post", ""},
                 {"Tin", std::vector<DType>{f, f}},
                 {"op", "Mean"},
                 {"axes", std::vector<int64_t>{-1}},
                 {"keep_dims", true}},
                {f});
    EXPECT_VALUES(run(reduce, {x, y}, {Shape{2, 1}})[0], {4, 25});
  }

}  // namespace
}  // namespace tw
