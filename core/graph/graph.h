// The graph: nodes with typed edges, control edges, functions. Append-only for its users and thread-safe; passes work
// on private copies, which they may edit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/framework/op_def.h"
#include "core/framework/shape_context.h"
#include "core/platform/shared_string.h"
#include "core/platform/small_vector.h"

namespace tw {

using NodeId = int32_t;

// Output `index` of a node.
struct Output {
  NodeId node = -1;
  int32_t index = 0;
  bool valid() const { return node >= 0; }
  auto operator<=>(const Output&) const = default;
};

struct Node {
  NodeId id = -1;
  const OpDef* op = nullptr;
  SharedString name;
  SmallVector<Output, 4> inputs;
  SmallVector<NodeId, 4> controls;  // run before this node; sorted, no duplicates
  AttrMap attrs;                    // complete: defaults filled in
  std::string device;
  SharedString where;                       // the user's line, "file.py:12"; not part of the GraphDef
  DTypes output_dtypes;                     // refs marked
  SmallVector<Shape, 1> output_shapes;      // static, as inferred
  std::vector<HandleShape> output_handles;  // by output; empty where nothing is known of any
  bool dead = false;                        // removed by a pass

  AttrReader attr() const { return AttrReader(attrs); }
  bool is(OpId id) const { return op->id == id; }
};

class Graph;

// A function: a graph whose arguments are _Arg nodes and whose results are _Retval nodes, in order of their `index`.
struct Function {
  std::string name;
  std::unique_ptr<Graph> body;
  std::vector<NodeId> args, results;
  std::vector<NodeId> controls;  // stateful nodes that must run even if no result needs them
  std::vector<std::string> arg_names, result_names;
  AttrMap attrs;  // of the FunctionDef ("_noinline", ...)
  bool stateful = false;
  bool internal = false;  // made while compiling: found by name, and no part of the graph that users see

  std::unique_ptr<Function> copy() const;  // with a body of its own
};

class FunctionLibrary;

// A function whose dtypes and counts of arguments are attributes that each call gives.
struct FunctionTemplate {
  std::string name;
  std::string definition;  // in the format it was read from, which writes it again
  std::string gradient;    // the function named as its gradient; may be empty
  // The function for these attributes. InvalidArgument when one is missing or breaks its limits.
  std::function<Result<std::shared_ptr<Function>>(const AttrMap&, const std::shared_ptr<FunctionLibrary>&)> make;
};

// Functions by name; immutable once added, shared between a graph, its functions' bodies and programs. Thread-safe.
// A function refers to its library without owning it: what it calls can be looked up while a graph holds the library.
class FunctionLibrary {
 public:
  // AlreadyExists unless equal in name and text.
  Status add(std::shared_ptr<const Function> f);
  Status add(std::shared_ptr<const FunctionTemplate> t);
  bool contains(std::string_view name) const;
  // A function that is no template, or null.
  std::shared_ptr<const Function> find(std::string_view name) const;
  // The function that a call runs; that of a template is made at its first use. NotFound when there is none.
  Result<std::shared_ptr<const Function>> resolve(const FuncRef& ref) const;
  std::vector<std::shared_ptr<const Function>> all() const;                // by name, without internal ones
  std::vector<std::shared_ptr<const FunctionTemplate>> templates() const;  // by name

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const Function>, std::less<>> functions_;
  std::map<std::string, std::shared_ptr<const FunctionTemplate>, std::less<>> templates_;
  mutable std::map<std::string, std::shared_ptr<const Function>, std::less<>> made_;  // of templates, by call
};

// What a new node is made from.
struct NodeSpec {
  std::string op;
  std::string name;  // must be unused; see Graph::unique_name
  std::vector<Output> inputs;
  std::vector<NodeId> controls;
  AttrMap attrs;  // missing ones come from the inputs' dtypes or the row's defaults
  std::string device;
  std::string where;
};

class Graph {
 public:
  Graph();
  explicit Graph(std::shared_ptr<FunctionLibrary> library);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Checks the spec against its op row, infers shapes, and appends. InvalidArgument names op, values and rule;
  // AlreadyExists for a used name; NotFound for an op without a row.
  Result<NodeId> add(NodeSpec spec);
  // `base`, or base_1, base_2, ... : the first that is free. Does not reserve it.
  std::string unique_name(std::string_view base) const;

  // Nodes never move: references stay valid as long as the graph.
  const Node& node(NodeId id) const;
  int num_nodes() const;
  std::optional<NodeId> find(std::string_view name) const;
  // Adds an input edge after the fact, for loops in imported graphs: input `slot` of `id` becomes `from`.
  Status set_input(NodeId id, int slot, Output from);
  Status add_control(NodeId id, NodeId before);
  // Narrows an output's static shape (Tensor.set_shape); InvalidArgument when they contradict each other.
  Status set_shape(Output out, const Shape& shape);
  Status set_attr(NodeId id, std::string_view name, AttrValue value);
  // Marks the node dead and frees its name; the ids of others stay, and what the node was can still be read. The caller
  // has made sure that no live node uses it.
  void remove(NodeId id);

  // Gives a node that calls functions (If, While, calls) other inputs, functions and types: its outputs so far keep
  // their dtypes and uses, and more may follow them. Differentiation lets forward nodes return what the backward ones
  // need.
  Status replace_function_node(NodeId id, std::vector<Output> inputs, AttrMap attrs);
  // Gives `to` the static shape and handle of an output of another graph, as far as they fit.
  void copy_output_type(const Graph& from, Output o, Output to);

  DType dtype(Output o) const;
  Shape shape(Output o) const;
  HandleShape handle(Output o) const;
  // The constant value of an output when folding it is trivial (Const, and shape arithmetic on constants).
  std::optional<Tensor> constant_value(Output o) const;

  const std::shared_ptr<FunctionLibrary>& library() const { return library_; }

  // --- for passes, on a copy that no other thread sees, and which locks nothing ---
  // Of a private graph only one thread at a time may make copies.
  std::unique_ptr<Graph> copy() const;
  void make_private() { private_ = true; }  // a graph made by passes is such a copy too
  void make_shared();                       // other threads see it from now on
  Node& mutable_node(NodeId id);            // takes no lock
  // Appends a node as it is, checked by nobody; its name is made unique and its inputs must exist in time.
  NodeId adopt(Node n);
  // Every use of `from` becomes a use of `to`.
  void replace_uses(Output from, Output to);
  std::vector<NodeId> topological_order() const;  // live nodes; precondition: acyclic (verify says)
  // Leaves the given nodes, in the order of their new ids, and returns the new ids by old ones; -1 for those that are
  // gone. Precondition: all that they refer to are among them.
  std::vector<NodeId> renumber(std::span<const NodeId> order);
  Status infer_shapes(NodeId id);  // again, after an edit

 private:
  friend class FunctionLibrary;
  Status check_and_infer(Node& n) const;
  Status infer(Node& n) const;
  bool depends_on(NodeId id, NodeId other) const;
  std::shared_lock<std::shared_mutex> reading() const;
  std::unique_lock<std::shared_mutex> writing() const;
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  using Names = std::unordered_map<SharedString, NodeId, NameHash, std::equal_to<>>;
  Names& names() const;
  NodeId named(std::string_view name) const;  // -1 for none
  std::shared_ptr<const Names> bequeath_names() const;
  bool numbered_in_order() const;

  mutable std::shared_mutex mutex_;
  bool private_ = false;
  std::vector<std::unique_ptr<Node>> nodes_;
  mutable Names by_name_;
  mutable bool named_ = true;  // by_name_ is there: copies make it when they are asked for a name first
  // What a private graph had named when it was copied: it and its copies have that beside by_name_ until they are
  // numbered anew. Nodes that are dead by now are among them.
  mutable std::shared_ptr<const Names> inherited_;
  mutable std::unordered_map<std::string, int> next_suffix_;
  std::shared_ptr<FunctionLibrary> library_;
};

// The consumers of each node, from one sweep over the live nodes.
struct Uses {
  explicit Uses(const Graph& g);
  struct Edge {
    NodeId node;
    int slot;    // -1 for a control edge
    int output;  // which output of the producer; -1 for a control edge
  };
  // None of a node made since.
  std::span<const Edge> of(NodeId id) const {
    const size_t i = static_cast<size_t>(id);
    if (i + 1 >= first_.size()) return {};
    return {edges_.data() + first_[i], edges_.data() + first_[i + 1]};
  }

 private:
  std::vector<uint32_t> first_;  // by node, and the end of the last
  std::vector<Edge> edges_;
};

// Acyclic, inputs exist, dtypes match the rows, names unique. InvalidArgument names the offending node.
Status verify(const Graph& g);

// The text form, one node a line in topological order, functions after it:
//   %name:float[2,?] = MatMul(%a, %b:1, ^%c) {transpose_a=true} @"/cpu:0"
std::string print(const Graph& g);
std::string print_body(const Graph& g);  // without the functions
Result<std::unique_ptr<Graph>> parse(std::string_view text);

}  // namespace tw
