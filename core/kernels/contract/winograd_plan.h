// Convolutions by Winograd's algorithm: which, and the plans.
#pragma once

#include "core/kernels/contract.h"
#include "core/kernels/contract/winograd.h"

namespace tw::contract {

// Tiles of a unit: fewer would read the transformed filter too often for what they multiply with it.
inline constexpr int64_t kMinTiles = 28, kMaxTiles = 112;
// Up to this many tiles are one unit, which reads each transformed panel of the filter once: then a panel is
// transformed just before it is used, and never leaves the cache. A constant filter is kept transformed, four times its
// size, for more tiles only.
inline constexpr int64_t kTilesOfOnePass = 24;
// In a filter's gradient, tiles between two visits to the sums: as long as these lie beyond the second-level cache,
// visits are dear.
inline constexpr int64_t kTilesAtATime = 112;

// An input gradient is a convolution of dy with the taps in reverse order.
WinogradGrid winograd_grid(const ConvSpec& spec);
bool one_pass(const ConvSpec& spec, const WinogradGrid& grid);
bool keeps_filter(const ConvSpec& spec, const WinogradGrid& grid);

// Whether the algorithm can do the convolution, and whether it is expected to be faster than the direct sum.
bool takes_winograd(const ConvSpec& spec);
bool wants_winograd(const ConvSpec& spec);

// Forward and input gradient; the filter's gradient.
Result<std::unique_ptr<ContractPlan>> plan_winograd(const ConvSpec& spec, int threads);
Result<std::unique_ptr<ContractPlan>> plan_winograd_filter_grad(const ConvSpec& spec, int threads);

}  // namespace tw::contract
