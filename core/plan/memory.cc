// Arena layout: largest first, each at the lowest offset where nothing alive at the same time lies. Close to optimal
// for networks, and simple to check.
#include <algorithm>
#include <numeric>

#include "core/plan/plan.h"
#include "core/platform/alloc.h"

namespace tw {

namespace {

size_t padded(size_t n) { return (n + kTailPadding + kAlignment - 1) / kAlignment * kAlignment; }

// `of(i)` is what `together` compares of value i; each pair is compared at most once.
template <typename Of, typename Together>
size_t pack(const std::vector<size_t>& bytes, const Of& of, const Together& together, std::vector<size_t>* offsets) {
  std::vector<size_t> order(bytes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return bytes[a] > bytes[b]; });
  offsets->assign(bytes.size(), 0);
  size_t total = 0;
  struct Placed {
    size_t begin, end;
    decltype(of(size_t{})) value;
  };
  std::vector<Placed> placed;  // by begin
  placed.reserve(bytes.size());
  for (size_t i : order) {
    const size_t mine = padded(bytes[i]);
    const auto value = of(i);
    size_t at = 0;
    for (const Placed& p : placed) {
      if (p.begin >= at + mine) break;  // whatever comes later lies behind as well
      if (p.end > at && together(value, p.value)) at = p.end;
    }
    (*offsets)[i] = at;
    total = std::max(total, at + mine);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), at, [](size_t a, const Placed& p) { return a < p.begin; }),
        {at, at + mine, value});
  }
  return total;
}

}  // namespace

size_t pack_arena(const std::vector<size_t>& bytes, const std::function<bool(size_t, size_t)>& together,
                  std::vector<size_t>* offsets) {
  return pack(bytes, [](size_t i) { return i; }, together, offsets);
}

size_t pack_arena(const std::vector<size_t>& bytes, const std::vector<Lifetime>& lives, std::vector<size_t>* offsets) {
  return pack(
      bytes, [&](size_t i) { return lives[i]; },
      [](const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }, offsets);
}

size_t most_alive(const std::vector<size_t>& bytes, const std::vector<Lifetime>& lives) {
  uint32_t end = 0;
  for (const Lifetime& l : lives) end = std::max(end, l.last);
  std::vector<size_t> begun(size_t{end} + 2, 0), over(size_t{end} + 2, 0);
  for (size_t i = 0; i < lives.size(); ++i) {
    if (lives[i].first > lives[i].last) continue;
    begun[lives[i].first] += padded(bytes[i]);
    over[size_t{lives[i].last} + 1] += padded(bytes[i]);
  }
  size_t alive = 0, most = 0;
  for (size_t t = 0; t < begun.size(); ++t) {
    alive = alive + begun[t] - over[t];
    most = std::max(most, alive);
  }
  return most;
}

}  // namespace tw
