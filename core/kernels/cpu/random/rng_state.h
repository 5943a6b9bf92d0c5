// The generator that a random op's node keeps from step to step.
#pragma once

#include <atomic>
#include <functional>

#include "core/framework/kernel.h"
#include "core/kernels/cpu/random/philox.h"

namespace tw {

// A seed that is another each time.
uint64_t system_random();

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

// Part of the kernel state of stateful random ops: finds what the node keeps from step to step in the session's
// resources under the node's name (attribute _node), so that all programs of a session that run the node share it.
template <typename R>
class NodeResource {
 public:
  NodeResource(const AttrReader& attrs, std::string_view container, std::function<Ref<R>()> make)
      : container_(container), node_(attrs.has("_node") ? attrs.string("_node") : ""), make_(std::move(make)) {
    // A node without a name has nobody to share with.
    if (node_.empty()) state_ = make_();
  }

  Result<R*> get(const RunContext& ctx) const {
    if (node_.empty()) return state_.get();
    ResourceManager& resources = ctx.step().resources();
    if (manager_.load(std::memory_order_acquire) == &resources) return state_.get();
    TW_ASSIGN_OR_RETURN(ResourceHandle handle,
                        resources.find_or_create(
                            container_, node_, [this]() -> Result<ResourceHandle> { return ResourceHandle(make_()); }));
    auto* const found = dynamic_cast<R*>(handle.get());
    if (found == nullptr) return internal_error("Resource ", container_, "/", node_, " is something else");
    std::lock_guard lock(mutex_);
    if (manager_.load(std::memory_order_relaxed) == nullptr) {
      state_ = Ref<R>(found);
      manager_.store(&resources, std::memory_order_release);
    }
    return found;  // the manager holds it
  }

 private:
  std::string container_, node_;
  std::function<Ref<R>()> make_;
  // Of the first manager asked for, which is the only one in a session.
  mutable std::mutex mutex_;
  mutable std::atomic<ResourceManager*> manager_{nullptr};
  mutable Ref<R> state_;
};

// The node's generator, started from the attributes seed and seed2.
class RngLookup {
 public:
  explicit RngLookup(const AttrReader& attrs);
  Result<RngState*> get(const RunContext& ctx) const { return state_.get(ctx); }

 private:
  NodeResource<RngState> state_;
};

}  // namespace tw
