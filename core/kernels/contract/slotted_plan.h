// What the engine's plans have in common.
#pragma once

#include <memory>

#include "core/kernels/contract.h"
#include "core/kernels/contract/epilogue.h"

namespace tw::contract {

// Work for `slots_` threads at most, with a piece of the workspace for all and one for each slot behind it.
class SlottedPlan : public ContractPlan {
 public:
  size_t workspace_bytes() const final { return shared_bytes_ + static_cast<size_t>(slots_) * slot_bytes_; }
  double flops() const final { return flops_ + epilogue_.flops(); }

 protected:
  int slots_ = 1;
  size_t shared_bytes_ = 0, slot_bytes_ = 0;
  double flops_ = 0;  // without the epilogue's
  BoundEpilogue epilogue_;
};

// Which of an operand's `count` matrices result `item` of a batch uses; see GemmSpec.
inline int64_t matrix_of(const std::vector<int64_t>& index, int64_t count, int64_t item) {
  return !index.empty() ? index[static_cast<size_t>(item)] : count == 1 ? 0 : item;
}

// A plan that takes its operands the other way round.
class SwappedPlan final : public ContractPlan {
 public:
  explicit SwappedPlan(std::unique_ptr<ContractPlan> inner) : inner_(std::move(inner)) {}
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override {
    return inner_->run(b, a, operands, outputs, workspace, pool);
  }
  size_t workspace_bytes() const override { return inner_->workspace_bytes(); }
  double flops() const override { return inner_->flops(); }
  std::string_view algorithm() const override { return inner_->algorithm(); }

 private:
  std::unique_ptr<ContractPlan> inner_;
};

// A Plan after its plan(spec, threads).
template <typename Plan, typename Spec>
Result<std::unique_ptr<ContractPlan>> make_plan(const Spec& spec, int threads) {
  auto plan = std::make_unique<Plan>();
  TW_RETURN_IF_ERROR(plan->plan(spec, threads));
  return std::unique_ptr<ContractPlan>(std::move(plan));
}

// A Plan<storage, compute> of the spec's floating dtype; `what` cannot be done in other dtypes.
template <template <typename, typename> class Plan, typename Spec>
Result<std::unique_ptr<ContractPlan>> make_floating_plan(const Spec& spec, int threads, const char* what) {
  switch (spec.dtype) {
    case DType::kFloat: return make_plan<Plan<float, float>>(spec, threads);
    case DType::kDouble: return make_plan<Plan<double, double>>(spec, threads);
    case DType::kHalf: return make_plan<Plan<half, float>>(spec, threads);
    case DType::kBfloat16: return make_plan<Plan<bfloat16, float>>(spec, threads);
    default: return unimplemented("No ", what, " for ", dtype_name(spec.dtype));
  }
}

}  // namespace tw::contract
