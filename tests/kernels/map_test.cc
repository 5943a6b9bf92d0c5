// The map engine against the reference interpreter: every micro-op on every dtype, shapes that broadcast in all ways,
// outputs in place, guard bytes, errors.
#include "core/kernels/map.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <complex>
#include <cstring>
#include <random>

#include "core/framework/tensor.h"
#include "core/kernels/map/micro_ops.h"
#include "core/kernels/ref/map_ref.h"

namespace tw {
namespace {

constexpr DType kTypes[] = {DType::kFloat,  DType::kDouble, DType::kHalf,  DType::kBfloat16,  DType::kInt8,
                            DType::kInt16,  DType::kInt32,  DType::kInt64, DType::kUint8,     DType::kUint16,
                            DType::kUint32, DType::kUint64, DType::kBool,  DType::kComplex64, DType::kComplex128};
constexpr MicroOp kOps[] = {
#define X(name, arity) MicroOp::k_##name,
    TW_MICRO_OPS(X)
#undef X
};

bool whole(DType t) { return is_integer(t) || t == DType::kBool; }

// Values of moderate size, zeros among them; divisors of integers are not zero.
Tensor random_tensor(DType t, const Shape& shape, std::mt19937& rng, bool nonzero = false, double low = -4,
                     double high = 4) {
  Tensor out = Tensor::make_or_die(t, shape);
  std::uniform_real_distribution<double> real(low, high);
  for (int64_t i = 0; i < shape.num_elements(); ++i) {
    ref::Number v{real(rng), is_complex(t) ? real(rng) : 0, 0};
    if (whole(t)) {
      const bool is_signed = t == DType::kInt8 || t == DType::kInt16 || t == DType::kInt32 || t == DType::kInt64;
      v.integer =
          t == DType::kBool ? static_cast<int64_t>(rng() & 1) : static_cast<int64_t>(rng() % 50) - (is_signed ? 25 : 0);
      if (nonzero && v.integer == 0) v.integer = 3;
    } else if (!nonzero && rng() % 16 == 0) {
      v = {};
    }
    ref::store(t, v, out.raw(), i);
  }
  return out;
}

// Outputs with guard bytes on both sides.
struct Guarded {
  explicit Guarded(DType t, const Shape& s)
      : bytes(static_cast<size_t>(s.num_elements()) * dtype_size(t)), storage(bytes + 256, 0xA5) {}
  void* data() { return storage.data() + 128; }
  bool intact() const {
    for (size_t i = 0; i < 128; ++i) {
      if (storage[i] != 0xA5 || storage[128 + bytes + i] != 0xA5) return false;
    }
    return true;
  }
  size_t bytes;
  std::vector<unsigned char> storage;
};

double epsilon(DType t) {
  switch (t) {
    case DType::kDouble:
    case DType::kComplex128: return 0x1p-52;
    case DType::kHalf: return 0x1p-10;
    case DType::kBfloat16: return 0x1p-7;
    default: return 0x1p-23;
  }
}

// |got - want| <= ulps * eps * max(|want|, floor).
void expect_near(DType t, const void* got, const void* want, int64_t n, double ulps, double floor,
                 const std::string& what) {
  for (int64_t i = 0; i < n; ++i) {
    const ref::Number g = ref::load(t, got, i), w = ref::load(t, want, i);
    if (whole(t)) {
      ASSERT_EQ(g.integer, w.integer) << what << " element " << i;
      continue;
    }
    if (std::isnan(w.re) || std::isnan(w.im)) {
      ASSERT_TRUE(std::isnan(g.re) || std::isnan(g.im)) << what << " element " << i << ": " << g.re << " for NaN";
      continue;
    }
    if (std::isinf(w.re)) {
      ASSERT_EQ(g.re, w.re) << what << " element " << i;
      continue;
    }
    const double scale = std::max(std::hypot(w.re, w.im), floor);
    ASSERT_LE(std::hypot(g.re - w.re, g.im - w.im), ulps * epsilon(t) * scale)
        << what << " element " << i << ": got " << g.re << " want " << w.re;
  }
}

void check(const Tape& tape, const std::vector<Tensor>& inputs, const Shape& space, double ulps,
           const std::string& what, double floor = 1e-3, WorkerPool* given = nullptr) {
  WorkerPool one(1);
  WorkerPool& pool = given ? *given : one;
  std::vector<Shape> shapes;
  std::vector<const void*> in;
  for (const Tensor& t : inputs) {
    shapes.push_back(t.shape());
    in.push_back(t.raw());
  }
  auto plan = plan_map(tape, shapes, space);
  ASSERT_TRUE(plan.ok()) << what << ": " << plan.status().to_string();
  std::vector<Tensor> want;
  std::vector<Guarded> got;
  std::vector<void*> out;
  for (uint16_t v : tape.outputs) {
    want.push_back(Tensor::make_or_die(tape.value_dtype(v), space));
    got.emplace_back(tape.value_dtype(v), space);
  }
  for (Guarded& g : got) out.push_back(g.data());
  ASSERT_TRUE(ref::map(tape, inputs, space, want).ok());
  const Status s = (*plan)->run(in.data(), out.data(), pool);
  ASSERT_TRUE(s.ok()) << what << ": " << s.to_string();
  for (size_t k = 0; k < got.size(); ++k) {
    EXPECT_TRUE(got[k].intact()) << what << " wrote outside of output " << k;
    expect_near(want[k].dtype(), got[k].data(), want[k].raw(), space.num_elements(), ulps, floor, what);
  }
  // The same by blocks of odd size.
  const int64_t count = space.num_elements(), step = 317;
  std::vector<Guarded> blocks;
  for (uint16_t v : tape.outputs) blocks.emplace_back(tape.value_dtype(v), space);
  for (int64_t b = 0; b < count; b += step) {
    std::vector<void*> o;
    for (size_t k = 0; k < blocks.size(); ++k) {
      o.push_back(static_cast<char*>(blocks[k].data()) + b * static_cast<int64_t>(dtype_size(want[k].dtype())));
    }
    ASSERT_TRUE((*plan)->run_block(in.data(), o.data(), b, std::min(step, count - b)).ok());
  }
  for (size_t k = 0; k < got.size(); ++k) {
    EXPECT_TRUE(blocks[k].intact()) << what;
    if (count == 0) continue;
    EXPECT_EQ(0, std::memcmp(blocks[k].data(), got[k].data(), got[k].bytes)) << what << " by blocks";
  }
}

DType result_of(MicroOp op, DType t) {
  switch (op) {
    case MicroOp::k_eq:
    case MicroOp::k_ne:
    case MicroOp::k_lt:
    case MicroOp::k_le:
    case MicroOp::k_gt:
    case MicroOp::k_ge:
    case MicroOp::k_isnan:
    case MicroOp::k_isinf:
    case MicroOp::k_isfinite: return DType::kBool;
    case MicroOp::k_make_complex: return t == DType::kFloat ? DType::kComplex64 : DType::kComplex128;
    case MicroOp::k_real:
    case MicroOp::k_imag:
    case MicroOp::k_angle:
    case MicroOp::k_abs: return t == DType::kComplex64 ? DType::kFloat : t == DType::kComplex128 ? DType::kDouble : t;
    default: return t;
  }
}

TEST(Map, EveryMicroOpOnEveryType) {
  std::mt19937 rng(7);
  int covered = 0;
  for (MicroOp op : kOps) {
    if (op == MicroOp::k_cast) continue;
    for (DType t : kTypes) {
      const DType result = result_of(op, t);
      if (!map_supports(op, t, result)) continue;
      const Tape tape = tape_of(op, t, result);
      if (!tape.verify().ok()) continue;
      ++covered;
      const bool positive = op == MicroOp::k_pow || op == MicroOp::k_lgamma || op == MicroOp::k_digamma;
      for (int64_t n : {1, 7, 16, 1000}) {
        std::vector<Tensor> inputs;
        for (size_t k = 0; k < tape.inputs.size(); ++k) {
          Tensor x = random_tensor(tape.inputs[k], Shape{n}, rng, k == 1 || positive, positive ? 0.1 : -4, 4);
          if (op == MicroOp::k_pow && whole(t)) {
            for (int64_t i = 0; i < n; ++i) {
              const int64_t v = std::abs(ref::load(t, x.raw(), i).integer) % 5;
              ref::store(t, {0, 0, v}, x.raw(), i);
            }
          }
          inputs.push_back(x);
        }
        // Where terms cancel, the error is relative to the terms (of size up to 16), not to the result.
        const bool cancels =
            is_complex(t) || op == MicroOp::k_digamma || op == MicroOp::k_floormod || op == MicroOp::k_fma;
        // A complex power is exp(y ln(x)) with an exponent of up to 16.
        const double ulps = op == MicroOp::k_pow && is_complex(t) ? 64 : 4;
        check(tape, inputs, Shape{n}, ulps, tape.to_string(), cancels ? 16 : 1e-2);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(covered, 350);
}

TEST(Map, EveryCast) {
  std::mt19937 rng(8);
  for (DType from : kTypes) {
    for (DType to : kTypes) {
      ASSERT_TRUE(map_supports(MicroOp::k_cast, from, to)) << dtype_name(from) << dtype_name(to);
      const bool is_signed =
          !whole(to) || to == DType::kInt8 || to == DType::kInt16 || to == DType::kInt32 || to == DType::kInt64;
      const Tensor x = random_tensor(from, Shape{501}, rng, false, is_signed ? -4 : 0, 4);
      check(tape_of(MicroOp::k_cast, from, to), {x}, Shape{501}, 1,
            std::string(dtype_name(from)) + " to " + std::string(dtype_name(to)));
    }
  }
}

TEST(Map, ShortFloatsConvertExactly) {
  // Every half and bfloat16 widens as the scalar type does and comes back to itself.
  for (DType t : {DType::kHalf, DType::kBfloat16}) {
    Tensor all = Tensor::make_or_die(t, Shape{65536}), wide = Tensor::make_or_die(DType::kFloat, Shape{65536}),
           back = Tensor::make_or_die(t, Shape{65536});
    for (int i = 0; i < 65536; ++i) all.data<uint16_t>()[i] = static_cast<uint16_t>(i);
    WorkerPool pool(1);
    const auto run = [&](DType from, DType to, const Tensor& x, Tensor& y) {
      const Shape shape = x.shape();
      auto plan = plan_map(tape_of(MicroOp::k_cast, from, to), {&shape, 1}, shape);
      const void* in = x.raw();
      void* out = y.raw();
      ASSERT_TRUE((*plan)->run(&in, &out, pool).ok());
    };
    run(t, DType::kFloat, all, wide);
    run(DType::kFloat, t, wide, back);
    for (int i = 0; i < 65536; ++i) {
      const float want = static_cast<float>(ref::load(t, all.raw(), i).re);
      const float got = wide.data<float>()[i];
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(got));
      } else {
        ASSERT_EQ(want, got) << i;
        ASSERT_EQ(i, back.data<uint16_t>()[i]);
      }
    }
    // Rounding of floats between and beyond, against the scalar encoder.
    std::mt19937 rng(5);
    for (int i = 0; i < 65536; ++i) wide.data<uint32_t>()[i] = static_cast<uint32_t>(rng());
    run(DType::kFloat, t, wide, back);
    for (int i = 0; i < 65536; ++i) {
      const float f = wide.data<float>()[i];
      if (std::isnan(f)) continue;
      ASSERT_EQ(t == DType::kHalf ? half(f).bits : bfloat16(f).bits, back.data<uint16_t>()[i]) << f;
    }
  }
}

Tape gelu_like() {
  // Two inputs and a bias, constants, a select and three outputs, one of them an input.
  Tape t;
  const uint16_t x = t.add_input(DType::kFloat), y = t.add_input(DType::kFloat), b = t.add_input(DType::kFloat);
  const uint16_t half = t.add_constant(DType::kFloat, 0.5), one = t.add_constant(DType::kFloat, 1);
  const uint16_t sum = t.emit(MicroOp::k_add, DType::kFloat, x, b);
  const uint16_t e = t.emit(MicroOp::k_erf, DType::kFloat, sum);
  const uint16_t e1 = t.emit(MicroOp::k_add, DType::kFloat, e, one);
  const uint16_t scaled = t.emit(MicroOp::k_mul, DType::kFloat, sum, half);
  const uint16_t gelu = t.emit(MicroOp::k_mul, DType::kFloat, scaled, e1);
  const uint16_t bigger = t.emit(MicroOp::k_gt, DType::kBool, gelu, y);
  const uint16_t pick = t.emit(MicroOp::k_select, DType::kFloat, bigger, gelu, y);
  const uint16_t uniform = t.emit(MicroOp::k_add, DType::kFloat, half, one);
  const uint16_t last = t.emit(MicroOp::k_mul, DType::kFloat, pick, uniform);
  t.outputs = {gelu, last, x, uniform, bigger};
  return t;
}

TEST(Map, BroadcastShapes) {
  std::mt19937 rng(9);
  const struct {
    Shape a, b, c, space;
  } cases[] = {
      {{}, {}, {}, {}},
      {{5}, {}, {1}, {5}},
      {{4, 3}, {4, 3}, {3}, {4, 3}},
      {{400, 3}, {400, 3}, {3}, {400, 3}},
      {{400, 3}, {400, 1}, {3}, {400, 3}},
      {{37, 300}, {37, 1}, {300}, {37, 300}},
      {{3, 2500}, {3, 1}, {2500}, {3, 2500}},
      {{2, 3, 4, 5}, {1, 3, 1, 5}, {4, 1}, {2, 3, 4, 5}},
      {{1, 1}, {7, 1}, {1, 9}, {7, 9}},
      {{6, 17, 5}, {6, 1, 5}, {17, 1}, {6, 17, 5}},
      {{2, 1, 300}, {2, 40, 1}, {1}, {2, 40, 300}},
      {{64, 200}, {64, 200}, {200}, {64, 200}},
      {{0, 3}, {1, 3}, {}, {0, 3}},
      {{5000}, {5000}, {}, {5000}},
  };
  WorkerPool pool(3);
  for (const auto& c : cases) {
    const std::vector<Tensor> inputs = {random_tensor(DType::kFloat, c.a, rng), random_tensor(DType::kFloat, c.b, rng),
                                        random_tensor(DType::kFloat, c.c, rng)};
    // 1 + erf cancels for negative sums, so the error is relative to their size.
    check(gelu_like(), inputs, c.space, 4, c.space.to_string(), 4);
    check(gelu_like(), inputs, c.space, 4, c.space.to_string(), 4, &pool);
  }
}

TEST(Map, PlansOfOneTapeAndShapesAreShared) {
  const auto plan = [](const char* text, const Shape& shape) {
    return *plan_map(*Tape::parse(text), {&shape, 1}, shape);
  };
  const char* const half = "(float) { v1 = const float 0.5; v2 = mul v0 v1 } -> v2";
  const auto first = plan(half, {3, 5});
  EXPECT_EQ(plan(half, {3, 5}), first);
  EXPECT_NE(plan(half, {5, 3}), first);
  EXPECT_NE(plan(half, {15}), first);
  EXPECT_NE(plan("(float) { v1 = const float 0.25; v2 = mul v0 v1 } -> v2", {3, 5}), first);
}

TEST(Map, ManyThreadsGiveTheSame) {
  std::mt19937 rng(10);
  const Shape space{300, 1000};
  const std::vector<Tensor> inputs = {random_tensor(DType::kFloat, space, rng),
                                      random_tensor(DType::kFloat, Shape{300, 1}, rng),
                                      random_tensor(DType::kFloat, Shape{1000}, rng)};
  WorkerPool pool(4);
  check(gelu_like(), inputs, space, 4, "threads", 4, &pool);
}

TEST(Map, HalfBroadcastWithUniform) {
  std::mt19937 rng(11);
  for (DType t : {DType::kHalf, DType::kBfloat16}) {
    Tape tape;
    const uint16_t x = tape.add_input(t), s = tape.add_input(t), r = tape.add_input(t);
    const uint16_t a = tape.emit(MicroOp::k_mul, t, x, s);
    const uint16_t b = tape.emit(MicroOp::k_add, t, a, r);
    tape.outputs = {b};
    check(tape,
          {random_tensor(t, Shape{30, 11}, rng), random_tensor(t, Shape{}, rng), random_tensor(t, Shape{11}, rng)},
          Shape{30, 11}, 2, "half", 16);
    // An explicit cast rounds even where the result is widened again.
    Tape round_trip;
    const uint16_t f = round_trip.add_input(DType::kFloat);
    const uint16_t narrow = round_trip.emit(MicroOp::k_cast, t, f);
    round_trip.outputs = {round_trip.emit(MicroOp::k_cast, DType::kFloat, narrow)};
    check(round_trip, {random_tensor(DType::kFloat, Shape{999}, rng)}, Shape{999}, 0, "round trip");
  }
}

TEST(Map, OutputsInPlace) {
  std::mt19937 rng(12);
  // Each output takes the memory of an input that the other still reads, crosswise.
  Tape tape;
  const uint16_t x = tape.add_input(DType::kFloat), y = tape.add_input(DType::kFloat);
  const uint16_t s = tape.emit(MicroOp::k_add, DType::kFloat, x, y);
  const uint16_t d = tape.emit(MicroOp::k_sub, DType::kFloat, x, y);
  tape.outputs = {s, d, x};
  const Shape shape{3000};
  const Tensor a = random_tensor(DType::kFloat, shape, rng), b = random_tensor(DType::kFloat, shape, rng);
  const Tensor ca = *a.clone(), cb = *b.clone();
  Tensor third = Tensor::make_or_die(DType::kFloat, shape);
  const Shape shapes[] = {shape, shape};
  auto plan = plan_map(tape, shapes, shape);
  ASSERT_TRUE(plan.ok());
  const void* in[] = {ca.raw(), cb.raw()};
  void* out[] = {cb.raw(), ca.raw(), third.raw()};
  WorkerPool pool(2);
  ASSERT_TRUE((*plan)->run(in, out, pool).ok());
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(cb.data<float>()[i], a.data<float>()[i] + b.data<float>()[i]);
    ASSERT_EQ(ca.data<float>()[i], a.data<float>()[i] - b.data<float>()[i]);
    ASSERT_EQ(third.data<float>()[i], a.data<float>()[i]);
  }
}

TEST(Map, IntegerDivisionByZeroIsAnError) {
  WorkerPool pool(2);
  for (MicroOp op : {MicroOp::k_floordiv, MicroOp::k_truncdiv, MicroOp::k_div, MicroOp::k_mod, MicroOp::k_floormod}) {
    for (int64_t n : {1, 70000}) {
      const Shape shape{n};
      const Shape shapes[] = {shape, shape};
      Tensor x = Tensor::make_or_die(DType::kInt32, shape), y = Tensor::make_or_die(DType::kInt32, shape),
             z = Tensor::make_or_die(DType::kInt32, shape);
      for (int64_t i = 0; i < n; ++i) x.data<int32_t>()[i] = INT32_MIN, y.data<int32_t>()[i] = -1;
      auto plan = plan_map(tape_of(op, DType::kInt32, DType::kInt32), shapes, shape);
      ASSERT_TRUE(plan.ok());
      EXPECT_TRUE((*plan)->can_fail());
      const void* in[] = {x.raw(), y.raw()};
      void* out[] = {z.raw()};
      EXPECT_TRUE((*plan)->run(in, out, pool).ok());  // the overflowing quotient wraps
      y.data<int32_t>()[n - 1] = 0;
      const Status s = (*plan)->run(in, out, pool);
      EXPECT_EQ(s.code(), Code::kInvalidArgument);
      EXPECT_EQ(s.message(), "Integer division by zero");
    }
  }
}

TEST(Map, QuantisedNumbersCompareAsTheirIntegers) {
  EXPECT_TRUE(map_supports(MicroOp::k_eq, DType::kQint8, DType::kBool));
  const Shape shapes[] = {Shape{3}, Shape{}};
  auto plan = plan_map(tape_of(MicroOp::k_lt, DType::kQint8, DType::kBool), shapes, Shape{3});
  ASSERT_TRUE(plan.ok()) << plan.status().to_string();
  const int8_t x[] = {-1, 0, 1}, y = 0;
  bool less[3];
  const void* in[] = {x, &y};
  void* out[] = {less};
  WorkerPool pool(1);
  ASSERT_TRUE((*plan)->run(in, out, pool).ok());
  EXPECT_TRUE(less[0] && !less[1] && !less[2]);
}

TEST(Map, RefusesWhatItLacks) {
  EXPECT_FALSE(map_supports(MicroOp::k_exp, DType::kInt32, DType::kInt32));
  const Shape shape{2};
  const auto plan = plan_map(tape_of(MicroOp::k_exp, DType::kInt32, DType::kInt32), {&shape, 1}, shape);
  EXPECT_EQ(plan.status().code(), Code::kUnimplemented);
  const Shape bad[] = {Shape{3}, Shape{2}};
  EXPECT_FALSE(plan_map(tape_of(MicroOp::k_add, DType::kFloat, DType::kFloat), bad, shape).ok());
}

// Worst error in units in the last place of the result, over a sweep of the range.
template <class T>
double worst_ulp(MicroOp op, DType t, double low, double high, long double (*exact)(long double)) {
  constexpr int64_t n = 200000;
  const Shape shape{n};
  Tensor x = Tensor::make_or_die(t, shape), y = Tensor::make_or_die(t, shape);
  std::mt19937_64 rng(13);
  std::uniform_real_distribution<double> dist(low, high);
  for (int64_t i = 0; i < n; ++i)
    x.data<T>()[i] = static_cast<T>(i % 4 == 0 ? std::ldexp(dist(rng), -static_cast<int>(rng() % 30)) : dist(rng));
  auto plan = plan_map(tape_of(op, t, t), {&shape, 1}, shape);
  const void* in = x.raw();
  void* out = y.raw();
  WorkerPool pool(1);
  EXPECT_TRUE((*plan)->run(&in, &out, pool).ok());
  double worst = 0;
  for (int64_t i = 0; i < n; ++i) {
    const long double want = exact(x.data<T>()[i]);
    const T rounded = static_cast<T>(want);
    if (!std::isfinite(rounded)) {
      EXPECT_EQ(std::isnan(rounded), std::isnan(y.data<T>()[i])) << x.data<T>()[i];
      continue;
    }
    const T ulp = std::max(std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity()) - std::abs(rounded),
                           std::numeric_limits<T>::denorm_min());
    const double error = static_cast<double>(std::abs(static_cast<long double>(y.data<T>()[i]) - want) / ulp);
    EXPECT_LT(error, 1e6) << micro_op_name(op) << " at " << x.data<T>()[i] << ": " << y.data<T>()[i];
    worst = std::max(worst, error);
  }
  return worst;
}

TEST(Map, TranscendentalUlps) {
  using L = long double;
  const struct {
    MicroOp op;
    double low, high;
    L (*exact)(L);
    double ulps;
  } cases[] = {
      {MicroOp::k_exp, -110, 95, [](L x) { return std::exp(x); }, 2},
      {MicroOp::k_expm1, -30, 95, [](L x) { return std::expm1(x); }, 2.5},
      {MicroOp::k_log, 0, 1e6, [](L x) { return std::log(x); }, 1.5},
      {MicroOp::k_log, 0.5, 2, [](L x) { return std::log(x); }, 1.5},
      {MicroOp::k_log1p, -0.999, 4, [](L x) { return std::log1p(x); }, 2},
      {MicroOp::k_tanh, -12, 12, [](L x) { return std::tanh(x); }, 3.5},
      {MicroOp::k_sigmoid, -80, 40,
       [](L x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }, 3.5},
      {MicroOp::k_softplus, -80, 40, [](L x) { return std::max(x, L(0)) + std::log1p(std::exp(-std::abs(x))); }, 3.5},
      {MicroOp::k_erf, -4.5, 4.5, [](L x) { return std::erf(x); }, 2.5},
      {MicroOp::k_sin, -1e4, 1e4, [](L x) { return std::sin(x); }, 1},
      {MicroOp::k_cos, -1e4, 1e4, [](L x) { return std::cos(x); }, 1},
      {MicroOp::k_sin, -1e8, 1e8, [](L x) { return std::sin(x); }, 1},
      {MicroOp::k_tan, -100, 100, [](L x) { return std::tan(x); }, 1},
      {MicroOp::k_asin, -1, 1, [](L x) { return std::asin(x); }, 1},
      {MicroOp::k_acos, -1, 1, [](L x) { return std::acos(x); }, 1},
      {MicroOp::k_atan, -100, 100, [](L x) { return std::atan(x); }, 1},
      {MicroOp::k_sinh, -80, 80, [](L x) { return std::sinh(x); }, 1},
      {MicroOp::k_cosh, -80, 80, [](L x) { return std::cosh(x); }, 1},
      {MicroOp::k_asinh, -1e5, 1e5, [](L x) { return std::asinh(x); }, 1},
      {MicroOp::k_acosh, 1, 100, [](L x) { return std::acosh(x); }, 1},
      {MicroOp::k_atanh, -0.999, 0.999, [](L x) { return std::atanh(x); }, 1},
      {MicroOp::k_erfc, -4, 9, [](L x) { return std::erfc(x); }, 4},
  };
  for (const auto& c : cases) {
    const double f = worst_ulp<float>(c.op, DType::kFloat, c.low, c.high, c.exact);
    EXPECT_LE(f, c.ulps) << micro_op_name(c.op) << " float";
    EXPECT_LE(f, ulp_bound(c.op, DType::kFloat)) << micro_op_name(c.op) << " float, as documented";
    const double d = worst_ulp<double>(c.op, DType::kDouble, c.low, c.high, c.exact);
    EXPECT_LE(d, std::max(c.ulps, 2.0)) << micro_op_name(c.op) << " double";
    EXPECT_LE(d, ulp_bound(c.op, DType::kDouble)) << micro_op_name(c.op) << " double, as documented";
  }
}

TEST(Map, SpecialValues) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const float xs[] = {0.f, -0.f, inf, -inf, nan, 1e-40f, -1e-40f, 3e38f, -3e38f, 1.f, -1.f};
  const Shape shape{static_cast<int64_t>(std::size(xs))};
  const struct {
    MicroOp op;
    float (*exact)(float);
  } cases[] = {
      {MicroOp::k_exp, [](float x) { return std::exp(x); }},
      {MicroOp::k_expm1, [](float x) { return std::expm1(x); }},
      {MicroOp::k_log, [](float x) { return std::log(x); }},
      {MicroOp::k_log1p, [](float x) { return std::log1p(x); }},
      {MicroOp::k_tanh, [](float x) { return std::tanh(x); }},
      {MicroOp::k_erf, [](float x) { return std::erf(x); }},
      {MicroOp::k_sin, [](float x) { return std::sin(x); }},
      {MicroOp::k_cos, [](float x) { return std::cos(x); }},
      {MicroOp::k_atan, [](float x) { return std::atan(x); }},
      {MicroOp::k_asin, [](float x) { return std::asin(x); }},
      {MicroOp::k_acos, [](float x) { return std::acos(x); }},
      {MicroOp::k_sinh, [](float x) { return std::sinh(x); }},
      {MicroOp::k_cosh, [](float x) { return std::cosh(x); }},
      {MicroOp::k_asinh, [](float x) { return std::asinh(x); }},
      {MicroOp::k_acosh, [](float x) { return std::acosh(x); }},
      {MicroOp::k_atanh, [](float x) { return std::atanh(x); }},
      {MicroOp::k_sqrt, [](float x) { return std::sqrt(x); }},
      {MicroOp::k_round, [](float x) { return std::nearbyint(x); }},
  };
  WorkerPool pool(1);
  for (const auto& c : cases) {
    float got[std::size(xs)];
    auto plan = plan_map(tape_of(c.op, DType::kFloat, DType::kFloat), {&shape, 1}, shape);
    const void* in = xs;
    void* out = got;
    ASSERT_TRUE((*plan)->run(&in, &out, pool).ok());
    for (size_t i = 0; i < std::size(xs); ++i) {
      const float want = c.exact(xs[i]);
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(got[i])) << micro_op_name(c.op) << " of " << xs[i];
      } else if (std::isinf(want) || want == 0) {
        EXPECT_EQ(want, got[i]) << micro_op_name(c.op) << " of " << xs[i];
      } else {
        EXPECT_NEAR(got[i], want, std::abs(want) * 4e-7f + 1e-45f) << micro_op_name(c.op) << " of " << xs[i];
      }
    }
  }
  // The first operand of minimum and maximum wins against NaN, as relu needs it.
  const Shape two[] = {Shape{1}, Shape{1}};
  auto plan = plan_map(tape_of(MicroOp::k_maximum, DType::kFloat, DType::kFloat), two, Shape{1});
  const float zero = 0;
  float got = 0;
  const void* in[] = {&nan, &zero};
  void* out[] = {&got};
  ASSERT_TRUE((*plan)->run(in, out, pool).ok());
  EXPECT_TRUE(std::isnan(got));
}

// A value of every element of a space.
struct Column {
  DType type;
  std::vector<unsigned char> bytes;
};

Column one_by_one(const Tape& tape, DType result, std::span<const Column* const> args, const Shape& flat,
                  WorkerPool& pool) {
  const std::vector<Shape> shapes(args.size(), flat);
  auto plan = plan_map(tape, shapes, flat);
  EXPECT_TRUE(plan.ok()) << plan.status().to_string();
  Column column{result, std::vector<unsigned char>(static_cast<size_t>(flat[0]) * dtype_size(result))};
  std::vector<const void*> in;
  for (const Column* c : args) in.push_back(c->bytes.data());
  void* out[] = {column.bytes.data()};
  EXPECT_TRUE((*plan)->run(in.data(), out, pool).ok());
  return column;
}

// Whether element i is the same, any NaN being as good as another.
bool same_element(const Column& want, const void* got, size_t i) {
  const size_t size = dtype_size(want.type);
  const unsigned char *w = want.bytes.data() + i * size, *g = static_cast<const unsigned char*>(got) + i * size;
  if (std::memcmp(w, g, size) == 0) return true;
  if (want.type != DType::kFloat) return false;
  float x, y;
  std::memcpy(&x, w, sizeof x);
  std::memcpy(&y, g, sizeof y);
  return std::isnan(x) && std::isnan(y);
}

// Random tapes of what can be links and what cannot, of floats and bools, with operands that broadcast and results in
// place of operands.
TEST(Map, LinksHaveTheBitsOfTheirSteps) {
  struct Op {
    MicroOp op;
    std::vector<DType> operands;
    DType result;
  };
  constexpr DType kF = DType::kFloat, kB = DType::kBool;
  const std::vector<Op> ops = {{MicroOp::k_add, {kF, kF}, kF},
                               {MicroOp::k_sub, {kF, kF}, kF},
                               {MicroOp::k_mul, {kF, kF}, kF},
                               {MicroOp::k_mul, {kF, kF}, kF},
                               {MicroOp::k_add, {kF, kF}, kF},
                               {MicroOp::k_div, {kF, kF}, kF},
                               {MicroOp::k_maximum, {kF, kF}, kF},
                               {MicroOp::k_minimum, {kF, kF}, kF},
                               {MicroOp::k_square, {kF}, kF},
                               {MicroOp::k_abs, {kF}, kF},
                               {MicroOp::k_sqrt, {kF}, kF},
                               {MicroOp::k_squared_difference, {kF, kF}, kF},
                               {MicroOp::k_neg, {kF}, kF},
                               {MicroOp::k_reciprocal, {kF}, kF},
                               {MicroOp::k_rsqrt, {kF}, kF},
                               {MicroOp::k_eq, {kF, kF}, kB},
                               {MicroOp::k_ne, {kF, kF}, kB},
                               {MicroOp::k_lt, {kF, kF}, kB},
                               {MicroOp::k_le, {kF, kF}, kB},
                               {MicroOp::k_gt, {kF, kF}, kB},
                               {MicroOp::k_ge, {kF, kF}, kB},
                               {MicroOp::k_logical_and, {kB, kB}, kB},
                               {MicroOp::k_logical_or, {kB, kB}, kB},
                               {MicroOp::k_logical_not, {kB}, kB},
                               {MicroOp::k_eq, {kB, kB}, kB},
                               {MicroOp::k_select, {kB, kF, kF}, kF},
                               {MicroOp::k_select, {kB, kF, kF}, kF},
                               {MicroOp::k_select, {kB, kB, kB}, kB},
                               {MicroOp::k_cast, {kB}, kF},
                               {MicroOp::k_cast, {kF}, kB},
                               {MicroOp::k_exp, {kF}, kF},
                               {MicroOp::k_floor, {kF}, kF}};
  const Op by_bool{MicroOp::k_select, {kB, kF, kF}, kF};
  WorkerPool pool(1);
  std::mt19937 rng(3);
  const auto draw = [&](size_t n) { return static_cast<size_t>(rng() % n); };
  for (int round = 0; round < 600; ++round) {
    const int64_t columns[] = {1, 5, 16, 37, 64, 300, 1030};
    const Shape space{static_cast<int64_t>(1 + draw(40)), columns[draw(7)]};
    const Shape flat{space.num_elements()};
    const Shape shapes[] = {space, space, Shape{space[0], 1}, Shape{space[1]}, Shape{}, space, Shape{space[0], 1}};
    const DType types[] = {kF, kF, kF, kF, kF, kB, kB};
    const size_t count = static_cast<size_t>(space.num_elements());
    Tape tape;
    std::vector<Column> inputs, values;
    for (size_t k = 0; k < std::size(shapes); ++k) {
      const Shape& s = shapes[k];
      tape.add_input(types[k]);
      const size_t size = dtype_size(types[k]);
      Column data{types[k], std::vector<unsigned char>(static_cast<size_t>(s.num_elements()) * size)},
          wide{types[k], std::vector<unsigned char>(count * size)};
      for (size_t i = 0; i < data.bytes.size() / size; ++i) {
        // Values that are equal, zeros of both signs and NaN among the others.
        const float special[] = {std::nanf(""), 0.0f, -0.0f, 0.75f, -0.75f};
        const float f = draw(6) == 0 ? special[draw(5)] : static_cast<float>(rng()) * 0x1p-31f - 1;
        const unsigned char b = draw(2) != 0;
        std::memcpy(data.bytes.data() + i * size, types[k] == kF ? static_cast<const void*>(&f) : &b, size);
      }
      for (size_t i = 0; i < count; ++i) {
        const size_t row = i / static_cast<size_t>(space[1]), column = i % static_cast<size_t>(space[1]);
        const size_t from = s == space ? i : s.rank() == 2 ? row : s.rank() == 1 ? column : 0;
        std::memcpy(wide.bytes.data() + i * size, data.bytes.data() + from * size, size);
      }
      inputs.push_back(std::move(data));
      values.push_back(std::move(wide));
    }
    tape.add_constant(kF, 0.75);
    values.push_back({kF, std::vector<unsigned char>(count * sizeof(float))});
    for (size_t i = 0; i < count; ++i) {
      const float f = 0.75f;
      std::memcpy(values.back().bytes.data() + i * sizeof f, &f, sizeof f);
    }
    // Mostly one of the latest values, so that there are links.
    const auto value_of = [&](DType t) {
      size_t v = draw(3) != 0 ? values.size() - 1 - draw(std::min<size_t>(values.size(), 3)) : draw(values.size());
      while (values[v].type != t) v = draw(values.size());
      return v;
    };
    for (size_t k = 1 + draw(60); k > 0; --k) {
      // Behind a comparison often a select by it.
      const bool selects = !tape.insts.empty() && tape.insts.back().dtype == kB && draw(2) != 0;
      const Op& op = selects ? by_bool : ops[draw(ops.size())];
      uint16_t at[3] = {};
      std::vector<const Column*> args;
      Tape alone;
      for (size_t i = 0; i < op.operands.size(); ++i) {
        at[i] = static_cast<uint16_t>(selects && i == 0 ? values.size() - 1 : value_of(op.operands[i]));
        args.push_back(&values[at[i]]);
        alone.add_input(op.operands[i]);
      }
      alone.outputs = {alone.emit(op.op, op.result, 0, args.size() > 1 ? 1 : 0, args.size() > 2 ? 2 : 0)};
      tape.emit(op.op, op.result, at[0], at[1], at[2]);
      values.push_back(one_by_one(alone, op.result, args, flat, pool));
    }
    tape.outputs = {static_cast<uint16_t>(values.size() - 1), static_cast<uint16_t>(draw(values.size())),
                    static_cast<uint16_t>(draw(values.size()))};
    auto plan = plan_map(tape, shapes, space);
    ASSERT_TRUE(plan.ok()) << plan.status().to_string();
    // In place of the first operand, of the bools, or nothing.
    for (const size_t taken : {size_t{0}, size_t{5}, inputs.size()}) {
      std::vector<Column> copies = inputs;
      std::vector<Guarded> results;
      for (uint16_t o : tape.outputs) results.emplace_back(values[o].type, space);
      std::vector<const void*> in;
      std::vector<void*> out;
      for (const Column& c : copies) in.push_back(c.bytes.data());
      for (Guarded& g : results) out.push_back(g.data());
      const auto place = std::find_if(tape.outputs.begin(), tape.outputs.end(), [&](uint16_t o) {
        return taken < inputs.size() && values[o].type == types[taken];
      });
      if (place != tape.outputs.end()) {
        out[static_cast<size_t>(place - tape.outputs.begin())] = copies[taken].bytes.data();
      }
      ASSERT_TRUE((*plan)->run(in.data(), out.data(), pool).ok());
      for (size_t k = 0; k < results.size(); ++k) {
        EXPECT_TRUE(results[k].intact());
        for (size_t i = 0; i < count; ++i) {
          ASSERT_TRUE(same_element(values[tape.outputs[k]], out[k], i))
              << tape.to_string() << " on " << space << ", output " << k << " element " << i << ", in place of "
              << taken;
        }
      }
    }
  }
}

// Results beyond the last cache are stored past it; the numbers are the same, in place too, on any number of threads.
TEST(Map, LargeResults) {
  const Shape space{8209, 1031};
  for (const bool broadcasts : {false, true}) {
    const Shape shapes[] = {space, broadcasts ? Shape{1031} : space};
    Tape tape;
    tape.add_input(DType::kFloat);
    tape.add_input(DType::kFloat);
    const uint16_t sum = tape.emit(MicroOp::k_add, DType::kFloat, 0, 1);
    tape.outputs = {sum, tape.emit(MicroOp::k_neg, DType::kFloat, sum)};
    auto plan = plan_map(tape, shapes, space);
    ASSERT_TRUE(plan.ok());
    const auto count = static_cast<size_t>(space.num_elements());
    std::vector<float> x(count), row(broadcasts ? 1031 : count), a(count), b(count);
    for (size_t i = 0; i < count; ++i) x[i] = static_cast<float>(i % 4093);
    for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i % 1031);
    for (int threads : {1, 3}) {
      for (const bool in_place : {false, true}) {
        if (in_place) a = x;
        const void* in[] = {in_place ? a.data() : x.data(), row.data()};
        void* out[] = {a.data(), b.data()};
        WorkerPool pool(threads);
        ASSERT_TRUE((*plan)->run(in, out, pool).ok());
        size_t wrong = 0;
        for (size_t i = 0; i < count; ++i) {
          const float want = x[i] + row[i % 1031];
          wrong += a[i] != want || b[i] != -want;
        }
        EXPECT_EQ(wrong, 0u) << threads << " threads, in place: " << in_place;
        std::fill(a.begin(), a.end(), -1.f);
        std::fill(b.begin(), b.end(), -1.f);
      }
    }
  }
}

// The same where rows and columns broadcast, on results that begin at whole lines: a row of them begins anywhere.
TEST(Map, RowsOfLargeResults) {
  for (const Shape& space : {Shape{8209, 1031}, Shape{31013, 272}}) {
    const int64_t rows = space[0], columns = space[1];
    const auto count = static_cast<size_t>(space.num_elements());
    const Shape shapes[] = {space, Shape{columns}, Shape{rows, 1}};
    Tape tape;
    for (int i = 0; i < 3; ++i) tape.add_input(DType::kFloat);
    const uint16_t scaled = tape.emit(MicroOp::k_mul, DType::kFloat, 0, 2);
    const uint16_t sum = tape.emit(MicroOp::k_add, DType::kFloat, scaled, 1);
    tape.outputs = {sum, tape.emit(MicroOp::k_lt, DType::kBool, 0, 1)};
    auto plan = plan_map(tape, shapes, space);
    ASSERT_TRUE(plan.ok());
    std::vector<float> x(count), row(static_cast<size_t>(columns)), column(static_cast<size_t>(rows));
    for (size_t i = 0; i < count; ++i) x[i] = static_cast<float>(i % 4093);
    for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i % 509);
    for (size_t i = 0; i < column.size(); ++i) column[i] = static_cast<float>(i % 61);
    for (int threads : {1, 3}) {
      // A tensor begins at a whole line.
      Tensor sums = Tensor::make_or_die(DType::kFloat, Shape{space.num_elements() + 1});
      float* const a = sums.data<float>();
      std::fill_n(a, count + 1, -1.f);
      Guarded b(DType::kBool, space);
      const void* in[] = {x.data(), row.data(), column.data()};
      void* out[] = {a, b.data()};
      WorkerPool pool(threads);
      ASSERT_TRUE((*plan)->run(in, out, pool).ok());
      size_t wrong = 0;
      for (size_t i = 0; i < count; ++i) {
        const size_t r = i / row.size(), c = i % row.size();
        wrong += a[i] != x[i] * column[r] + row[c];
        wrong += static_cast<const bool*>(b.data())[i] != (x[i] < row[c]);
      }
      EXPECT_EQ(wrong, 0u) << space << ", " << threads << " threads";
      EXPECT_TRUE(b.intact() && a[count] == -1.f);
    }
  }
}

}  // namespace
}  // namespace tw
