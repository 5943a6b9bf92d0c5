// Steps that tiles take with their sums in registers give, bit for bit, what the tape gives of the plain results.
#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <limits>

#include "core/kernels/contract.h"
#include "core/kernels/contract/epilogue.h"
#include "core/kernels/map.h"
#include "tests/kernels/contract_testing.h"

namespace tw {
namespace {
using namespace testing_contract;

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

struct Form {
  bool scale = false, shift = false, addend = false, low = false, high = false;
  bool addend_first = false;  // an order that no Finish has
};

// Inputs of the tape: the result, then the operands that the form has, in the order of their steps.
Epilogue epilogue_of(const Form& form, const Shape& space) {
  Epilogue e;
  const Shape row{space.dim(space.rank() - 1)};
  Tape& t = e.tape;
  t.add_input(DType::kFloat);
  uint16_t scale = 0, shift = 0, addend = 0;
  const auto operand = [&](const Shape& shape) {
    e.operand_shapes.push_back(shape);
    return t.add_input(DType::kFloat);
  };
  if (form.scale) scale = operand(row);
  if (form.shift) shift = operand(row);
  if (form.addend) addend = operand(space);
  const uint16_t low = t.add_constant(DType::kFloat, 0.0), high = t.add_constant(DType::kFloat, 0.75);
  uint16_t v = 0;
  if (form.addend && form.addend_first) v = t.emit(MicroOp::k_add, DType::kFloat, v, addend);
  if (form.scale) v = t.emit(MicroOp::k_mul, DType::kFloat, v, scale);
  if (form.shift) v = t.emit(MicroOp::k_add, DType::kFloat, shift, v);
  if (form.addend && !form.addend_first) v = t.emit(MicroOp::k_add, DType::kFloat, v, addend);
  if (form.low) v = t.emit(MicroOp::k_maximum, DType::kFloat, v, low);
  if (form.high) v = t.emit(MicroOp::k_minimum, DType::kFloat, v, high);
  t.outputs = {v};
  return e;
}

std::vector<Form> forms() {
  std::vector<Form> all;
  for (int i = 0; i < 32; ++i) {
    all.push_back({(i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0, (i & 16) != 0, false});
  }
  all.push_back({true, true, true, true, true, true});
  return all;
}

using PlanFn = std::function<Result<std::unique_ptr<ContractPlan>>(const Epilogue&, int threads)>;

// `elements` of a and b, and the result's shape.
void check(const PlanFn& plan_it, int64_t elements_a, int64_t elements_b, const Shape& space) {
  Guarded<float> a(elements_a), b(elements_b), addend(space.num_elements());
  const int64_t columns = space.dim(space.rank() - 1);
  Guarded<float> scale(columns), shift(columns);
  fill(&a, 1), fill(&b, 2), fill(&addend, 3), fill(&scale, 4), fill(&shift, 5);
  if (elements_a > 0) a[0] = kNan, a[elements_a / 2] = kInf;
  addend[space.num_elements() - 1] = kNan;
  for (int64_t j = 0; j < columns; j += 3) shift[j] = -0.0f;
  for (int threads : {1, 2}) {
    WorkerPool pool(threads);
    const auto run = [&](const Form& form, float* to) {
      const Epilogue e = epilogue_of(form, space);
      auto plan = plan_it(e, threads);
      ASSERT_TRUE(plan.ok()) << plan.status().to_string();
      std::vector<const void*> operands;
      if (form.scale) operands.push_back(scale.data());
      if (form.shift) operands.push_back(shift.data());
      if (form.addend) operands.push_back(addend.data());
      Workspace ws((*plan)->workspace_bytes());
      void* out = to;
      ASSERT_TRUE((*plan)->run(a.data(), b.data(), operands.data(), &out, ws.memory, pool).ok());
      EXPECT_TRUE(ws.intact());
    };
    Guarded<float> plain(space.num_elements()), got(space.num_elements());
    run(Form(), plain.data());
    for (const Form& form : forms()) {
      run(form, got.data());
      if (testing::Test::HasFatalFailure()) return;
      EXPECT_TRUE(got.intact());
      const Epilogue e = epilogue_of(form, space);
      std::vector<Shape> shapes{space};
      shapes.insert(shapes.end(), e.operand_shapes.begin(), e.operand_shapes.end());
      auto map = plan_map(e.tape, shapes, space);
      ASSERT_TRUE(map.ok()) << map.status().to_string();
      std::vector<const void*> inputs{plain.data()};
      if (form.scale) inputs.push_back(scale.data());
      if (form.shift) inputs.push_back(shift.data());
      if (form.addend) inputs.push_back(addend.data());
      Guarded<float> want(space.num_elements());
      void* out = want.data();
      ASSERT_TRUE((*map)->run(inputs.data(), &out, pool).ok());
      for (int64_t i = 0; i < want.size(); ++i) {
        if (std::isnan(want[i])) ASSERT_TRUE(std::isnan(got[i])) << e.tape.to_string() << " at " << i;
        else
          ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i]))
              << e.tape.to_string() << " at " << i << ": " << got[i] << " for " << want[i];
      }
    }
  }
}

void check_gemm(int64_t m, int64_t n, int64_t k, bool transpose_a = false, int64_t batch = 1) {
  GemmSpec s;
  s.m = m, s.n = n, s.k = k, s.transpose_a = transpose_a;
  s.batch = s.batch_a = batch;
  check(
      [&](const Epilogue& e, int threads) {
        s.epilogue = e;
        return plan_gemm(s, threads);
      },
      batch * m * k, k * n, batch == 1 ? Shape{m, n} : Shape{batch, m, n});
}

void check_conv(int64_t batch, int64_t size, int64_t in_c, int64_t out_c, int64_t taps, int64_t stride,
                bool depthwise = false) {
  ConvSpec s;
  s.winograd = false, s.depthwise = depthwise;
  s.batch = batch, s.in_h = s.in_w = size, s.in_c = in_c, s.out_c = out_c, s.filter_h = s.filter_w = taps;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = (taps - 1) / 2;
  s.out_h = s.out_w = (size + stride - 1) / stride;
  check(
      [&](const Epilogue& e, int threads) {
        s.epilogue = e;
        return plan_conv(s, threads);
      },
      batch * size * size * in_c, taps * taps * (depthwise ? out_c : in_c * out_c),
      Shape{batch, s.out_h, s.out_w, out_c});
}

TEST(Finish, Gemm) {
  check_gemm(300, 64, 32);
  check_gemm(301, 67, 33);
  check_gemm(150, 131, 1100);     // several blocks of steps
  check_gemm(100, 700, 600);      // B and A packed
  check_gemm(33, 300, 90, true);  // A by columns
  check_gemm(3, 200, 500);
  check_gemm(29, 5, 40, false, 7);
  check_gemm(40, 20, 0);
  check_gemm(4500, 256, 8);  // what is added is fetched ahead
}

TEST(Finish, Conv) {
  check_conv(1, 56, 32, 64, 1, 1);
  check_conv(2, 19, 7, 37, 1, 1);
  check_conv(1, 57, 3, 32, 3, 2);
  check_conv(3, 30, 5, 13, 5, 1);
  check_conv(1, 7, 128, 40, 3, 1);  // taps one by one
  check_conv(4, 14, 600, 16, 3, 1);
}

TEST(Finish, Depthwise) {
  check_conv(2, 14, 32, 32, 3, 1, true);
  check_conv(1, 15, 21, 21, 3, 1, true);
  check_conv(1, 13, 19, 19, 3, 2, true);
  check_conv(1, 12, 17, 17, 5, 1, true);
  check_conv(2, 9, 6, 12, 3, 1, true);  // two results of each channel
}

// Those that a Finish has, and no others.
TEST(Finish, Forms) {
  const Shape space{30, 48};
  for (const Form& form : forms()) {
    const bool any = form.scale || form.shift || form.addend || form.low || form.high;
    const auto bound = contract::BoundEpilogue::make(epilogue_of(form, space), DType::kFloat, space);
    ASSERT_TRUE(bound.ok());
    EXPECT_EQ(bound->in_tiles(48), any && !form.addend_first);
    EXPECT_FALSE(bound->in_tiles(30));
  }
}

}  // namespace
}  // namespace tw
