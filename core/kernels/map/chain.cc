#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/chain.cc"
#include "core/kernels/simd.h"

#include <algorithm>

#include "core/kernels/map/chain.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kRepeated>;
using V = hn::Vec<D>;

template <Link kLink>
HWY_INLINE V apply(V v, V x) {
  switch (kLink) {
    case Link::kAdd: return hn::Add(v, x);
    case Link::kMul: return hn::Mul(v, x);
    case Link::kSub: return hn::Sub(v, x);
    case Link::kReverseSub: return hn::Sub(x, v);
    case Link::kDiv: return hn::Div(v, x);
    case Link::kReverseDiv: return hn::Div(x, v);
    // When an operand is NaN the first one is the result, as in the op of its own.
    case Link::kMax: return hn::IfThenElse(hn::Lt(v, x), x, v);
    case Link::kReverseMax: return hn::IfThenElse(hn::Lt(x, v), v, x);
    case Link::kMin: return hn::IfThenElse(hn::Lt(x, v), x, v);
    case Link::kReverseMin: return hn::IfThenElse(hn::Lt(v, x), v, x);
    case Link::kSquaredDifference: {
      const V d = hn::Sub(v, x);
      return hn::Mul(d, d);
    }
    case Link::kSquare: return hn::Mul(v, v);
    case Link::kAbs: return hn::Abs(v);
    case Link::kSqrt: return hn::Sqrt(v);
    case Link::kReciprocal: return hn::Div(hn::Set(D(), 1.0f), v);
    case Link::kCount: return v;
  }
}

// The values of a group, named one by one since vectors of some targets cannot lie in arrays.
struct Group {
  V &v0, &v1, &v2, &v3, &v4, &v5, &v6, &v7;
};
constexpr size_t kGroup = 8;

// What a link's operand is for vector k of the group.
template <bool kOnce>
HWY_INLINE V operand(const float* x, size_t lanes, size_t k, V once) {
  if constexpr (kOnce) return once;
  return hn::LoadU(D(), x + k * lanes);
}

// kOnce: the operand is the same for all.
template <Link kLink, bool kOnce, size_t kVectors>
HWY_INLINE void each(Group g, const float* x, size_t lanes) {
  const V x0 = hn::LoadU(D(), x);
  g.v0 = apply<kLink>(g.v0, x0);
  if constexpr (kVectors == kGroup) {
    g.v1 = apply<kLink>(g.v1, operand<kOnce>(x, lanes, 1, x0));
    g.v2 = apply<kLink>(g.v2, operand<kOnce>(x, lanes, 2, x0));
    g.v3 = apply<kLink>(g.v3, operand<kOnce>(x, lanes, 3, x0));
    g.v4 = apply<kLink>(g.v4, operand<kOnce>(x, lanes, 4, x0));
    g.v5 = apply<kLink>(g.v5, operand<kOnce>(x, lanes, 5, x0));
    g.v6 = apply<kLink>(g.v6, operand<kOnce>(x, lanes, 6, x0));
    g.v7 = apply<kLink>(g.v7, operand<kOnce>(x, lanes, 7, x0));
  }
}

// A product and a sum at one jump, rounded each.
template <bool kOnceX, bool kOnceY, size_t kVectors>
HWY_INLINE void multiply_add(Group g, const float* x, const float* y, size_t lanes) {
  const V x0 = hn::LoadU(D(), x), y0 = hn::LoadU(D(), y);
  const auto next = [&](V& v, size_t k) HWY_ATTR {
    v = hn::Add(hn::Mul(v, operand<kOnceX>(x, lanes, k, x0)), operand<kOnceY>(y, lanes, k, y0));
  };
  g.v0 = hn::Add(hn::Mul(g.v0, x0), y0);
  if constexpr (kVectors == kGroup) {
    next(g.v1, 1), next(g.v2, 2), next(g.v3, 3), next(g.v4, 4), next(g.v5, 5), next(g.v6, 6), next(g.v7, 7);
  }
}

// Elements [i, i + kVectors vectors). One jump for each link serves all of them.
template <size_t kVectors>
HWY_INLINE void group(const ChainCode& chain, const ChainOperands& from, float* out, size_t i) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const float* first = from.data[0] + i * from.step[0];
  const size_t apart = kVectors > 1 ? lanes * from.step[0] : 0;
  V v0 = hn::LoadU(d, first), v1 = hn::LoadU(d, first + apart), v2 = hn::LoadU(d, first + 2 * apart),
    v3 = hn::LoadU(d, first + 3 * apart), v4 = hn::LoadU(d, first + 4 * apart), v5 = hn::LoadU(d, first + 5 * apart),
    v6 = hn::LoadU(d, first + 6 * apart), v7 = hn::LoadU(d, first + 7 * apart);
  const Group g{v0, v1, v2, v3, v4, v5, v6, v7};
  for (size_t c = 0; c < chain.count; ++c) {
    const size_t k = chain.links[c] + size_t{1};
    const float* x = from.data[k] + i * from.step[k];
    switch (chain.codes[c]) {
#define TW_LINK(link)                                                         \
  case code_of(link, false): each<link, false, kVectors>(g, x, lanes); break; \
  case code_of(link, true): each<link, true, kVectors>(g, x, lanes); break;
      TW_LINK(Link::kAdd)
      TW_LINK(Link::kMul)
      TW_LINK(Link::kSub)
      TW_LINK(Link::kReverseSub)
      TW_LINK(Link::kDiv)
      TW_LINK(Link::kReverseDiv)
      TW_LINK(Link::kMax)
      TW_LINK(Link::kReverseMax)
      TW_LINK(Link::kMin)
      TW_LINK(Link::kReverseMin)
      TW_LINK(Link::kSquaredDifference)
      TW_LINK(Link::kSquare)
      TW_LINK(Link::kAbs)
      TW_LINK(Link::kSqrt)
      TW_LINK(Link::kReciprocal)
#undef TW_LINK
      case kMulAdd: multiply_add<false, false, kVectors>(g, x, from.data[k + 1] + i, lanes); break;
      case kMulAdd + 1: multiply_add<false, true, kVectors>(g, x, from.data[k + 1], lanes); break;
      case kMulAdd + 2: multiply_add<true, false, kVectors>(g, x, from.data[k + 1] + i, lanes); break;
      case kMulAdd + 3: multiply_add<true, true, kVectors>(g, x, from.data[k + 1], lanes); break;
    }
  }
  float* to = out + i;
  hn::StoreU(v0, d, to);
  if constexpr (kVectors == kGroup) {
    hn::StoreU(v1, d, to + lanes);
    hn::StoreU(v2, d, to + 2 * lanes);
    hn::StoreU(v3, d, to + 3 * lanes);
    hn::StoreU(v4, d, to + 4 * lanes);
    hn::StoreU(v5, d, to + 5 * lanes);
    hn::StoreU(v6, d, to + 6 * lanes);
    hn::StoreU(v7, d, to + 7 * lanes);
  }
}

}  // namespace

// n: a multiple of kRepeated.
void run_links(const ChainCode& chain, const ChainOperands& from, float* out, size_t n) {
  const size_t lanes = hn::Lanes(D());
  size_t i = 0;
  for (; i + kGroup * lanes <= n; i += kGroup * lanes) group<kGroup>(chain, from, out, i);
  for (; i < n; i += lanes) group<1>(chain, from, out, i);
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(run_links);

ChainCode compile_chain(const Chain& chain, const std::array<size_t, kMaxLinks + 1>& steps) {
  ChainCode out;
  for (size_t k = 0; k < chain.count; ++k) {
    const bool once = steps[k + 1] == 0,
               pair = k + 1 < chain.count && chain.links[k] == Link::kMul && chain.links[k + 1] == Link::kAdd;
    out.links[out.count] = static_cast<uint8_t>(k);
    out.codes[out.count++] =
        pair ? static_cast<uint8_t>(kMulAdd + 2 * once + (steps[k + 2] == 0)) : code_of(chain.links[k], once);
    k += pair;
  }
  return out;
}

void run_chain(const ChainCode& chain, size_t count, const ChainOperands& from, float* out, size_t n) {
  const size_t whole = n / kRepeated * kRepeated, rest = n - whole;
  if (whole > 0) HWY_DYNAMIC_DISPATCH(run_links)(chain, from, out, whole);
  if (rest == 0) return;
  // The last elements through buffers, since nothing beyond them may be read.
  alignas(64) float last[kMaxLinks + 1][kRepeated], result[kRepeated];
  ChainOperands tail = from;
  for (size_t k = 0; k < count; ++k) {
    if (from.step[k] == 0) continue;
    std::copy_n(from.data[k] + whole, rest, last[k]);
    std::fill(last[k] + rest, last[k] + kRepeated, 0.0f);
    tail.data[k] = last[k];
  }
  HWY_DYNAMIC_DISPATCH(run_links)(chain, tail, result, kRepeated);
  std::copy_n(result, rest, out + whole);
}

}  // namespace tw
#endif
