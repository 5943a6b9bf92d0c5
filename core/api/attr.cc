// Attribute values over the C border.
#include "core/api/handles.h"

using namespace tw;
using namespace tw::api;

namespace tw::api {
namespace {

template <typename T, typename Fn>
std::vector<T> collect(int32_t count, Fn&& element) {
  std::vector<T> v;
  v.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) v.push_back(element(i));
  return v;
}

}  // namespace

Result<AttrValue> attr_from_c(const tw_attr& a) {
  const bool list = (a.kind & TW_ATTR_LIST) != 0;
  if (!list && a.count != 1)
    return invalid_argument("attribute '", view(a.name), "' has ", a.count, " values, not one");
  const auto& v = a.value;
  const auto text = [&](int32_t i) { return str(v.strings[i]); };
  switch (a.kind & ~TW_ATTR_LIST) {
    case TW_ATTR_STRING:
      if (list) return AttrValue(collect<std::string>(a.count, text));
      return AttrValue(text(0));
    case TW_ATTR_INT:
      if (list) return AttrValue(std::vector<int64_t>(v.ints, v.ints + a.count));
      return AttrValue(v.ints[0]);
    case TW_ATTR_FLOAT:
      if (list) return AttrValue(std::vector<float>(v.floats, v.floats + a.count));
      return AttrValue(v.floats[0]);
    case TW_ATTR_BOOL:
      if (list) return AttrValue(collect<bool>(a.count, [&](int32_t i) { return v.bools[i] != 0; }));
      return AttrValue(v.bools[0] != 0);
    case TW_ATTR_TYPE: {
      for (int32_t i = 0; i < a.count; ++i) {
        const int32_t t = v.types[i];
        if (!dtype_valid(t > kRefOffset ? t - kRefOffset : t)) {
          return invalid_argument("attribute '", view(a.name), "': ", t, " is not a dtype");
        }
      }
      const auto type = [&](int32_t i) { return static_cast<DType>(v.types[i]); };
      if (list) return AttrValue(collect<DType>(a.count, type));
      return AttrValue(type(0));
    }
    case TW_ATTR_SHAPE: {
      std::vector<Shape> shapes;
      for (int32_t i = 0; i < a.count; ++i) {
        TW_ASSIGN_OR_RETURN(Shape s, static_shape(v.shapes[i].dims, v.shapes[i].rank));
        shapes.push_back(s);
      }
      if (list) return AttrValue(std::move(shapes));
      return AttrValue(shapes[0]);
    }
    case TW_ATTR_TENSOR: {
      const auto tensor = [&](int32_t i) { return v.tensors[i]->tensor; };
      if (list) return AttrValue(collect<Tensor>(a.count, tensor));
      return AttrValue(tensor(0));
    }
    case TW_ATTR_FUNC: {
      const auto func = [&](int32_t i) { return FuncRef{text(i), {}}; };
      if (list) return AttrValue(collect<FuncRef>(a.count, func));
      return AttrValue(func(0));
    }
    case TW_ATTR_PLACEHOLDER:
      if (!list) return AttrValue(AttrPlaceholder{text(0)});
  }
  return invalid_argument("attribute '", view(a.name), "' has the unknown kind ", a.kind);
}

}  // namespace tw::api

namespace {

int32_t kind_of(const AttrValue& v) {
  // In the order of AttrValue::Storage.
  static constexpr int32_t kKinds[] = {TW_ATTR_NONE, TW_ATTR_STRING,     TW_ATTR_INT,   TW_ATTR_FLOAT,
                                       TW_ATTR_BOOL, TW_ATTR_TYPE,       TW_ATTR_SHAPE, TW_ATTR_TENSOR,
                                       TW_ATTR_FUNC, TW_ATTR_PLACEHOLDER};
  if (!v.is_list()) return kKinds[v.value.index()];
  return TW_ATTR_LIST | kKinds[v.value.index() - 9];
}

// Element i, whether the value is a T or a list of T; null when it is neither or too short. Not for bools.
template <typename T>
const T* element(const tw_attr_value* a, int32_t i) {
  if (const T* one = a->value.get<T>()) return i == 0 ? one : nullptr;
  if (const auto* many = a->value.get<std::vector<T>>()) {
    if (i >= 0 && static_cast<size_t>(i) < many->size()) return &(*many)[static_cast<size_t>(i)];
  }
  return nullptr;
}

}  // namespace

extern "C" {

int32_t tw_node_num_attrs(const tw_graph* graph, int32_t node) {
  if (!check_node(*graph->graph, node).ok()) return 0;
  return static_cast<int32_t>(graph->graph->node(node).attrs.size());
}

tw_str tw_node_attr_name(const tw_graph* graph, int32_t node, int32_t i) {
  if (i < 0 || i >= tw_node_num_attrs(graph, node)) return {};
  auto it = graph->graph->node(node).attrs.begin();
  std::advance(it, i);
  return c_str(it->first);
}

tw_status* tw_node_attr(const tw_graph* graph, int32_t node, tw_str name, tw_attr_value** out) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_node(*graph->graph, node));
    const Node& n = graph->graph->node(node);
    const auto it = n.attrs.find(view(name));
    if (it == n.attrs.end()) return not_found("node '", n.name, "' has no attribute '", view(name), "'");
    auto value = std::make_unique<tw_attr_value>();
    value->value = it->second;
    if (const auto* one = value->value.get<Tensor>()) value->tensors.push_back({*one});
    if (const auto* many = value->value.get<std::vector<Tensor>>()) {
      for (const Tensor& t : *many) value->tensors.push_back({t});
    }
    *out = value.release();
    return {};
  });
}

void tw_attr_value_release(tw_attr_value* value) { delete value; }
int32_t tw_attr_value_kind(const tw_attr_value* a) { return kind_of(a->value); }

int32_t tw_attr_value_count(const tw_attr_value* a) {
  return std::visit(
      [](const auto& v) -> int32_t {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) return 0;
        else if constexpr (requires(T list) { list.push_back({}); } && !std::is_same_v<T, std::string>)
          return static_cast<int32_t>(v.size());
        else return 1;
      },
      a->value.value);
}

tw_str tw_attr_value_string(const tw_attr_value* a, int32_t i) {
  if (const auto* s = element<std::string>(a, i)) return c_str(*s);
  if (const auto* f = element<FuncRef>(a, i)) return c_str(f->name);
  if (const auto* p = a->value.get<AttrPlaceholder>()) return c_str(p->name);
  return {};
}
int64_t tw_attr_value_int(const tw_attr_value* a, int32_t i) {
  const auto* v = element<int64_t>(a, i);
  return v ? *v : 0;
}
float tw_attr_value_float(const tw_attr_value* a, int32_t i) {
  const auto* v = element<float>(a, i);
  return v ? *v : 0;
}
int32_t tw_attr_value_bool(const tw_attr_value* a, int32_t i) {
  if (const bool* one = a->value.get<bool>()) return i == 0 && *one;
  const auto* many = a->value.get<std::vector<bool>>();
  return many && i >= 0 && static_cast<size_t>(i) < many->size() && (*many)[static_cast<size_t>(i)];
}
int32_t tw_attr_value_type(const tw_attr_value* a, int32_t i) {
  const auto* v = element<DType>(a, i);
  return v ? static_cast<int32_t>(*v) : TW_INVALID;
}
tw_shape tw_attr_value_shape(const tw_attr_value* a, int32_t i) {
  const auto* v = element<Shape>(a, i);
  return v ? tw_shape{v->dims().data(), v->rank()} : tw_shape{nullptr, -1};
}
const tw_tensor* tw_attr_value_tensor(const tw_attr_value* a, int32_t i) {
  return i >= 0 && static_cast<size_t>(i) < a->tensors.size() ? &a->tensors[static_cast<size_t>(i)] : nullptr;
}

}  // extern "C"
