// What a shape function sees of a node, and where it puts its result. Runs when a node is added to a graph, and again
// when a program is specialised to feed shapes.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/framework/op_def.h"

namespace tw {

// The static dtype and shape behind a resource handle.
struct HandleShape {
  DType dtype = DType::kInvalid;
  Shape shape = Shape::unknown();
};

class ShapeContext {
 public:
  ShapeContext(const OpDef& op, const AttrMap& attrs, std::span<const Shape> inputs,
               std::span<const DType> input_dtypes, std::span<const Tensor* const> values,
               std::span<const HandleShape> handles, size_t num_outputs);

  const OpDef& op() const { return op_; }
  const AttrReader& attrs() const { return attrs_; }
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  const Shape& input(int i) const { return inputs_[static_cast<size_t>(i)]; }
  DType input_dtype(int i) const { return input_dtypes_[static_cast<size_t>(i)]; }
  // The value of input i when it is known before the step; null otherwise.
  const Tensor* value(int i) const { return values_.empty() ? nullptr : values_[static_cast<size_t>(i)]; }
  const HandleShape& handle(int i) const;
  // What is known of the shapes that inputs spell where their values are not (a Pack of constants and unknown sizes):
  // one entry per input, or none at all. Set by the graph before the shape function runs.
  void set_shape_values(std::span<const std::optional<Shape>> shapes) { shape_values_ = shapes; }
  // The shape a shape-valued input spells: fully known with a value, else of the rank its length tells, else unknown.
  Result<Shape> value_as_shape(int i) const;

  // First flat index and count of a (possibly repeated) argument.
  Result<std::pair<int, int>> input_range(std::string_view arg) const;

  void set_output(int i, const Shape& s) { outputs_[static_cast<size_t>(i)] = s; }
  void set_output_handle(int i, HandleShape h) {
    output_handles_.resize(outputs_.size());
    output_handles_[static_cast<size_t>(i)] = h;
  }
  std::span<const Shape> outputs() const { return outputs_; }
  // By output; empty when none was set.
  std::span<const HandleShape> output_handles() const { return output_handles_; }

  // The usual checks; messages name the received shape: "Shape must be rank 2 but is rank 3: [1,2,3]".
  Status with_rank(int i, int rank, Shape* out) const;
  Status with_rank_at_least(int i, int rank, Shape* out) const;

 private:
  const OpDef& op_;
  AttrReader attrs_;
  std::span<const Shape> inputs_;
  std::span<const DType> input_dtypes_;
  std::span<const Tensor* const> values_;
  std::span<const HandleShape> handles_;
  std::span<const std::optional<Shape>> shape_values_;
  std::vector<Shape> outputs_;
  std::vector<HandleShape> output_handles_;
};

}  // namespace tw
