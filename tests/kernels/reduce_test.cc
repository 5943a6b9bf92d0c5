// The reduce engine against the reference: every op, type and arrangement of axes; accuracy; repeatability.
#include "core/kernels/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "core/kernels/channels.h"
#include "core/kernels/moments.h"
#include "core/kernels/ref/map_ref.h"

namespace tw {
namespace {

Tensor random_tensor(DType t, const Shape& shape, std::mt19937& rng, double low = -1, double high = 1) {
  Tensor out = Tensor::make_or_die(t, shape);
  std::uniform_real_distribution<double> real(low, high);
  const bool whole = is_integer(t) || t == DType::kBool;
  for (int64_t i = 0; i < shape.num_elements(); ++i) {
    ref::Number v{real(rng), is_complex(t) ? real(rng) : 0, 0};
    if (whole) v.integer = t == DType::kBool ? rng() % 8 != 0 : static_cast<int64_t>(rng() % 100);
    ref::store(t, v, out.raw(), i);
  }
  return out;
}

Shape kept_shape(const ReduceSpec& spec) {
  Shape kept;
  for (int i = 0; i < spec.space.rank(); ++i) {
    if (std::find(spec.axes.begin(), spec.axes.end(), i) == spec.axes.end()) kept.add_dim(spec.space[i]);
  }
  return kept;
}

// Runs the plan with guard bytes behind output and workspace.
std::vector<unsigned char> run(const ReduceSpec& spec, const std::vector<Tensor>& inputs, DType result, int threads) {
  auto plan = plan_reduce(spec, threads);
  EXPECT_TRUE(plan.ok()) << plan.status().to_string();
  if (!plan.ok()) return {};
  const size_t bytes = static_cast<size_t>(kept_shape(spec).num_elements()) * dtype_size(result);
  std::vector<unsigned char> out(bytes + 64, 0xA5), work((*plan)->workspace_bytes() + 128, 0xA5);
  std::vector<const void*> in;
  for (const Tensor& t : inputs) in.push_back(t.raw());
  void* outputs[] = {out.data()};
  WorkerPool pool(threads);
  unsigned char* aligned = work.data() + (64 - reinterpret_cast<uintptr_t>(work.data()) % 64) % 64;
  EXPECT_TRUE((*plan)->run(in.data(), outputs, aligned, pool).ok());
  for (size_t i = 0; i < 64; ++i) EXPECT_EQ(out[bytes + i], 0xA5) << "wrote past the output";
  for (unsigned char* p = aligned + (*plan)->workspace_bytes(); p < work.data() + work.size(); ++p) EXPECT_EQ(*p, 0xA5);
  out.resize(bytes);
  return out;
}

void check(const ReduceSpec& spec, const std::vector<Tensor>& inputs, DType result, double tolerance, int threads) {
  const std::vector<unsigned char> got = run(spec, inputs, result, threads);
  Tensor want = Tensor::make_or_die(result, kept_shape(spec));
  ASSERT_TRUE(ref::reduce(spec, inputs, {&want, 1}).ok());
  for (int64_t i = 0; i < want.num_elements(); ++i) {
    const ref::Number g = ref::load(result, got.data(), i), w = ref::load(result, want.raw(), i);
    if (is_integer(result) || result == DType::kBool) {
      ASSERT_EQ(g.integer, w.integer) << spec.space << " element " << i;
    } else if (std::isnan(w.re)) {
      ASSERT_TRUE(std::isnan(g.re)) << spec.space << " element " << i;
    } else if (std::isinf(w.re)) {
      ASSERT_EQ(g.re, w.re);
    } else {
      ASSERT_LE(std::hypot(g.re - w.re, g.im - w.im), tolerance * std::max(1.0, std::hypot(w.re, w.im)))
          << spec.space << " element " << i << " op " << static_cast<int>(spec.op) << " " << dtype_name(result);
    }
  }
}

struct Case {
  Shape space;
  std::vector<int> axes;
};
const Case kCases[] = {
    {{}, {}},
    {{1}, {0}},
    {{7}, {}},
    {{7}, {0}},
    {{5000}, {0}},
    {{3, 5}, {1}},
    {{3, 5}, {0}},
    {{3, 5}, {0, 1}},
    {{300, 3}, {0}},
    {{2, 3000}, {1}},
    {{900, 70}, {0}},
    {{70, 900}, {1}},
    {{4, 5, 6}, {1}},
    {{4, 5, 6}, {0, 2}},
    {{4, 1, 6, 1}, {1, 2}},
    {{3, 4, 5, 6}, {0, 2}},
    {{3, 4, 5, 6}, {1, 3}},
    {{0, 3}, {0}},
    {{3, 0}, {0}},
    {{2, 700, 40}, {1}},
    {{3, 2, 1300}, {1}},
    {{40, 1, 30}, {0}},
};

constexpr DType kNumbers[] = {DType::kFloat,  DType::kDouble, DType::kHalf,      DType::kBfloat16,  DType::kInt8,
                              DType::kInt16,  DType::kInt32,  DType::kInt64,     DType::kUint8,     DType::kUint16,
                              DType::kUint32, DType::kUint64, DType::kComplex64, DType::kComplex128};

// Per result of size up to about 100, from sums of floats; the 16-bit types round once.
double tolerance(DType t) {
  switch (t) {
    case DType::kDouble:
    case DType::kComplex128: return 1e-13;
    case DType::kHalf: return 1e-3;
    case DType::kBfloat16: return 8e-3;
    default: return 4e-6;
  }
}

TEST(Reduce, EveryOpAndTypeOverEveryArrangement) {
  std::mt19937 rng(1);
  for (DType t : kNumbers) {
    for (ReduceOp op : {ReduceOp::kSum, ReduceOp::kProd, ReduceOp::kMax, ReduceOp::kMin}) {
      if (is_complex(t) && (op == ReduceOp::kMax || op == ReduceOp::kMin)) continue;
      for (const Case& c : kCases) {
        // Extremes of no integers have no reference; the engine gives the type's limits.
        if (is_integer(t) && c.space.num_elements() == 0 && (op == ReduceOp::kMax || op == ReduceOp::kMin)) continue;
        ReduceSpec spec;
        spec.op = op;
        spec.space = c.space;
        spec.shapes = {c.space};
        spec.axes = c.axes;
        spec.dtype = spec.result = t;
        const Tensor x =
            random_tensor(t, c.space, rng, op == ReduceOp::kProd ? 0.9 : -1, op == ReduceOp::kProd ? 1.08 : 1);
        if (op == ReduceOp::kProd && c.space.num_elements() > 100 && is_complex(t)) continue;  // |x| > 1: overflows
        check(spec, {x}, t, tolerance(t) * (op == ReduceOp::kProd ? 10 : 1), 1 + static_cast<int>(rng() % 3));
        if (HasFatalFailure()) return;
      }
    }
  }
  for (ReduceOp op : {ReduceOp::kAll, ReduceOp::kAny}) {
    for (const Case& c : kCases) {
      ReduceSpec spec;
      spec.op = op;
      spec.space = c.space;
      spec.shapes = {c.space};
      spec.axes = c.axes;
      spec.dtype = spec.result = DType::kBool;
      check(spec, {random_tensor(DType::kBool, c.space, rng)}, DType::kBool, 0, 2);
    }
  }
}

TEST(Reduce, ArgExtremes) {
  std::mt19937 rng(2);
  for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf, DType::kInt32, DType::kUint8, DType::kInt64}) {
    for (ReduceOp op : {ReduceOp::kArgMax, ReduceOp::kArgMin}) {
      for (const Case& c : kCases) {
        if (c.axes.size() != 1 || c.space[c.axes[0]] == 0) continue;
        for (DType result : {DType::kInt32, DType::kInt64}) {
          ReduceSpec spec;
          spec.op = op;
          spec.space = c.space;
          spec.shapes = {c.space};
          spec.axes = c.axes;
          spec.dtype = t;
          spec.result = result;
          check(spec, {random_tensor(t, c.space, rng)}, result, 0, 2);  // 100 values: ties are frequent
        }
      }
    }
  }
  // NaN is never chosen; of nothing but NaN the first place is.
  const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  Tensor x = Tensor::make_or_die(DType::kFloat, Shape{3, 4});
  const float values[] = {nan, 1, 3, 3, nan, nan, nan, nan, -inf, -inf, nan, -inf};
  std::memcpy(x.raw(), values, sizeof values);
  ReduceSpec spec;
  spec.op = ReduceOp::kArgMax;
  spec.space = x.shape();
  spec.shapes = {x.shape()};
  spec.axes = {1};
  spec.result = DType::kInt64;
  const auto got = run(spec, {x}, DType::kInt64, 1);
  const int64_t* place = reinterpret_cast<const int64_t*>(got.data());
  EXPECT_EQ(place[0], 2);
  EXPECT_EQ(place[1], 0);
  EXPECT_EQ(place[2], 0);
  // In vectors too, wherever it is.
  for (const ReduceOp op : {ReduceOp::kArgMax, ReduceOp::kArgMin}) {
    const float sign = op == ReduceOp::kArgMax ? 1.f : -1.f;
    for (const int64_t n : {17, 64, 301, 2100}) {
      Tensor row = Tensor::make_or_die(DType::kFloat, Shape{n});
      for (int64_t at = 0; at < n; at += 1 + n / 40) {
        for (int64_t i = 0; i < n; ++i) row.data<float>()[i] = i == at ? sign : i % 3 == 0 ? nan : -sign;
        spec.op = op;
        spec.space = row.shape();
        spec.shapes = {row.shape()};
        spec.axes = {0};
        const auto found = run(spec, {row}, DType::kInt64, 1);
        EXPECT_EQ(*reinterpret_cast<const int64_t*>(found.data()), at) << n;
      }
    }
  }
}

TEST(Reduce, NanStaysInExtremes) {
  for (int n : {5, 100, 3000}) {
    for (int at : {0, n / 2, n - 1}) {
      Tensor x = Tensor::make_or_die(DType::kFloat, Shape{n});
      for (int i = 0; i < n; ++i) x.data<float>()[i] = i == at ? std::nanf("") : static_cast<float>(i % 7);
      for (ReduceOp op : {ReduceOp::kMax, ReduceOp::kMin}) {
        ReduceSpec spec;
        spec.op = op;
        spec.space = x.shape();
        spec.shapes = {x.shape()};
        spec.axes = {0};
        const auto got = run(spec, {x}, DType::kFloat, 1);
        EXPECT_TRUE(std::isnan(*reinterpret_cast<const float*>(got.data()))) << n << " " << at;
      }
    }
  }
}

ReduceSpec plain_spec(ReduceOp op, DType t, const Case& c) {
  ReduceSpec spec;
  spec.op = op;
  spec.space = c.space;
  spec.shapes = {c.space};
  spec.axes = c.axes;
  spec.dtype = spec.result = t;
  return spec;
}

// Rows treated as one with others, groups of eight rows and what is left of them, pieces of wide rows, rows that follow
// each other and rows that do not, and one tensor larger than what caches hold.
TEST(Reduce, ColumnsOfOddSizes) {
  std::mt19937 rng(5);
  const Case cases[] = {
      {{1237, 2}, {0}},  {{700, 31}, {0}},         {{263, 131}, {0}},     {{3, 263, 269}, {1}},
      {{15, 1031}, {0}}, {{13, 8209}, {0}},        {{2, 31, 9, 61}, {1}}, {{5, 2, 67, 3, 2, 7}, {0, 2, 4}},
      {{41, 1025}, {0}}, {{3, 1, 200, 1, 5}, {2}}, {{19, 0, 3}, {1}}};
  for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf, DType::kBfloat16, DType::kInt8, DType::kInt32,
                  DType::kUint64, DType::kComplex64}) {
    for (ReduceOp op : {ReduceOp::kSum, ReduceOp::kMax, ReduceOp::kMin}) {
      if (is_complex(t) && op != ReduceOp::kSum) continue;
      for (const Case& c : cases) {
        if (is_integer(t) && c.space.num_elements() == 0 && op != ReduceOp::kSum) continue;
        check(plain_spec(op, t, c), {random_tensor(t, c.space, rng)}, t, 5 * tolerance(t),
              1 + static_cast<int>(rng() % 3));
        if (HasFatalFailure()) return;
      }
    }
  }
  const Case large{{1051, 2053}, {0}};
  check(plain_spec(ReduceOp::kSum, DType::kDouble, large), {random_tensor(DType::kDouble, large.space, rng)},
        DType::kDouble, 1e-12, 1);
}

TEST(Reduce, NanAndInfinityInColumnsAndShortFloats) {
  std::mt19937 rng(6);
  for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf, DType::kBfloat16}) {
    for (const Case& c : {Case{{300, 19}, {0}}, Case{{21, 523}, {0}}, Case{{3, 37}, {1}}, Case{{2, 4099}, {1}}}) {
      for (double special : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        Tensor x = random_tensor(t, c.space, rng);
        for (int64_t i = rng() % 5; i < x.num_elements(); i += 1 + static_cast<int64_t>(rng() % 997)) {
          ref::store(t, {special, 0, 0}, x.raw(), i);
        }
        for (ReduceOp op : {ReduceOp::kSum, ReduceOp::kMax, ReduceOp::kMin}) {
          check(plain_spec(op, t, c), {x}, t, 5 * tolerance(t), 2);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// Extremes in the first and last places of pieces, twice over, and behind NaN.
TEST(Reduce, PlacesInLongRows) {
  for (DType t : {DType::kFloat, DType::kDouble, DType::kInt16}) {
    for (int64_t n : {15, 1023, 1024, 1025, 3001}) {
      for (int64_t at : {int64_t{0}, n / 2, n - 1}) {
        Tensor x = Tensor::make_or_die(t, Shape{2, n});
        for (int64_t i = 0; i < 2 * n; ++i) ref::store(t, {static_cast<double>(i % 5), 0, i % 5}, x.raw(), i);
        if (t != DType::kInt16 && at > 0) ref::store(t, {std::nan(""), 0, 0}, x.raw(), n + at - 1);
        for (int64_t i : {at, n - 1}) ref::store(t, {7, 0, 7}, x.raw(), n + i);
        ReduceSpec spec = plain_spec(ReduceOp::kArgMax, t, {x.shape(), {1}});
        spec.result = DType::kInt64;
        const auto got = run(spec, {x}, DType::kInt64, 1);
        EXPECT_EQ(reinterpret_cast<const int64_t*>(got.data())[0], std::min<int64_t>(4, n - 1));
        EXPECT_EQ(reinterpret_cast<const int64_t*>(got.data())[1], at) << n;
      }
    }
  }
}

TEST(Reduce, TapesBeforeAndAfter) {
  std::mt19937 rng(3);
  // sqrt(mean((x - m)^2)) with m a column or a row.
  for (DType t : {DType::kFloat, DType::kDouble, DType::kHalf}) {
    for (const Case& c : kCases) {
      if (c.space.rank() != 2 || c.space.num_elements() == 0 || c.axes.empty()) continue;
      for (const Shape& other : {Shape{c.space[0], 1}, Shape{c.space[1]}, Shape{}}) {
        ReduceSpec spec;
        const uint16_t x = spec.pre.add_input(t), m = spec.pre.add_input(t);
        spec.pre.outputs = {spec.pre.emit(MicroOp::k_squared_difference, t, x, m)};
        const uint16_t v = spec.post.add_input(t);
        spec.post.outputs = {spec.post.emit(MicroOp::k_sqrt, t, v, v)};
        spec.space = c.space;
        spec.shapes = {c.space, other};
        spec.axes = c.axes;
        spec.dtype = spec.result = t;
        spec.scale = 1.0 / 9;
        check(spec, {random_tensor(t, c.space, rng), random_tensor(t, other, rng)}, t, 2 * tolerance(t), 2);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Reduce, LongSumsOfFloatsAreAccurate) {
  // A naive running sum of a million values of 0.1 is off by about 1 %.
  for (const Case& c :
       {Case{{1 << 20}, {0}}, Case{{1 << 18, 4}, {0}}, Case{{1 << 14, 64}, {0}}, Case{{2, 1 << 19}, {1}}}) {
    Tensor x = Tensor::make_or_die(DType::kFloat, c.space);
    for (int64_t i = 0; i < x.num_elements(); ++i) x.data<float>()[i] = 0.1f;
    ReduceSpec spec;
    spec.space = c.space;
    spec.shapes = {c.space};
    spec.axes = c.axes;
    const auto got = run(spec, {x}, DType::kFloat, 2);
    const double exact = 0.1f * static_cast<double>(c.space[c.axes[0]]);
    EXPECT_NEAR(*reinterpret_cast<const float*>(got.data()), exact, exact * 1e-6) << c.space;
  }
}

TEST(Reduce, SameResultOnEveryRun) {
  std::mt19937 rng(4);
  for (const Case& c :
       {Case{{300000}, {0}}, Case{{3, 100000}, {1}}, Case{{5000, 60}, {0}}, Case{{30, 10, 1000}, {0, 2}}}) {
    const Tensor x = random_tensor(DType::kFloat, c.space, rng);
    ReduceSpec spec;
    spec.space = c.space;
    spec.shapes = {c.space};
    spec.axes = c.axes;
    const auto first = run(spec, {x}, DType::kFloat, 3);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(first, run(spec, {x}, DType::kFloat, 3));
    // Of terms whose magnitudes add up to between 2500 and 150000.
    check(spec, {x}, DType::kFloat, 5e-5, 3);
  }
}

TEST(Reduce, IntegerMeanTruncates) {
  Tensor x = Tensor::vector<int32_t>({-3, -4, 0, 9, 10, 7});
  x = x.reshaped(Shape{2, 3});
  ReduceSpec spec;
  spec.space = x.shape();
  spec.shapes = {x.shape()};
  spec.axes = {1};
  spec.dtype = spec.result = DType::kInt32;
  spec.scale = 1.0 / 3;
  const auto got = run(spec, {x}, DType::kInt32, 1);
  EXPECT_EQ(reinterpret_cast<const int32_t*>(got.data())[0], -2);
  EXPECT_EQ(reinterpret_cast<const int32_t*>(got.data())[1], 8);
}

TEST(Reduce, EmptyArgIsAnError) {
  ReduceSpec spec;
  spec.op = ReduceOp::kArgMax;
  spec.space = Shape{3, 0};
  spec.shapes = {spec.space};
  spec.axes = {1};
  spec.result = DType::kInt64;
  EXPECT_EQ(plan_reduce(spec, 1).status().code(), Code::kInvalidArgument);
}

// Means far from zero, columns of all counts, rows that are no multiple of a group, on one and three threads.
TEST(Moments, AreAccurateAndRepeat) {
  std::mt19937 rng(17);
  std::normal_distribution<float> normal;
  for (const int64_t columns : {1, 3, 16, 37, 64, 300, 1030}) {
    for (const int64_t rows : {1, 2, 7, 8, 9, 63, 1000, 20011}) {
      if (rows * columns > 2'000'000) continue;
      std::vector<float> x(static_cast<size_t>(rows * columns));
      for (size_t i = 0; i < x.size(); ++i) {
        const auto column = static_cast<float>(i % static_cast<size_t>(columns));
        x[i] = 300 * column + (1 + column) * normal(rng);
      }
      for (const int threads : {1, 3}) {
        WorkerPool pool(threads);
        std::vector<char> workspace(moments_workspace(rows, columns, threads) + 64);
        std::vector<float> mean(static_cast<size_t>(columns)), variance(mean.size()), again(mean.size()),
            same(mean.size());
        void* aligned = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
        column_moments(x.data(), rows, columns, mean.data(), variance.data(), aligned, pool);
        column_moments(x.data(), rows, columns, again.data(), same.data(), aligned, pool);
        EXPECT_EQ(mean, again);
        EXPECT_EQ(variance, same);
        for (size_t j = 0; j < mean.size(); ++j) {
          double sum = 0, squares = 0;
          for (int64_t r = 0; r < rows; ++r) sum += x[static_cast<size_t>(r * columns) + j];
          const double m = sum / static_cast<double>(rows);
          for (int64_t r = 0; r < rows; ++r) {
            const double d = x[static_cast<size_t>(r * columns) + j] - m;
            squares += d * d;
          }
          const double v = squares / static_cast<double>(rows), scale = std::abs(m) + std::sqrt(v);
          ASSERT_NEAR(mean[j], m, 3e-7 * scale) << rows << " x " << columns;
          // What rounding the group's means costs comes from their distance from zero.
          ASSERT_NEAR(variance[j], v, 2e-6 * v + 4e-7 * scale * std::sqrt(v) + 1e-12 * scale * scale)
              << rows << " x " << columns << " column " << j;
        }
      }
    }
  }
}

// Channels of all counts, rows that make no whole vectors, results large enough to pass the caches by, one and three
// threads, in place and not, with guards behind the results.
TEST(Channels, SumsAndNormalizationOfOddSizes) {
  std::mt19937 rng(18);
  std::normal_distribution<float> normal;
  for (const ChannelSpec& spec :
       std::vector<ChannelSpec>{{1, 1}, {7, 3}, {1000, 5}, {333, 16}, {91, 61}, {130, 300}, {5, 2049}, {9001, 997}}) {
    const auto c = static_cast<size_t>(spec.channels), n = static_cast<size_t>(spec.rows) * c;
    const auto random = [&](size_t count) {
      std::vector<float> v(count);
      for (float& x : v) x = normal(rng);
      return v;
    };
    const std::vector<float> x = random(n), dy = random(n), mean = random(c), factor = random(c), third = random(c),
                             slope = random(c);
    std::vector<double> sum(c), product(c), size(c);
    for (size_t i = 0; i < n; ++i) {
      const double p = static_cast<double>(dy[i]) * (static_cast<double>(x[i]) - mean[i % c]);
      sum[i % c] += dy[i];
      product[i % c] += p;
      size[i % c] += std::abs(p) + std::abs(dy[i]);
    }
    for (const int threads : {1, 3}) {
      WorkerPool pool(threads);
      std::vector<float> memory(channel_workspace(spec, threads) / sizeof(float) + 32, 7.0f);
      void* const workspace = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64 / 4;
      std::vector<float> s(c + 1, 7.0f), p(c + 1, 7.0f);
      channel_sums(spec, dy.data(), x.data(), mean.data(), s.data(), p.data(), workspace, pool);
      for (size_t j = 0; j < c; ++j) {
        ASSERT_NEAR(s[j], sum[j], 1e-6 * size[j]) << spec.rows << " x " << c;
        ASSERT_NEAR(p[j], product[j], 1e-6 * size[j]) << spec.rows << " x " << c;
      }
      std::vector<float> again(c + 1, 7.0f), same(c + 1, 7.0f);
      channel_sums(spec, dy.data(), x.data(), mean.data(), again.data(), same.data(), workspace, pool);
      ASSERT_EQ(s, again);
      ASSERT_EQ(p, same);

      // Aligned as tensors are, so that stores may stream.
      Tensor out = Tensor::make_or_die(DType::kFloat, Shape{static_cast<int64_t>(n) + 1});
      float* const y = out.data<float>();
      for (const bool in_place : {false, true}) {
        y[n] = 7;
        if (in_place) std::copy(x.begin(), x.end(), y);
        normalize_channels(spec, in_place ? y : x.data(), mean.data(), factor.data(), third.data(), y, workspace, pool);
        for (size_t i = 0; i < n; ++i) {
          ASSERT_NEAR(y[i], (x[i] - mean[i % c]) * factor[i % c] + third[i % c], 2e-5) << i;
        }
        ASSERT_EQ(y[n], 7);
        if (in_place) std::copy(dy.begin(), dy.end(), y);
        normalize_channels_grad(spec, in_place ? y : dy.data(), x.data(), mean.data(), factor.data(), third.data(),
                                slope.data(), y, workspace, pool);
        for (size_t i = 0; i < n; ++i) {
          const float centred = x[i] - mean[i % c];
          ASSERT_NEAR(y[i], (dy[i] - third[i % c] - centred * slope[i % c]) * factor[i % c], 1e-4) << i;
        }
        ASSERT_EQ(y[n], 7);
      }
      for (size_t i = memory.size() - 16; i < memory.size(); ++i) ASSERT_EQ(memory[i], 7);
    }
  }
}

}  // namespace
}  // namespace tw
