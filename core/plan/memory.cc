// Arena layout: largest first, each at the lowest offset where nothing alive at the same time lies. Close to optimal
// for networks, and simple to check.
#include <algorithm>
#include <numeric>

#include "core/plan/plan.h"
#include "core/platform/alloc.h"

namespace tw {

size_t pack_arena(const std::vector<size_t>& bytes, const std::function<bool(size_t, size_t)>& together,
                  std::vector<size_t>* offsets) {
  const auto padded = [](size_t n) { return (n + kTailPadding + kAlignment - 1) / kAlignment * kAlignment; };
  std::vector<size_t> order(bytes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return bytes[a] > bytes[b]; });
  offsets->assign(bytes.size(), 0);
  size_t total = 0;
  std::vector<size_t> placed;  // by offset
  for (size_t i : order) {
    const size_t mine = padded(bytes[i]);
    size_t at = 0;
    for (size_t j : placed) {
      if (!together(i, j)) continue;
      if ((*offsets)[j] >= at + mine) break;
      at = std::max(at, (*offsets)[j] + padded(bytes[j]));
    }
    (*offsets)[i] = at;
    total = std::max(total, at + mine);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return (*offsets)[a] < (*offsets)[b]; }),
                  i);
  }
  return total;
}

}  // namespace tw
