// What gradient functions are written with: outputs that read as arithmetic, and the node being differentiated.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "core/autodiff/autodiff.h"

namespace tw::grad {

// An output together with the builder that adds to its graph.
class Val {
 public:
  Val() = default;
  Val(Builder& b, Output o) : b_(&b), o_(o) {}

  operator Output() const { return o_; }
  explicit operator bool() const { return o_.valid(); }
  Builder& builder() const { return *b_; }
  Output output() const { return o_; }
  DType dtype() const { return b_ ? b_->dtype(o_) : DType::kInvalid; }
  Shape shape() const { return b_ ? b_->shape(o_) : Shape::unknown(); }
  bool complex() const { return is_complex(dtype()); }

 private:
  Builder* b_ = nullptr;
  Output o_;
};

using Vals = std::vector<Val>;

// Adds a node. `call` gives its first output, `call_n` its first n. The builder is that of the first input.
Val call(std::string_view op, std::initializer_list<Val> in, AttrMap attrs = {});
Vals call_n(std::string_view op, size_t n, const Vals& in, AttrMap attrs = {});

// --- arithmetic, with numpy broadcasting ---
Val operator+(Val a, Val b);
Val operator-(Val a, Val b);
Val operator*(Val a, Val b);
Val operator/(Val a, Val b);
Val operator-(Val a);
// A number takes the dtype of the other side.
Val operator+(Val a, double b);
Val operator-(Val a, double b);
Val operator-(double a, Val b);
Val operator*(double a, Val b);
Val number(Val like, double value);
// a * b that is 0 where b is, and a / b that is 0 where a is, even beside infinities and NaN.
Val mul_no_nan(Val a, Val b);
Val xdivy(Val a, Val b);
Val conj(Val a);  // itself for real types
Val cast(Val a, DType t);
Val select(Val condition, Val then, Val otherwise);  // all of one shape
Val matmul(Val a, Val b, bool transpose_a = false, bool transpose_b = false);

// --- shapes; constants where they are known ---
Val ints(Builder& b, std::span<const int64_t> values);  // int32 vector
Val ints(Builder& b, std::initializer_list<int64_t> values);
Val integer(Builder& b, int64_t value);  // int32 scalar
Val shape_of(Val a, DType out = DType::kInt32);
Val rank_of(Val a);
Val size_of(Val a);
// Elements [begin, end) of a vector; a missing end is its length.
Val part(Val vector, int64_t begin);
Val part(Val vector, int64_t begin, int64_t end);
Val at(Val vector, int64_t index);  // a scalar; negative counts from the end
Val concat(const Vals& parts, Val axis);
Val concat(const Vals& parts, int64_t axis);
Val stack(const Vals& parts, int64_t axis = 0);
Val as_vector(Val a);  // of a scalar or any tensor: flat
Val range(Val start, Val limit, Val step);

// --- moving data ---
Val reshape(Val a, Val shape);
Val reshape_like(Val a, Val like);  // nothing to do when the static shapes agree
Val expand_dims(Val a, int64_t axis);
Val transpose(Val a, std::initializer_list<int64_t> perm);
Val swap_last_two(Val a);             // matrix transpose; conjugated for complex types
Val gather(Val params, Val indices);  // along axis 0
Val fill(Val shape, Val value);
Val broadcast_to(Val a, Val shape);
Val zeros_like(Val a);
Val ones_like(Val a);

// --- reductions ---
Val sum(Val a, Val axes, bool keep_dims = false);
Val sum(Val a, std::initializer_list<int64_t> axes, bool keep_dims = false);
Val sum_all(Val a);

// One call of a gradient function: the node, the derivatives of its outputs, and where those of its inputs go.
class Vjp {
 public:
  Vjp(Builder& builder, const Node& node, std::span<const Output> dys, std::vector<Grad>* dxs)
      : b(builder), op(node), dy_(dys), dx_(dxs) {
    dx_->assign(op.inputs.size(), Grad{});
  }

  Builder& b;
  const Node& op;

  // Of the call of gradients() in whose course this is: what the builder's prefix holds before "/NAME_grad".
  std::string scope() const { return b.prefix().substr(0, b.prefix().size() - op.name.size() - 6); }

  int num_inputs() const { return static_cast<int>(op.inputs.size()); }
  int num_outputs() const { return static_cast<int>(op.output_dtypes.size()); }
  Val x(int i = 0) const { return {b, op.inputs[static_cast<size_t>(i)]}; }
  Val y(int i = 0) const { return {b, Output{op.id, i}}; }
  bool has_dy(int i) const { return dy_[static_cast<size_t>(i)].valid(); }
  Val dy(int i = 0) const { return {b, dy_[static_cast<size_t>(i)]}; }
  // The derivative of output i, as zeros where none flows.
  Val dy_or_zeros(int i) const;

  AttrReader attr() const { return op.attr(); }
  // The node's attributes of these names, for a node that shares them.
  AttrMap attrs(std::initializer_list<std::string_view> names) const;
  // The value of input i when it is known in the graph.
  std::optional<Tensor> constant(int i) const { return b.graph().constant_value(op.inputs[static_cast<size_t>(i)]); }

  // States the derivative of input i; an absent one says that none flows.
  void give(int i, Val dx) {
    if (dx) (*dx_)[static_cast<size_t>(i)] = Grad::of(dx);
  }
  void give_rows(int i, Val values, Val indices, Val dense_shape) {
    (*dx_)[static_cast<size_t>(i)] = Grad{{}, values, indices, dense_shape};
  }
  void give_node(std::vector<Grad> dx) { *dx_ = std::move(dx); }
  void fail(Status s) { b.fail(std::move(s)); }

 private:
  std::span<const Output> dy_;
  std::vector<Grad>* dx_;
};

// Undoes the broadcasting of two inputs: sums a derivative over the dimensions that were stretched.
class Broadcast {
 public:
  Broadcast(Val left, Val right) : left_(left), right_(right) {}
  Val left(Val g) { return reduce(g, true); }
  Val right(Val g) { return reduce(g, false); }

 private:
  Val reduce(Val g, bool of_left);
  Val left_, right_, left_shape_, right_shape_, left_axes_, right_axes_;
};

// Gives inputs 0 and 1 of a broadcasting op these derivatives, of the output's shape. A struct, so that the two are
// built in this order.
struct Sides {
  Val left, right;
};
void give_broadcast(Vjp& v, const Sides& g);

// Defines the gradient function of op rows with `grad = "name"`:  TW_GRADIENT(Sin) { v.give(0, ...); }
#define TW_GRADIENT(name)                                                                             \
  static void backprop_##name([[maybe_unused]] ::tw::grad::Vjp& v);                                   \
  Status grad_##name(Builder& b, const Node& op, std::span<const Output> dy, std::vector<Grad>* dx);  \
  Status grad_##name(Builder& b, const Node& op, std::span<const Output> dy, std::vector<Grad>* dx) { \
    ::tw::grad::Vjp v(b, op, dy, dx);                                                                 \
    backprop_##name(v);                                                                               \
    return b.status();                                                                                \
  }                                                                                                   \
  static void backprop_##name([[maybe_unused]] ::tw::grad::Vjp& v)

}  // namespace tw::grad
