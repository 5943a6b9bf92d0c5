#include "core/kernels/map/join_links.h"

#include <algorithm>

#include "core/kernels/map/write_links.h"

namespace tw {
namespace {

constexpr size_t kMaxJoined = 48;  // instructions, which bounds the depth of recursion

bool is_logic(MicroOp op) {
  return op == MicroOp::k_logical_and || op == MicroOp::k_logical_or || op == MicroOp::k_logical_not;
}

class Joiner {
 public:
  Joiner(LinkBody body, bool large) : body_(std::move(body)), large_(large), levels_(body_.insts.size()) {}

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
    if (insts.size() <= kMaxJoined) joined = write_links(body_, insts);
    if (joined) {
      // What gives nothing that is read is left out.
      if (!joined->outs.empty()) done_.push_back(std::move(*joined));
      return;
    }
    add(insts.first(insts.size() / 2), true);
    add(insts.subspan(insts.size() / 2), true);
  }

  LinkBody body_;
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
  LinkBody body{std::move(insts), {ops.begin(), ops.end()}, slots, {}, {}};
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
