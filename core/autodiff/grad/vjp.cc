#include "core/autodiff/grad/vjp.h"

#include <algorithm>

namespace tw::grad {
namespace {

NodeId add_node(std::string_view op, std::span<const Val> in, AttrMap attrs) {
  std::vector<Output> inputs(in.begin(), in.end());
  return in[0].builder().add(op, std::move(inputs), std::move(attrs));
}

Val list_call(std::string_view op, const Vals& parts, const Val* last, AttrMap attrs) {
  Vals in = parts;
  attrs.emplace("N", static_cast<int64_t>(parts.size()));
  if (last) in.push_back(*last);
  return {in[0].builder(), Output{add_node(op, in, std::move(attrs)), 0}};
}

std::optional<Tensor> known(Val a) {
  if (!a) return std::nullopt;
  return a.builder().graph().constant_value(a);
}

std::vector<int64_t> values_of(const Tensor& t) {
  std::vector<int64_t> out(static_cast<size_t>(t.num_elements()));
  for (size_t i = 0; i < out.size(); ++i) out[i] = index_value(t, static_cast<int64_t>(i));
  return out;
}

// Integers as a vector or scalar of int32 or int64, like another tensor.
Val ints_as(Builder& b, std::span<const int64_t> values, DType t) {
  if (t == DType::kInt64) return {b, b.constant(Tensor::vector<int64_t>(values))};
  return ints(b, values);
}

}  // namespace

Val call(std::string_view op, std::initializer_list<Val> in, AttrMap attrs) {
  const std::span<const Val> inputs(in.begin(), in.size());
  return {inputs[0].builder(), Output{add_node(op, inputs, std::move(attrs)), 0}};
}

Vals call_n(std::string_view op, size_t n, const Vals& in, AttrMap attrs) {
  const NodeId id = add_node(op, in, std::move(attrs));
  Vals out;
  for (size_t i = 0; i < n; ++i) out.emplace_back(in[0].builder(), Output{id, static_cast<int32_t>(i)});
  return out;
}

Val operator+(Val a, Val b) { return call("AddV2", {a, b}); }
Val operator-(Val a, Val b) { return call("Sub", {a, b}); }
Val operator*(Val a, Val b) { return call("Mul", {a, b}); }
Val operator/(Val a, Val b) { return call(is_integer(a.dtype()) ? "FloorDiv" : "RealDiv", {a, b}); }
Val operator-(Val a) { return call("Neg", {a}); }
Val number(Val like, double value) { return {like.builder(), like.builder().scalar_of(like.dtype(), value)}; }
Val operator+(Val a, double b) { return a + number(a, b); }
Val operator-(Val a, double b) { return a - number(a, b); }
Val operator-(double a, Val b) { return number(b, a) - b; }
Val operator*(double a, Val b) { return number(b, a) * b; }
// TF has no bfloat16 form of these two.
Val mul_no_nan(Val a, Val b) { return a.dtype() == DType::kBfloat16 ? a * b : call("MulNoNan", {a, b}); }
Val xdivy(Val a, Val b) { return a.dtype() == DType::kBfloat16 ? a / b : call("Xdivy", {a, b}); }
Val conj(Val a) { return a.complex() ? call("Conj", {a}) : a; }
Val cast(Val a, DType t) { return a.dtype() == t ? a : call("Cast", {a}, {{"DstT", t}}); }
Val select(Val condition, Val then, Val otherwise) { return call("Select", {condition, then, otherwise}); }
Val matmul(Val a, Val b, bool transpose_a, bool transpose_b) {
  return call("MatMul", {a, b}, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

Val ints(Builder& b, std::span<const int64_t> values) {
  std::vector<int32_t> narrow(values.begin(), values.end());
  return {b, b.constant(Tensor::vector<int32_t>(std::span<const int32_t>(narrow)))};
}
Val ints(Builder& b, std::initializer_list<int64_t> values) {
  return ints(b, std::span<const int64_t>(values.begin(), values.size()));
}
Val integer(Builder& b, int64_t value) { return {b, b.scalar<int32_t>(static_cast<int32_t>(value))}; }

Val shape_of(Val a, DType out) {
  if (a && a.shape().fully_known()) return ints_as(a.builder(), a.shape().dims(), out);
  return call("Shape", {a}, {{"out_type", out}});
}
Val rank_of(Val a) {
  if (a && a.shape().rank_known()) return integer(a.builder(), a.shape().rank());
  return call("Rank", {a});
}
Val size_of(Val a) {
  if (a && a.shape().fully_known()) return integer(a.builder(), a.shape().num_elements());
  return call("Size", {a});
}

Val part(Val vector, int64_t begin) {
  if (const auto t = known(vector)) {
    const std::vector<int64_t> all = values_of(*t);
    const size_t from = std::min(all.size(), static_cast<size_t>(begin));
    return ints_as(vector.builder(), std::span(all).subspan(from), t->dtype());
  }
  Builder& b = vector.builder();
  return call("StridedSlice", {vector, ints(b, {begin}), ints(b, {0}), ints(b, {1})}, {{"end_mask", 1}});
}

Val part(Val vector, int64_t begin, int64_t end) {
  if (const auto t = known(vector)) {
    const std::vector<int64_t> all = values_of(*t);
    const int64_t n = static_cast<int64_t>(all.size());
    const int64_t from = std::clamp<int64_t>(begin, 0, n);
    const int64_t to = std::clamp<int64_t>(end < 0 ? end + n : end, from, n);
    return ints_as(vector.builder(), std::span(all).subspan(static_cast<size_t>(from), static_cast<size_t>(to - from)),
                   t->dtype());
  }
  Builder& b = vector.builder();
  return call("StridedSlice", {vector, ints(b, {begin}), ints(b, {end}), ints(b, {1})});
}

Val at(Val vector, int64_t index) {
  Builder& b = vector.builder();
  if (const auto t = known(vector); t && t->num_elements() > 0) {
    const int64_t v = index_value(*t, index < 0 ? index + t->num_elements() : index);
    return t->dtype() == DType::kInt64 ? Val{b, b.scalar<int64_t>(v)} : integer(b, v);
  }
  AttrMap attrs{{"shrink_axis_mask", 1}};
  if (index == -1) attrs.emplace("end_mask", 1);
  return call("StridedSlice", {vector, ints(b, {index}), ints(b, {index + 1}), ints(b, {1})}, std::move(attrs));
}

Val concat(const Vals& parts, Val axis) {
  if (parts.size() == 1) return parts[0];
  return list_call("ConcatV2", parts, &axis, {});
}
Val concat(const Vals& parts, int64_t axis) { return concat(parts, integer(parts[0].builder(), axis)); }
Val stack(const Vals& parts, int64_t axis) { return list_call("Pack", parts, nullptr, {{"axis", axis}}); }
Val as_vector(Val a) { return a.shape().rank() == 1 ? a : reshape(a, ints(a.builder(), {-1})); }
Val range(Val start, Val limit, Val step) { return call("Range", {start, limit, step}); }

Val reshape(Val a, Val shape) { return call("Reshape", {a, shape}); }
Val reshape_like(Val a, Val like) {
  if (a && like && a.shape().fully_known() && a.shape() == like.shape()) return a;
  return reshape(a, shape_of(like));
}
Val expand_dims(Val a, int64_t axis) { return call("ExpandDims", {a, integer(a.builder(), axis)}); }
Val transpose(Val a, std::initializer_list<int64_t> perm) { return call("Transpose", {a, ints(a.builder(), perm)}); }

Val swap_last_two(Val a) {
  Builder& b = a.builder();
  const char* op = a.complex() ? "ConjugateTranspose" : "Transpose";
  if (const int rank = a.shape().rank(); rank >= 2) {
    std::vector<int64_t> perm(static_cast<size_t>(rank));
    for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    return call(op, {a, ints(b, perm)});
  }
  const Val rank = rank_of(a);
  const Val front = range(integer(b, 0), rank - 2.0, integer(b, 1));
  return call(op, {a, concat({front, stack({rank - 1.0, rank - 2.0})}, 0)});
}

Val gather(Val params, Val indices) { return call("GatherV2", {params, indices, integer(params.builder(), 0)}); }
Val fill(Val shape, Val value) { return call("Fill", {shape, value}); }
Val broadcast_to(Val a, Val shape) { return call("BroadcastTo", {a, shape}); }
// Where the shape is known, constants that do not depend on `a`, so that nothing keeps it alive.
Val zeros_like(Val a) {
  const bool constant = a.shape().fully_known() && is_plain(a.dtype()) && a.dtype() != DType::kBool;
  return constant ? fill(shape_of(a), number(a, 0)) : call("ZerosLike", {a});
}
Val ones_like(Val a) {
  const bool constant = a.shape().fully_known() && is_plain(a.dtype()) && a.dtype() != DType::kBool;
  return constant ? fill(shape_of(a), number(a, 1)) : call("OnesLike", {a});
}

Val sum(Val a, Val axes, bool keep_dims) { return call("Sum", {a, axes}, {{"keep_dims", keep_dims}}); }
Val sum(Val a, std::initializer_list<int64_t> axes, bool keep_dims) {
  return sum(a, ints(a.builder(), axes), keep_dims);
}
Val sum_all(Val a) {
  Builder& b = a.builder();
  if (const int rank = a.shape().rank(); rank >= 0) {
    std::vector<int64_t> axes(static_cast<size_t>(rank));
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
    return rank == 0 ? a : sum(a, ints(b, axes));
  }
  return sum(a, range(integer(b, 0), rank_of(a), integer(b, 1)));
}

Val Vjp::dy_or_zeros(int i) const { return has_dy(i) ? dy(i) : zeros_like(y(i)); }

AttrMap Vjp::attrs(std::initializer_list<std::string_view> names) const {
  AttrMap out;
  for (const std::string_view name : names) {
    if (const auto it = op.attrs.find(name); it != op.attrs.end()) out.emplace(it->first, it->second);
  }
  return out;
}

namespace {

// The dimensions of the broadcast result along which `own` was stretched, as far as the static shapes tell; nothing
// when it takes the step's shapes to know.
std::optional<std::vector<int64_t>> stretched_axes(const Shape& own, const Shape& other) {
  if (!own.rank_known() || !other.rank_known()) return std::nullopt;
  const int rank = std::max(own.rank(), other.rank());
  std::vector<int64_t> axes;
  for (int i = 0; i < rank; ++i) {
    const int mine = i - (rank - own.rank()), theirs = i - (rank - other.rank());
    if (mine < 0) {
      axes.push_back(i);
    } else if (theirs < 0 || other[theirs] == 1) {
      continue;
    } else if (own[mine] == 1) {
      axes.push_back(i);
    } else if (own[mine] == kUnknownDim) {
      return std::nullopt;
    }
  }
  return axes;
}

}  // namespace

Val Broadcast::reduce(Val g, bool of_left) {
  if (!g) return g;
  const Val side = of_left ? left_ : right_;
  const Shape own = side.shape(), other = (of_left ? right_ : left_).shape();
  if (const auto axes = stretched_axes(own, other)) {
    if (axes->empty()) return g;
    const Val summed = sum(g, ints(g.builder(), *axes));
    const int leading = std::max(0, other.rank() - own.rank());
    const bool only_leading = static_cast<int>(axes->size()) == leading;
    return only_leading ? summed : reshape_like(summed, side);
  }
  if (!left_axes_) {
    left_shape_ = call("Shape", {left_});
    right_shape_ = call("Shape", {right_});
    const Vals axes = call_n("BroadcastGradientArgs", 2, {left_shape_, right_shape_});
    left_axes_ = axes[0];
    right_axes_ = axes[1];
  }
  return reshape(sum(g, of_left ? left_axes_ : right_axes_), of_left ? left_shape_ : right_shape_);
}

void give_broadcast(Vjp& v, const Sides& g) {
  Broadcast undo(v.x(0), v.x(1));
  v.give(0, undo.left(g.left));
  v.give(1, undo.right(g.right));
}

}  // namespace tw::grad
