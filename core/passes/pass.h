// The passes between a user's graph and a plan. Each works on a body (a private graph with _Arg nodes for feeds,
// _Retval nodes for fetches, and nodes that must run), edits it in place, keeps it valid, and has a file of its own.
#pragma once

#include <span>
#include <unordered_map>

#include "core/framework/kernel.h"
#include "core/graph/graph.h"
#include "core/passes/function_facts.h"
#include "core/platform/trace_log.h"

namespace tw {

// What a program is compiled from. A function's body has the same form, so that steps and functions share one path.
using Body = Function;

// Runs one op on given values, outside any step: folding, and resources that are the same in every step.
Result<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor> inputs, StepContext& step);

struct PassContext {
  StepContext* step;     // for evaluate(); folding never touches its resources
  FunctionFacts* facts;  // of the body's library
  bool optimize = true;
  TraceLog* log = nullptr;  // gets an event for each pass
};

// prune: copies what `fetches` and `targets` need, with every feed replaced by an _Arg.
// InvalidArgument for a placeholder that is needed and not fed; names its dtype and shape.
Result<std::unique_ptr<Body>> extract(const Graph& g, std::span<const Output> feeds, std::span<const Output> fetches,
                                      std::span<const NodeId> targets);
// A private copy of a function's body, with attribute placeholders replaced by the call's attributes. Of those that
// narrow_calls writes, "_args" and "_results" name the arguments and results that the caller has a use for, and
// "_bind_2" is a node that argument 2 always is; "_sums", of defer_products, names arguments that are sums of products;
// "_then", of rotate_loops, is a function of the results whose own results follow them.
Result<std::unique_ptr<Body>> instantiate(const Function& f, const AttrMap& call_attrs);

// InvalidArgument unless a call that passes values of these dtypes and expects such results (kInvalid: of any dtype)
// fits the function's body.
Status check_call(const Body& f, std::span<const DType> args, std::span<const DType> results);

// Removes nodes that neither results nor controls need.
void remove_dead(Body& body);
// Leaves out dead nodes, and numbers the others in an order of edges that is close to the one in which they were made:
// a node that a pass added late comes where its first consumer is.
void renumber(Body& body);
// Turns ref edges into reads and writes of resource handles.
Status lower_refs(Body& body);
// Turns TensorFlow 1's control flow (Switch, Merge, Enter, Exit, NextIteration, LoopCond) into If and While; refs must
// have been lowered. InvalidArgument, with the node named, for frames that are no loops.
Status functionalise(Body& body);
// Gradients are taken of functions. For each loop between xs and ys this adds a While that computes what the loop does;
// a step that needs both runs the While only. Returns its outputs by the Exits that they stand in for.
Result<std::map<Output, Output>> add_loop_stand_ins(Graph* g, std::span<const Output> ys, std::span<const Output> xs);
// Replaces calls of functions by their bodies.
Status inline_calls(Body& body);
// Loops over lists that run a number of times that is known here become that many copies of their body, which
// dissolve_lists() then rids of the lists. Whether there was any.
Result<bool> unroll_loops(Body& body, const PassContext& context);
// What is read from a tensor list whose elements are known one by one is taken from where it was put in.
Status dissolve_lists(Body& body);
// Branches and loops: results that nobody uses are not computed, as in TensorFlow, where each result of a branch or
// loop is a node of its own; and arguments that are small constants or handles are told to the functions.
Status narrow_calls(Body& body);
// Loops whose iterations each add a product of matrices to a variable collect the factors instead, and multiply many of
// them at once.
Status defer_products(Body& body);
// What that asks of a function of such a loop, by the attribute "_sums" of the call: those arguments are sums.
Status collect_products(Body& f, const AttrMap& call_attrs);
// Lets a loop's body return what the condition says of the next iteration, so that an iteration is one program, in
// which the two are fused; the condition by itself is asked before the first one only. Where asking has effects, or
// sees those of the body, it stays apart.
Status rotate_loops(Body& body);
// Whether the loop's body returns the condition too.
bool is_rotated(const Node& loop);
// Evaluates nodes whose inputs are constants.
Status fold(Body& body, const PassContext& context);
// Merges nodes that compute the same value.
Status cse(Body& body);
// Algebraic identities, and nodes that only pass their input on.
Status simplify(Body& body);
// Batch normalisation with given statistics becomes arithmetic. Whether there was any.
Result<bool> lower_norms(Body& body);
// Infers all shapes again, given those of the arguments (unknown entries keep the static shape), through functions.
Status specialise(Body& body, std::span<const Shape> arg_shapes, FunctionFacts& facts);
// Whether inferring again could narrow no output's shape, whatever constants were found meanwhile.
bool all_shapes_known(const Body& body);
// Columns that nobody reads of products which are split are not computed.
Status trim_products(Body& body);
// Sums of products become one product, and a matrix that many products take transposed is turned once.
Status merge_products(Body& body);
// Lets softmax cross entropies multiply their derivatives themselves.
Status fuse_loss(Body& body);
// Groups reductions of rows (softmax, norms, their gradients) with the element-wise ops between them, so that all of
// them run on a few rows at a time.
Status fuse_rows(Body& body);
// Groups element-wise ops into map tapes, and map tapes into the reductions and contractions they surround.
Status fuse(Body& body);

// The passes that need no shapes, then those that want them. TW_DUMP=<pass> prints the text form after <pass>.
Status optimise(Body& body, const PassContext& context);
Status optimise_for_shapes(Body& body, std::span<const Shape> arg_shapes, const PassContext& context);

// --- shared by passes ---

// The Const node's tensor, or null.
const Tensor* constant_of(const Node& n);
// Whether the op may be evaluated at compile time, merged with its equal, or dropped.
bool is_pure(const Node& n);
// Whether values of a static shape surely have the declared one too: what is known of that is known of it, and equal.
bool refines(const Shape& shape, const Shape& declared);
// Adds a node made by a pass: name `like`/`suffix` made unique, device and user line of `like`.
Result<NodeId> add_node(Body& body, const Node& like, std::string_view suffix, std::string_view op,
                        std::vector<Output> inputs, AttrMap attrs, std::vector<NodeId> controls = {});
Result<NodeId> add_constant(Body& body, const Node& like, Tensor value);
// Turns a node into another op in place: its number, and so its place in the natural order of work, stays.
Status become(Body& body, NodeId id, std::string_view op, std::vector<Output> inputs, AttrMap attrs);
// The attributes of `from` that `op` has too; "dtype" is filled from "T" and the other way round.
AttrMap shared_attrs(const Node& from, const OpDef& op);
// The argument of its functions that input i of a loop, or input i + 1 of a branch, was before narrow_calls.
size_t original_argument(const Node& call, size_t i);
// Functions that a control-flow node calls: attribute name and function.
std::vector<std::pair<std::string, FuncRef>> called_functions(const Node& n);

// Collects substitutions and applies them in one sweep, so that a pass over n nodes costs O(n).
class Rewriter {
 public:
  explicit Rewriter(Body& body) : body_(body) {}
  // Uses of `from` become uses of `to`; chains are followed.
  void replace(Output from, Output to) { outputs_[key(from)] = to; }
  // The node goes away; whoever waited for it waits for `instead`. Its outputs must have been replaced, or be unused.
  void remove(NodeId id, std::vector<NodeId> instead) { removed_[id] = std::move(instead); }
  // replace() of output 0 by `to` and remove() in one: waiters wait for `to`'s node and the node's own controls.
  void bypass(const Node& n, Output to);
  Output resolve(Output o) const;
  bool empty() const { return outputs_.empty() && removed_.empty(); }
  void apply();

 private:
  static int64_t key(Output o) { return (static_cast<int64_t>(o.node) << 32) | static_cast<uint32_t>(o.index); }
  void resolve_control(NodeId id, std::vector<NodeId>* to) const;
  Body& body_;
  std::unordered_map<int64_t, Output> outputs_;
  std::unordered_map<NodeId, std::vector<NodeId>> removed_;
};

}  // namespace tw
