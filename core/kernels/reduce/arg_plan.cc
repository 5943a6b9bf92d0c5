#include "core/kernels/reduce/arg_plan.h"

#include <algorithm>

#include "core/kernels/map.h"
#include "core/kernels/reduce/combine.h"

namespace tw {
namespace {

// Places of extremes along one axis.
class ArgPlan final : public ReducePlan {
 public:
  static Result<std::unique_ptr<ReducePlan>> make(const ReduceSpec& spec) {
    if (!spec.pre.inputs.empty() || !spec.post.inputs.empty()) {
      return unimplemented("argmax and argmin take no tapes");
    }
    if (spec.axes.size() != 1 || spec.axes[0] < 0 || spec.axes[0] >= spec.space.rank()) {
      return invalid_argument("argmax and argmin take one axis of ", spec.space);
    }
    auto plan = std::unique_ptr<ArgPlan>(new ArgPlan);
    const int axis = spec.axes[0];
    plan->reduce_ = spec.space[axis];
    plan->outer_ = spec.space.product(0, axis);
    plan->inner_ = spec.space.product(axis + 1, spec.space.rank());
    if (plan->reduce_ == 0 && plan->outer_ * plan->inner_ > 0) {
      return invalid_argument("Reduction axis ", axis, " is empty in shape ", spec.space);
    }
    if (spec.result != DType::kInt32 && spec.result != DType::kInt64) {
      return invalid_argument("argmax and argmin give int32 or int64, not ", dtype_name(spec.result));
    }
    plan->narrow_ = spec.result == DType::kInt32;
    DType t = spec.dtype;
    if (t == DType::kHalf || t == DType::kBfloat16) {
      const Shape flat{spec.space.num_elements()};
      Tape widen;
      widen.add_input(t);
      widen.outputs = {widen.emit(MicroOp::k_cast, DType::kFloat, 0)};
      TW_ASSIGN_OR_RETURN(plan->widen_, plan_map(widen, {&flat, 1}, flat));
      t = DType::kFloat;
    }
    plan->size_ = static_cast<int64_t>(dtype_size(t));
    plan->fns_ = find_arg(spec.op == ReduceOp::kArgMax, t);
    if (plan->fns_.rows == nullptr) return unimplemented("argmax and argmin do not take ", dtype_name(spec.dtype));
    return std::unique_ptr<ReducePlan>(std::move(plan));
  }

  Status run(const void* const* inputs, void* const* outputs, void* workspace, WorkerPool& pool) const override {
    const char* x = static_cast<const char*>(inputs[0]);
    if (widen_ != nullptr) {
      TW_RETURN_IF_ERROR(widen_->run(inputs, &workspace, pool));
      x = static_cast<const char*>(workspace);
    }
    const int64_t grain = grain_for_ns(0.5 * static_cast<double>(reduce_));
    if (inner_ == 1) {
      pool.parallel_for(outer_, grain, [&](int64_t b, int64_t e) {
        int64_t index[ArgFns::kMaxColumns];
        for (int64_t o = b; o < e; o += ArgFns::kMaxColumns) {
          const int64_t n = std::min(ArgFns::kMaxColumns, e - o);
          fns_.rows(x + o * reduce_ * size_, n, reduce_, index);
          put(index, n, outputs[0], o);
        }
      });
      return {};
    }
    const int64_t pieces = (inner_ + ArgFns::kMaxColumns - 1) / ArgFns::kMaxColumns;
    pool.parallel_for(outer_ * pieces, grain / ArgFns::kMaxColumns + 1, [&](int64_t b, int64_t e) {
      int64_t index[ArgFns::kMaxColumns];
      for (int64_t u = b; u < e; ++u) {
        const int64_t o = u / pieces, c = u % pieces * ArgFns::kMaxColumns;
        const int64_t n = std::min(ArgFns::kMaxColumns, inner_ - c);
        fns_.columns(x + (o * reduce_ * inner_ + c) * size_, reduce_, inner_, n, index);
        put(index, n, outputs[0], o * inner_ + c);
      }
    });
    return {};
  }

  size_t workspace_bytes() const override {
    return widen_ == nullptr ? 0 : static_cast<size_t>(outer_ * reduce_ * inner_) * sizeof(float);
  }
  double flops() const override { return static_cast<double>(outer_ * reduce_ * inner_); }

 private:
  ArgPlan() = default;
  void put(const int64_t* index, int64_t n, void* out, int64_t at) const {
    for (int64_t i = 0; i < n; ++i) {
      if (narrow_) static_cast<int32_t*>(out)[at + i] = static_cast<int32_t>(index[i]);
      else static_cast<int64_t*>(out)[at + i] = index[i];
    }
  }

  int64_t outer_ = 1, reduce_ = 1, inner_ = 1, size_ = 4;
  bool narrow_ = false;
  ArgFns fns_;
  std::shared_ptr<const MapPlan> widen_;
};

}  // namespace

Result<std::unique_ptr<ReducePlan>> plan_arg_reduce(const ReduceSpec& spec) { return ArgPlan::make(spec); }

}  // namespace tw
