#include "core/graph/constant_value.h"

#include <algorithm>

namespace tw {

namespace {

// Shape arithmetic in programs is shallow; the bound keeps a chain of thousands from recursing.
constexpr int kMaxDepth = 64;
constexpr size_t kMaxLength = 256;

int64_t floor_div(int64_t a, int64_t b) { return a / b - ((a % b != 0 && ((a < 0) != (b < 0))) ? 1 : 0); }

std::optional<int64_t> apply(std::string_view op, int64_t a, int64_t b) {
  if (op == "Add" || op == "AddV2") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Maximum") return std::max(a, b);
  if (op == "Minimum") return std::min(a, b);
  if (op == "Less") return a < b;
  if (op == "LessEqual") return a <= b;
  if (op == "Greater") return a > b;
  if (op == "GreaterEqual") return a >= b;
  if (b == 0) return std::nullopt;
  if (op == "FloorDiv") return floor_div(a, b);
  if (op == "Div" || op == "TruncateDiv") return a / b;
  if (op == "FloorMod") return a - floor_div(a, b) * b;
  if (op == "Mod" || op == "TruncateMod") return a % b;
  return std::nullopt;
}

const Tensor* const_tensor(const Node& n) {
  if (n.op->name != "Const") return nullptr;
  const auto it = n.attrs.find("value");
  return it == n.attrs.end() ? nullptr : it->second.get<Tensor>();
}

}  // namespace

std::optional<Tensor> ConstantValues::value(Output o) const {
  const Node& n = node(o);
  if (const Tensor* t = const_tensor(n)) return *t;
  const DType dtype = n.output_dtypes[static_cast<size_t>(o.index)];
  if (dtype != DType::kInt32 && dtype != DType::kInt64) return std::nullopt;
  const std::optional<Partial> p = partial(o, 0);
  if (!p) return std::nullopt;
  const Shape shape = p->rank == 0 ? Shape{} : Shape{static_cast<int64_t>(p->values.size())};
  Tensor t = Tensor::make_or_die(dtype, shape);
  for (size_t i = 0; i < p->values.size(); ++i) {
    if (!p->values[i]) return std::nullopt;
    if (dtype == DType::kInt32) t.data<int32_t>()[i] = static_cast<int32_t>(*p->values[i]);
    else t.data<int64_t>()[i] = *p->values[i];
  }
  return t;
}

std::optional<Shape> ConstantValues::spelled_shape(Output o) const {
  const DType dtype = node(o).output_dtypes[static_cast<size_t>(o.index)];
  if (dtype != DType::kInt32 && dtype != DType::kInt64) return std::nullopt;
  const std::optional<Partial> p = partial(o, 0);
  if (!p || p->rank != 1 || p->values.size() > kMaxRank) return std::nullopt;
  Shape s;
  for (const auto& v : p->values) s.add_dim(v && *v >= 0 ? *v : kUnknownDim);
  return s;
}

std::optional<ConstantValues::Partial> ConstantValues::partial(Output o, int depth) const {
  if (depth > kMaxDepth) return std::nullopt;
  const Node& n = node(o);
  const std::string_view op = n.op->name;
  const auto shape_of = [&](size_t i) -> const Shape& {
    return node(n.inputs[i]).output_shapes[static_cast<size_t>(n.inputs[i].index)];
  };
  Partial result;
  if (const Tensor* t = const_tensor(n)) {
    if ((t->dtype() != DType::kInt32 && t->dtype() != DType::kInt64) || t->shape().rank() > 1) return std::nullopt;
    if (static_cast<size_t>(t->num_elements()) > kMaxLength) return std::nullopt;
    result.rank = t->shape().rank();
    for (int64_t i = 0; i < t->num_elements(); ++i) result.values.push_back(index_value(*t, i));
    return result;
  }
  if (op == "Shape" || op == "ShapeN") {
    const Shape& s = shape_of(op == "ShapeN" ? static_cast<size_t>(o.index) : 0);
    if (!s.rank_known()) return std::nullopt;
    for (int64_t d : s.dims()) result.values.push_back(d < 0 ? std::nullopt : std::optional<int64_t>(d));
    return result;
  }
  if (op == "Rank" || op == "Size") {
    const Shape& s = shape_of(0);
    if (op == "Rank" ? !s.rank_known() : !s.fully_known()) return std::nullopt;
    result.rank = 0;
    result.values = {op == "Rank" ? s.rank() : s.num_elements()};
    return result;
  }
  if (op == "Identity" || op == "Cast" || op == "StopGradient") return partial(n.inputs[0], depth + 1);
  if (op == "Pack") {
    for (Output in : n.inputs) {
      const Node& source = node(in);
      const Shape& s = source.output_shapes[static_cast<size_t>(in.index)];
      if (s.rank() != 0) return std::nullopt;
      const auto p = partial(in, depth + 1);
      result.values.push_back(p && p->values.size() == 1 ? p->values[0] : std::nullopt);
    }
    return result;
  }
  if (op == "ConcatV2" || op == "Concat") {
    const size_t first = op == "Concat" ? 1 : 0, end = op == "Concat" ? n.inputs.size() : n.inputs.size() - 1;
    for (size_t i = first; i < end; ++i) {
      const auto p = partial(n.inputs[i], depth + 1);
      if (p && p->rank == 1) {
        result.values.insert(result.values.end(), p->values.begin(), p->values.end());
      } else {
        // The length is enough to keep the rest in place.
        const Shape& s = shape_of(i);
        if (s.rank() != 1 || s[0] < 0 || static_cast<size_t>(s[0]) > kMaxLength) return std::nullopt;
        result.values.insert(result.values.end(), static_cast<size_t>(s[0]), std::nullopt);
      }
    }
    return result;
  }
  if (op == "ExpandDims" || op == "Squeeze" || op == "Reshape") {
    auto p = partial(n.inputs[0], depth + 1);
    const Shape& s = n.output_shapes[0];
    if (!p || s.rank() < 0 || s.rank() > 1) return std::nullopt;
    p->rank = s.rank();
    return p;
  }
  if (op == "Slice") {
    const auto p = partial(n.inputs[0], depth + 1), begin = partial(n.inputs[1], depth + 1),
               size = partial(n.inputs[2], depth + 1);
    if (!p || !begin || !size || begin->values.size() != 1 || size->values.size() != 1 || !begin->values[0] ||
        !size->values[0]) {
      return std::nullopt;
    }
    const int64_t length = static_cast<int64_t>(p->values.size()), from = *begin->values[0];
    const int64_t count = *size->values[0] < 0 ? length - from : *size->values[0];
    if (from < 0 || count < 0 || from + count > length) return std::nullopt;
    result.values.assign(p->values.begin() + from, p->values.begin() + from + count);
    return result;
  }
  if (op == "Select" || op == "SelectV2") {
    // Of scalars, as functions use it that count a negative axis from the end.
    const auto which = partial(n.inputs[0], depth + 1);
    if (!which || which->rank != 0 || !which->values[0]) return std::nullopt;
    const auto chosen = partial(n.inputs[*which->values[0] != 0 ? 1 : 2], depth + 1);
    return chosen && chosen->rank == 0 ? chosen : std::nullopt;
  }
  if (op == "StridedSlice") return strided_slice(n, depth);
  if (op == "Gather" || op == "GatherV2") {
    const auto p = partial(n.inputs[0], depth + 1), at = partial(n.inputs[1], depth + 1);
    if (!p || !at || p->rank != 1) return std::nullopt;
    result.rank = at->rank;
    for (const auto& i : at->values) {
      if (!i || *i < 0 || *i >= static_cast<int64_t>(p->values.size())) return std::nullopt;
      result.values.push_back(p->values[static_cast<size_t>(*i)]);
    }
    return result;
  }
  if (op == "Prod" || op == "Sum") {
    const auto p = partial(n.inputs[0], depth + 1);
    if (!p || n.output_shapes[0].rank() != 0) return std::nullopt;
    int64_t total = op == "Prod" ? 1 : 0;
    for (const auto& v : p->values) {
      if (!v) return std::nullopt;
      total = op == "Prod" ? total * *v : total + *v;
    }
    result.rank = 0;
    result.values = {total};
    return result;
  }
  if (op == "Range") {
    const auto start = partial(n.inputs[0], depth + 1), limit = partial(n.inputs[1], depth + 1),
               delta = partial(n.inputs[2], depth + 1);
    for (const auto* p : {&start, &limit, &delta}) {
      if (!*p || (*p)->values.size() != 1 || !(*p)->values[0]) return std::nullopt;
    }
    const int64_t step = *delta->values[0];
    if (step == 0) return std::nullopt;
    for (int64_t v = *start->values[0]; step > 0 ? v < *limit->values[0] : v > *limit->values[0]; v += step) {
      if (result.values.size() >= kMaxLength) return std::nullopt;
      result.values.push_back(v);
    }
    return result;
  }
  if (op == "Fill") {
    const auto dims = partial(n.inputs[0], depth + 1), v = partial(n.inputs[1], depth + 1);
    if (!dims || !v || dims->values.size() > 1 || v->values.size() != 1) return std::nullopt;
    if (!dims->values.empty() && (!dims->values[0] || *dims->values[0] > static_cast<int64_t>(kMaxLength)))
      return std::nullopt;
    result.rank = static_cast<int>(dims->values.size());
    result.values.assign(dims->values.empty() ? 1 : static_cast<size_t>(std::max<int64_t>(0, *dims->values[0])),
                         v->values[0]);
    return result;
  }
  return n.inputs.size() == 2 ? elementwise(n, depth) : std::nullopt;
}

std::optional<ConstantValues::Partial> ConstantValues::elementwise(const Node& n, int depth) const {
  static constexpr std::string_view kOps[] = {
      "Add",         "AddV2",    "Sub", "Mul",         "Maximum", "Minimum",   "FloorDiv", "Div",
      "TruncateDiv", "FloorMod", "Mod", "TruncateMod", "Less",    "LessEqual", "Greater",  "GreaterEqual"};
  if (std::find(std::begin(kOps), std::end(kOps), n.op->name) == std::end(kOps)) return std::nullopt;
  const auto a = partial(n.inputs[0], depth + 1), b = partial(n.inputs[1], depth + 1);
  if (!a || !b) return std::nullopt;
  if (a->values.size() != b->values.size() && a->values.size() != 1 && b->values.size() != 1) return std::nullopt;
  Partial result;
  result.rank = std::max(a->rank, b->rank);
  const size_t count = a->values.size() == 1 ? b->values.size() : a->values.size();
  for (size_t i = 0; i < count; ++i) {
    const auto &x = a->values[a->values.size() == 1 ? 0 : i], &y = b->values[b->values.size() == 1 ? 0 : i];
    result.values.push_back(x && y ? apply(n.op->name, *x, *y) : std::nullopt);
  }
  return result;
}

// x[i] and x[i:j:k] of a vector, without new axes or an ellipsis.
std::optional<ConstantValues::Partial> ConstantValues::strided_slice(const Node& n, int depth) const {
  const auto p = partial(n.inputs[0], depth + 1);
  if (!p || p->rank != 1 || n.attr().integer("new_axis_mask") != 0 || n.attr().integer("ellipsis_mask") != 0) {
    return std::nullopt;
  }
  int64_t bounds[3];
  for (size_t k = 0; k < 3; ++k) {
    const auto b = partial(n.inputs[k + 1], depth + 1);
    if (!b || b->values.size() != 1 || !b->values[0]) return std::nullopt;
    bounds[k] = *b->values[0];
  }
  const int64_t length = static_cast<int64_t>(p->values.size()), step = bounds[2];
  if (step == 0) return std::nullopt;
  const auto wrap = [&](int64_t i) { return i < 0 ? i + length : i; };
  Partial result;
  if ((n.attr().integer("shrink_axis_mask") & 1) != 0) {
    const int64_t i = wrap(bounds[0]);
    if (i < 0 || i >= length) return std::nullopt;
    result.rank = 0;
    result.values = {p->values[static_cast<size_t>(i)]};
    return result;
  }
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? length : length - 1;
  int64_t begin = std::clamp(wrap(bounds[0]), low, high), end = std::clamp(wrap(bounds[1]), low, high);
  if ((n.attr().integer("begin_mask") & 1) != 0) begin = step > 0 ? 0 : length - 1;
  if ((n.attr().integer("end_mask") & 1) != 0) end = step > 0 ? length : -1;
  for (int64_t i = begin; step > 0 ? i < end : i > end; i += step)
    result.values.push_back(p->values[static_cast<size_t>(i)]);
  return result;
}

}  // namespace tw
