#include <gtest/gtest.h>

#include <array>

#include "core/kernels/contract.h"
#include "core/kernels/ref/contract_ref.h"
#include "tests/kernels/contract_testing.h"

namespace tw {
namespace {

using namespace testing_contract;

template <typename T>
void check_gemm(GemmSpec spec, bool constant_a = false, bool constant_b = false) {
  SCOPED_TRACE(testing::Message() << dtype_name(dtype_of<T>) << " m " << spec.m << " n " << spec.n << " k " << spec.k
                                  << " batch " << spec.batch << " (" << spec.batch_a << ", " << spec.batch_b
                                  << ") transposed " << spec.transpose_a << spec.transpose_b << " constant "
                                  << constant_a << constant_b);
  spec.dtype = dtype_of<T>;
  const int64_t m = spec.m, n = spec.n, k = spec.k;
  Guarded<T> a(spec.batch_a * m * k), b(spec.batch_b * k * n);
  fill(&a, 1);
  fill(&b, 2);
  std::vector<T> want(static_cast<size_t>(spec.batch * m * n));
  for (int64_t i = 0; i < spec.batch; ++i) {
    const int64_t ia = !spec.index_a.empty() ? spec.index_a[static_cast<size_t>(i)] : spec.batch_a == 1 ? 0 : i;
    const int64_t ib = !spec.index_b.empty() ? spec.index_b[static_cast<size_t>(i)] : spec.batch_b == 1 ? 0 : i;
    ref::matmul<T, Wide<T>>(a.data() + ia * m * k, b.data() + ib * k * n, want.data() + i * m * n, m, n, k,
                            spec.transpose_a, spec.transpose_b);
  }
  if (constant_a) spec.constant_a = a.data();
  if (constant_b) spec.constant_b = b.data();
  for (int threads : {1, 2}) {
    auto plan = plan_gemm(spec, threads);
    ASSERT_TRUE(plan.ok()) << plan.status().to_string();
    WorkerPool pool(threads);
    std::vector<T> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      Guarded<T> c(spec.batch * m * n);
      Workspace ws((*plan)->workspace_bytes());
      void* out = c.data();
      ASSERT_TRUE((*plan)->run(a.data(), b.data(), nullptr, &out, ws.memory, pool).ok());
      EXPECT_TRUE(c.intact());
      EXPECT_TRUE(ws.intact());
      for (int64_t i = 0; i < c.size(); ++i) {
        ASSERT_LE(distance(c[i], want[static_cast<size_t>(i)]), tolerance<T>(k))
            << "element " << i << ", " << threads << " threads";
      }
      if (repeat == 0) {
        first.assign(c.data(), c.data() + c.size());
      } else if (c.size() > 0) {
        EXPECT_EQ(std::memcmp(first.data(), c.data(), first.size() * sizeof(T)), 0);
      }
    }
  }
}

GemmSpec spec_of(int64_t m, int64_t n, int64_t k, bool ta = false, bool tb = false) {
  GemmSpec s;
  s.m = m, s.n = n, s.k = k, s.transpose_a = ta, s.transpose_b = tb;
  return s;
}

TEST(Gemm, SizesAndTransposes) {
  for (int64_t m : {1, 2, 5, 14, 15, 37, 100}) {
    for (int64_t n : {1, 3, 16, 31, 32, 33, 70, 130}) {
      for (int64_t k : {1, 7, 64, 129, 515}) {
        for (int t = 0; t < 4; ++t) {
          check_gemm<float>(spec_of(m, n, k, t & 1, t & 2));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// Where A and B are packed and how threads share a product hangs on its sizes: few rows by an even number of panels, A
// of few panels and of many, rows that collide in the cache.
TEST(Gemm, EveryWayOfSharingAndPacking) {
  const std::array<int64_t, 3> sizes[] = {{37, 256, 300}, {98, 512, 130}, {29, 1000, 65}, {99, 256, 70},
                                          {100, 300, 70}, {37, 130, 512}, {512, 130, 66}, {290, 70, 130}};
  for (const auto& [m, n, k] : sizes) {
    for (int t = 0; t < 4; ++t) {
      check_gemm<float>(spec_of(m, n, k, t & 1, t & 2));
      check_gemm<float>(spec_of(m, n, k, t & 1, t & 2), false, true);
      check_gemm<double>(spec_of(m, n, k, t & 1, t & 2));
      if (HasFatalFailure()) return;
    }
  }
}

// Two plans of one constant hold one packed copy; it goes with the last of them.
TEST(Gemm, PlansSharePackedConstants) {
  const auto weights = std::make_shared<std::vector<float>>(64 * 512, 1.0f);
  GemmSpec spec = spec_of(100, 512, 64);
  const auto plan = [&](int64_t m) {
    spec.m = m;
    spec.constant_b = Constant(weights->data(), weights);
    auto p = plan_gemm(spec, 1);
    EXPECT_TRUE(p.ok());
    return std::move(*p);
  };
  const int64_t before = alloc_stats().live_bytes;
  auto first = plan(100);
  const int64_t packed = alloc_stats().live_bytes - before;
  EXPECT_GE(packed, static_cast<int64_t>(weights->size() * sizeof(float)));
  EXPECT_EQ(weights.use_count(), 3);  // here, in the spec, and with what was packed
  auto second = plan(200);
  EXPECT_EQ(alloc_stats().live_bytes - before, packed);
  first.reset();
  EXPECT_EQ(alloc_stats().live_bytes - before, packed);
  {
    std::vector<float> a(200 * 64, 1.0f), c(200 * 512);
    Workspace ws(second->workspace_bytes());
    void* out = c.data();
    WorkerPool pool(1);
    ASSERT_TRUE(second->run(a.data(), weights->data(), nullptr, &out, ws.memory, pool).ok());
    EXPECT_EQ(c[0], 64);
    EXPECT_EQ(c.back(), 64);
  }
  second.reset();
  EXPECT_EQ(alloc_stats().live_bytes, before);
}

// A B that neither few nor many rows meet is read where it lies; only one stored by columns has to be packed.
TEST(Gemm, AConstantThatGainsNothingIsNotKeptTwice) {
  const auto weights = std::make_shared<std::vector<float>>(1024 * 512, 1.0f);
  GemmSpec spec = spec_of(30, 512, 1024);
  spec.constant_b = Constant(weights->data(), weights);
  const int64_t before = alloc_stats().live_bytes;
  auto plan = plan_gemm(spec, 1);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(alloc_stats().live_bytes, before);
  spec.transpose_b = true;
  auto transposed = plan_gemm(spec, 1);
  ASSERT_TRUE(transposed.ok());
  EXPECT_GT(alloc_stats().live_bytes, before);
}

TEST(Gemm, BatchesOfSkinnyProducts) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 140, 70}, {2, 200, 65}, {5, 33, 128}, {77, 3, 64}, {1, 1, 100}}) {
    for (int t = 0; t < 4; ++t) {
      GemmSpec s = spec_of(m, n, k, t & 1, t & 2);
      s.batch = s.batch_a = s.batch_b = 7;
      check_gemm<float>(s);
      s.batch_a = 1;
      check_gemm<double>(s);
      if (HasFatalFailure()) return;
    }
  }
}

// One row by columns that stay in registers: any number of steps, and as many as make the matrices large.
TEST(Gemm, OneRowByFewColumns) {
  for (int64_t k : {1, 2, 3, 4, 5, 8, 17, 31}) {
    check_gemm<float>(spec_of(1, 128, k, false, false));
    check_gemm<float>(spec_of(1, 128, k, false, false), true, true);
    check_gemm<double>(spec_of(1, 128, k, false, false));
  }
  for (int64_t n : {32, 48, 64, 80, 96, 100, 112}) {
    for (int64_t more : {1, 2, 3, 7}) {
      GemmSpec s = spec_of(1, n, (5 << 18) / n + more, false, false);
      check_gemm<float>(s);
      s.batch = s.batch_a = s.batch_b = 3, s.k = (2 << 18) / n + more;
      check_gemm<float>(s);
      check_gemm<double>(s);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Gemm, FewRowsOrColumnsWithLongOnes) {
  for (int64_t few : {1, 2, 3, 6, 8, 9, 16}) {
    for (int64_t k : {63, 64, 257}) {
      for (int t = 0; t < 4; ++t) {
        check_gemm<float>(spec_of(few, 333, k, t & 1, t & 2));
        check_gemm<double>(spec_of(few, 1301, k, t & 1, t & 2));
        check_gemm<float>(spec_of(1031, few, k, t & 1, t & 2));
        check_gemm<double>(spec_of(203, few, k, t & 1, t & 2));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Gemm, LargeShapesAreBlocked) {
  check_gemm<float>(spec_of(70, 1031, 1050, false, true));
  check_gemm<float>(spec_of(70, 1031, 1050, true, true));
  for (int t = 0; t < 4; ++t) {
    check_gemm<float>(spec_of(700, 130, 1201, t & 1, t & 2), t == 0 || t == 2, t == 1 || t == 2);
    check_gemm<float>(spec_of(301, 515, 803, t & 1, t & 2));
    check_gemm<double>(spec_of(203, 261, 403, t & 1, t & 2));
  }
  check_gemm<float>(spec_of(3, 4000, 700));
  check_gemm<float>(spec_of(900, 2, 300, false, true));
  check_gemm<float>(spec_of(20, 1500, 2000, true, true));  // B is packed in more than one piece
}

// Rows of B so many bytes apart that tiles read copies of its panels.
TEST(Gemm, RowsOfBShareCacheSets) {
  for (int64_t m : {43, 98}) {
    check_gemm<float>(spec_of(m, 4096, 515), m == 98);
    check_gemm<float>(spec_of(m, 4096, 255, true));
    check_gemm<double>(spec_of(m, 2048, 260));
  }
}

// Results of three or four vectors, which are one panel: A where it lies, packed, and constant.
TEST(Gemm, NarrowResults) {
  for (int64_t n : {33, 40, 48, 53, 64}) {
    for (int64_t m : {6, 7, 29, 300}) {
      for (int t = 0; t < 4; ++t) {
        const GemmSpec s = spec_of(m, n, 131, t & 1, t & 2);
        check_gemm<float>(s);
        check_gemm<float>(s, true, true);
        check_gemm<half>(s, m == 29, m == 7);
        check_gemm<double>(spec_of(m, n / 2, 512, t & 1, t & 2));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// B is read once, from memory, a few of its rows at a time.
TEST(Gemm, FewRowsWithLargeB) {
  for (int64_t m : {1, 2, 3, 6, 7, 14, 15}) {
    for (auto [n, k] : {std::pair{4099, 67}, {1031, 403}, {257, 1025}, {8200, 33}}) {
      check_gemm<float>(spec_of(m, n, k));
      check_gemm<double>(spec_of(m, n, k, true, false));
      if (HasFatalFailure()) return;
    }
  }
  GemmSpec s = spec_of(5, 1031, 131);
  s.batch = s.batch_b = 3;
  check_gemm<float>(s);
}

// Operands and results of more than 4 MiB, which are fetched ahead.
TEST(Gemm, BatchesFromMemory) {
  for (auto [batch, m, n, k] : {std::array<int64_t, 4>{64, 130, 36, 131}, {64, 20, 129, 130}, {9, 349, 353, 5}}) {
    for (int t : {0, 2}) {
      GemmSpec s = spec_of(m, n, k, false, t & 2);
      s.batch = s.batch_a = s.batch_b = batch;
      check_gemm<float>(s);
    }
  }
}

TEST(Gemm, LargeColumnsWithFewResultsEach) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{4099, 16, 1031}, {8219, 7, 517}, {1031, 13, 1103}}) {
    check_gemm<float>(spec_of(m, n, k, true, false));
    check_gemm<float>(spec_of(m, n, k, true, true));
  }
}

TEST(Gemm, Vectors) {
  for (auto [m, n] : {std::pair{1, 1}, {1, 200}, {200, 1}, {1, 3}, {5, 1}}) {
    for (int64_t k : {1, 8, 31, 100, 1000}) {
      for (int t = 0; t < 4; ++t) {
        check_gemm<float>(spec_of(m, n, k, t & 1, t & 2));
        check_gemm<double>(spec_of(m, n, k, t & 1, t & 2), true, true);
      }
    }
  }
}

template <typename T>
class GemmTypes : public testing::Test {};
using Types = testing::Types<double, half, bfloat16, int32_t, int64_t, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(GemmTypes, Types);

TYPED_TEST(GemmTypes, EveryTypeAndTranspose) {
  for (int t = 0; t < 4; ++t) {
    for (auto [m, n, k] : {std::tuple{1, 1, 1}, {5, 9, 17}, {33, 40, 50}, {70, 129, 90}, {2, 100, 3}}) {
      check_gemm<TypeParam>(spec_of(m, n, k, t & 1, t & 2));
      check_gemm<TypeParam>(spec_of(m, n, k, t & 1, t & 2), t & 1, true);
      check_gemm<TypeParam>(spec_of(m, n, k, t & 1, t & 2), true, false);
    }
  }
}

// Even numbers of steps are pairs where the processor multiplies those; with several blocks of steps, groups of rows,
// partial panels, and matrices of a batch.
TEST(Gemm, Bfloat16InBlocksAndBatches) {
  for (int t = 0; t < 4; ++t) {
    for (auto [m, n, k] : {std::tuple{90, 75, 5002}, {330, 41, 130}, {90, 75, 2501}, {1, 300, 64}, {17, 1, 64}}) {
      check_gemm<bfloat16>(spec_of(m, n, k, t & 1, t & 2));
    }
    GemmSpec s = spec_of(19, 37, 30, t & 1, t & 2);
    s.batch = s.batch_a = 5, s.batch_b = 1;
    check_gemm<bfloat16>(s);
    s.batch_b = 5;
    check_gemm<bfloat16>(s, false, true);
    check_gemm<bfloat16>(s, true, true);
  }
}

TEST(Gemm, ConstantsArePackedOnce) {
  for (int t = 0; t < 4; ++t) {
    check_gemm<float>(spec_of(64, 130, 200, t & 1, t & 2), false, true);
    check_gemm<float>(spec_of(64, 130, 200, t & 1, t & 2), true, true);
    check_gemm<float>(spec_of(3, 130, 200, t & 1, t & 2), true, true);
  }
}

TEST(Gemm, Batches) {
  for (int t = 0; t < 4; ++t) {
    for (auto [batch, a, b] :
         {std::tuple{3, 3, 3}, {4, 1, 4}, {4, 4, 1}, {50, 50, 50}, {50, 1, 50}, {50, 50, 1}, {2, 1, 1}}) {
      for (auto [m, n, k] : {std::tuple{5, 33, 8}, {40, 70, 65}, {1, 10, 4}}) {
        GemmSpec s = spec_of(m, n, k, t & 1, t & 2);
        s.batch = batch, s.batch_a = a, s.batch_b = b;
        check_gemm<float>(s);
        check_gemm<float>(s, false, true);
      }
    }
  }
  GemmSpec s = spec_of(6, 20, 9);
  s.batch = 6, s.batch_a = 2, s.batch_b = 3;
  s.index_a = {0, 0, 0, 1, 1, 1}, s.index_b = {0, 1, 2, 0, 1, 2};
  check_gemm<float>(s);
  check_gemm<half>(s);
  check_gemm<float>(s, true, true);
}

// Tiles of every height and width, with whole last vectors and parts of them.
TEST(Gemm, SmallProducts) {
  for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 23}) {
    for (int64_t n : {1, 7, 8, 9, 15, 16, 17, 24, 25, 37, 40, 48, 52, 64, 65, 97}) {
      for (int t = 0; t < 4; ++t) {
        GemmSpec s = spec_of(m, n, m % 2 == 0 ? 1 : 11, t & 1, t & 2);
        s.batch = s.batch_a = s.batch_b = 3;
        check_gemm<float>(s);
        check_gemm<double>(s);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// A batch for several tasks of a thread; from memory; and matrices that several results share.
TEST(Gemm, ManySmallProducts) {
  for (auto [batch, a, b, m, n, k] : {std::array<int64_t, 6>{1000, 1000, 1000, 16, 16, 16},
                                      {601, 601, 601, 37, 37, 37},
                                      {211, 1, 211, 23, 53, 31},
                                      {211, 211, 1, 23, 53, 31},
                                      {211, 211, 1, 3, 53, 31},
                                      {37, 37, 37, 101, 53, 64}}) {
    for (int t = 0; t < 4; ++t) {
      GemmSpec s = spec_of(m, n, k, t & 1, t & 2);
      s.batch = batch, s.batch_a = a, s.batch_b = b;
      check_gemm<float>(s);
    }
  }
  for (int t = 0; t < 4; ++t) {
    GemmSpec s = spec_of(19, 45, 23, t & 1, t & 2);
    s.batch = 6, s.batch_a = 2, s.batch_b = 3;
    s.index_a = {0, 0, 0, 1, 1, 1}, s.index_b = {0, 1, 1, 0, 2, 2};
    check_gemm<float>(s);
    check_gemm<double>(s);
  }
}

// The tape sees each matrix of a batch, also where no output can hold the sums.
TEST(Gemm, SmallProductsWithEpilogue) {
  GemmSpec s = spec_of(5, 19, 7, false, true);
  s.batch = s.batch_a = s.batch_b = 300;
  Guarded<float> a(s.batch * s.m * s.k), b(s.batch * s.k * s.n), bias(s.n);
  fill(&a, 1);
  fill(&b, 2);
  fill(&bias, 3);
  for (DType to : {DType::kFloat, DType::kInt32}) {
    // 100 (x + bias), rounded towards zero for integers.
    Tape& tape = s.epilogue.tape;
    tape = Tape();
    tape.inputs = {DType::kFloat, DType::kFloat};
    tape.constants = {{DType::kFloat, 100.0}};
    tape.insts = {
        {MicroOp::k_add, DType::kFloat, {0, 1}}, {MicroOp::k_mul, DType::kFloat, {3, 2}}, {MicroOp::k_cast, to, {4}}};
    tape.outputs = {5};
    s.epilogue.operand_shapes = {Shape{s.n}};
    for (int threads : {1, 2}) {
      auto plan = plan_gemm(s, threads);
      ASSERT_TRUE(plan.ok()) << plan.status().to_string();
      WorkerPool pool(threads);
      Guarded<float> got(s.batch * s.m * s.n);  // or as many integers
      Workspace ws((*plan)->workspace_bytes());
      void* out = got.data();
      const void* operand = bias.data();
      ASSERT_TRUE((*plan)->run(a.data(), b.data(), &operand, &out, ws.memory, pool).ok());
      EXPECT_TRUE(got.intact());
      EXPECT_TRUE(ws.intact());
      std::vector<float> want(static_cast<size_t>(s.m * s.n));
      for (int64_t i = 0; i < got.size(); ++i) {
        const int64_t item = i / (s.m * s.n), at = i % (s.m * s.n);
        if (at == 0) {
          ref::matmul<float, double>(a.data() + item * s.m * s.k, b.data() + item * s.k * s.n, want.data(), s.m, s.n,
                                     s.k, false, true);
        }
        const float x = 100 * (want[static_cast<size_t>(at)] + bias[at % s.n]);
        int32_t whole;
        std::memcpy(&whole, got.data() + i, sizeof whole);
        if (to == DType::kFloat) ASSERT_NEAR(got[i], x, 1e-3);
        else ASSERT_LE(std::abs(static_cast<float>(whole) - x), 1.001f);
      }
    }
  }
}

TEST(Gemm, EmptySizes) {
  check_gemm<float>(spec_of(0, 5, 3));
  check_gemm<float>(spec_of(5, 0, 3));
  check_gemm<float>(spec_of(5, 40, 0));  // zeros
  check_gemm<half>(spec_of(5, 40, 0));
  check_gemm<int32_t>(spec_of(50, 40, 0, true, true), false, true);
  GemmSpec s = spec_of(4, 4, 4);
  s.batch = s.batch_a = s.batch_b = 0;
  check_gemm<float>(s);
}

TEST(Gemm, AdjointConjugates) {
  using C = std::complex<float>;
  const std::vector<C> a = {{1, 2}, {3, -1}}, b = {{0, 1}, {2, 2}};
  GemmSpec s = spec_of(1, 1, 2);
  s.dtype = DType::kComplex64;
  s.adjoint_a = s.adjoint_b = true;
  auto plan = plan_gemm(s, 1);
  ASSERT_TRUE(plan.ok());
  WorkerPool pool(1);
  C c;
  void* out = &c;
  Workspace ws((*plan)->workspace_bytes());
  ASSERT_TRUE((*plan)->run(a.data(), b.data(), nullptr, &out, ws.memory, pool).ok());
  EXPECT_EQ(c, std::conj(a[0]) * std::conj(b[0]) + std::conj(a[1]) * std::conj(b[1]));
}

TEST(Gemm, RejectsNonsense) {
  GemmSpec s = spec_of(-1, 2, 3);
  EXPECT_EQ(plan_gemm(s, 1).status().code(), Code::kInvalidArgument);
  s = spec_of(1, 2, 3);
  s.batch = 4, s.batch_a = 3, s.batch_b = 4;
  EXPECT_EQ(plan_gemm(s, 1).status().code(), Code::kInvalidArgument);
  s = spec_of(1, 2, 3);
  s.dtype = DType::kString;
  EXPECT_EQ(plan_gemm(s, 1).status().code(), Code::kUnimplemented);
}

}  // namespace
}  // namespace tw
