// FunctionDefs as they are read: signatures, bodies, templates.
#include <algorithm>

#include "core/formats/node_def.h"
#include "core/formats/wire.h"
#include "core/framework/text_cursor.h"

namespace tw {
namespace {

Result<FunctionSignature::Arg> decode_arg(std::string_view bytes, std::string_view function) {
  FunctionSignature::Arg arg;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_bytes(in)) {
      arg.name = in.get_string();
    } else if (tag == 3 && wire::is_varint(in)) {
      const int number = in.get_enum();
      if (!dtype_valid(number)) return invalid_argument("function '", function, "': argument of DataType ", number);
      arg.dtype = static_cast<DType>(number);
    } else if (tag >= 4 && tag <= 6 && wire::is_bytes(in)) {
      (tag == 4 ? arg.type_attr : tag == 5 ? arg.number_attr : arg.type_list_attr) = in.get_string();
    } else if (tag == 16 && wire::is_varint(in)) {
      arg.is_ref = in.get_bool();
    } else {
      in.skip();
    }
    return {};
  }));
  return arg;
}

Result<FunctionSignature::Attr> decode_attr_def(std::string_view bytes, std::string_view function) {
  FunctionSignature::Attr attr;
  std::string type;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_bytes(in)) {
      attr.name = in.get_string();
    } else if (tag == 2 && wire::is_bytes(in)) {
      type = in.get_string();
    } else if ((tag == 3 || tag == 7) && wire::is_bytes(in)) {
      TW_ASSIGN_OR_RETURN(AttrValue v, decode_attr(wire::view_of(in.get_view())));
      if (tag == 3) attr.default_value = std::move(v);
      else attr.allowed = std::move(v);
    } else if (tag == 6 && wire::is_varint(in)) {
      attr.minimum = in.get_int64();
    } else {
      in.skip();
    }
    return {};
  }));
  TextCursor text(type);
  const auto parsed = parse_attr_type(text);
  if (!parsed.ok() || !text.at_end()) {
    return invalid_argument("function '", function, "': attr '", attr.name, "' has unknown type '", type, "'");
  }
  attr.type = *parsed;
  return attr;
}

// Every argument's type and count must be fixed or those of an attribute that the signature has.
Status check_signature(const FunctionSignature& s) {
  const auto has = [&](const std::string& name, AttrType type) {
    return std::any_of(s.attrs.begin(), s.attrs.end(), [&](const auto& a) { return a.name == name && a.type == type; });
  };
  for (const auto* args : {&s.inputs, &s.outputs}) {
    for (const FunctionSignature::Arg& a : *args) {
      const std::string& generic = a.type_list_attr.empty() ? a.type_attr : a.type_list_attr;
      const bool typed =
          a.dtype != DType::kInvalid || has(a.type_attr, AttrType::kType) || has(a.type_list_attr, AttrType::kListType);
      if (!typed) {
        return invalid_argument("function '", s.name, "': argument '", a.name, "' has no fixed type",
                                generic.empty() ? "" : ", but that of attr ", generic);
      }
      if (!a.number_attr.empty() && !has(a.number_attr, AttrType::kInt)) {
        return invalid_argument("function '", s.name, "': the count of argument '", a.name, "' is attr ", a.number_attr,
                                ", which is none of its own");
      }
    }
  }
  return {};
}

// All that a FunctionDef holds, as it is on the wire.
struct FunctionDef {
  FunctionSignature signature;
  std::vector<NodeDef> nodes;
  std::map<std::string, std::string> ret, control_ret;
  AttrMap attrs;
  std::map<uint64_t, AttrMap> arg_attrs;
};

Status decode_signature_into(std::string_view bytes, FunctionSignature* s) {
  return wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_bytes(in)) {
      s->name = in.get_string();
    } else if ((tag == 2 || tag == 3) && wire::is_bytes(in)) {
      TW_ASSIGN_OR_RETURN(FunctionSignature::Arg arg, decode_arg(wire::view_of(in.get_view()), s->name));
      (tag == 2 ? s->inputs : s->outputs).push_back(std::move(arg));
    } else if (tag == 4 && wire::is_bytes(in)) {
      TW_ASSIGN_OR_RETURN(FunctionSignature::Attr attr, decode_attr_def(wire::view_of(in.get_view()), s->name));
      s->attrs.push_back(std::move(attr));
    } else if (tag == 17 && wire::is_varint(in)) {
      s->stateful = in.get_bool();
    } else {
      in.skip();
    }
    return {};
  });
}

Status decode_attr_entry(std::string_view bytes, AttrMap* to) {
  const wire::MapEntry e = wire::map_entry(bytes);
  TW_ASSIGN_OR_RETURN(AttrValue v, decode_attr(e.value));
  to->insert_or_assign(std::string(e.key), std::move(v));
  return {};
}

Status decode_arg_attrs(std::string_view bytes, FunctionDef* def) {
  uint64_t index = 0;
  std::string_view value;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_varint(in)) {
      index = in.get_uint64();
    } else if (tag == 2 && wire::is_bytes(in)) {
      value = wire::view_of(in.get_view());
    } else {
      in.skip();
    }
    return {};
  }));
  return wire::each_field(value, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag != 1 || !wire::is_bytes(in)) return in.skip(), Status();
    return decode_attr_entry(wire::view_of(in.get_view()), &def->arg_attrs[index]);
  });
}

Result<FunctionDef> decode_function_def(std::string_view bytes) {
  FunctionDef def;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag > 7 || !wire::is_bytes(in)) return in.skip(), Status();
    const std::string_view sub = wire::view_of(in.get_view());
    switch (tag) {
      case 1: return decode_signature_into(sub, &def.signature);
      case 3: {
        TW_ASSIGN_OR_RETURN(NodeDef n, decode_node_def(sub));
        def.nodes.push_back(std::move(n));
        return {};
      }
      case 4:
      case 6: {
        const wire::MapEntry e = wire::map_entry(sub);
        (tag == 4 ? def.ret : def.control_ret).insert_or_assign(std::string(e.key), std::string(e.value));
        return {};
      }
      case 5: return decode_attr_entry(sub, &def.attrs);
      case 7: return decode_arg_attrs(sub, &def);
      default: return {};
    }
  }));
  return def;
}

// Builds the body's nodes from the wire form. `attrs` are those of the call, complete.
class BodyReader {
 public:
  BodyReader(FunctionDef& def, const SignatureMap& functions, int producer, const AttrMap& attrs)
      : def_(def), functions_(functions), producer_(producer), attrs_(attrs) {}

  Result<std::vector<PendingNode>> run() {
    const FunctionSignature& s = def_.signature;
    for (const NodeDef& n : def_.nodes) names_.insert(n.name);
    std::vector<PendingNode> pending;
    for (size_t i = 0; i < s.inputs.size(); ++i) TW_RETURN_IF_ERROR(add_argument(i, &pending));
    for (NodeDef& n : def_.nodes) {
      substitute(&n.attrs, attrs_);
      TW_RETURN_IF_ERROR(note_call(n));
      TW_RETURN_IF_ERROR(adapt_node_def(&n, functions_, producer_));
      by_name_.emplace(n.name, &n);
    }
    for (NodeDef& n : def_.nodes) {
      PendingNode p;
      for (const std::string& in : n.inputs) {
        if (in.starts_with('^')) {
          const auto it = args_.find(std::string_view(in).substr(1));
          if (it == args_.end()) p.controls.push_back(in.substr(1));
          else p.controls.insert(p.controls.end(), it->second.begin(), it->second.end());
          continue;
        }
        if (!p.controls.empty()) {
          return invalid_argument("Node '", n.name, "': Control dependencies must come after regular dependencies");
        }
        TW_ASSIGN_OR_RETURN(std::vector<PendingInput> tensors, edges(in, n.name));
        p.inputs.insert(p.inputs.end(), tensors.begin(), tensors.end());
      }
      p.spec.name = n.name;
      p.spec.op = n.op;
      p.spec.device = n.device;
      p.spec.attrs = n.attrs;
      pending.push_back(std::move(p));
    }
    for (const FunctionSignature::Arg& out : s.outputs) TW_RETURN_IF_ERROR(add_result(out, &pending));
    return pending;
  }
  // What the function's arguments and results are called, one by one.
  const std::vector<std::string>& arguments() const { return arguments_; }
  const std::vector<std::string>& results() const { return results_; }

 private:
  static std::string item_name(const std::string& name, size_t i, size_t count) {
    return count > 1 ? internal::concat(name, '_', i) : name;
  }

  Status add_argument(size_t i, std::vector<PendingNode>* pending) {
    const FunctionSignature::Arg& arg = def_.signature.inputs[i];
    const std::vector<DType> dtypes = arg_dtypes(arg, attrs_);
    std::vector<std::string> nodes;
    for (size_t k = 0; k < dtypes.size(); ++k) {
      PendingNode p;
      p.spec.op = "_Arg";
      p.spec.name = item_name(arg.name, k, dtypes.size());
      if (arg.is_list()) {
        while (names_.contains(p.spec.name)) p.spec.name += "_arg";
      }
      names_.insert(p.spec.name);
      if (const auto it = def_.arg_attrs.find(i); it != def_.arg_attrs.end()) {
        for (const auto& [name, value] : it->second) {
          if (name.starts_with('_')) p.spec.attrs.emplace(name, value);
        }
      }
      p.spec.attrs.insert_or_assign("T", AttrValue(dtypes[k]));
      p.spec.attrs.insert_or_assign("index", AttrValue(static_cast<int64_t>(arguments_.size())));
      nodes.push_back(p.spec.name);
      arguments_.push_back(item_name(arg.name, k, dtypes.size()));
      pending->push_back(std::move(p));
    }
    if (!args_.emplace(arg.name, std::move(nodes)).second) {
      return invalid_argument("Duplicate arg name '", arg.name, "'");
    }
    return {};
  }

  Status add_result(const FunctionSignature::Arg& out, std::vector<PendingNode>* pending) {
    const auto it = def_.ret.find(out.name);
    if (it == def_.ret.end()) return invalid_argument("Return missing for output '", out.name, "'");
    const std::vector<DType> dtypes = arg_dtypes(out, attrs_);
    TW_ASSIGN_OR_RETURN(const std::vector<PendingInput> from, edges(it->second, out.name));
    if (from.size() != dtypes.size()) {
      return invalid_argument("output '", out.name, "' has ", dtypes.size(), " tensors, and '", it->second, "' ",
                              from.size());
    }
    for (size_t k = 0; k < dtypes.size(); ++k) {
      PendingNode p;
      p.spec.op = "_Retval";
      p.spec.name = item_name(out.name, k, dtypes.size());
      while (!names_.insert(p.spec.name).second) p.spec.name += "_retval";
      p.spec.attrs.emplace("T", AttrValue(base_dtype(dtypes[k])));
      p.spec.attrs.emplace("index", AttrValue(static_cast<int64_t>(results_.size())));
      p.inputs = {from[k]};
      results_.push_back(item_name(out.name, k, dtypes.size()));
      pending->push_back(std::move(p));
    }
    return {};
  }

  // For a node whose op is a function: its outputs by name, and how many tensors each has.
  Status note_call(const NodeDef& n) {
    const auto it = functions_.find(n.op);
    if (it == functions_.end() || find_op(n.op) != nullptr) return {};
    AttrMap attrs = n.attrs;
    if (it->second.generic()) {
      attrs = {};
      for (const auto& [name, value] : n.attrs) {
        if (!name.starts_with('_')) attrs[name] = value;
      }
      TW_RETURN_IF_ERROR(complete_call_attrs(it->second, &attrs));
    }
    auto& outputs = called_[n.name];
    for (const auto& out : it->second.outputs) {
      outputs.emplace_back(out.name, static_cast<int>(arg_dtypes(out, attrs).size()));
    }
    return {};
  }

  // What "arg", "arg:index", "node:output" or "node:output:index" names: without an index, all tensors of a list.
  Result<std::vector<PendingInput>> edges(std::string_view text, std::string_view user) const {
    const size_t first = text.find(':');
    const std::string_view node = text.substr(0, first);
    std::string_view rest = first == text.npos ? std::string_view() : text.substr(first + 1);
    const auto unknown = [&] { return invalid_argument("Node '", user, "': there is no input '", text, "'"); };
    if (const auto arg = args_.find(node); arg != args_.end()) {
      std::vector<PendingInput> all;
      for (const std::string& name : arg->second) all.push_back({name, 0, {}});
      if (rest.empty()) return all;
      TW_ASSIGN_OR_RETURN(const TensorName item, parse_tensor_name(text));
      if (item.node != node || static_cast<size_t>(item.index) >= all.size()) return unknown();
      return std::vector<PendingInput>{all[static_cast<size_t>(item.index)]};
    }
    const auto it = by_name_.find(node);
    if (it == by_name_.end()) return invalid_argument("Node '", user, "': Unknown input node '", node, "'");
    int index = -1;
    if (const size_t second = rest.find(':'); second != rest.npos) {
      TW_ASSIGN_OR_RETURN(const TensorName t, parse_tensor_name(rest));
      rest = t.node;
      index = t.index;
    }
    int begin = 0, count = 0;
    const OpDef* op = find_op(it->second->op);
    if (const auto called = called_.find(node); called != called_.end()) {
      const auto& outputs = called->second;
      auto out = outputs.begin();
      for (; out != outputs.end() && out->first != rest; ++out) begin += out->second;
      if (out == outputs.end()) {
        return invalid_argument("Node '", user, "': function '", it->second->attrs.at("f").get<FuncRef>()->name,
                                "' has no output '", rest, "'");
      }
      count = out->second;
    } else if (op == nullptr) {
      count = std::max(index, 0) + 1;  // adding that node fails first
    } else {
      TW_ASSIGN_OR_RETURN(begin, flat_output(*op, it->second->attrs, rest, std::max(index, 0)));
      begin -= std::max(index, 0);
      count = output_length(*op, it->second->attrs, rest);
    }
    if (index >= count) return unknown();
    std::vector<PendingInput> found;
    for (int k = index < 0 ? 0 : index; k < (index < 0 ? count : index + 1); ++k) {
      found.push_back({std::string(node), begin + k, {}});
    }
    return found;
  }

  FunctionDef& def_;
  const SignatureMap& functions_;
  int producer_;
  const AttrMap& attrs_;
  std::map<std::string, std::vector<std::string>, std::less<>> args_;  // the nodes of each argument
  std::set<std::string, std::less<>> names_;
  std::map<std::string, const NodeDef*, std::less<>> by_name_;
  std::map<std::string, std::vector<std::pair<std::string, int>>, std::less<>> called_;
  std::vector<std::string> arguments_, results_;
};

}  // namespace

Result<FunctionSignature> decode_signature(std::string_view function_def) {
  FunctionSignature s;
  TW_RETURN_IF_ERROR(wire::each_field(function_def, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag != 1 || !wire::is_bytes(in)) return in.skip(), Status();
    return decode_signature_into(wire::view_of(in.get_view()), &s);
  }));
  if (s.name.empty()) return invalid_argument("a function without a name");
  TW_RETURN_IF_ERROR(check_signature(s));
  return s;
}

Result<std::shared_ptr<FunctionTemplate>> decode_template(std::string_view function_def,
                                                          std::shared_ptr<const SignatureMap> functions, int producer) {
  TW_ASSIGN_OR_RETURN(const FunctionDef def, decode_function_def(function_def));
  auto t = std::make_shared<FunctionTemplate>();
  t->name = def.signature.name;
  t->definition = function_def;
  t->make = [functions = std::move(functions), producer, definition = t->definition](
                const AttrMap& attrs, const std::shared_ptr<FunctionLibrary>& library) {
    return decode_function(definition, *functions, producer, library, attrs);
  };
  return t;
}

Result<std::shared_ptr<Function>> decode_function(std::string_view function_def, const SignatureMap& functions,
                                                  int producer, const std::shared_ptr<FunctionLibrary>& library,
                                                  const AttrMap& attrs) {
  TW_ASSIGN_OR_RETURN(FunctionDef def, decode_function_def(function_def));
  AttrMap call = attrs;
  if (def.signature.generic()) TW_RETURN_IF_ERROR(complete_call_attrs(def.signature, &call));
  auto f = std::make_shared<Function>();
  f->name = def.signature.name;
  f->stateful = def.signature.stateful;
  f->attrs = def.attrs;
  f->body = std::make_unique<Graph>(library);
  BodyReader reader(def, functions, producer, call);
  const auto run = [&]() -> Status {
    TW_ASSIGN_OR_RETURN(std::vector<PendingNode> pending, reader.run());
    const size_t count = pending.size();
    TW_ASSIGN_OR_RETURN(const std::vector<NodeId> ids, assemble(f->body.get(), std::move(pending)));
    const size_t args = reader.arguments().size(), results = reader.results().size();
    f->args.assign(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(args));
    f->results.assign(ids.begin() + static_cast<std::ptrdiff_t>(count - results), ids.end());
    for (const auto& [name, node] : def.control_ret) {
      const auto id = f->body->find(node);
      if (!id) return invalid_argument("control output '", name, "' names node '", node, "', which there is not");
      f->controls.push_back(*id);
    }
    // A call runs what has effects even if no result needs it, as TF does.
    for (const NodeId id : ids) {
      const OpDef& op = *f->body->node(id).op;
      if (op.has(kStateful) && !op.has(kRandom) && op.name != "_Arg" && op.name != "_Retval") f->controls.push_back(id);
    }
    std::sort(f->controls.begin(), f->controls.end());
    f->controls.erase(std::unique(f->controls.begin(), f->controls.end()), f->controls.end());
    return {};
  };
  if (Status s = run(); !s.ok()) return s.prefix(internal::concat("function '", def.signature.name, "'"));
  f->arg_names = reader.arguments();
  f->result_names = reader.results();
  return f;
}

}  // namespace tw
