#include "core/formats/node_def.h"

#include <algorithm>
#include <charconv>

#include "core/formats/wire.h"

namespace tw {
namespace {

// Attributes that releases after TF 1.15 added to its ops, with defaults other than false, zero and empty.
struct NewerAttr {
  std::string_view name;
  AttrType type;
  std::string_view text;
};
constexpr NewerAttr kNewerAttrs[] = {
    {"Tcomplex", AttrType::kType, "complex64"},
    {"Tk", AttrType::kType, "int32"},
    {"Treal", AttrType::kType, "float"},
    {"Tsegmentids", AttrType::kType, "int32"},
    {"Tshape", AttrType::kType, "int32"},
    {"axis", AttrType::kInt, "-1"},
    {"batch_padding_policy", AttrType::kString, "\"PAD_UP\""},
    {"blank_index", AttrType::kInt, "-1"},
    {"drop_remainder", AttrType::kBool, "true"},
    {"dtype", AttrType::kType, "float"},
    {"ensure_minimum_range", AttrType::kFloat, "0.01"},
    {"exponential_avg_factor", AttrType::kFloat, "1"},
    {"fill_mode", AttrType::kString, "\"CONSTANT\""},
    {"index_type", AttrType::kType, "int32"},
    {"mixed_priority_policy", AttrType::kString, "\"low_priority_padding_with_max_batch_size\""},
    {"mode", AttrType::kString, "\"auto\""},
    {"reshuffle_each_iteration", AttrType::kBool, "true"},
    {"shape_type", AttrType::kType, "int32"},
    {"use_default_device", AttrType::kBool, "true"}};

bool is_newer_default(std::string_view name, const AttrValue& v) {
  // These say nothing about what the op computes: names for messages, and which operands are gradients.
  for (const std::string_view hint : {"debug_name", "metadata", "grad_a", "grad_b", "grad_x", "grad_y"}) {
    if (name == hint) return true;
  }
  for (const NewerAttr& a : kNewerAttrs) {
    if (a.name != name) continue;
    const auto d = parse_attr(a.type, a.text);
    return d.ok() && *d == v;
  }
  if (const auto* b = v.get<bool>()) return !*b;
  if (const auto* i = v.get<int64_t>()) return *i == 0;
  if (const auto* f = v.get<float>()) return *f == 0;
  if (const auto* s = v.get<std::string>()) return s->empty();
  return v.empty();
}

int64_t arg_length(const ArgDef& a, const AttrMap& attrs) {
  const AttrReader reader(attrs);
  if (!a.number_attr.empty()) return std::max<int64_t>(0, reader.must<int64_t>(a.number_attr));
  if (!a.type_list_attr.empty()) return static_cast<int64_t>(reader.must<std::vector<DType>>(a.type_list_attr).size());
  return 1;
}

}  // namespace

Result<NodeDef> decode_node_def(std::string_view bytes) {
  NodeDef n;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag > 5 || !wire::is_bytes(in)) {
      in.skip();
      return {};
    }
    const std::string_view sub = wire::view_of(in.get_view());
    switch (tag) {
      case 1: n.name = sub; break;
      case 2: n.op = sub; break;
      case 3: n.inputs.emplace_back(sub); break;
      case 4: n.device = sub; break;
      case 5: {
        const wire::MapEntry e = wire::map_entry(sub);
        Result<AttrValue> v = decode_attr(e.value);
        if (!v.ok()) return std::move(v).status().prefix(internal::concat("Node '", n.name, "' attr '", e.key, "'"));
        n.attrs.insert_or_assign(std::string(e.key), std::move(*v));
        break;
      }
    }
    return {};
  }));
  return n;
}

Result<std::string> encode_node_def(const Node& n, const std::vector<std::string>& inputs,
                                    const GraphDefExportOptions& options) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_string(1, n.name);
  w.add_string(2, n.op->name.data(), n.op->name.size());
  for (const std::string& in : inputs) w.add_string(3, in);
  if (!n.device.empty()) w.add_string(4, n.device);
  AttrMap with_shapes;
  const AttrMap* attrs = &n.attrs;
  if (options.add_shapes) {
    with_shapes = n.attrs;
    with_shapes.insert_or_assign("_output_shapes", AttrValue(n.output_shapes));
    attrs = &with_shapes;
  }
  for (const auto& [name, value] : *attrs) {
    if (options.strip_default_attrs) {
      const AttrDef* def = n.op->find_attr(name);
      if (def != nullptr && def->has_default) {
        const auto d = parse_attr(def->type, def->default_text);
        if (d.ok() && *d == value) continue;
      }
    }
    Result<std::string> v = encode_attr(value);
    if (!v.ok()) return std::move(v).status().prefix(internal::concat("attr '", name, "'")).at_node(n.name, n.where);
    wire::add_map_entry(&w, 5, name, *v);
  }
  return out;
}

Result<Port> output_port(const OpDef& op, const AttrMap& attrs, int flat) {
  int64_t first = 0;
  for (const ArgDef& a : op.outputs) {
    const int64_t n = arg_length(a, attrs);
    if (flat < first + n) return Port{a.name, static_cast<int>(flat - first)};
    first += n;
  }
  return invalid_argument("'", op.name, "' Op has no output ", flat);
}

Result<int> flat_output(const OpDef& op, const AttrMap& attrs, std::string_view arg, int index) {
  int64_t first = 0;
  for (const ArgDef& a : op.outputs) {
    const int64_t n = arg_length(a, attrs);
    if (a.name == arg) {
      if (index >= n)
        return invalid_argument("output '", arg, "' of '", op.name, "' Op has ", n, " tensors, and no ", index);
      if (first + index > (1 << 20)) return invalid_argument("'", op.name, "' Op has too many outputs");
      return static_cast<int>(first + index);
    }
    first += std::min<int64_t>(n, 1 << 20);
  }
  return invalid_argument("'", op.name, "' Op has no output '", arg, "'");
}

int output_length(const OpDef& op, const AttrMap& attrs, std::string_view arg) {
  for (const ArgDef& a : op.outputs) {
    if (a.name == arg) return static_cast<int>(std::min<int64_t>(arg_length(a, attrs), 1 << 20));
  }
  return 0;
}

namespace {

Status check_limits(const FunctionSignature::Attr& a, const AttrValue& v) {
  std::optional<int64_t> size;
  if (const auto* i = v.get<int64_t>()) size = *i;
  if (const auto* types = v.get<std::vector<DType>>()) size = static_cast<int64_t>(types->size());
  if (a.minimum && size && *size < *a.minimum) {
    return invalid_argument("attr '", a.name, "' is ", *size, ", and must be at least ", *a.minimum);
  }
  std::vector<DType> types;
  if (const auto* t = v.get<DType>()) types = {*t};
  if (const auto* list = v.get<std::vector<DType>>()) types = *list;
  if (const auto* allowed = a.allowed.get<std::vector<DType>>()) {
    for (const DType t : types) {
      if (std::find(allowed->begin(), allowed->end(), t) == allowed->end()) {
        return invalid_argument("Value for attr '", a.name, "' of ", dtype_name(t),
                                " is not in the list of allowed values: ", to_string(a.allowed));
      }
    }
  }
  const auto* text = v.get<std::string>();
  const auto* texts = a.allowed.get<std::vector<std::string>>();
  if (text != nullptr && texts != nullptr && std::find(texts->begin(), texts->end(), *text) == texts->end()) {
    return invalid_argument("Value for attr '", a.name, "' of \"", *text,
                            "\" is not in the list of allowed values: ", to_string(a.allowed));
  }
  return {};
}

}  // namespace

Status complete_call_attrs(const FunctionSignature& f, AttrMap* attrs) {
  for (const FunctionSignature::Attr& a : f.attrs) {
    auto it = attrs->find(a.name);
    if (it == attrs->end() && a.default_value) {
      attrs->emplace(a.name, *a.default_value);
      it = attrs->find(a.name);
    }
    Status s;
    if (it == attrs->end()) {
      s = invalid_argument("attr '", a.name, "' is missing");
    } else {
      const bool none = it->second.empty() && a.type >= AttrType::kListString;  // an empty list has no type on the wire
      if (none && a.type == AttrType::kListType) {
        attrs->insert_or_assign(a.name, AttrValue(std::vector<DType>()));
        it = attrs->find(a.name);
      }
      s = none || type_of(it->second) == a.type ? check_limits(a, it->second)
                                                : invalid_argument("attr '", a.name, "' is ", to_string(it->second),
                                                                   ", and must be of type ", attr_type_name(a.type));
    }
    if (!s.ok()) return s.prefix(internal::concat("call of function '", f.name, "'"));
  }
  for (const auto& [name, value] : *attrs) {
    const bool known = name.starts_with('_') || std::any_of(f.attrs.begin(), f.attrs.end(),
                                                            [key = &name](const auto& a) { return a.name == *key; });
    if (!known) return invalid_argument("call of function '", f.name, "': it has no attr '", name, "'");
  }
  return {};
}

std::vector<DType> arg_dtypes(const FunctionSignature::Arg& arg, const AttrMap& attrs) {
  const AttrReader reader(attrs);
  if (!arg.type_list_attr.empty()) return reader.must<std::vector<DType>>(arg.type_list_attr);
  DType t = arg.type_attr.empty() ? arg.dtype : reader.dtype(arg.type_attr);
  if (arg.is_ref) t = ref_dtype(t);
  const int64_t n = arg.number_attr.empty() ? 1 : std::clamp<int64_t>(reader.integer(arg.number_attr), 0, 1 << 20);
  return std::vector<DType>(static_cast<size_t>(n), t);
}

Status adapt_node_def(NodeDef* n, const SignatureMap& functions, int producer) {
  const OpDef* op = find_op(n->op);
  if (op == nullptr) {
    const auto it = functions.find(n->op);
    if (it == functions.end()) return {};  // adding it says that there is no such op
    const FunctionSignature& f = it->second;
    FuncRef ref{f.name, {}};
    AttrMap attrs;
    for (const auto& [name, value] : n->attrs) {
      // Private attributes are the call's; the others were given to the function.
      (name.starts_with('_') ? attrs : ref.attrs).emplace(name, value);
    }
    if (f.generic()) TW_RETURN_IF_ERROR(complete_call_attrs(f, &ref.attrs));
    std::vector<DType> in, out;
    const auto append = [&](const std::vector<FunctionSignature::Arg>& args, std::vector<DType>* to) {
      for (const auto& a : args) {
        const std::vector<DType> types = arg_dtypes(a, ref.attrs);
        to->insert(to->end(), types.begin(), types.end());
      }
    };
    append(f.inputs, &in);
    append(f.outputs, &out);
    attrs.insert_or_assign("Tin", AttrValue(std::move(in)));
    attrs.insert_or_assign("Tout", AttrValue(std::move(out)));
    attrs.insert_or_assign("f", AttrValue(std::move(ref)));
    n->op = f.stateful ? "StatefulPartitionedCall" : "PartitionedCall";
    n->attrs = std::move(attrs);
    return {};
  }
  if (producer <= 21 && n->op == "Placeholder") {
    // Producers of those days wrote an unknown shape as that of a scalar.
    const auto it = n->attrs.find("shape");
    const Shape* s = it == n->attrs.end() ? nullptr : it->second.get<Shape>();
    if (s != nullptr && s->is_scalar()) n->attrs.insert_or_assign("shape", AttrValue(Shape::unknown()));
  }
  if (producer <= kGraphDefProducer) return {};
  const AttrMap all = n->attrs;
  for (const auto& [name, value] : all) {
    const bool newer = !name.starts_with('_') && op->find_attr(name) == nullptr;
    if (newer && is_newer_default(name, value)) n->attrs.erase(name);
  }
  return {};
}

Result<TensorName> parse_tensor_name(std::string_view text) {
  TensorName t{text, 0};
  if (const size_t colon = text.rfind(':'); colon != text.npos) {
    t.node = text.substr(0, colon);
    const auto [end, ec] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), t.index);
    if (ec != std::errc() || end != text.data() + text.size() || t.index < 0) {
      return invalid_argument("'", text, "' is not the name of a tensor");
    }
  }
  if (t.node.empty()) return invalid_argument("'", text, "' is not the name of a tensor");
  return t;
}

}  // namespace tw
