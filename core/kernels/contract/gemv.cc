#include "core/kernels/contract/gemv.h"

#include "core/kernels/contract/epilogue.h"
#include "core/kernels/contract/tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/gemv.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// y[r] = sum over i of a[r * k + i] * x[i]. Four rows share each load of x, and each row has two sums in flight.
template <typename T>
void dot_rows(const T* HWY_RESTRICT a, const T* HWY_RESTRICT x, T* HWY_RESTRICT y, int64_t rows, int64_t k) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < rows; r += 4) {
    const int64_t n = rows - r < 4 ? rows - r : 4;
    // Missing rows repeat the last one.
    const T* a0 = a + r * k;
    const T* a1 = a + (r + (n > 1 ? 1 : 0)) * k;
    const T* a2 = a + (r + (n > 2 ? 2 : n - 1)) * k;
    const T* a3 = a + (r + n - 1) * k;
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
    int64_t i = 0;
    for (; i + 2 * lanes <= k; i += 2 * lanes) {
      const auto v = hn::LoadU(d, x + i), w = hn::LoadU(d, x + i + lanes);
      s0 = hn::MulAdd(hn::LoadU(d, a0 + i), v, s0);
      s1 = hn::MulAdd(hn::LoadU(d, a1 + i), v, s1);
      s2 = hn::MulAdd(hn::LoadU(d, a2 + i), v, s2);
      s3 = hn::MulAdd(hn::LoadU(d, a3 + i), v, s3);
      t0 = hn::MulAdd(hn::LoadU(d, a0 + i + lanes), w, t0);
      t1 = hn::MulAdd(hn::LoadU(d, a1 + i + lanes), w, t1);
      t2 = hn::MulAdd(hn::LoadU(d, a2 + i + lanes), w, t2);
      t3 = hn::MulAdd(hn::LoadU(d, a3 + i + lanes), w, t3);
    }
    T sums[4] = {hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, t0))), hn::GetLane(hn::SumOfLanes(d, hn::Add(s1, t1))),
                 hn::GetLane(hn::SumOfLanes(d, hn::Add(s2, t2))), hn::GetLane(hn::SumOfLanes(d, hn::Add(s3, t3)))};
    for (; i < k; ++i) {
      sums[0] += a0[i] * x[i];
      sums[1] += a1[i] * x[i];
      sums[2] += a2[i] * x[i];
      sums[3] += a3[i] * x[i];
    }
    for (int64_t j = 0; j < n; ++j) y[r + j] = sums[j];
  }
}

void dot_rows_float(const float* a, const float* x, float* y, int64_t rows, int64_t k) { dot_rows(a, x, y, rows, k); }
void dot_rows_double(const double* a, const double* x, double* y, int64_t rows, int64_t k) {
  dot_rows(a, x, y, rows, k);
}

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(dot_rows_float);
HWY_EXPORT(dot_rows_double);

namespace {

void dot_rows(const float* a, const float* x, float* y, int64_t rows, int64_t k) {
  HWY_DYNAMIC_DISPATCH(dot_rows_float)(a, x, y, rows, k);
}
void dot_rows(const double* a, const double* x, double* y, int64_t rows, int64_t k) {
  HWY_DYNAMIC_DISPATCH(dot_rows_double)(a, x, y, rows, k);
}

template <typename T>
class GemvPlan final : public ContractPlan {
 public:
  Status plan(const GemmSpec& s, int threads) {
    matrix_is_a_ = s.n == 1;
    rows_ = matrix_is_a_ ? s.m : s.n;
    k_ = s.k;
    slots_ = slots_for(2 * flops(), threads);  // it waits for memory, so threads pay off earlier
    TW_ASSIGN_OR_RETURN(epilogue_, BoundEpilogue::make(s.epilogue, s.dtype, Shape{s.m, s.n}));
    block_ = std::max<int64_t>(16, std::min<int64_t>(kMapBlock, (rows_ + 4 * slots_ - 1) / (4 * slots_) / 4 * 4));
    return {};
  }
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override {
    const T* matrix = static_cast<const T*>(matrix_is_a_ ? a : b);
    const T* vector = static_cast<const T*>(matrix_is_a_ ? b : a);
    const int home = epilogue_.home();
    T* results = static_cast<T*>(home >= 0 ? outputs[home] : workspace);
    FirstError error;
    run_tasks(pool, slots_, (rows_ + block_ - 1) / block_, [&](int64_t task, int) {
      const int64_t first = task * block_, count = std::min(block_, rows_ - first);
      dot_rows(matrix + first * k_, vector, results + first, count, k_);
      if (!epilogue_.empty()) error.set(epilogue_.run(results + first, operands, outputs, first, count));
    });
    return error.take();
  }
  size_t workspace_bytes() const override { return epilogue_.home() >= 0 ? 0 : piece_bytes<T>(rows_); }
  double flops() const override {
    return 2.0 * static_cast<double>(rows_) * static_cast<double>(k_) + epilogue_.flops();
  }
  std::string_view algorithm() const override { return "gemv"; }

 private:
  bool matrix_is_a_ = true;
  int64_t rows_ = 0, k_ = 0, block_ = 16;
  int slots_ = 1;
  BoundEpilogue epilogue_;
};

template <typename T>
Result<std::unique_ptr<ContractPlan>> make_gemv(const GemmSpec& spec, int threads) {
  auto plan = std::make_unique<GemvPlan<T>>();
  TW_RETURN_IF_ERROR(plan->plan(spec, threads));
  return std::unique_ptr<ContractPlan>(std::move(plan));
}

}  // namespace

bool is_gemv(const GemmSpec& s) {
  if (s.batch != 1 || s.batch_a != 1 || s.batch_b != 1 || s.k < 8) return false;
  if (s.dtype != DType::kFloat && s.dtype != DType::kDouble) return false;
  const bool ta = s.transpose_a || s.adjoint_a, tb = s.transpose_b || s.adjoint_b;
  return (s.n == 1 && !ta && s.m > 0) || (s.m == 1 && tb && s.n > 0);
}

Result<std::unique_ptr<ContractPlan>> plan_gemv(const GemmSpec& spec, int threads) {
  return spec.dtype == DType::kFloat ? make_gemv<float>(spec, threads) : make_gemv<double>(spec, threads);
}

}  // namespace tw::contract
#endif
