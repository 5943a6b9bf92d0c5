#include "core/passes/lift/conditions.h"

#include <algorithm>

namespace tw::lift {

namespace {

// Real graphs need a few nodes a predicate.
constexpr size_t kMostNodes = size_t{1} << 18;

}  // namespace

Conditions::Conditions() : nodes_{{kNoPredicate, kNever, kNever}, {kNoPredicate, kAlways, kAlways}}, heights_{0, 0} {}

std::size_t Conditions::Hash::operator()(const Node& n) const {
  // Predicates and conditions are small numbers that grow together: each is spread over all bits before the next comes.
  uint64_t h = 0;
  for (const int32_t part : {n.predicate, n.if_false, n.if_true}) {
    h = (h ^ static_cast<uint32_t>(part)) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
  }
  return static_cast<size_t>(h);
}

Condition Conditions::make(Predicate p, Condition if_false, Condition if_true) {
  if (if_false == if_true) return if_false;
  const Node n{p, if_false, if_true};
  if (const auto it = known_.find(n); it != known_.end()) return it->second;
  const int height = 1 + std::max(heights_[static_cast<size_t>(if_false)], heights_[static_cast<size_t>(if_true)]);
  if (nodes_.size() >= kMostNodes || height > kMostHeight) {
    exhausted_ = true;
    return kNever;
  }
  const auto made = static_cast<Condition>(nodes_.size());
  nodes_.push_back(n);
  heights_.push_back(height);
  known_.emplace(n, made);
  return made;
}

Condition Conditions::cofactor(Condition c, Predicate p, bool value) const {
  const Node& n = nodes_[static_cast<size_t>(c)];
  if (n.predicate != p) return c;
  return value ? n.if_true : n.if_false;
}

Condition Conditions::choose(Condition test, Condition a, Condition b) {
  if (test == kAlways) return a;
  if (test == kNever) return b;
  if (a == b) return a;
  if (a == kAlways && b == kNever) return test;
  const Node key{test, a, b};
  if (const auto it = chosen_.find(key); it != chosen_.end()) return it->second;
  const Predicate p = std::min({first(test), first(a), first(b)});
  const auto side = [&](bool value) {
    return choose(cofactor(test, p, value), cofactor(a, p, value), cofactor(b, p, value));
  };
  const Condition if_false = side(false);
  const Condition made = make(p, if_false, side(true));
  if (!exhausted_) chosen_.emplace(key, made);
  return made;
}

Condition Conditions::given(Condition c, Predicate p, bool value) {
  if (first(c) > p) return c;
  if (first(c) == p) return cofactor(c, p, value);
  // What lies behind p is replaced where p is tested: rebuild the part before it.
  std::map<Condition, Condition> done;
  const auto rebuild = [&](const auto& self, Condition at) -> Condition {
    if (first(at) > p) return at;
    if (first(at) == p) return cofactor(at, p, value);
    if (const auto it = done.find(at); it != done.end()) return it->second;
    const Node n = nodes_[static_cast<size_t>(at)];
    const Condition if_false = self(self, n.if_false);
    return done[at] = make(n.predicate, if_false, self(self, n.if_true));
  };
  return rebuild(rebuild, c);
}

void Conditions::collect_predicates(Condition c, std::set<Condition>* seen, std::set<Predicate>* to) const {
  std::vector<Condition> stack{c};
  while (!stack.empty()) {
    const Condition at = stack.back();
    stack.pop_back();
    const Node& n = nodes_[static_cast<size_t>(at)];
    if (n.predicate == kNoPredicate || !seen->insert(at).second) continue;
    to->insert(n.predicate);
    stack.push_back(n.if_false);
    stack.push_back(n.if_true);
  }
}

}  // namespace tw::lift
