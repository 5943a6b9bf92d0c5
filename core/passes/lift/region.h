// A body whose loops are functions already, with the condition under which each node runs.
//
// TensorFlow's executor gives "dead" tensors to the branch a Switch does not choose: a node with a dead input does
// nothing and its outputs are dead; a Merge passes on the input that is alive. Here that becomes a condition per node.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/passes/lift/conditions.h"
#include "core/passes/pass.h"

namespace tw::lift {

struct Region {
  Region(Body& b, Conditions& l) : body(b), logic(l) {}

  Body& body;
  Conditions& logic;
  std::vector<Condition> runs;             // by node
  std::vector<Condition> literal;          // of a Switch: when its output 1 is the one chosen
  std::map<Predicate, Output> predicates;  // the values of predicates in this graph

  Graph& graph() const { return *body.body; }
  const Node& node(NodeId id) const { return body.body->mutable_node(id); }
  // When the output holds a value.
  Condition alive(Output o) const;
  // The first predicate that must be tested before it is known where the node goes; kNoPredicate when none must.
  Predicate first(NodeId id) const;
  NodeId adopt(Node n, Condition when, Condition switch_literal = kNever);
};

// The error of a graph whose conditions have no short form.
Status too_deep();
// Finds the conditions of all nodes. What a result or `guarded` output may lack gets a _Live node in front, which
// reports that the result has no value; ResourceExhausted when the conditions have no short form.
Status find_conditions(Region& r);

// Constants up to this size are copied into functions rather than passed: kernels can then prepare for them.
inline constexpr int64_t kFewElements = 64;

// The output whose value an output has whenever it has one: through Identity and Switch.
Output origin(const Graph& g, Output o);
// Whether a function must run the node even if nobody wants its outputs.
bool must_run(const Node& n);
// A node as a pass makes it, for Graph::adopt.
Node make_node(const Node& like, std::string name, std::string_view op, std::vector<Output> inputs, AttrMap attrs,
               std::vector<DType> output_dtypes);
// A scope's name for a node that replaces others of that scope: "cond/If" after "cond/Merge".
std::string beside(const Node& like, std::string_view what);

// Replaces Switch and Merge by If nodes; `depth` counts the branches around the body. The functions go to the body's
// library.
Status lift_branches(Region& r, int depth);
// Replaces the loops of a body by While nodes, and the branches inside them by If nodes; or only these loops, named by
// the frames outside all others, with those inside them.
Status lift_loops(Body& body, const std::set<std::string>* wanted = nullptr);
// On a While that stands in for a loop which the graph keeps: the names of the Exits, and the outputs that are theirs.
inline constexpr std::string_view kExitsAttr = "_exits", kExitOutputsAttr = "_exit_outputs";

// Makes a function of a body and puts it into the library under a name that tells its content.
Result<FuncRef> add_function(std::unique_ptr<Body> body, std::string_view name);

}  // namespace tw::lift
