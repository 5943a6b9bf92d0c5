#include <algorithm>

#include "core/framework/text_cursor.h"
#include "core/graph/assemble.h"

namespace tw {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '/' || c == '>' || c == '\\';
}

// Names that do not read back by themselves are quoted.
std::string name_text(std::string_view name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), is_name_char);
  return plain ? std::string(name) : quote(name);
}

// --- printing ---

std::string output_text(const Graph& g, Output o) {
  std::string text = internal::concat('%', name_text(g.node(o.node).name));
  if (o.index > 0) text += internal::concat(':', o.index);
  return text;
}

// Whether reading the node without this attribute finds the same value in its inputs.
bool follows_from_inputs(const Node& n, std::string_view attr) {
  std::string_view length_attr;
  bool one_length = true, typed = false, counted = false;
  for (const ArgDef& a : n.op->inputs) {
    const std::string_view length = !a.number_attr.empty() ? a.number_attr : a.type_list_attr;
    if (!length.empty()) {
      one_length = one_length && (length_attr.empty() || length_attr == length);
      length_attr = length;
      counted = counted || length == attr;
    }
    if (a.type_attr == attr) {
      typed = a.number_attr.empty() || n.attr().must<int64_t>(a.number_attr) > 0 ? true : typed;
    }
  }
  return typed || (counted && one_length);
}

bool is_default(const AttrDef& def, const AttrValue& v) {
  if (!def.has_default) return false;
  const auto d = parse_attr(def.type, def.default_text);
  return d.ok() && *d == v;
}

void print_attrs(const Node& n, std::string* out) {
  const char* separator = " {";
  for (const auto& [name, value] : n.attrs) {
    const AttrDef* def = n.op->find_attr(name);
    if (def != nullptr && (follows_from_inputs(n, name) || is_default(*def, value))) continue;
    *out += separator;
    *out += name_text(name);
    // A reader knows the types of declared attributes only.
    if (def == nullptr) *out += internal::concat(':', attr_type_name(type_of(value)));
    *out += '=';
    *out += to_string(value);
    separator = ", ";
  }
  if (*separator == ',') *out += '}';
}

void print_node(const Graph& g, const Node& n, std::string* out) {
  *out += '%';
  *out += name_text(n.name);
  for (size_t i = 0; i < n.output_dtypes.size(); ++i) {
    *out += i > 0 ? ", " : n.output_dtypes.size() > 1 ? ":(" : ":";
    *out += dtype_name(n.output_dtypes[i]);
    *out += n.output_shapes[i].to_string();
  }
  if (n.output_dtypes.size() > 1) *out += ')';
  *out += " = ";
  *out += n.op->name;
  *out += '(';
  const char* separator = "";
  for (const Output o : n.inputs) {
    *out += separator;
    *out += output_text(g, o);
    separator = ", ";
  }
  for (const NodeId c : n.controls) {
    *out += internal::concat(separator, "^%", name_text(g.node(c).name));
    separator = ", ";
  }
  *out += ')';
  print_attrs(n, out);
  if (!n.device.empty()) *out += internal::concat(" @", quote(n.device));
  *out += '\n';
}

void print_nodes(const Graph& g, std::string_view indent, std::string* out) {
  for (const NodeId id : g.topological_order()) {
    *out += indent;
    print_node(g, g.node(id), out);
  }
}

void print_function(const Function& f, std::string* out) {
  const Graph& g = *f.body;
  const auto ports = [&](const std::vector<NodeId>& ids, const std::vector<std::string>& names) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i > 0) *out += ", ";
      if (i < names.size()) *out += internal::concat(name_text(names[i]), '=');
      *out += internal::concat('%', name_text(g.node(ids[i]).name));
    }
  };
  *out += internal::concat("func @", name_text(f.name), '(');
  ports(f.args, f.arg_names);
  *out += ") -> (";
  ports(f.results, f.result_names);
  *out += ")";
  if (!f.controls.empty()) {
    *out += " controls(";
    ports(f.controls, {});
    *out += ")";
  }
  if (f.stateful) *out += " stateful";
  const char* separator = " {";
  for (const auto& [name, value] : f.attrs) {
    *out += internal::concat(separator, name_text(name), ':', attr_type_name(type_of(value)), '=', to_string(value));
    separator = ", ";
  }
  *out += f.attrs.empty() ? " [\n" : "} [\n";
  print_nodes(g, "  ", out);
  *out += "]\n";
}

// --- parsing ---

class GraphParser {
 public:
  explicit GraphParser(std::string_view text) : in_(text) {}

  Result<std::unique_ptr<Graph>> run() {
    auto library = std::make_shared<FunctionLibrary>();
    auto graph = std::make_unique<Graph>(library);
    TW_RETURN_IF_ERROR(nodes(graph.get()).status());
    while (!in_.at_end()) TW_RETURN_IF_ERROR(function(library));
    return graph;
  }

 private:
  // What a line says of its node's outputs.
  struct Declared {
    std::vector<DType> dtypes;
    std::vector<Shape> shapes;
    size_t position;
  };

  Result<std::string> name() {
    if (in_.peek() == '"') return in_.quoted();
    const std::string_view name = in_.take_while(is_name_char);
    if (name.empty()) return in_.error("a name");
    return std::string(name);
  }
  Result<std::string> node_name() {
    TW_RETURN_IF_ERROR(in_.expect("%"));
    return name();
  }

  Result<std::map<std::string, NodeId>> nodes(Graph* graph) {
    std::vector<PendingNode> pending;
    std::vector<Declared> declared;
    while (in_.peek() == '%') {
      declared.emplace_back();
      declared.back().position = in_.position();
      TW_ASSIGN_OR_RETURN(PendingNode n, node(&declared.back()));
      pending.push_back(std::move(n));
    }
    std::vector<std::string> names;
    for (const PendingNode& n : pending) names.push_back(n.spec.name);
    TW_ASSIGN_OR_RETURN(const std::vector<NodeId> ids, assemble(graph, std::move(pending)));
    std::map<std::string, NodeId> by_name;
    for (size_t i = 0; i < ids.size(); ++i) {
      Status s = check_outputs(graph, ids[i], declared[i]);
      if (!s.ok()) return s.prefix(internal::concat("line ", in_.line_of(declared[i].position)));
      by_name.emplace(std::move(names[i]), ids[i]);
    }
    return by_name;
  }

  static Status check_outputs(Graph* graph, NodeId id, const Declared& d) {
    if (d.dtypes.empty()) return {};
    const Node& n = graph->node(id);
    if (d.dtypes != n.output_dtypes) {
      return invalid_argument("'", n.name, "' does not have the outputs that the text says").at_node(n.name);
    }
    for (size_t i = 0; i < d.shapes.size(); ++i) {
      Status s = graph->set_shape({id, static_cast<int>(i)}, d.shapes[i]);
      if (!s.ok()) return s.at_node(n.name);
    }
    return {};
  }

  Status output_type(Declared* d) {
    TW_ASSIGN_OR_RETURN(const std::string_view word, in_.identifier());
    const DType t = dtype_from_name(word);
    if (t == DType::kInvalid) return invalid_argument("line ", in_.line(), ": '", word, "' names no dtype");
    TW_ASSIGN_OR_RETURN(const AttrValue shape, parse_attr(AttrType::kShape, in_));
    if (shape.get<Shape>() == nullptr) return in_.error("a shape");
    d->dtypes.push_back(t);
    d->shapes.push_back(*shape.get<Shape>());
    return {};
  }

  Result<PendingNode> node(Declared* d) {
    PendingNode n;
    TW_ASSIGN_OR_RETURN(n.spec.name, node_name());
    if (in_.accept(":")) {
      const bool several = in_.accept("(");
      do {
        TW_RETURN_IF_ERROR(output_type(d));
      } while (several && in_.accept(","));
      if (several) TW_RETURN_IF_ERROR(in_.expect(")"));
    }
    TW_RETURN_IF_ERROR(in_.expect("="));
    TW_ASSIGN_OR_RETURN(n.spec.op, in_.identifier());
    TW_RETURN_IF_ERROR(in_.expect("("));
    if (!in_.accept(")")) {
      do {
        if (in_.accept("^")) {
          TW_ASSIGN_OR_RETURN(std::string control, node_name());
          n.controls.push_back(std::move(control));
          continue;
        }
        PendingInput input;
        TW_ASSIGN_OR_RETURN(input.node, node_name());
        if (in_.accept(":")) {
          TW_ASSIGN_OR_RETURN(const int64_t index, in_.integer());
          if (index < 0 || index > (1 << 20)) return in_.error("an output number");
          input.index = static_cast<int>(index);
        }
        n.inputs.push_back(std::move(input));
      } while (in_.accept(","));
      TW_RETURN_IF_ERROR(in_.expect(")"));
    }
    const OpDef* op = find_op(n.spec.op);
    if (in_.accept("{")) TW_RETURN_IF_ERROR(attrs(op, &n.spec.attrs));
    if (in_.accept("@")) {
      TW_ASSIGN_OR_RETURN(n.spec.device, in_.quoted());
    }
    return n;
  }

  // After the opening brace. Attributes that `op` does not declare state their type.
  Status attrs(const OpDef* op, AttrMap* to) {
    if (in_.accept("}")) return {};
    do {
      TW_ASSIGN_OR_RETURN(std::string key, name());
      const AttrDef* def = op != nullptr ? op->find_attr(key) : nullptr;
      AttrType type = def != nullptr ? def->type : AttrType::kInt;
      if (in_.accept(":")) {
        TW_ASSIGN_OR_RETURN(type, parse_attr_type(in_));
      } else if (def == nullptr) {
        return invalid_argument("line ", in_.line(), ": attribute '", key, "' is not declared by ",
                                op != nullptr ? op->name : "an unknown op", " and states no type");
      }
      TW_RETURN_IF_ERROR(in_.expect("="));
      TW_ASSIGN_OR_RETURN(AttrValue v, parse_attr(type, in_));
      if (!to->emplace(key, std::move(v))) {
        return invalid_argument("line ", in_.line(), ": attribute '", key, "' is given twice");
      }
    } while (in_.accept(","));
    return in_.expect("}");
  }

  // "(x=%a, %b)"
  Status ports(std::vector<std::string>* nodes, std::vector<std::string>* names) {
    TW_RETURN_IF_ERROR(in_.expect("("));
    if (in_.accept(")")) return {};
    do {
      if (in_.peek() != '%') {
        TW_ASSIGN_OR_RETURN(std::string port, name());
        TW_RETURN_IF_ERROR(in_.expect("="));
        if (names != nullptr) names->push_back(std::move(port));
      }
      TW_ASSIGN_OR_RETURN(std::string node, node_name());
      nodes->push_back(std::move(node));
    } while (in_.accept(","));
    return in_.expect(")");
  }

  Status function(const std::shared_ptr<FunctionLibrary>& library) {
    TW_RETURN_IF_ERROR(in_.expect("func"));
    TW_RETURN_IF_ERROR(in_.expect("@"));
    auto f = std::make_shared<Function>();
    TW_ASSIGN_OR_RETURN(f->name, name());
    std::vector<std::string> args, results, controls;
    TW_RETURN_IF_ERROR(ports(&args, &f->arg_names));
    TW_RETURN_IF_ERROR(in_.expect("->"));
    TW_RETURN_IF_ERROR(ports(&results, &f->result_names));
    if (in_.accept("controls")) TW_RETURN_IF_ERROR(ports(&controls, nullptr));
    f->stateful = in_.accept("stateful");
    if (in_.accept("{")) TW_RETURN_IF_ERROR(attrs(nullptr, &f->attrs));
    TW_RETURN_IF_ERROR(in_.expect("["));
    f->body = std::make_unique<Graph>(library);
    TW_ASSIGN_OR_RETURN(const auto by_name, nodes(f->body.get()));
    TW_RETURN_IF_ERROR(in_.expect("]"));
    const auto find = [&](const std::vector<std::string>& from, std::string_view op,
                          std::vector<NodeId>* to) -> Status {
      for (const std::string& name : from) {
        const auto it = by_name.find(name);
        if (it == by_name.end() || (!op.empty() && f->body->node(it->second).op->name != op)) {
          return invalid_argument("function '", f->name, "' has no ", op.empty() ? "node" : op, " '", name, "'");
        }
        to->push_back(it->second);
      }
      return {};
    };
    TW_RETURN_IF_ERROR(find(args, "_Arg", &f->args));
    TW_RETURN_IF_ERROR(find(results, "_Retval", &f->results));
    TW_RETURN_IF_ERROR(find(controls, {}, &f->controls));
    return library->add(std::move(f));
  }

  TextCursor in_;
};

}  // namespace

std::string print_body(const Graph& g) {
  std::string text;
  print_nodes(g, "", &text);
  return text;
}

std::string print(const Graph& g) {
  std::string text = print_body(g);
  for (const auto& f : g.library()->all()) {
    if (!text.empty()) text += '\n';
    print_function(*f, &text);
  }
  return text;
}

Result<std::unique_ptr<Graph>> parse(std::string_view text) { return GraphParser(text).run(); }

}  // namespace tw
