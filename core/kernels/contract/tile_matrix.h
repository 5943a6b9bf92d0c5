// Tiles in the matrix registers that some processors have beside their vectors.
#pragma once

#include "core/kernels/contract/tile.h"

namespace tw::contract {

// Sums are those of pairs: of floats, rounded to nearest even, with subnormal numbers as zero. Null where the processor
// has no such registers (AMX with bfloat16 on x86-64), or the system does not let the process use them.
const TileSet<Bfloat16Pair>* matrix_tiles();
// Tiles of pairs in vector registers. Only where has_bfloat16_pairs().
const TileSet<Bfloat16Pair>& vector_pair_tiles();

}  // namespace tw::contract
