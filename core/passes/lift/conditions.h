// When the nodes of a graph with Switch and Merge run: boolean functions of the predicates that Switches test, kept as
// ordered decision diagrams (Bryant 1986), so that equal conditions are equal numbers.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

namespace tw::lift {

using Condition = int32_t;
inline constexpr Condition kNever = 0, kAlways = 1;
// A predicate by its place in the order in which diagrams test them. kNoPredicate is behind all others.
using Predicate = int;
inline constexpr Predicate kNoPredicate = INT_MAX;

class Conditions {
 public:
  // Predicates that one condition may test one after another: as deep as branches are nested. Lifting, planning and
  // running recurse as deep, and a thread's stack has room for that.
  static constexpr int kMostHeight = 500;

  Conditions();
  Condition literal(Predicate p, bool value) { return value ? make(p, kNever, kAlways) : make(p, kAlways, kNever); }
  Condition both(Condition a, Condition b) { return choose(a, b, kNever); }
  Condition either(Condition a, Condition b) { return choose(a, kAlways, b); }
  Condition without(Condition a, Condition b) { return choose(b, kNever, a); }
  // The condition where `p` has that value.
  Condition given(Condition c, Predicate p, bool value);
  // The first predicate that the condition tests.
  Predicate first(Condition c) const { return nodes_[static_cast<size_t>(c)].predicate; }
  // Adds the predicates of a condition; `seen` spares parts that several conditions share a second visit.
  void collect_predicates(Condition c, std::set<Condition>* seen, std::set<Predicate>* to) const;
  // A graph may be made so that its conditions have no short form, or nests branches more than kMostHeight deep; then
  // results are meaningless from here on.
  bool exhausted() const { return exhausted_; }

 private:
  struct Node {
    Predicate predicate;
    Condition if_false, if_true;
    auto operator<=>(const Node&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Node& n) const;
  };
  Condition make(Predicate p, Condition if_false, Condition if_true);
  // `test ? a : b`
  Condition choose(Condition test, Condition a, Condition b);
  Condition cofactor(Condition c, Predicate p, bool value) const;

  std::vector<Node> nodes_;
  std::vector<int> heights_;  // predicates on the longest way through a node
  std::unordered_map<Node, Condition, Hash> known_, chosen_;
  bool exhausted_ = false;
};

}  // namespace tw::lift
