#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/links.cc"
#include "core/kernels/simd.h"

#include <cstring>

#include "core/kernels/map/links-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

// Calls TW_STEP(link, form, x, y) for each code, in their order.
#define TW_ROW(link, form, x) TW_STEP(link, form, x, kEach) TW_STEP(link, form, x, kOnce) TW_STEP(link, form, x, kKept)
#define TW_FORMS(link) TW_STEP(link, kPlain, kEach, kEach) TW_STEP(link, kSpecial, kEach, kEach)
#define TW_LOAD(link) TW_STEP(link, kPlain, kEach, kEach) TW_STEP(link, kPlain, kOnce, kEach)
#define TW_NONE(link) TW_STEP(link, kPlain, kEach, kEach)
#define TW_ONE(link) TW_LOAD(link) TW_STEP(link, kPlain, kKept, kEach)
#define TW_EACH(link, form) TW_ROW(link, form, kEach) TW_ROW(link, form, kOnce) TW_ROW(link, form, kKept)
#define TW_EITHER(link) TW_ONE(link) TW_EACH(link, kSpecial)
#define TW_TWO(link) TW_EACH(link, kPlain)
#define TW_THREE(link) \
  TW_ROW(link, kPlain, kEach) TW_ROW(link, kPlain, kOnce) TW_ROW(link, kSpecial, kEach) TW_ROW(link, kSpecial, kOnce)
// clang-format off
#define TW_STEPS                                                                                                      \
  TW_ONE(kLoad) TW_LOAD(kLoadBool) TW_FORMS(kLoadKept) TW_NONE(kKeep) TW_FORMS(kStore) TW_FORMS(kStoreBool)           \
  TW_FORMS(kStream) TW_EITHER(kAdd) TW_EITHER(kMul) TW_EITHER(kSub) TW_EITHER(kReverseSub) TW_EITHER(kMax)            \
  TW_EITHER(kReverseMax) TW_EITHER(kMin) TW_EITHER(kReverseMin) TW_EITHER(kSquaredDifference) TW_ONE(kDiv)            \
  TW_ONE(kReverseDiv) TW_ONE(kEqual) TW_ONE(kNotEqual) TW_ONE(kLess) TW_ONE(kLessEqual) TW_ONE(kGreater)              \
  TW_ONE(kGreaterEqual) TW_NONE(kNot) TW_NONE(kSquare) TW_NONE(kAbs) TW_NONE(kSqrt) TW_NONE(kRsqrt)                   \
  TW_NONE(kReciprocal) TW_TWO(kSelect) TW_TWO(kMulAdd) TW_THREE(kWhereEqual) TW_THREE(kWhereLess)                     \
  TW_THREE(kWhereLessEqual) TW_THREE(kWhereGreater) TW_THREE(kWhereGreaterEqual) TW_THREE(kUnlessEqual)               \
  TW_THREE(kUnlessLess) TW_THREE(kUnlessLessEqual) TW_THREE(kUnlessGreater) TW_THREE(kUnlessGreaterEqual)
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
#define TW_STEP(link, form, x, y) &&label_##link##form##x##y,
  static const void* const labels[] = {TW_STEPS && end};
#undef TW_STEP
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
#define TW_STEP(link, form, x, y)                                                                    \
  case code_of(Link::link, Form::form, Source::x, Source::y):                                        \
    TW_LABEL(link, form, x, y)                                                                       \
    if constexpr (kVectors <= kKeepingGroup || !keeps(Link::link, Form::form, Source::x, Source::y)) \
      run_link<Link::link, Form::form, Source::x, Source::y, kVectors>(g, step, operands, i);        \
    if constexpr (is_store(Link::link) && Form::form == Form::kSpecial) {                            \
      more = false;                                                                                  \
      break;                                                                                         \
    }                                                                                                \
    ++step;                                                                                          \
    TW_JUMP;
        TW_STEPS
#undef TW_STEP
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
