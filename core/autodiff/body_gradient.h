// Differentiating function bodies: what branches, loops and calls share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/autodiff/autodiff.h"

namespace tw {

// Types through which a derivative can flow. Handles and lists carry one for what they refer to.
bool carries_gradient(DType t);

// Puts a new function together, partly from copies of another graph's nodes.
class FunctionWriter {
 public:
  // Nodes are copied from `source`, which may be null.
  FunctionWriter(std::shared_ptr<FunctionLibrary> library, const Graph* source);

  Graph& body() { return *function_.body; }
  Builder& builder() { return builder_; }
  // The next argument, with the static shape and handle of `like` in the source graph when that is valid, or of the
  // given shape.
  Output add_arg(DType dtype, Output like = {});
  Output add_arg(DType dtype, const Shape& shape, const HandleShape& handle = {});
  Output arg(int i) const { return {function_.args[static_cast<size_t>(i)], 0}; }
  // In copied nodes, `from` of the source graph becomes `to`.
  void map(Output from, Output to) { moved_[from] = to; }
  // Copies the nodes of these ids, with their arguments and results among them, in topological order. Their inputs
  // must be among them or mapped. Control edges to others are dropped.
  Status copy(const std::vector<char>& which);
  // What stands for an output of the source graph.
  Output moved(Output from) const;
  NodeId moved(NodeId from) const;
  Status add_result(Output o);
  // The function's nodes that must run even if no result needs them.
  void add_control(NodeId id) { function_.controls.push_back(id); }
  // Adds the function to the library as `name`, or name_1, ...: the first that is free. Returns the name.
  Result<std::string> finish(const std::string& name);
  bool stateful() const { return function_.stateful; }

 private:
  std::shared_ptr<FunctionLibrary> library_;
  const Graph* source_;
  Function function_;
  Builder builder_;
  std::map<Output, Output> moved_;
  std::map<NodeId, NodeId> moved_nodes_;
};

// A function's body with the nodes added that compute derivatives of its results with respect to its arguments, on a
// private copy; then the way to cut those nodes off into a function of their own.
class BodyGradient {
 public:
  // `scope` is that of the gradients of the node that calls the function.
  BodyGradient(std::shared_ptr<const Function> f, std::string scope);

  const Function& function() const { return *function_; }
  Graph& graph() { return *graph_; }
  int num_args() const { return static_cast<int>(function_->args.size()); }
  int num_results() const { return static_cast<int>(function_->results.size()); }
  Output arg(int i) const { return {function_->args[static_cast<size_t>(i)], 0}; }
  // What result i returns.
  Output result(int i) const { return graph_->node(function_->results[static_cast<size_t>(i)]).inputs[0]; }

  // Adds the derivatives of these results, for each of which a stand-in argument dy(i) is made, with respect to these
  // arguments. May be called once.
  Status differentiate(const std::vector<int>& results, const std::vector<int>& args);
  Output dy(int result) const;
  // The derivative with respect to an argument, dense; not valid where none flows.
  Output dx(int arg) const;
  // Takes an argument node made with builder() for one that the caller maps, like dy().
  void add_stand_in(Output o) { stand_ins_.push_back(o); }
  // For nodes that the gradient function needs beside those that differentiate() made.
  Builder& builder() { return builder_; }

  // States what the gradient function returns, and finds what it must be given.
  void cut(const std::vector<Output>& roots);
  const std::vector<int>& captured_args() const { return captured_args_; }
  // Values of the forward body, other than arguments and constants.
  const std::vector<Output>& saved() const { return saved_; }
  // The result that already returns `o`, or -1.
  int result_returning(Output o) const;

  // Copies the forward body into `w`, with its arguments and results, and everything that must run.
  Status write_forward(FunctionWriter& w) const;
  // Copies the gradient nodes. The stand-ins, captured arguments and saved values must have been mapped.
  Status write_gradient(FunctionWriter& w) const { return w.copy(gradient_); }

 private:
  std::shared_ptr<const Function> function_;
  std::unique_ptr<Graph> graph_;
  std::string scope_;
  NodeId first_new_;
  Builder builder_;
  std::map<int, Output> dy_, dx_;
  std::vector<Output> stand_ins_;
  std::vector<char> forward_, gradient_;
  std::vector<int> captured_args_;
  std::vector<Output> saved_;
};

// Makes nodes for zeros of the shape of `like`: of a variable's value for a handle, of its elements for a list.
// `dtype` is that of a variable's value.
Output zeros_for(Builder& b, Output like, DType dtype);

}  // namespace tw
