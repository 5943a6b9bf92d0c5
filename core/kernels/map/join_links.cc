#include "core/kernels/map/join_links.h"

#include <algorithm>

namespace tw {
namespace {

constexpr size_t kMaxJoined = 48;  // instructions, which bounds the depth of recursion
constexpr size_t kMaxSteps = 160;

// The link of a micro-op whose operand `value_at` is the value in the registers.
std::optional<Link> link_of(MicroOp op, size_t value_at = 0) {
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

bool is_logic(MicroOp op) {
  return op == MicroOp::k_logical_and || op == MicroOp::k_logical_or || op == MicroOp::k_logical_not;
}
bool divides(MicroOp op) {
  return op == MicroOp::k_div || op == MicroOp::k_sqrt || op == MicroOp::k_rsqrt || op == MicroOp::k_reciprocal;
}

struct Body {
  std::vector<LoweredInst> insts;
  std::vector<std::optional<MicroOp>> ops;
  std::span<const SlotFacts> slots;
  std::vector<int> made_by;             // by slot, the instruction; -1: none
  std::vector<std::vector<int>> users;  // by slot, once for every operand
  size_t operands(int i) const { return static_cast<size_t>(arity(*ops[static_cast<size_t>(i)])); }
};

// Operands as they are numbered while it is not known how many of each kind there are.
enum class Kind : uint8_t { kInput, kOutput, kLocal };
struct Operand {
  Kind kind = Kind::kInput;
  uint8_t index = 0;
};
struct Step {
  Link link;
  Operand x, y;
};

// Writes the program of a set of instructions. Values are computed where they are first needed, beginning at those
// that nothing else of the set reads.
class Writer {
 public:
  Writer(const Body& body, std::span<const int> set) : body_(body), set_(set), state_(body.slots.size()) {}

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

  void step(Link link, Operand x = {}, Operand y = {}) { steps_.push_back({link, x, y}); }

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
    const MicroOp op = *body_.ops[static_cast<size_t>(state_[slot].maker)];
    const uint16_t a = inst.args[0], b = inst.args[1];
    if (arity(op) == 1) {
      load(a);
      used(a);
      if (op != MicroOp::k_cast) step(*link_of(op));
    } else if (op == MicroOp::k_select) {
      const uint16_t c = inst.args[2];
      make_ready(b);
      make_ready(c);
      load(a);
      step(Link::kSelect, operand(b), operand(c));
      for (uint16_t read : {a, b, c}) used(read);
    } else {
      combine(op, a, b);
    }
    held_ = slot;
    const State& s = state_[slot];
    if (s.outside) step(body_.slots[slot].is_bool ? Link::kStoreBool : Link::kStore, output(slot));
    if (s.left > 1 && !again(slot)) save(slot);
  }

  void combine(MicroOp op, uint16_t a, uint16_t b) {
    // Of two that have to be computed the longer one first: it waits in a local while the other stays in the registers.
    if (a == b || (!ready(a) && !ready(b))) make_ready(state_[a].weight >= state_[b].weight ? a : b);
    const size_t at = !ready(a) ? 0 : !ready(b) || held_ == b ? 1 : 0;
    const uint16_t value = at == 0 ? a : b, other = at == 0 ? b : a;
    load(value);
    step(*link_of(op, at), operand(other));
    used(a);
    used(b);
  }

  // Whether a value of two uses is computed for each: a cheap op on what lies in memory takes less than to keep it.
  bool again(uint16_t slot) const {
    const State& s = state_[slot];
    const LoweredInst& inst = maker(slot);
    if (s.uses != 2 || s.outside || divides(*body_.ops[static_cast<size_t>(s.maker)])) return false;
    for (size_t k = 0; k < body_.operands(s.maker); ++k) {
      if (state_[inst.args[k]].maker >= 0 || body_.slots[inst.args[k]].is_bool) return false;
    }
    return true;
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
      if (!takes_none(s.link) && (reads(s.x) || (takes_two(s.link) && reads(s.y)))) last_read = i;
    }
    std::vector<Step> late;
    for (size_t i = 0; i < last_read; ++i) {
      Step& s = steps_[i];
      if (s.x.kind != Kind::kOutput) continue;
      // A local of its own, which nothing of the program uses.
      local_used_.push_back(true);
      const Operand kept = local(static_cast<int>(local_used_.size()) - 1);
      late.push_back({Link::kLoad, kept, {}});
      late.push_back(s);
      s = {Link::kStore, kept, {}};
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
    for (const Step& s : steps_) p.steps.push_back({s.link, number(s.x), number(s.y)});
    return inst;
  }

  const Body& body_;
  const std::span<const int> set_;
  std::vector<State> state_;  // by slot
  std::vector<uint16_t> args_, outs_;
  std::vector<bool> local_used_;
  std::vector<Step> steps_;
  int held_ = -1;  // the slot whose value the registers hold
};

class Joiner {
 public:
  Joiner(Body body, bool large) : body_(std::move(body)), large_(large), levels_(body_.insts.size()) {}

  std::vector<LoweredInst> run() {
    find_levels();
    sink();
    const int levels = levels_.empty() ? 0 : *std::max_element(levels_.begin(), levels_.end()) + 1;
    std::vector<std::vector<int>> by_level(static_cast<size_t>(levels));
    for (size_t i = 0; i < levels_.size(); ++i)
      by_level[static_cast<size_t>(levels_[i])].push_back(static_cast<int>(i));
    for (size_t level = 0; level < by_level.size(); ++level) add(by_level[level], level % 2 == 0);
    return std::move(done_);
  }

 private:
  bool links(int i) const { return body_.ops[static_cast<size_t>(i)].has_value(); }
  int& level(int i) { return levels_[static_cast<size_t>(i)]; }

  // Instructions of an even level can be links, those of an odd one cannot; each has its operands from its own level or
  // lower ones.
  void find_levels() {
    for (int i = 0; i < static_cast<int>(body_.insts.size()); ++i) {
      const LoweredInst& inst = body_.insts[static_cast<size_t>(i)];
      auto& op = body_.ops[static_cast<size_t>(i)];
      // Logic on bools from memory is done on bytes.
      if (op && is_logic(*op)) {
        const auto computed = [&](uint16_t slot) { return body_.made_by[slot] >= 0 && links(body_.made_by[slot]); };
        if (!std::all_of(inst.args.begin(), inst.args.end(), computed)) op.reset();
      }
      level(i) = links(i) ? 0 : 1;
      for (uint16_t slot : inst.args) {
        const int maker = body_.made_by[slot];
        if (maker >= 0) level(i) = std::max(level(i), level(maker) + (links(maker) != links(i)));
      }
    }
  }

  // What only later links read is left to them, unless more would have to be kept for it.
  void sink() {
    for (int i = static_cast<int>(body_.insts.size()) - 1; i >= 0; --i) {
      const LoweredInst& inst = body_.insts[static_cast<size_t>(i)];
      const std::vector<int>& users = body_.users[inst.outs[0]];
      if (!links(i) || users.empty() || body_.slots[inst.outs[0]].result) continue;
      int first = INT32_MAX;
      for (int user : users) first = std::min(first, links(user) ? level(user) : level(i));
      int made = 0;
      for (size_t k = 0; k < body_.operands(i); ++k) made += body_.made_by[inst.args[k]] >= 0;
      if (made <= 1) level(i) = std::max(level(i), first);
    }
  }

  void add(std::span<const int> insts, bool links) {
    if (!links) {
      for (int i : insts) done_.push_back(body_.insts[static_cast<size_t>(i)]);
      return;
    }
    if (insts.empty()) return;
    const LoweredInst& first = body_.insts[static_cast<size_t>(insts[0])];
    // Alone it gains only from an operand that need not be laid out, or a result that need not be copied.
    const auto repeats = [&](uint16_t slot) { return body_.slots[slot].repeats; };
    const SlotFacts& out = body_.slots[first.outs[0]];
    if (insts.size() == 1 && !(large_ && out.result && !out.is_bool) &&
        std::none_of(first.args.begin(), first.args.end(), repeats)) {
      done_.push_back(first);
      return;
    }
    std::optional<LoweredInst> joined;
    if (insts.size() <= kMaxJoined) joined = Writer(body_, insts).run();
    if (joined) {
      // What gives nothing that is read is left out.
      if (!joined->outs.empty()) done_.push_back(std::move(*joined));
      return;
    }
    add(insts.first(insts.size() / 2), true);
    add(insts.subspan(insts.size() / 2), true);
  }

  Body body_;
  const bool large_;
  std::vector<int> levels_;
  std::vector<LoweredInst> done_;
};

}  // namespace

bool may_link(MicroOp op, DType operand, DType result) {
  if (is_logic(op)) return operand == DType::kBool;
  if (op == MicroOp::k_cast) return operand == DType::kBool && result == DType::kFloat;
  return operand == DType::kFloat && link_of(op).has_value();
}

std::vector<LoweredInst> join_links(std::vector<LoweredInst> insts, std::span<const std::optional<MicroOp>> ops,
                                    std::span<const SlotFacts> slots, bool large) {
  Body body{std::move(insts), {ops.begin(), ops.end()}, slots, {}, {}};
  body.made_by.assign(slots.size(), -1);
  body.users.resize(slots.size());
  for (size_t i = 0; i < body.insts.size(); ++i) {
    const LoweredInst& inst = body.insts[i];
    body.made_by[inst.outs[0]] = static_cast<int>(i);
    const size_t operands = body.ops[i] ? static_cast<size_t>(arity(*body.ops[i])) : inst.args.size();
    for (size_t k = 0; k < operands; ++k) body.users[inst.args[k]].push_back(static_cast<int>(i));
  }
  return Joiner(std::move(body), large).run();
}

}  // namespace tw
