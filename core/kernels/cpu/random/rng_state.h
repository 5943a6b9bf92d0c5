// The generator that a random op's node keeps from step to step.
#pragma once

#include <atomic>

#include "core/framework/kernel.h"
#include "core/kernels/cpu/random/philox.h"

namespace tw {

class RngState : public Resource {
 public:
  explicit RngState(const Philox& gen) : gen_(gen) {}
  std::string describe() const override { return "random generator"; }
  // Takes the next `blocks` blocks for the caller: a generator at their start. Thread-safe.
  Philox reserve(uint64_t blocks) {
    std::lock_guard lock(mutex_);
    const Philox here = gen_;
    gen_.skip(blocks);
    return here;
  }
  // As TensorFlow counts: 256 blocks for each element, so that rejection never runs into the next call's share.
  Philox reserve_elements(int64_t count) { return reserve(static_cast<uint64_t>(count) * 256); }

 private:
  std::mutex mutex_;
  Philox gen_;
};

// Part of the kernel state of stateful random ops: finds the node's generator, in the session's resources under the
// node's name, so that all programs of a session that run the node draw from one sequence.
class RngLookup {
 public:
  // Reads the attributes seed, seed2 and _node.
  explicit RngLookup(const AttrReader& attrs);
  Result<RngState*> get(const RunContext& ctx) const;

 private:
  Result<Ref<RngState>> find(ResourceManager& resources) const;

  std::string node_;
  Philox start_;
  // The generator of the first manager asked for, which is the only one in a session.
  mutable std::mutex mutex_;
  mutable std::atomic<ResourceManager*> manager_{nullptr};
  mutable Ref<RngState> state_;
};

}  // namespace tw
