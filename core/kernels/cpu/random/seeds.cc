#include "core/kernels/cpu/random/seeds.h"

#include "core/kernels/cpu/array/outputs.h"

namespace tw {

Result<Philox> stateless_generator(const Value& seed) {
  if (*seed.shape != Shape{2}) return invalid_argument("seed must have shape [2], not ", *seed.shape);
  const auto seed0 = static_cast<uint64_t>(index_at(seed, 0)), seed1 = static_cast<uint64_t>(index_at(seed, 1));
  // One step under a fixed key mixes the seeds, so that neighbouring seeds give unrelated sequences.
  Philox mixer({static_cast<uint32_t>(seed0), static_cast<uint32_t>(seed0 >> 32), static_cast<uint32_t>(seed1),
                static_cast<uint32_t>(seed1 >> 32)},
               {0x3ec8f720, 0x02461e29});
  const Philox::Block mixed = mixer();
  return Philox({0, 0, mixed[2], mixed[3]}, {mixed[0], mixed[1]});
}

}  // namespace tw
