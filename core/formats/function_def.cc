#include <algorithm>

#include "core/formats/node_def.h"
#include "core/formats/wire.h"

namespace tw {
namespace {

Result<FunctionSignature::Arg> decode_arg(std::string_view bytes, std::string_view function) {
  FunctionSignature::Arg arg;
  std::string generic;
  bool ref = false;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_bytes(in)) {
      arg.name = in.get_string();
    } else if (tag == 3 && wire::is_varint(in)) {
      const int number = in.get_enum();
      if (!dtype_valid(number)) return invalid_argument("function '", function, "': argument of DataType ", number);
      arg.dtype = static_cast<DType>(number);
    } else if (tag >= 4 && tag <= 6 && wire::is_bytes(in)) {
      generic = in.get_string();
    } else if (tag == 16 && wire::is_varint(in)) {
      ref = in.get_bool();
    } else {
      in.skip();
    }
    return {};
  }));
  if (arg.dtype == DType::kInvalid) {
    return invalid_argument("function '", function, "': argument '", arg.name, "' has no fixed type",
                            generic.empty() ? "" : ", but that of attr ", generic);
  }
  if (ref) arg.dtype = ref_dtype(arg.dtype);
  return arg;
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

// Builds the body's nodes from the wire form.
class BodyReader {
 public:
  BodyReader(FunctionDef& def, const SignatureMap& functions, int producer)
      : def_(def), functions_(functions), producer_(producer) {}

  Result<std::vector<PendingNode>> run() {
    const FunctionSignature& s = def_.signature;
    for (size_t i = 0; i < s.inputs.size(); ++i) {
      if (!args_.emplace(s.inputs[i].name).second)
        return invalid_argument("Duplicate arg name '", s.inputs[i].name, "'");
      names_.insert(s.inputs[i].name);
    }
    for (size_t i = 0; i < def_.nodes.size(); ++i) {
      NodeDef& n = def_.nodes[i];
      names_.insert(n.name);
      called_[n.name] =
          functions_.find(n.op) != functions_.end() && find_op(n.op) == nullptr ? &functions_.at(n.op) : nullptr;
      TW_RETURN_IF_ERROR(adapt_node_def(&n, functions_, producer_));
      by_name_.emplace(n.name, &n);
    }
    std::vector<PendingNode> pending;
    for (size_t i = 0; i < s.inputs.size(); ++i) {
      PendingNode p;
      p.spec.op = "_Arg";
      p.spec.name = s.inputs[i].name;
      if (const auto it = def_.arg_attrs.find(i); it != def_.arg_attrs.end()) {
        for (const auto& [name, value] : it->second) {
          if (name.starts_with('_')) p.spec.attrs.emplace(name, value);
        }
      }
      p.spec.attrs.insert_or_assign("T", AttrValue(s.inputs[i].dtype));
      p.spec.attrs.insert_or_assign("index", AttrValue(static_cast<int64_t>(i)));
      pending.push_back(std::move(p));
    }
    for (NodeDef& n : def_.nodes) {
      PendingNode p;
      for (const std::string& in : n.inputs) {
        if (in.starts_with('^')) {
          p.controls.push_back(in.substr(1));
          continue;
        }
        if (!p.controls.empty()) {
          return invalid_argument("Node '", n.name, "': Control dependencies must come after regular dependencies");
        }
        TW_ASSIGN_OR_RETURN(PendingInput input, edge(in, n.name));
        p.inputs.push_back(std::move(input));
      }
      p.spec.name = n.name;
      p.spec.op = n.op;
      p.spec.device = n.device;
      p.spec.attrs = n.attrs;
      pending.push_back(std::move(p));
    }
    for (size_t i = 0; i < s.outputs.size(); ++i) {
      const auto it = def_.ret.find(s.outputs[i].name);
      if (it == def_.ret.end()) return invalid_argument("Return missing for output '", s.outputs[i].name, "'");
      PendingNode p;
      p.spec.op = "_Retval";
      p.spec.name = s.outputs[i].name;
      while (!names_.insert(p.spec.name).second) p.spec.name += "_retval";
      results_.push_back(p.spec.name);
      p.spec.attrs.emplace("T", AttrValue(base_dtype(s.outputs[i].dtype)));
      p.spec.attrs.emplace("index", AttrValue(static_cast<int64_t>(i)));
      TW_ASSIGN_OR_RETURN(PendingInput input, edge(it->second, p.spec.name));
      p.inputs.push_back(std::move(input));
      pending.push_back(std::move(p));
    }
    return pending;
  }
  const std::vector<std::string>& results() const { return results_; }

 private:
  // "arg", "node:output" or "node:output:index".
  Result<PendingInput> edge(std::string_view text, std::string_view user) const {
    const size_t first = text.find(':');
    const std::string_view node = text.substr(0, first);
    PendingInput in;
    in.node = node;
    if (args_.find(node) != args_.end()) return in;  // arguments are single tensors
    const auto it = by_name_.find(node);
    if (it == by_name_.end()) return invalid_argument("Node '", user, "': Unknown input node '", node, "'");
    std::string_view rest = first == text.npos ? std::string_view() : text.substr(first + 1);
    int index = 0;
    if (const size_t second = rest.find(':'); second != rest.npos) {
      TW_ASSIGN_OR_RETURN(const TensorName t, parse_tensor_name(rest));
      rest = t.node;
      index = t.index;
    }
    if (const FunctionSignature* f = called_.at(it->first)) {
      for (size_t i = 0; i < f->outputs.size(); ++i) {
        if (f->outputs[i].name != rest || index != 0) continue;
        in.index = static_cast<int>(i);
        return in;
      }
      return invalid_argument("Node '", user, "': function '", f->name, "' has no output '", rest, "'");
    }
    const OpDef* op = find_op(it->second->op);
    if (op == nullptr) return in;  // adding that node fails first
    TW_ASSIGN_OR_RETURN(in.index, flat_output(*op, it->second->attrs, rest, index));
    return in;
  }

  FunctionDef& def_;
  const SignatureMap& functions_;
  int producer_;
  std::set<std::string, std::less<>> args_, names_;
  std::map<std::string, const NodeDef*, std::less<>> by_name_;
  std::map<std::string, const FunctionSignature*, std::less<>> called_;  // of nodes whose op was a function
  std::vector<std::string> results_;
};

Result<std::string> encode_arg(std::string_view name, DType t) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_string(1, name.data(), name.size());
  w.add_enum(3, static_cast<int>(base_dtype(t)));
  if (is_ref(t)) w.add_bool(16, true);
  return out;
}

}  // namespace

Result<FunctionSignature> decode_signature(std::string_view function_def) {
  FunctionSignature s;
  TW_RETURN_IF_ERROR(wire::each_field(function_def, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag != 1 || !wire::is_bytes(in)) return in.skip(), Status();
    return decode_signature_into(wire::view_of(in.get_view()), &s);
  }));
  if (s.name.empty()) return invalid_argument("a function without a name");
  return s;
}

Result<std::shared_ptr<Function>> decode_function(std::string_view function_def, const SignatureMap& functions,
                                                  int producer, const std::shared_ptr<FunctionLibrary>& library) {
  TW_ASSIGN_OR_RETURN(FunctionDef def, decode_function_def(function_def));
  auto f = std::make_shared<Function>();
  f->name = def.signature.name;
  f->stateful = def.signature.stateful;
  f->attrs = def.attrs;
  f->body = std::make_unique<Graph>(library);
  BodyReader reader(def, functions, producer);
  const auto run = [&]() -> Status {
    TW_ASSIGN_OR_RETURN(std::vector<PendingNode> pending, reader.run());
    const size_t count = pending.size();
    TW_ASSIGN_OR_RETURN(const std::vector<NodeId> ids, assemble(f->body.get(), std::move(pending)));
    const size_t args = def.signature.inputs.size(), results = def.signature.outputs.size();
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
  for (const auto& a : def.signature.inputs) f->arg_names.push_back(a.name);
  for (const auto& a : def.signature.outputs) f->result_names.push_back(a.name);
  return f;
}

Result<std::string> export_function_def(const Function& f) {
  const Graph& g = *f.body;
  std::set<NodeId> ports(f.args.begin(), f.args.end());
  ports.insert(f.results.begin(), f.results.end());
  std::set<std::string> taken;
  std::vector<NodeId> inner;
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    const Node& n = g.node(i);
    if (n.dead || ports.count(i) != 0) continue;
    taken.insert(n.name);
    inner.push_back(i);
  }
  std::map<NodeId, std::string> arg_names;
  for (size_t i = 0; i < f.args.size(); ++i) {
    std::string name = i < f.arg_names.size() && !f.arg_names[i].empty() ? f.arg_names[i] : g.node(f.args[i]).name;
    while (!taken.insert(name).second) name += "_arg";
    arg_names.emplace(f.args[i], std::move(name));
  }
  std::vector<std::string> result_names;
  std::set<std::string> taken_results;
  for (size_t i = 0; i < f.results.size(); ++i) {
    std::string name =
        i < f.result_names.size() && !f.result_names[i].empty() ? f.result_names[i] : g.node(f.results[i]).name;
    while (!taken_results.insert(name).second) name += "_out";
    result_names.push_back(std::move(name));
  }
  const auto edge = [&](Output o) -> Result<std::string> {
    if (const auto it = arg_names.find(o.node); it != arg_names.end()) return it->second;
    const Node& n = g.node(o.node);
    TW_ASSIGN_OR_RETURN(const Port p, output_port(*n.op, n.attrs, o.index));
    return internal::concat(n.name, ':', p.arg, ':', p.index);
  };
  const auto control = [&](NodeId id) {
    const auto it = arg_names.find(id);
    return it == arg_names.end() ? g.node(id).name : it->second;
  };

  std::string signature;
  protozero::pbf_writer sw(signature);
  sw.add_string(1, f.name);
  for (const NodeId id : f.args) {
    TW_ASSIGN_OR_RETURN(const std::string arg, encode_arg(arg_names.at(id), g.node(id).output_dtypes.at(0)));
    sw.add_message(2, arg);
  }
  for (size_t i = 0; i < f.results.size(); ++i) {
    const Node& n = g.node(f.results[i]);
    TW_ASSIGN_OR_RETURN(const std::string arg, encode_arg(result_names[i], n.attr().dtype("T")));
    sw.add_message(3, arg);
  }
  if (f.stateful) sw.add_bool(17, true);
  std::set<std::string> controls;
  for (const NodeId id : f.controls) controls.insert(g.node(id).name);
  for (const std::string& c : controls) sw.add_string(20, c);

  std::string out;
  protozero::pbf_writer w(out);
  w.add_message(1, signature);
  for (const NodeId id : inner) {
    const Node& n = g.node(id);
    std::vector<std::string> inputs, waits;
    for (const Output o : n.inputs) {
      TW_ASSIGN_OR_RETURN(std::string in, edge(o));
      inputs.push_back(std::move(in));
    }
    for (const NodeId c : n.controls) waits.push_back("^" + control(c));
    std::sort(waits.begin(), waits.end());
    inputs.insert(inputs.end(), waits.begin(), waits.end());
    TW_ASSIGN_OR_RETURN(const std::string node, encode_node_def(n, inputs, {}));
    w.add_message(3, node);
  }
  std::map<std::string, std::string> ret;
  for (size_t i = 0; i < f.results.size(); ++i) {
    TW_ASSIGN_OR_RETURN(ret[result_names[i]], edge(g.node(f.results[i]).inputs.at(0)));
  }
  for (const auto& [name, value] : ret) wire::add_map_entry(&w, 4, name, value);
  for (const auto& [name, value] : f.attrs) {
    if (name == kGradientAttr) continue;
    TW_ASSIGN_OR_RETURN(const std::string v, encode_attr(value));
    wire::add_map_entry(&w, 5, name, v);
  }
  for (const std::string& c : controls) wire::add_map_entry(&w, 6, c, c);
  for (size_t i = 0; i < f.args.size(); ++i) {
    std::string attrs;
    protozero::pbf_writer aw(attrs);
    for (const auto& [name, value] : g.node(f.args[i]).attrs) {
      if (!name.starts_with('_')) continue;
      TW_ASSIGN_OR_RETURN(const std::string v, encode_attr(value));
      wire::add_map_entry(&aw, 1, name, v);
    }
    if (attrs.empty()) continue;
    std::string entry;
    protozero::pbf_writer ew(entry);
    ew.add_uint32(1, static_cast<uint32_t>(i));
    ew.add_message(2, attrs);
    w.add_message(7, entry);
  }
  return out;
}

}  // namespace tw
