#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/chain.cc"
#include "core/kernels/simd.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/kernels/map/chain.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kRepeated>;
using V = hn::Vec<D>;

constexpr size_t kLinks = static_cast<size_t>(Link::kCount);

template <Link kLink, bool kFirst>
HWY_INLINE V apply(V v, V x) {
  if constexpr (kFirst && kLink == kSquaredDifference) {
    const V d = hn::Sub(v, x);
    return hn::Mul(d, d);
  }
  switch (kLink) {
    case Link::kAdd: return hn::Add(v, x);
    case Link::kMul: return hn::Mul(v, x);
    case Link::kSub: return hn::Sub(v, x);
    case Link::kReverseSub: return hn::Sub(x, v);
    // When an operand is NaN the first one is the result, as in the op of its own.
    default: return hn::IfThenElse(hn::Lt(v, x), x, v);
  }
}

// kCode: the links as digits, the first lowest.
template <size_t kCount, size_t kCode>
void chain(const ChainOperands& from, float* out, size_t n) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const float *a = from.data[0], *b = from.data[1], *c = from.data[2], *e = from.data[3];
  const size_t step_a = from.step[0] * lanes, step_b = from.step[1] * lanes, step_c = from.step[2] * lanes,
               step_e = from.step[3] * lanes;
  for (size_t i = 0; i < n; i += lanes) {
    V v = apply<static_cast<Link>(kCode % kLinks), true>(hn::LoadU(d, a), hn::LoadU(d, b));
    if constexpr (kCount > 1) v = apply<static_cast<Link>(kCode / kLinks % kLinks), false>(v, hn::LoadU(d, c));
    if constexpr (kCount > 2) v = apply<static_cast<Link>(kCode / kLinks / kLinks), false>(v, hn::LoadU(d, e));
    hn::StoreU(v, d, out + i);
    a += step_a;
    b += step_b;
    if constexpr (kCount > 1) c += step_c;
    if constexpr (kCount > 2) e += step_e;
  }
}

template <size_t kCount, size_t... kCodes>
constexpr std::array<ChainFn, sizeof...(kCodes)> table(std::index_sequence<kCodes...>) {
  return {chain<kCount, kCodes>...};
}
constexpr auto kOne = table<1>(std::make_index_sequence<kLinks>());
constexpr auto kTwo = table<2>(std::make_index_sequence<kLinks * kLinks>());
constexpr auto kThree = table<3>(std::make_index_sequence<kLinks * kLinks * kLinks>());

}  // namespace

ChainFn get_chain(size_t count, size_t code) {
  return count == 1 ? kOne[code] : count == 2 ? kTwo[code] : kThree[code];
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(get_chain);

ChainFn find_chain(std::span<const Link> links) {
  size_t code = 0;
  for (size_t i = links.size(); i-- > 0;)
    code = code * static_cast<size_t>(Link::kCount) + static_cast<size_t>(links[i]);
  return HWY_DYNAMIC_DISPATCH(get_chain)(links.size(), code);
}

void run_chain(ChainFn fn, size_t operands, const ChainOperands& from, float* out, size_t n) {
  const size_t whole = n / kRepeated * kRepeated, rest = n - whole;
  if (whole > 0) fn(from, out, whole);
  if (rest == 0) return;
  // The last elements through buffers, since nothing beyond them may be read.
  alignas(64) float last[kMaxLinks + 1][kRepeated] = {}, result[kRepeated];
  ChainOperands tail = from;
  for (size_t k = 0; k < operands; ++k) {
    if (from.step[k] == 0) continue;
    std::copy_n(from.data[k] + whole, rest, last[k]);
    tail.data[k] = last[k];
  }
  fn(tail, result, kRepeated);
  std::copy_n(result, rest, out + whole);
}

}  // namespace tw
#endif
