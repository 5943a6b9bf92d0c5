// Building graphs from C++: a scope that names nodes and keeps the first error, under the typed builders that opgen
// writes (core/graph/ops.gen.h: `ops::MatMul(b, x, y, {.transpose_a = true})`).
#pragma once

#include <initializer_list>
#include <string>

#include "core/graph/graph.h"

namespace tw {

class Builder {
 public:
  // Names nodes prefix/OpName, prefix/OpName_1, ...
  explicit Builder(Graph* graph, std::string prefix = {}) : graph_(graph), prefix_(std::move(prefix)) {}

  Graph& graph() const { return *graph_; }
  // The first error of any call; outputs made after an error are not valid, and building on them is harmless.
  const Status& status() const { return status_; }
  void fail(Status s) {
    if (status_.ok()) status_ = std::move(s);
  }

  // Adds a node; returns its id, or -1 after an error.
  NodeId add(std::string_view op, std::vector<Output> inputs, AttrMap attrs = {});
  // Nodes made from here on get these control inputs, device, and user line.
  void set_controls(std::vector<NodeId> controls) { controls_ = std::move(controls); }
  void set_device(std::string device) { device_ = std::move(device); }
  void set_where(std::string where) { where_ = std::move(where); }
  const std::string& prefix() const { return prefix_; }
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  Output constant(Tensor value, std::string_view name = "Const");
  template <typename T>
  Output scalar(T value) {
    return constant(Tensor::scalar<T>(value));
  }
  // A scalar of any real or complex dtype, from a double.
  Output scalar_of(DType dtype, double value);
  template <typename T>
  Output vector(std::initializer_list<T> values) {
    return constant(Tensor::vector<T>(values));
  }

  DType dtype(Output o) const { return o.valid() ? base_dtype(graph_->dtype(o)) : DType::kInvalid; }
  Shape shape(Output o) const { return o.valid() ? graph_->shape(o) : Shape::unknown(); }

 private:
  Graph* graph_;
  std::string prefix_, device_, where_;
  std::vector<NodeId> controls_;
  Status status_;
};

}  // namespace tw
