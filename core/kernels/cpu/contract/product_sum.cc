// Sums of products A^T * B over the iterations of a loop, as the gradients of weights are: _EmptyProductSum,
// _AddProduct, _ProductSumTotal. A product of few rows does little work for each element of the sum, which is read and
// written every time; so rows of A and B wait until there are enough of them, and are multiplied together.
#include <algorithm>
#include <functional>

#include "core/framework/resource.h"
#include "core/kernels/contract.h"
#include "core/kernels/contract/tasks.h"
#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

// Rows that pay for reading and writing the sum. Products of half as many are not copied to wait.
constexpr int64_t kRows = 256;

struct ProductSum final : VariantValue {
  int64_t m = -1, n = -1;  // of the sum; unknown before the first term
  int64_t rows = 0;        // that wait
  Tensor a, b;             // [room, m] and [room, n]: what waits, where anything does
  Tensor total;            // [m, n]; not valid() before the first product
  Tensor spare;            // takes the next total

  // total += a^T * b.
  Status add(const ContractPlan& plan, const void* left, const void* right, void* workspace, WorkerPool& pool) {
    if (!total.valid()) {
      TW_ASSIGN_OR_RETURN(total, Tensor::make(DType::kFloat, Shape{m, n}));
      std::fill_n(total.data<float>(), total.num_elements(), 0.0f);
    }
    if (!spare.exclusive()) {
      TW_ASSIGN_OR_RETURN(spare, Tensor::make(DType::kFloat, Shape{m, n}));
    }
    const void* const operand = total.raw();
    void* const out = spare.raw();
    TW_RETURN_IF_ERROR(plan.run(left, right, &operand, &out, workspace, pool));
    std::swap(total, spare);
    return {};
  }
};

Result<std::unique_ptr<ContractPlan>> plan_product(int64_t m, int64_t n, int64_t rows, int threads) {
  GemmSpec s;
  s.m = m, s.n = n, s.k = rows;
  s.transpose_a = true;
  s.epilogue.tape.inputs = {DType::kFloat, DType::kFloat};
  s.epilogue.tape.insts = {{MicroOp::k_add, DType::kFloat, {1, 0}}};
  s.epilogue.tape.outputs = {2};
  s.epilogue.operand_shapes = {Shape{m, n}};
  return plan_gemm(s, threads);
}

// Multiplies what waits.
Status multiply_waiting(ProductSum& sum, WorkerPool& pool) {
  if (sum.rows == 0) return {};
  TW_ASSIGN_OR_RETURN(const auto plan, plan_product(sum.m, sum.n, sum.rows, pool.threads()));
  TW_ASSIGN_OR_RETURN(const auto workspace, contract::make_block<char>(static_cast<int64_t>(plan->workspace_bytes())));
  sum.rows = 0;
  return sum.add(*plan, sum.a.raw(), sum.b.raw(), workspace.get(), pool);
}

Result<const ProductSum*> sum_input(const RunContext& ctx) {
  const Value& v = ctx.input(0);
  const auto* sum = dynamic_cast<const ProductSum*>(static_cast<const Variant*>(v.data)->get());
  if (sum == nullptr) return invalid_argument("the variant of shape ", *v.shape, " is no sum of products");
  return sum;
}

// The sum as one that the caller may change.
Result<Ref<ProductSum>> take_sum(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const ProductSum* const sum, sum_input(ctx));
  if (Ref<VariantValue> alone = take_alone(ctx, 0))
    return Ref<ProductSum>::adopt(static_cast<ProductSum*>(alone.release()));
  auto copy = make_ref<ProductSum>();
  copy->m = sum->m, copy->n = sum->n, copy->rows = sum->rows;
  copy->total = sum->total;
  if (sum->rows > 0) {
    TW_ASSIGN_OR_RETURN(copy->a, sum->a.clone());
    TW_ASSIGN_OR_RETURN(copy->b, sum->b.clone());
  }
  return copy;
}

struct AddState : KernelState {
  int64_t m = 0, n = 0, rows = 0;
  int64_t room = 0;                    // rows that wait at most: a whole number of products
  std::unique_ptr<ContractPlan> plan;  // of `room` rows
  bool dynamic = false;
};

struct OutputState : KernelState {
  bool dynamic = false;
};

Status prepare_output(PrepareContext& ctx) {
  ctx.emplace_state<OutputState>().dynamic = output_is_dynamic(ctx, 0);
  return {};
}

Status run_empty(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, Shape{}, ctx.state<OutputState>().dynamic));
  *static_cast<Variant*>(to) = Variant(make_ref<ProductSum>());
  return {};
}

Status prepare_add(PrepareContext& ctx) {
  const Shape &a = ctx.input_shape(1), &b = ctx.input_shape(2);
  if (a.rank() != 2 || b.rank() != 2 || a[0] != b[0]) {
    return invalid_argument("a must have as many rows as b, got matrices of ", a, " and ", b);
  }
  auto& state = ctx.emplace_state<AddState>();
  state.dynamic = output_is_dynamic(ctx, 0);
  state.m = a[1], state.n = b[1], state.rows = a[0];
  state.room = state.rows * std::max<int64_t>(1, kRows / std::max<int64_t>(state.rows, 1));
  TW_ASSIGN_OR_RETURN(state.plan, plan_product(state.m, state.n, state.room, ctx.threads()));
  ctx.set_workspace(state.plan->workspace_bytes());
  ctx.set_cost({2.0 * static_cast<double>(state.m * state.n) * static_cast<double>(state.rows)});
  ctx.set_algorithm(state.plan->algorithm());
  return {};
}

Status run_add(const RunContext& ctx) {
  const auto& state = ctx.state<AddState>();
  TW_ASSIGN_OR_RETURN(Ref<ProductSum> sum, take_sum(ctx));
  if (sum->m < 0) sum->m = state.m, sum->n = state.n;
  if (sum->m != state.m || sum->n != state.n) {
    return invalid_argument("a product of shape ", Shape{state.m, state.n}, " does not fit a sum of shape ",
                            Shape{sum->m, sum->n});
  }
  if (state.room == state.rows) {
    TW_RETURN_IF_ERROR(sum->add(*state.plan, ctx.input(1).data, ctx.input(2).data, ctx.workspace(), ctx.pool()));
  } else {
    if (!sum->a.valid() || sum->a.shape()[0] != state.room) {
      // Rows of another count waited, or none.
      TW_RETURN_IF_ERROR(multiply_waiting(*sum, ctx.pool()));
      TW_ASSIGN_OR_RETURN(sum->a, Tensor::make(DType::kFloat, Shape{state.room, state.m}));
      TW_ASSIGN_OR_RETURN(sum->b, Tensor::make(DType::kFloat, Shape{state.room, state.n}));
    }
    std::copy_n(ctx.in<float>(1), state.rows * state.m, sum->a.data<float>() + sum->rows * state.m);
    std::copy_n(ctx.in<float>(2), state.rows * state.n, sum->b.data<float>() + sum->rows * state.n);
    sum->rows += state.rows;
    if (sum->rows == state.room) {
      sum->rows = 0;
      TW_RETURN_IF_ERROR(sum->add(*state.plan, sum->a.raw(), sum->b.raw(), ctx.workspace(), ctx.pool()));
    }
  }
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, Shape{}, state.dynamic));
  *static_cast<Variant*>(to) = Variant(std::move(sum));
  return {};
}

Status run_total(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Ref<ProductSum> sum, take_sum(ctx));
  const Shape start = *ctx.input(1).shape;
  if (sum->m >= 0 && start != Shape{sum->m, sum->n}) {
    return invalid_argument("a sum of shape ", Shape{sum->m, sum->n}, " cannot be added to a matrix of ", start);
  }
  TW_RETURN_IF_ERROR(multiply_waiting(*sum, ctx.pool()));
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, start, ctx.state<OutputState>().dynamic));
  const float* const from = ctx.in<float>(1);
  const int64_t count = start.num_elements();
  if (sum->total.valid())
    std::transform(from, from + count, sum->total.data<float>(), static_cast<float*>(to), std::plus());
  else std::copy_n(from, count, static_cast<float*>(to));
  return {};
}

}  // namespace

TW_KERNEL(EmptyProductSum, prepare_output, run_empty);
TW_KERNEL(AddProduct, prepare_add, run_add);
TW_KERNEL(ProductSumTotal, prepare_output, run_total);

}  // namespace tw
