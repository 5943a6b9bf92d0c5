#include "core/kernels/cpu/random/rng_state.h"

#include <random>

namespace tw {

uint64_t system_random() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

namespace {

Philox start_of(const AttrReader& attrs) {
  const auto seed = static_cast<uint64_t>(attrs.integer("seed")), seed2 = static_cast<uint64_t>(attrs.integer("seed2"));
  return seed == 0 && seed2 == 0 ? Philox(system_random(), system_random()) : Philox(seed, seed2);
}

}  // namespace

RngLookup::RngLookup(const AttrReader& attrs)
    : state_(attrs, "_rng", [start = start_of(attrs)] { return make_ref<RngState>(start); }) {}

}  // namespace tw
