#include "core/kernels/cpu/random/rng_state.h"

#include <random>

namespace tw {
namespace {

uint64_t system_random() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

}  // namespace

RngLookup::RngLookup(const AttrReader& attrs) {
  if (attrs.has("_node")) node_ = attrs.string("_node");
  auto seed = static_cast<uint64_t>(attrs.integer("seed")), seed2 = static_cast<uint64_t>(attrs.integer("seed2"));
  if (seed == 0 && seed2 == 0) {
    seed = system_random();
    seed2 = system_random();
  }
  start_ = Philox(seed, seed2);
  // A node without a name has nobody to share with.
  if (node_.empty()) state_ = make_ref<RngState>(start_);
}

Result<Ref<RngState>> RngLookup::find(ResourceManager& resources) const {
  TW_ASSIGN_OR_RETURN(ResourceHandle found, resources.find_or_create("_rng", node_, [&]() -> Result<ResourceHandle> {
    return ResourceHandle(make_ref<RngState>(start_));
  }));
  auto* state = dynamic_cast<RngState*>(found.get());
  if (state == nullptr) return internal_error("Resource _rng/", node_, " is no random generator");
  return Ref<RngState>(state);
}

Result<RngState*> RngLookup::get(const RunContext& ctx) const {
  if (node_.empty()) return state_.get();
  ResourceManager& resources = ctx.step().resources();
  if (manager_.load(std::memory_order_acquire) == &resources) return state_.get();
  TW_ASSIGN_OR_RETURN(Ref<RngState> found, find(resources));
  RngState* const state = found.get();
  std::lock_guard lock(mutex_);
  if (manager_.load(std::memory_order_relaxed) == nullptr) {
    state_ = std::move(found);
    manager_.store(&resources, std::memory_order_release);
  }
  return state;  // the manager holds it
}

}  // namespace tw
