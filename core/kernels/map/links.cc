#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/links.cc"
#include "core/kernels/simd.h"

#include <cstring>

#include "core/kernels/map/links.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kRepeated>;
using V = hn::Vec<D>;

// a > b ? a : b and a < b ? a : b. When one is NaN the second one is the result, as x86's instructions have it.
HWY_INLINE V larger(V a, V b) { return HWY_ARCH_X86 ? hn::Max(a, b) : hn::IfThenElse(hn::Gt(a, b), a, b); }
HWY_INLINE V smaller(V a, V b) { return HWY_ARCH_X86 ? hn::Min(a, b) : hn::IfThenElse(hn::Lt(a, b), a, b); }

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

// The values of a group, named one by one since vectors of some targets cannot lie in arrays.
struct Group {
  V &v0, &v1, &v2, &v3, &v4, &v5, &v6, &v7, &v8, &v9, &v10, &v11, &v12, &v13, &v14, &v15;
};
// As many as the registers hold beside an operand: each step is a jump, which all of them share. Where there are few
// steps more would be read, and then written, in bursts.
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_ARCH_ARM_A64
constexpr size_t kGroup = 16;
#else
constexpr size_t kGroup = 8;
#endif
constexpr size_t kShortGroup = 8, kSmallGroup = 4;
constexpr size_t kShort = 4;  // steps

// Calls fn(vector, its number) for each vector of the group.
template <size_t kVectors, class Fn>
HWY_INLINE void for_each(Group g, const Fn& fn) {
  fn(g.v0, 0);
  if constexpr (kVectors >= 4) fn(g.v1, 1), fn(g.v2, 2), fn(g.v3, 3);
  if constexpr (kVectors >= 8) fn(g.v4, 4), fn(g.v5, 5), fn(g.v6, 6), fn(g.v7, 7);
  if constexpr (kVectors >= 16) {
    fn(g.v8, 8), fn(g.v9, 9), fn(g.v10, 10), fn(g.v11, 11);
    fn(g.v12, 12), fn(g.v13, 13), fn(g.v14, 14), fn(g.v15, 15);
  }
}

// What an operand is for vector k of the group.
template <bool kOnce>
HWY_INLINE V operand(const float* x, size_t lanes, size_t k, V once) {
  if constexpr (kOnce) return once;
  return hn::LoadU(D(), x + k * lanes);
}

template <Link kLink, bool kOnce, size_t kVectors>
HWY_INLINE void each(Group g, const char* data, size_t lanes) {
  const float* x = reinterpret_cast<const float*>(data);
  V once = hn::Zero(D());
  if constexpr (kOnce) once = hn::LoadU(D(), x);
  for_each<kVectors>(g, [&](V& v, size_t k) HWY_ATTR { v = apply<kLink>(v, operand<kOnce>(x, lanes, k, once)); });
}

template <Link kLink, size_t kVectors>
HWY_INLINE void alone(Group g) {
  for_each<kVectors>(g, [&](V& v, size_t) HWY_ATTR { v = apply<kLink>(v, v); });
}

template <Link kLink, bool kOnceX, bool kOnceY, size_t kVectors>
HWY_INLINE void each2(Group g, const char* first, const char* second, size_t lanes) {
  const float *x = reinterpret_cast<const float*>(first), *y = reinterpret_cast<const float*>(second);
  V once_x = hn::Zero(D()), once_y = once_x;
  if constexpr (kOnceX) once_x = hn::LoadU(D(), x);
  if constexpr (kOnceY) once_y = hn::LoadU(D(), y);
  for_each<kVectors>(g, [&](V& v, size_t k) HWY_ATTR {
    v = apply2<kLink>(v, operand<kOnceX>(x, lanes, k, once_x), operand<kOnceY>(y, lanes, k, once_y));
  });
}

template <bool kOnce, size_t kVectors>
HWY_INLINE void load_bools(Group g, const char* data, size_t lanes) {
  const hn::Rebind<uint8_t, D> bytes;
  const hn::Rebind<int32_t, D> integers;
  const uint8_t* x = reinterpret_cast<const uint8_t*>(data);
  for_each<kVectors>(g, [&](V& v, size_t k) HWY_ATTR {
    v = hn::ConvertTo(D(), hn::PromoteTo(integers, hn::LoadU(bytes, x + (kOnce ? 0 : k * lanes))));
  });
}

template <size_t kVectors>
HWY_INLINE void store_bools(Group g, char* data, size_t lanes) {
  const hn::Rebind<uint8_t, D> bytes;
  const hn::Rebind<int32_t, D> integers;
  uint8_t* x = reinterpret_cast<uint8_t*>(data);
  for_each<kVectors>(g, [&](V& v, size_t k) HWY_ATTR {
    hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(integers, v)), bytes, x + k * lanes);
  });
}

template <size_t kVectors>
HWY_INLINE void stream(Group g, char* data, size_t lanes) {
  float* x = reinterpret_cast<float*>(data);
  for_each<kVectors>(g, [&](V& v, size_t k) HWY_ATTR { hn::Stream(v, D(), x + k * lanes); });
}

template <size_t kVectors>
HWY_INLINE void store(Group g, char* data, size_t lanes) {
  float* x = reinterpret_cast<float*>(data);
  for_each<kVectors>(g, [&](V& v, size_t k) HWY_ATTR { hn::StoreU(v, D(), x + k * lanes); });
}

using Step = LinkCode::Step;

HWY_INLINE char* address(const LinkOperands& operands, uint8_t k, size_t i) {
  return operands.data[k] + i * operands.step[k];
}

// The special form of a store ends the program; that of cheap arithmetic finds its value in its first operand, as if
// that had been loaded before.
enum class Form : uint8_t { kPlain, kSpecial };

// What a link does with its operands. kOnceX, kOnceY: they are the same for all elements.
template <Link kLink, Form kForm, bool kOnceX, bool kOnceY, size_t kVectors>
HWY_INLINE void run_link(Group g, const Step* step, const LinkOperands& operands, size_t i) {
  const size_t lanes = hn::Lanes(D());
  if constexpr (kForm == Form::kSpecial && kLink > Link::kStream) {
    each<Link::kLoad, kOnceX, kVectors>(g, address(operands, step->x, i), lanes);
    return each<kLink, kOnceY, kVectors>(g, address(operands, step->y, i), lanes);
  }
  if constexpr (takes_none(kLink)) return alone<kLink, kVectors>(g);
  char* x = address(operands, step->x, i);
  if constexpr (kLink == Link::kLoadBool) load_bools<kOnceX, kVectors>(g, x, lanes);
  else if constexpr (kLink == Link::kStore) store<kVectors>(g, x, lanes);
  else if constexpr (kLink == Link::kStream) stream<kVectors>(g, x, lanes);
  else if constexpr (kLink == Link::kStoreBool) store_bools<kVectors>(g, x, lanes);
  else if constexpr (takes_two(kLink))
    each2<kLink, kOnceX, kOnceY, kVectors>(g, x, address(operands, step->y, i), lanes);
  else each<kLink, kOnceX, kVectors>(g, x, lanes);
}

// A step's codes: by link, its form, and whether its operands are the same throughout.
constexpr int code_of(Link link, Form form, bool once_x, bool once_y) {
  return 8 * static_cast<int>(link) + 4 * static_cast<int>(form) + 2 * once_x + once_y;
}

// clang-format off
#define TW_LINKS(MOVE, LOAD, NONE, ONE, EITHER, TWO)                                                                  \
  LOAD(kLoad) LOAD(kLoadBool) MOVE(kStore) MOVE(kStoreBool) MOVE(kStream) EITHER(kAdd) EITHER(kMul) EITHER(kSub)      \
  EITHER(kReverseSub) EITHER(kMax) EITHER(kReverseMax) EITHER(kMin) EITHER(kReverseMin) EITHER(kSquaredDifference)    \
  ONE(kDiv) ONE(kReverseDiv) ONE(kEqual) ONE(kNotEqual) ONE(kLess) ONE(kLessEqual) ONE(kGreater) ONE(kGreaterEqual)   \
  NONE(kNot) NONE(kSquare) NONE(kAbs) NONE(kSqrt) NONE(kRsqrt) NONE(kReciprocal) TWO(kSelect) TWO(kMulAdd)
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
#define TW_EACH(link, form) \
  TW_AT(link, form, 0, 0), TW_AT(link, form, 0, 1), TW_AT(link, form, 1, 0), TW_AT(link, form, 1, 1)
#define TW_FIRST(link, form) \
  TW_AT(link, form, 0, 0), TW_AT(link, form, 0, 0), TW_AT(link, form, 1, 0), TW_AT(link, form, 1, 0)
#define TW_SAME(link, form) \
  TW_AT(link, form, 0, 0), TW_AT(link, form, 0, 0), TW_AT(link, form, 0, 0), TW_AT(link, form, 0, 0)
#define TW_MOVE(link) TW_SAME(link, kPlain), TW_SAME(link, kSpecial),
#define TW_LOAD(link) TW_FIRST(link, kPlain), TW_FIRST(link, kPlain),
#define TW_NONE(link) TW_SAME(link, kPlain), TW_SAME(link, kPlain),
#define TW_ONE(link) TW_FIRST(link, kPlain), TW_FIRST(link, kPlain),
#define TW_EITHER(link) TW_FIRST(link, kPlain), TW_EACH(link, kSpecial),
#define TW_TWO(link) TW_EACH(link, kPlain), TW_EACH(link, kPlain),
  static const void* const labels[] = {TW_LINKS(TW_MOVE, TW_LOAD, TW_NONE, TW_ONE, TW_EITHER, TW_TWO) && end};
#undef TW_AT
#undef TW_EACH
#undef TW_FIRST
#undef TW_SAME
#undef TW_MOVE
#undef TW_LOAD
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
  const Group g{v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15};
  for (; i + elements <= n; i += elements) {
    const Step* step = code.steps.data();
    bool more = true;
    TW_BEGIN
    while (more) {
      switch (step->code) {
#define TW_CASE(link, form, x, y)                                           \
  case code_of(Link::link, Form::form, x, y):                               \
    TW_LABEL(link, form, x, y)                                              \
    run_link<Link::link, Form::form, x, y, kVectors>(g, step, operands, i); \
    ++step;                                                                 \
    TW_JUMP;
#define TW_LAST(link)                                                           \
  case code_of(Link::link, Form::kSpecial, 0, 0):                               \
    TW_LABEL(link, kSpecial, 0, 0)                                              \
    run_link<Link::link, Form::kSpecial, 0, 0, kVectors>(g, step, operands, i); \
    more = false;                                                               \
    break;
#define TW_FIRST(link, form) TW_CASE(link, form, 0, 0) TW_CASE(link, form, 1, 0)
#define TW_EACH(link, form) TW_FIRST(link, form) TW_CASE(link, form, 0, 1) TW_CASE(link, form, 1, 1)
#define TW_MOVE(link) TW_CASE(link, kPlain, 0, 0) TW_LAST(link)
#define TW_LOAD(link) TW_FIRST(link, kPlain)
#define TW_NONE(link) TW_CASE(link, kPlain, 0, 0)
#define TW_ONE(link) TW_FIRST(link, kPlain)
#define TW_EITHER(link) TW_FIRST(link, kPlain) TW_EACH(link, kSpecial)
#define TW_TWO(link) TW_EACH(link, kPlain)
        TW_LINKS(TW_MOVE, TW_LOAD, TW_NONE, TW_ONE, TW_EITHER, TW_TWO)
#undef TW_CASE
#undef TW_LAST
#undef TW_FIRST
#undef TW_EACH
#undef TW_MOVE
#undef TW_LOAD
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
  size_t i = code.steps.size() <= kShort ? 0 : run_groups_of<kGroup>(code, operands, 0, n);
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

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(run_groups);

LinkCode compile_links(const LinkProgram& program, std::span<const size_t> steps, uint64_t streams) {
  LinkCode out;
  out.inputs = program.inputs;
  out.outputs = program.outputs;
  out.locals = program.locals;
  out.streams = streams != 0;
  const auto once = [&](uint8_t k) { return k < program.inputs && steps[k] == 0; };
  // A load and the link behind it, or a product and a sum, are one step.
  const std::vector<LinkStep>& all = program.steps;
  for (size_t k = 0; k < all.size(); ++k) {
    LinkStep s = all[k];
    bool special = false;
    if (s.link == Link::kStore && s.x < program.inputs + program.outputs &&
        ((streams >> (s.x - program.inputs)) & 1) != 0)
      s.link = Link::kStream;
    if (k + 1 < all.size()) {
      const LinkStep& next = all[k + 1];
      if (s.link == Link::kLoad && next.link >= Link::kAdd && next.link <= Link::kSquaredDifference) {
        s = {next.link, s.x, next.x};
        special = true;
        ++k;
      } else if (s.link == Link::kMul && next.link == Link::kAdd) {
        s = {Link::kMulAdd, s.x, next.x};
        ++k;
      }
    }
    const bool stores = s.link >= Link::kStore && s.link <= Link::kStream;
    if (stores && k + 1 == all.size()) special = true;
    const bool once_x = !takes_none(s.link) && once(s.x);
    const bool once_y = (takes_two(s.link) || (special && !stores)) && once(s.y);
    const int code = 8 * static_cast<int>(s.link) + 4 * special + 2 * once_x + once_y;
    out.steps.push_back({static_cast<uint8_t>(code), s.x, s.y});
  }
  out.steps.push_back({static_cast<uint8_t>(8 * static_cast<int>(Link::kCount)), 0, 0});
  return out;
}

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
