#include "core/kernels/map/write_links.h"

#include <algorithm>

namespace tw {
namespace {

constexpr size_t kMaxSteps = 160;
constexpr size_t kMaxTried = 500;  // steps of the programs that are compared, which takes about 35 us
constexpr int kLeastSaved = 8;     // a step alone is not worth another order: it hides behind memory instructions

bool divides(MicroOp op) {
  return op == MicroOp::k_div || op == MicroOp::k_sqrt || op == MicroOp::k_rsqrt || op == MicroOp::k_reciprocal;
}

// Operands as they are numbered while it is not known how many of each kind there are.
enum class Kind : uint8_t { kInput, kOutput, kLocal };
struct Operand {
  Kind kind = Kind::kInput;
  uint8_t index = 0;
};
struct Step {
  Link link;
  Operand x, y, z;
};

bool compares(MicroOp op) { return op >= MicroOp::k_eq && op <= MicroOp::k_ge; }
// The link that selects the value at hand where a comparison holds, or does not.
Link where(Link comparison, bool holds) {
  switch (comparison) {
    case Link::kEqual: return holds ? Link::kWhereEqual : Link::kUnlessEqual;
    case Link::kNotEqual: return holds ? Link::kUnlessEqual : Link::kWhereEqual;
    case Link::kLess: return holds ? Link::kWhereLess : Link::kUnlessLess;
    case Link::kLessEqual: return holds ? Link::kWhereLessEqual : Link::kUnlessLessEqual;
    case Link::kGreater: return holds ? Link::kWhereGreater : Link::kUnlessGreater;
    default: return holds ? Link::kWhereGreaterEqual : Link::kUnlessGreaterEqual;
  }
}

// Writes the program of a set of instructions. Values are computed where they are first needed, beginning at those
// that nothing else of the set reads. Where there is a choice of what is done first, `others` has the instructions that
// do not choose what is the best as a rule.
class Writer {
 public:
  Writer(const LinkBody& body, std::span<const int> set, const std::vector<bool>& others)
      : body_(body), set_(set), others_(others), state_(body.slots.size()) {}
  // The instructions that had a choice.
  const std::vector<int>& choices() const { return choices_; }

  // Nothing where the program becomes larger than one may be.
  std::optional<LoweredInst> run() {
    for (int i : set_) {
      const LoweredInst& inst = body_.insts[static_cast<size_t>(i)];
      state_[inst.outs[0]].maker = i;
      for (size_t k = 0; k < body_.operands(i); ++k) ++state_[inst.args[k]].left;
    }
    for (int i : set_) {
      const uint16_t out = body_.insts[static_cast<size_t>(i)].outs[0];
      State& s = state_[out];
      s.uses = s.left;
      s.outside = body_.slots[out].result || static_cast<int>(body_.users[out].size()) != s.left;
      weigh(i);
    }
    for (int i : set_) {
      const uint16_t out = body_.insts[static_cast<size_t>(i)].outs[0];
      if (state_[out].uses == 0) load(out);
    }
    defer_stores();
    return finish();
  }

 private:
  struct State {
    int maker = -1;  // of the set
    int left = 0;    // operands of the set that have not been read yet
    int uses = 0;    // of those that the set makes
    int weight = 0;  // links that computing it takes
    int local = -1;  // where it is kept
    bool outside = false;
    bool input = false;
    uint8_t operand = 0;
  };
  const LoweredInst& maker(uint16_t slot) const { return body_.insts[static_cast<size_t>(state_[slot].maker)]; }

  void weigh(int i) {
    const LoweredInst& inst = body_.insts[static_cast<size_t>(i)];
    int weight = 1;
    for (size_t k = 0; k < body_.operands(i); ++k) weight += state_[inst.args[k]].weight;
    state_[inst.outs[0]].weight = std::min(weight, 1 << 20);
  }

  // What an instruction of the set chooses, `rule` as a rule.
  bool choose(int inst, bool rule) {
    if (std::find(choices_.begin(), choices_.end(), inst) == choices_.end()) choices_.push_back(inst);
    return rule != others_[static_cast<size_t>(inst)];
  }

  Operand input(uint16_t slot) {
    State& s = state_[slot];
    if (!s.input) {
      s.input = true;
      s.operand = static_cast<uint8_t>(args_.size());
      args_.push_back(slot);
    }
    return {Kind::kInput, s.operand};
  }
  Operand local(int index) const { return {Kind::kLocal, static_cast<uint8_t>(index)}; }

  int new_local() {
    const auto free = std::find(local_used_.begin(), local_used_.end(), false);
    const int index = static_cast<int>(free - local_used_.begin());
    if (free == local_used_.end()) local_used_.push_back(true);
    else *free = true;
    return index;
  }

  void step(Link link, Operand x = {}, Operand y = {}, Operand z = {}) { steps_.push_back({link, x, y, z}); }

  void save(uint16_t slot) {
    state_[slot].local = new_local();
    step(Link::kStore, local(state_[slot].local));
  }

  void used(uint16_t slot) {
    State& s = state_[slot];
    if (--s.left > 0 || s.local < 0) return;
    local_used_[static_cast<size_t>(s.local)] = false;
    s.local = -1;
  }

  // Whether a link can read it from memory.
  bool ready(uint16_t slot) const {
    const State& s = state_[slot];
    return s.local >= 0 || (s.maker < 0 && !body_.slots[slot].is_bool);
  }
  void make_ready(uint16_t slot) {
    if (ready(slot)) return;
    load(slot);
    if (state_[slot].local < 0) save(slot);
  }
  Operand operand(uint16_t slot) {
    const State& s = state_[slot];
    return s.local >= 0 ? local(s.local) : input(slot);
  }

  // The value comes into the registers.
  void load(uint16_t slot) {
    if (held_ == slot) return;
    const State& s = state_[slot];
    if (s.local >= 0) step(Link::kLoad, local(s.local));
    else if (s.maker >= 0) compute(slot);
    else step(body_.slots[slot].is_bool ? Link::kLoadBool : Link::kLoad, input(slot));
    held_ = slot;
  }

  void compute(uint16_t slot) {
    const LoweredInst& inst = maker(slot);
    const int number = state_[slot].maker;
    const MicroOp op = *body_.ops[static_cast<size_t>(number)];
    const uint16_t a = inst.args[0], b = inst.args[1];
    if (arity(op) == 1) {
      load(a);
      used(a);
      if (op != MicroOp::k_cast) step(*link_of(op));
    } else if (op == MicroOp::k_select) {
      if (!select_by_comparison(number)) select(number);
    } else {
      combine(number, a, b);
    }
    held_ = slot;
    const State& s = state_[slot];
    if (s.outside) step(body_.slots[slot].is_bool ? Link::kStoreBool : Link::kStore, output(slot));
    if (s.left > 1 && !again(slot)) save(slot);
  }

  void select(int number) {
    const std::vector<uint16_t>& args = body_.insts[static_cast<size_t>(number)].args;
    const uint16_t bools = args[0], b = args[1], c = args[2];
    if (!ready(b) && !ready(c) && choose(number, false)) make_ready(c);
    make_ready(b);
    make_ready(c);
    load(bools);
    step(Link::kSelect, operand(b), operand(c));
    for (uint16_t read : {bools, b, c}) used(read);
  }

  // A comparison that only this select reads need not give a bool: one of the two values is at hand, and the operands
  // of the comparison and the other value are read. Not where it takes more steps than the comparison and the select.
  bool select_by_comparison(int number) {
    const LoweredInst& select = body_.insts[static_cast<size_t>(number)];
    const uint16_t bools = select.args[0];
    if (state_[bools].maker < 0 || state_[bools].uses != 1 || state_[bools].outside) return false;
    const MicroOp op = *body_.ops[static_cast<size_t>(state_[bools].maker)];
    if (!compares(op)) return false;
    const LoweredInst& comparison = maker(bools);
    const size_t at = repeats(comparison.args[0]) ? 1 : 0;
    const uint16_t x = comparison.args[at], y = comparison.args[1 - at];
    if (repeats(x)) return false;
    uint16_t value = select.args[1], other = select.args[2];
    if (ready(value) && ready(other) && (!ready(x) || held_ == x)) return false;
    const bool swap = ready(value) != ready(other) ? ready(value) : choose(number, weight(value) < weight(other));
    if (swap) std::swap(value, other);
    if (!ready(other) && !ready(x) && choose(state_[bools].maker, false)) make_ready(x);
    make_ready(other);
    make_ready(y);
    make_ready(x);
    load(value);
    step(where(*link_of(op, at), value == select.args[1]), operand(x), operand(y), operand(other));
    for (uint16_t read : {x, y, bools, value, other}) used(read);
    return true;
  }
  int weight(uint16_t slot) const { return state_[slot].weight; }
  // Whether it may be the same for many elements.
  bool repeats(uint16_t slot) const { return state_[slot].maker < 0 && body_.slots[slot].repeats; }

  void combine(int number, uint16_t a, uint16_t b) {
    const MicroOp op = *body_.ops[static_cast<size_t>(number)];
    // Of two that have to be computed one waits in a local while the other stays in the registers: as a rule the longer
    // one is computed first.
    if (a == b) make_ready(a);
    else if (!ready(a) && !ready(b)) make_ready(choose(number, weight(a) >= weight(b)) ? a : b);
    const size_t at = !ready(a) ? 0 : !ready(b) || held_ == b ? 1 : 0;
    const uint16_t value = at == 0 ? a : b, other = at == 0 ? b : a;
    load(value);
    step(*link_of(op, at), operand(other));
    used(a);
    used(b);
  }

  // Whether a value of two uses is computed for each: a cheap op on what lies in memory takes less than to keep it.
  bool again(uint16_t slot) {
    const State& s = state_[slot];
    const LoweredInst& inst = maker(slot);
    if (s.uses != 2 || s.outside || divides(*body_.ops[static_cast<size_t>(s.maker)])) return false;
    for (size_t k = 0; k < body_.operands(s.maker); ++k) {
      if (state_[inst.args[k]].maker >= 0 || body_.slots[inst.args[k]].is_bool) return false;
    }
    return choose(s.maker, true);
  }

  Operand output(uint16_t slot) {
    outs_.push_back(slot);
    return {Kind::kOutput, static_cast<uint8_t>(outs_.size() - 1)};
  }

  // An output may lie where an input does, so all inputs are read before the first output is written.
  void defer_stores() {
    size_t last_read = 0;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const auto reads = [&](const Operand& o) {
        return o.kind == Kind::kInput && o.index < args_.size() && !body_.slots[args_[o.index]].repeats;
      };
      const Step& s = steps_[i];
      if (!takes_none(s.link) &&
          (reads(s.x) || (takes_two(s.link) && reads(s.y)) || (takes_three(s.link) && reads(s.z))))
        last_read = i;
    }
    std::vector<Step> late;
    for (size_t i = 0; i < last_read; ++i) {
      Step& s = steps_[i];
      if (s.x.kind != Kind::kOutput) continue;
      // A local of its own, which nothing of the program uses.
      local_used_.push_back(true);
      const Operand kept = local(static_cast<int>(local_used_.size()) - 1);
      late.push_back({Link::kLoad, kept, {}, {}});
      late.push_back(s);
      s = {Link::kStore, kept, {}, {}};
    }
    steps_.insert(steps_.end(), late.begin(), late.end());
  }

  std::optional<LoweredInst> finish() {
    const size_t inputs = args_.size(), outputs = outs_.size(), locals = local_used_.size();
    if (inputs + outputs + locals > kMaxLinkOperands || locals > kMaxLinkLocals || steps_.size() > kMaxSteps) {
      return std::nullopt;
    }
    LoweredInst inst;
    inst.args = std::move(args_);
    inst.outs = std::move(outs_);
    LinkProgram& p = inst.links;
    p.inputs = static_cast<uint8_t>(inputs);
    p.outputs = static_cast<uint8_t>(outputs);
    p.locals = static_cast<uint8_t>(locals);
    const auto number = [&](const Operand& o) {
      const size_t first = o.kind == Kind::kInput ? 0 : o.kind == Kind::kOutput ? inputs : inputs + outputs;
      return static_cast<uint8_t>(first + o.index);
    };
    for (const Step& s : steps_) p.steps.push_back({s.link, number(s.x), number(s.y), number(s.z)});
    return inst;
  }

  const LinkBody& body_;
  const std::span<const int> set_;
  const std::vector<bool>& others_;
  std::vector<int> choices_;
  std::vector<State> state_;  // by slot
  std::vector<uint16_t> args_, outs_;
  std::vector<bool> local_used_;
  std::vector<Step> steps_;
  int held_ = -1;  // the slot whose value the registers hold
};

}  // namespace

// The link of a micro-op whose operand `value_at` is the value in the registers.
std::optional<Link> link_of(MicroOp op, size_t value_at) {
  const auto either = [&](Link link, Link reverse) { return value_at == 0 ? link : reverse; };
  switch (op) {
    case MicroOp::k_add: return Link::kAdd;
    case MicroOp::k_mul: return Link::kMul;
    case MicroOp::k_sub: return either(Link::kSub, Link::kReverseSub);
    case MicroOp::k_div: return either(Link::kDiv, Link::kReverseDiv);
    case MicroOp::k_maximum: return either(Link::kMax, Link::kReverseMax);
    case MicroOp::k_minimum: return either(Link::kMin, Link::kReverseMin);
    case MicroOp::k_squared_difference: return Link::kSquaredDifference;
    case MicroOp::k_eq: return Link::kEqual;
    case MicroOp::k_ne: return Link::kNotEqual;
    case MicroOp::k_lt: return either(Link::kLess, Link::kGreater);
    case MicroOp::k_le: return either(Link::kLessEqual, Link::kGreaterEqual);
    case MicroOp::k_gt: return either(Link::kGreater, Link::kLess);
    case MicroOp::k_ge: return either(Link::kGreaterEqual, Link::kLessEqual);
    case MicroOp::k_logical_and: return Link::kMin;
    case MicroOp::k_logical_or: return Link::kMax;
    case MicroOp::k_logical_not: return Link::kNot;
    case MicroOp::k_square: return Link::kSquare;
    case MicroOp::k_abs: return Link::kAbs;
    case MicroOp::k_sqrt: return Link::kSqrt;
    case MicroOp::k_rsqrt: return Link::kRsqrt;
    case MicroOp::k_reciprocal: return Link::kReciprocal;
    case MicroOp::k_select: return Link::kSelect;
    case MicroOp::k_cast: return Link::kLoad;  // of a bool, which is a float already
    default: return std::nullopt;
  }
}

// First every choice as a rule, then one after the other differently, where that makes the program cheaper.
std::optional<LoweredInst> write_links(const LinkBody& body, std::span<const int> set) {
  std::vector<bool> others(body.insts.size(), false);
  Writer first(body, set, others);
  std::optional<LoweredInst> best = first.run();
  if (!best || first.choices().empty()) return best;
  std::vector<size_t> steps;
  const auto cost = [&](const LoweredInst& inst) {
    steps.clear();
    for (uint16_t slot : inst.args) {
      const SlotFacts& facts = body.slots[slot];
      steps.push_back(facts.repeats ? 0 : facts.is_bool ? 1 : sizeof(float));
    }
    return compile_links(inst.links, steps, 0).cost;
  };
  int least = cost(*best);
  size_t left = kMaxTried / best->links.steps.size();
  for (int choice : first.choices()) {
    if (left-- == 0) break;
    others[static_cast<size_t>(choice)] = true;
    std::optional<LoweredInst> tried = Writer(body, set, others).run();
    const int now = tried ? cost(*tried) : least;
    others[static_cast<size_t>(choice)] = now < least - kLeastSaved;
    if (!others[static_cast<size_t>(choice)]) continue;
    least = now;
    best = std::move(tried);
  }
  return best;
}

}  // namespace tw
