// Arena layout: largest first, each at the lowest offset where nothing alive at the same time lies. Close to optimal
// for networks, and simple to check.
#include <algorithm>
#include <numeric>

#include "core/plan/plan.h"
#include "core/platform/alloc.h"

namespace tw {

size_t pack_arena(const std::vector<Lifetime>& lifetimes, std::vector<size_t>* offsets) {
  const auto padded = [](size_t bytes) { return (bytes + kTailPadding + kAlignment - 1) / kAlignment * kAlignment; };
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  offsets->assign(lifetimes.size(), 0);
  size_t total = 0;
  std::vector<size_t> placed;  // by offset
  for (size_t i : order) {
    const Lifetime& mine = lifetimes[i];
    const size_t bytes = padded(mine.bytes);
    size_t at = 0;
    for (size_t j : placed) {
      const Lifetime& other = lifetimes[j];
      if (other.end < mine.begin || mine.end < other.begin) continue;
      if ((*offsets)[j] >= at + bytes) break;
      at = std::max(at, (*offsets)[j] + padded(other.bytes));
    }
    (*offsets)[i] = at;
    total = std::max(total, at + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return (*offsets)[a] < (*offsets)[b]; }),
                  i);
  }
  return total;
}

}  // namespace tw
