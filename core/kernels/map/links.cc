#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/links.cc"
#include "core/kernels/simd.h"

#include <cstring>

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
constexpr size_t kShort = 4;  // steps

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

// What a link does with its operands.
template <Link kLink, Form kForm, Source kX, Source kY, size_t kVectors>
HWY_INLINE void run_link(Group g, const Step* step, const LinkOperands& operands, size_t i) {
  const size_t lanes = hn::Lanes(D());
  char *x = nullptr, *y = nullptr;
  if constexpr (!takes_none(kLink) && kX != Source::kKept) x = address(operands, step->x, i);
  if constexpr ((takes_two(kLink) || (kForm == Form::kSpecial && is_cheap(kLink))) && kY != Source::kKept)
    y = address(operands, step->y, i);
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

// clang-format off
#define TW_LINKS(STORE, LOAD, BOTH, NONE, ONE, EITHER, TWO)                                                           \
  ONE(kLoad) LOAD(kLoadBool) BOTH(kLoadKept) NONE(kKeep) STORE(kStore) STORE(kStoreBool) STORE(kStream)              \
  EITHER(kAdd) EITHER(kMul) EITHER(kSub) EITHER(kReverseSub) EITHER(kMax) EITHER(kReverseMax) EITHER(kMin)            \
  EITHER(kReverseMin) EITHER(kSquaredDifference) ONE(kDiv) ONE(kReverseDiv) ONE(kEqual) ONE(kNotEqual) ONE(kLess)     \
  ONE(kLessEqual) ONE(kGreater) ONE(kGreaterEqual) NONE(kNot) NONE(kSquare) NONE(kAbs) NONE(kSqrt) NONE(kRsqrt)       \
  NONE(kReciprocal) TWO(kSelect) TWO(kMulAdd)
// clang-format on

// Where compilers let labels be values, each step has a jump of its own, which the processor foresees better than one
// jump for all.
#if defined(__GNUC__)
#define TW_JUMP goto* labels[step->code]
#define TW_BEGIN TW_JUMP;
#define TW_LABEL(link, form, x, y) label_##link##form##x##y:
#define TW_END \
  end:
#else
#define TW_JUMP break
#define TW_BEGIN
#define TW_LABEL(link, form, x, y)
#define TW_END
#endif

// Elements [i, n) in groups of kVectors vectors, as far as those are whole. Returns where they end.
template <size_t kVectors>
HWY_NOINLINE size_t run_groups_of(const LinkCode& code, const LinkOperands& operands, size_t i, size_t n) {
#if defined(__GNUC__)
// The labels of a link in the order of its codes; those that no step has stand for others.
#define TW_AT(link, form, x, y) &&label_##link##form##x##y
#define TW_ROW(link, form, x) TW_AT(link, form, x, kEach), TW_AT(link, form, x, kOnce), TW_AT(link, form, x, kKept)
#define TW_EACH(link, form) TW_ROW(link, form, kEach), TW_ROW(link, form, kOnce), TW_ROW(link, form, kKept)
#define TW_THRICE(link, form, x) TW_AT(link, form, x, kEach), TW_AT(link, form, x, kEach), TW_AT(link, form, x, kEach)
#define TW_FIRST(link, form) TW_THRICE(link, form, kEach), TW_THRICE(link, form, kOnce), TW_THRICE(link, form, kKept)
#define TW_SAME(link, form) TW_THRICE(link, form, kEach), TW_THRICE(link, form, kEach), TW_THRICE(link, form, kEach)
#define TW_STORE(link) TW_SAME(link, kPlain), TW_SAME(link, kSpecial),
#define TW_UNKEPT(link, form) TW_THRICE(link, form, kEach), TW_THRICE(link, form, kOnce), TW_THRICE(link, form, kEach)
#define TW_LOAD(link) TW_UNKEPT(link, kPlain), TW_UNKEPT(link, kPlain),
#define TW_BOTH(link) TW_SAME(link, kPlain), TW_SAME(link, kSpecial),
#define TW_NONE(link) TW_SAME(link, kPlain), TW_SAME(link, kPlain),
#define TW_ONE(link) TW_FIRST(link, kPlain), TW_FIRST(link, kPlain),
#define TW_EITHER(link) TW_FIRST(link, kPlain), TW_EACH(link, kSpecial),
#define TW_TWO(link) TW_EACH(link, kPlain), TW_EACH(link, kPlain),
  static const void* const labels[] = {TW_LINKS(TW_STORE, TW_LOAD, TW_BOTH, TW_NONE, TW_ONE, TW_EITHER, TW_TWO) && end};
#undef TW_AT
#undef TW_ROW
#undef TW_EACH
#undef TW_THRICE
#undef TW_FIRST
#undef TW_SAME
#undef TW_STORE
#undef TW_UNKEPT
#undef TW_LOAD
#undef TW_BOTH
#undef TW_NONE
#undef TW_ONE
#undef TW_EITHER
#undef TW_TWO
#endif
  const size_t elements = kVectors * hn::Lanes(D());
  // What they hold at first is read by nobody.
  const V any = hn::Undefined(D());
  V v0 = any, v1 = any, v2 = any, v3 = any, v4 = any, v5 = any, v6 = any, v7 = any, v8 = any, v9 = any, v10 = any,
    v11 = any, v12 = any, v13 = any, v14 = any, v15 = any;
  V k0 = any, k1 = any, k2 = any, k3 = any, k4 = any, k5 = any, k6 = any, k7 = any, k8 = any, k9 = any, k10 = any,
    k11 = any;
  const Group g{v0,  v1,  v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13,
                v14, v15, k0, k1, k2, k3, k4, k5, k6, k7, k8,  k9,  k10, k11};
  for (; i + elements <= n; i += elements) {
    const Step* step = code.steps.data();
    bool more = true;
    TW_BEGIN
    while (more) {
      switch (step->code) {
// A group larger than those that keep values runs programs that keep none.
#define TW_CASE(link, form, x, y)                                                             \
  case code_of(Link::link, Form::form, Source::x, Source::y):                                 \
    TW_LABEL(link, form, x, y)                                                                \
    if constexpr (kVectors <= kKeepingGroup || !keeps(Link::link, Source::x, Source::y))      \
      run_link<Link::link, Form::form, Source::x, Source::y, kVectors>(g, step, operands, i); \
    ++step;                                                                                   \
    TW_JUMP;
#define TW_LAST(link)                                                                                   \
  case code_of(Link::link, Form::kSpecial, Source::kEach, Source::kEach):                               \
    TW_LABEL(link, kSpecial, kEach, kEach)                                                              \
    run_link<Link::link, Form::kSpecial, Source::kEach, Source::kEach, kVectors>(g, step, operands, i); \
    more = false;                                                                                       \
    break;
#define TW_ROW(link, form, x) TW_CASE(link, form, x, kEach) TW_CASE(link, form, x, kOnce) TW_CASE(link, form, x, kKept)
#define TW_FIRST(link, form) \
  TW_CASE(link, form, kEach, kEach) TW_CASE(link, form, kOnce, kEach) TW_CASE(link, form, kKept, kEach)
#define TW_EACH(link, form) TW_ROW(link, form, kEach) TW_ROW(link, form, kOnce) TW_ROW(link, form, kKept)
#define TW_STORE(link) TW_CASE(link, kPlain, kEach, kEach) TW_LAST(link)
#define TW_LOAD(link) TW_CASE(link, kPlain, kEach, kEach) TW_CASE(link, kPlain, kOnce, kEach)
#define TW_BOTH(link) TW_CASE(link, kPlain, kEach, kEach) TW_CASE(link, kSpecial, kEach, kEach)
#define TW_NONE(link) TW_CASE(link, kPlain, kEach, kEach)
#define TW_ONE(link) TW_FIRST(link, kPlain)
#define TW_EITHER(link) TW_FIRST(link, kPlain) TW_EACH(link, kSpecial)
#define TW_TWO(link) TW_EACH(link, kPlain)
        TW_LINKS(TW_STORE, TW_LOAD, TW_BOTH, TW_NONE, TW_ONE, TW_EITHER, TW_TWO)
#undef TW_CASE
#undef TW_LAST
#undef TW_ROW
#undef TW_FIRST
#undef TW_EACH
#undef TW_STORE
#undef TW_LOAD
#undef TW_BOTH
#undef TW_NONE
#undef TW_ONE
#undef TW_EITHER
#undef TW_TWO
        default: TW_END more = false;
      }
    }
  }
  return i;
}

}  // namespace

// The locals' operands are filled in here. Where elements may be computed `again`, n is at least kRepeated, else a
// multiple of that.
void run_groups(const LinkCode& code, LinkOperands& operands, size_t n, bool again) {
  alignas(64) float locals[kMaxLinkLocals][kGroup * kRepeated];
  const size_t given = size_t{code.inputs} + code.outputs;
  for (size_t k = 0; k < code.locals; ++k) {
    operands.data[given + k] = reinterpret_cast<char*>(locals[k]);
    operands.step[given + k] = 0;
  }
  const size_t lanes = hn::Lanes(D()), group = kShortGroup * lanes, small = kSmallGroup * lanes;
  size_t i = 0;
  if constexpr (kKeepingGroup != 0) {
    if (code.keeps) i = run_groups_of<kKeepingGroup>(code, operands, i, n);
  }
  if (!code.keeps && code.steps.size() > kShort) i = run_groups_of<kGroup>(code, operands, i, n);
  i = run_groups_of<kShortGroup>(code, operands, i, n);
  if (i == n) return;
  // The last elements along with some before them: a whole group takes no longer than two small ones.
  if (again && n >= group && n - i > small) {
    run_groups_of<kShortGroup>(code, operands, n - group, n);
    return;
  }
  i = run_groups_of<kSmallGroup>(code, operands, i, n);
  i = run_groups_of<1>(code, operands, i, n);
  if (i < n) run_groups_of<1>(code, operands, n - lanes, n);
}

bool keeps_values() { return kKeepingGroup != 0; }

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(run_groups);
HWY_EXPORT(keeps_values);

bool links_keep() { return HWY_DYNAMIC_DISPATCH(keeps_values)(); }

// Whether an output lies where an input does.
static bool shares_memory(const LinkCode& code, const LinkOperands& operands) {
  for (size_t k = 0; k < code.outputs; ++k) {
    for (size_t i = 0; i < code.inputs; ++i) {
      if (operands.data[i] == operands.data[code.inputs + k]) return true;
    }
  }
  return false;
}

void run_links(const LinkCode& code, LinkOperands& operands, size_t n) {
  const size_t inputs = code.inputs, outputs = code.outputs;
  const bool again = n >= kRepeated && !code.streams && !shares_memory(code, operands);
  const size_t rest = again ? 0 : n % kRepeated, whole = n - rest;
  if (whole > 0) HWY_DYNAMIC_DISPATCH(run_groups)(code, operands, whole, again);
  if (rest == 0) return;
  // The last elements through buffers, since nothing beyond them may be touched.
  alignas(64) char last[kMaxLinkOperands][kRepeated * sizeof(float)];
  LinkOperands tail;
  for (size_t k = 0; k < inputs + outputs; ++k) {
    const size_t step = tail.step[k] = operands.step[k];
    tail.data[k] = step == 0 ? operands.data[k] : last[k];
    if (step == 0 || k >= inputs) continue;
    std::memset(last[k], 0, sizeof last[k]);
    std::memcpy(last[k], operands.data[k] + whole * step, rest * step);
  }
  HWY_DYNAMIC_DISPATCH(run_groups)(code, tail, kRepeated, false);
  for (size_t k = inputs; k < inputs + outputs; ++k) {
    std::memcpy(operands.data[k] + whole * operands.step[k], last[k], rest * operands.step[k]);
  }
}

}  // namespace tw
#endif
