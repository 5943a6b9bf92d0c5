// What each link does with a group of vectors, once per vector target.
#if defined(CORE_KERNELS_MAP_LINKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_MAP_LINKS_INL_H_
#undef CORE_KERNELS_MAP_LINKS_INL_H_
#else
#define CORE_KERNELS_MAP_LINKS_INL_H_
#endif

#include "core/kernels/extremes-inl.h"
#include "core/kernels/map/links.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kRepeated>;
using V = hn::Vec<D>;

template <Link kLink>
HWY_INLINE V apply(V v, V x) {
  const D d;
  const V one = hn::Set(d, 1.0f);
  switch (kLink) {
    case Link::kLoad: return x;
    case Link::kAdd: return hn::Add(v, x);
    case Link::kMul: return hn::Mul(v, x);
    case Link::kSub: return hn::Sub(v, x);
    case Link::kReverseSub: return hn::Sub(x, v);
    case Link::kDiv: return hn::Div(v, x);
    case Link::kReverseDiv: return hn::Div(x, v);
    case Link::kMax: return larger(x, v);
    case Link::kReverseMax: return larger(v, x);
    case Link::kMin: return smaller(x, v);
    case Link::kReverseMin: return smaller(v, x);
    case Link::kSquaredDifference: {
      const V difference = hn::Sub(v, x);
      return hn::Mul(difference, difference);
    }
    case Link::kEqual: return hn::IfThenElseZero(hn::Eq(v, x), one);
    case Link::kNotEqual: return hn::IfThenZeroElse(hn::Eq(v, x), one);  // Highway's Ne is false of NaN on some targets
    case Link::kLess: return hn::IfThenElseZero(hn::Lt(v, x), one);
    case Link::kLessEqual: return hn::IfThenElseZero(hn::Le(v, x), one);
    case Link::kGreater: return hn::IfThenElseZero(hn::Gt(v, x), one);
    case Link::kGreaterEqual: return hn::IfThenElseZero(hn::Ge(v, x), one);
    case Link::kNot: return hn::IfThenElseZero(hn::Eq(v, hn::Zero(d)), one);
    case Link::kSquare: return hn::Mul(v, v);
    case Link::kAbs: return hn::Abs(v);
    case Link::kSqrt: return hn::Sqrt(v);
    case Link::kRsqrt: return hn::Div(one, hn::Sqrt(v));
    case Link::kReciprocal: return hn::Div(one, v);
    default: return v;
  }
}

template <Link kLink>
HWY_INLINE V apply2(V v, V x, V y) {
  if constexpr (kLink == Link::kSelect) return hn::IfThenElse(hn::Eq(v, hn::Zero(D())), y, x);
  else return hn::Add(hn::Mul(v, x), y);
}

// Whether the comparison of a link of three operands holds.
template <Link kLink>
HWY_INLINE hn::Mask<D> compare(V x, V y) {
  switch (kLink) {
    case Link::kWhereLess:
    case Link::kUnlessLess: return hn::Lt(x, y);
    case Link::kWhereLessEqual:
    case Link::kUnlessLessEqual: return hn::Le(x, y);
    case Link::kWhereGreater:
    case Link::kUnlessGreater: return hn::Gt(x, y);
    case Link::kWhereGreaterEqual:
    case Link::kUnlessGreaterEqual: return hn::Ge(x, y);
    default: return hn::Eq(x, y);
  }
}

// The values of a group, named one by one since vectors of some targets cannot lie in arrays: those at hand, and those
// kept beside them.
struct Group {
  V &v0, &v1, &v2, &v3, &v4, &v5, &v6, &v7, &v8, &v9, &v10, &v11, &v12, &v13, &v14, &v15;
  V &k0, &k1, &k2, &k3, &k4, &k5, &k6, &k7, &k8, &k9, &k10, &k11;
};
// As many as the registers hold beside an operand: each step is a jump, which all of them share. Where there are few
// steps more would be read, and then written, in bursts.
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_ARCH_ARM_A64
constexpr size_t kGroup = 16, kKeepingGroup = 12;
#else
constexpr size_t kGroup = 8, kKeepingGroup = 0;  // sixteen registers hold no second value
#endif
constexpr size_t kShortGroup = 8, kSmallGroup = 4;
constexpr size_t kShort = 3;  // steps, the end among them

// Calls fn(vector, the one kept beside it, their number) for each vector of the group; beyond twelve none are kept.
template <size_t kVectors, class Fn>
HWY_INLINE void for_each(Group g, const Fn& fn) {
  fn(g.v0, g.k0, 0);
  if constexpr (kVectors >= 4) fn(g.v1, g.k1, 1), fn(g.v2, g.k2, 2), fn(g.v3, g.k3, 3);
  if constexpr (kVectors >= 8) fn(g.v4, g.k4, 4), fn(g.v5, g.k5, 5), fn(g.v6, g.k6, 6), fn(g.v7, g.k7, 7);
  if constexpr (kVectors >= 12) fn(g.v8, g.k8, 8), fn(g.v9, g.k9, 9), fn(g.v10, g.k10, 10), fn(g.v11, g.k11, 11);
  if constexpr (kVectors >= 16) fn(g.v12, g.k0, 12), fn(g.v13, g.k0, 13), fn(g.v14, g.k0, 14), fn(g.v15, g.k0, 15);
}

template <Source kSource>
HWY_INLINE V first_vector(const char* x) {
  if constexpr (kSource == Source::kOnce) return hn::LoadU(D(), reinterpret_cast<const float*>(x));
  else return hn::Zero(D());
}
// What an operand is for vector k of the group.
template <Source kSource>
HWY_INLINE V operand(const char* x, size_t lanes, size_t k, V once, V kept) {
  if constexpr (kSource == Source::kKept) return kept;
  else if constexpr (kSource == Source::kOnce) return once;
  else return hn::LoadU(D(), reinterpret_cast<const float*>(x) + k * lanes);
}

template <Link kLink, Source kX, size_t kVectors>
HWY_INLINE void each(Group g, const char* x, size_t lanes) {
  const V once = first_vector<kX>(x);
  for_each<kVectors>(
      g, [&](V& v, V& kept, size_t k) HWY_ATTR { v = apply<kLink>(v, operand<kX>(x, lanes, k, once, kept)); });
}

template <Link kLink, size_t kVectors>
HWY_INLINE void alone(Group g) {
  for_each<kVectors>(g, [&](V& v, V&, size_t) HWY_ATTR { v = apply<kLink>(v, v); });
}

template <Link kLink, Source kX, Source kY, size_t kVectors>
HWY_INLINE void each2(Group g, const char* x, const char* y, size_t lanes) {
  const V once_x = first_vector<kX>(x), once_y = first_vector<kY>(y);
  for_each<kVectors>(g, [&](V& v, V& kept, size_t k) HWY_ATTR {
    v = apply2<kLink>(v, operand<kX>(x, lanes, k, once_x, kept), operand<kY>(y, lanes, k, once_y, kept));
  });
}

template <Link kLink, Source kX, Source kY, Source kZ, size_t kVectors>
HWY_INLINE void each3(Group g, const char* x, const char* y, const char* z, size_t lanes) {
  const V once_y = first_vector<kY>(y), once_z = first_vector<kZ>(z);
  for_each<kVectors>(g, [&](V& v, V& kept, size_t k) HWY_ATTR {
    const auto mask = compare<kLink>(operand<kX>(x, lanes, k, v, kept), operand<kY>(y, lanes, k, once_y, kept));
    const V other = operand<kZ>(z, lanes, k, once_z, kept);
    v = kLink < Link::kUnlessEqual ? hn::IfThenElse(mask, v, other) : hn::IfThenElse(mask, other, v);
  });
}

// Reads what is kept; it becomes the value at hand too where that is `loaded`.
template <bool kLoaded, size_t kVectors>
HWY_INLINE void load_kept(Group g, const char* data, size_t lanes) {
  const float* x = reinterpret_cast<const float*>(data);
  for_each<kVectors>(g, [&](V& v, V& kept, size_t k) HWY_ATTR {
    kept = hn::LoadU(D(), x + k * lanes);
    if constexpr (kLoaded) v = kept;
  });
}

template <Source kX, size_t kVectors>
HWY_INLINE void load_bools(Group g, const char* data, size_t lanes) {
  const hn::Rebind<uint8_t, D> bytes;
  const hn::Rebind<int32_t, D> integers;
  const uint8_t* x = reinterpret_cast<const uint8_t*>(data);
  for_each<kVectors>(g, [&](V& v, V&, size_t k) HWY_ATTR {
    v = hn::ConvertTo(D(), hn::PromoteTo(integers, hn::LoadU(bytes, x + (kX == Source::kOnce ? 0 : k * lanes))));
  });
}

template <size_t kVectors>
HWY_INLINE void store_bools(Group g, char* data, size_t lanes) {
  const hn::Rebind<uint8_t, D> bytes;
  const hn::Rebind<int32_t, D> integers;
  uint8_t* x = reinterpret_cast<uint8_t*>(data);
  for_each<kVectors>(g, [&](V& v, V&, size_t k) HWY_ATTR {
    hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(integers, v)), bytes, x + k * lanes);
  });
}

template <size_t kVectors>
HWY_INLINE void stream(Group g, char* data, size_t lanes) {
  float* x = reinterpret_cast<float*>(data);
  for_each<kVectors>(g, [&](V& v, V&, size_t k) HWY_ATTR { hn::Stream(v, D(), x + k * lanes); });
}

template <size_t kVectors>
HWY_INLINE void store(Group g, char* data, size_t lanes) {
  float* x = reinterpret_cast<float*>(data);
  for_each<kVectors>(g, [&](V& v, V&, size_t k) HWY_ATTR { hn::StoreU(v, D(), x + k * lanes); });
}

using Step = LinkCode::Step;

HWY_INLINE char* address(const LinkOperands& operands, uint8_t k, size_t i) {
  return operands.data[k] + i * operands.step[k];
}

// What a link does with its operands; kX and kY are their sources as its code has them.
template <Link kLink, Form kForm, Source kX, Source kY, size_t kVectors>
HWY_INLINE void run_link(Group g, const Step* step, const LinkOperands& operands, size_t i) {
  const size_t lanes = hn::Lanes(D());
  if constexpr (takes_three(kLink)) {
    constexpr Source kCompared = kForm == Form::kSpecial ? Source::kKept : Source::kEach;
    const char *x = nullptr, *z = nullptr;
    if constexpr (kCompared != Source::kKept) x = address(operands, step->x, i);
    if constexpr (kY != Source::kKept) z = address(operands, step->z, i);
    each3<kLink, kCompared, kX, kY, kVectors>(g, x, address(operands, step->y, i), z, lanes);
    return;
  }
  char *x = nullptr, *y = nullptr;
  if constexpr (operands_of(kLink, kForm) > 0 && kX != Source::kKept) x = address(operands, step->x, i);
  if constexpr (operands_of(kLink, kForm) > 1 && kY != Source::kKept) y = address(operands, step->y, i);
  if constexpr (kLink == Link::kKeep) for_each<kVectors>(g, [](V& v, V& kept, size_t) HWY_ATTR { kept = v; });
  else if constexpr (kLink == Link::kLoadKept) load_kept<kForm == Form::kSpecial, kVectors>(g, x, lanes);
  else if constexpr (kLink == Link::kLoadBool) load_bools<kX, kVectors>(g, x, lanes);
  else if constexpr (kLink == Link::kStore) store<kVectors>(g, x, lanes);
  else if constexpr (kLink == Link::kStream) stream<kVectors>(g, x, lanes);
  else if constexpr (kLink == Link::kStoreBool) store_bools<kVectors>(g, x, lanes);
  else if constexpr (takes_none(kLink)) alone<kLink, kVectors>(g);
  else if constexpr (takes_two(kLink)) each2<kLink, kX, kY, kVectors>(g, x, y, lanes);
  else if constexpr (kForm == Form::kSpecial) {
    each<Link::kLoad, kX, kVectors>(g, x, lanes);
    each<kLink, kY, kVectors>(g, y, lanes);
  } else each<kLink, kX, kVectors>(g, x, lanes);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#endif
