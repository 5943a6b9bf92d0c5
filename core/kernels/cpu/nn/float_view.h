// 16-bit float tensors as float ones, for kernels that compute in float or double only: inputs are widened into the
// workspace, outputs are computed there and narrowed. Other dtypes pass through untouched.
#pragma once

#include <memory>

#include "core/kernels/map.h"

namespace tw {

class FloatView {
 public:
  // For a tensor of `count` elements that the kernel reads; takes room from the workspace where needed.
  static Result<FloatView> reader(DType t, int64_t count, size_t* workspace) {
    return make(t, DType::kFloat, t, count, workspace);
  }
  // For one that it writes.
  static Result<FloatView> writer(DType t, int64_t count, size_t* workspace) {
    return make(DType::kFloat, t, t, count, workspace);
  }
  // The dtype that the kernel sees.
  static DType dtype(DType t) { return t == DType::kHalf || t == DType::kBfloat16 ? DType::kFloat : t; }

  Result<const void*> read(const void* data, void* workspace, WorkerPool& pool) const {
    if (cast_ == nullptr) return data;
    void* wide = static_cast<char*>(workspace) + offset_;
    TW_RETURN_IF_ERROR(cast_->run(&data, &wide, pool));
    return static_cast<const void*>(wide);
  }
  void* target(void* data, void* workspace) const {
    return cast_ == nullptr ? data : static_cast<char*>(workspace) + offset_;
  }
  // After the kernel wrote target().
  Status write(void* data, void* workspace, WorkerPool& pool) const {
    if (cast_ == nullptr) return {};
    const void* wide = static_cast<char*>(workspace) + offset_;
    return cast_->run(&wide, &data, pool);
  }

 private:
  static Result<FloatView> make(DType from, DType to, DType t, int64_t count, size_t* workspace) {
    FloatView v;
    if (dtype(t) == t) return v;
    const Shape flat{count};
    TW_ASSIGN_OR_RETURN(v.cast_, plan_map(tape_of(MicroOp::k_cast, from, to), {&flat, 1}, flat));
    v.offset_ = *workspace;
    *workspace += (static_cast<size_t>(count) * sizeof(float) + 63) / 64 * 64;
    return v;
  }

  std::shared_ptr<const MapPlan> cast_;
  size_t offset_ = 0;
};

}  // namespace tw
