// How kernels reach the variables behind resource inputs.
#pragma once

#include <algorithm>
#include <array>

#include "core/framework/kernel.h"

namespace tw {

// The variable behind resource input `i`. InvalidArgument when the handle is empty, of another kind, or of another
// dtype than `dtype` (kInvalid accepts any).
inline Result<Variable*> variable_input(const RunContext& ctx, int i, DType dtype = DType::kInvalid) {
  Resource* resource = ctx.in<ResourceHandle>(i)->get();
  if (!resource) return invalid_argument("Input ", i, " is an empty resource handle");
  auto* variable = dynamic_cast<Variable*>(resource);
  if (!variable) return invalid_argument("Input ", i, " must be a variable, but is ", resource->describe());
  if (dtype != DType::kInvalid && variable->dtype() != dtype) {
    return invalid_argument("Trying to access variable ", variable->name(), " with wrong dtype. Expected ",
                            dtype_name(variable->dtype()), " got ", dtype_name(dtype));
  }
  return variable;
}

// The error of reading a variable before its first assign.
inline Status uninitialized(const Variable& v) {
  return failed_precondition("Attempting to use uninitialized value ", v.name());
}

// Holds the locks of several variables, taken in address order so that two kernels cannot wait for each other. The same
// variable may be given twice.
template <size_t kMax>
class VariableLocks {
 public:
  explicit VariableLocks(std::span<Variable* const> variables) {
    for (Variable* v : variables) {
      if (std::find(held_.begin(), held_.begin() + count_, v) == held_.begin() + count_)
        held_[static_cast<size_t>(count_++)] = v;
    }
    std::sort(held_.begin(), held_.begin() + count_);
    for (int i = 0; i < count_; ++i) held_[static_cast<size_t>(i)]->mutex().lock();
  }
  ~VariableLocks() {
    for (int i = count_; i-- > 0;) held_[static_cast<size_t>(i)]->mutex().unlock();
  }
  VariableLocks(const VariableLocks&) = delete;
  VariableLocks& operator=(const VariableLocks&) = delete;

 private:
  std::array<Variable*, kMax> held_{};
  int count_ = 0;
};

// prepare() of kernels that need nothing from it.
inline Status prepare_nothing(PrepareContext&) { return {}; }

}  // namespace tw
