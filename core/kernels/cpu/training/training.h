// Optimizer updates: what the driver (training.cc) and the vectorised loops (loops.cc) agree on.
#pragma once

#include <cstdint>

#include "core/framework/dtype.h"

namespace tw {

// One update rule serves the dense and the sparse form of an op. Slots and scalars are in the order of the op's inputs.
enum class TrainingRule : uint8_t {
  kGradientDescent,
  kMomentum,
  kKerasMomentum,
  kAdagrad,
  kAdagradV2,
  kAdagradDA,
  kAdadelta,
  kRMSProp,
  kCenteredRMSProp,
  kAdam,
  kAdamWithAmsgrad,
  kAdaMax,
  kFtrl,
  kFtrlV2,
  kProximalGradientDescent,
  kProximalAdagrad,
  kAddSign,
  kPowerSign,
  kCount
};

inline constexpr int kMaxSlots = 4;  // the variable itself counts
inline constexpr int kMaxScalars = 8;

struct TrainingArgs {
  double scalars[kMaxScalars] = {};
  int64_t global_step = 0;
  bool use_nesterov = false;
  bool update_slots = true;
};

// Updates `count` elements: slots[0] is the variable, the others its accumulators, all of one dtype and not
// overlapping.
using TrainingLoop = void (*)(void* const* slots, const void* grad, const TrainingArgs& args, int64_t count);

// The loop for double, or for float.
TrainingLoop find_training_loop(TrainingRule rule, DType dtype);

}  // namespace tw
