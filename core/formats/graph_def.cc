#include "core/formats/graph_def.h"

#include <algorithm>

#include "core/formats/node_def.h"
#include "core/formats/wire.h"

namespace tw {
namespace {

// A GraphDef taken apart.
struct GraphDef {
  std::vector<NodeDef> nodes;
  std::vector<std::string_view> functions;
  std::vector<std::pair<std::string, std::string>> gradients;
  int producer = 0;
};

Status decode_library(std::string_view bytes, GraphDef* def) {
  return wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_bytes(in)) {
      def->functions.push_back(wire::view_of(in.get_view()));
    } else if (tag == 2 && wire::is_bytes(in)) {
      // GradientDef has the shape of a map entry.
      const wire::MapEntry e = wire::map_entry(wire::view_of(in.get_view()));
      def->gradients.emplace_back(e.key, e.value);
    } else {
      in.skip();
    }
    return {};
  });
}

Result<GraphDef> decode_graph(std::string_view bytes) {
  GraphDef def;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_bytes(in)) {
      TW_ASSIGN_OR_RETURN(NodeDef n, decode_node_def(wire::view_of(in.get_view())));
      def.nodes.push_back(std::move(n));
    } else if (tag == 2 && wire::is_bytes(in)) {
      TW_RETURN_IF_ERROR(decode_library(wire::view_of(in.get_view()), &def));
    } else if (tag == 4 && wire::is_bytes(in)) {
      return wire::each_field(wire::view_of(in.get_view()),
                              [&](uint32_t field, protozero::pbf_reader& version) -> Status {
                                if (field == 1 && wire::is_varint(version)) {
                                  def.producer = version.get_int32();
                                } else {
                                  version.skip();
                                }
                                return {};
                              });
    } else {
      in.skip();
    }
    return {};
  }));
  return def;
}

class Importer {
 public:
  Importer(Graph* graph, const GraphDefImportOptions& options) : graph_(graph), options_(options) {}

  Result<ImportedGraph> run(std::string_view bytes) {
    TW_ASSIGN_OR_RETURN(GraphDef def, decode_graph(bytes));
    const auto shared_signatures = std::make_shared<SignatureMap>();
    SignatureMap& signatures = *shared_signatures;
    for (const std::string_view f : def.functions) {
      TW_ASSIGN_OR_RETURN(FunctionSignature s, decode_signature(f));
      std::string name = s.name;
      if (!signatures.emplace(name, std::move(s)).second)
        return invalid_argument("function '", name, "' is not unique");
    }
    TW_RETURN_IF_ERROR(read_input_map());
    TW_RETURN_IF_ERROR(choose_names(def));
    TW_RETURN_IF_ERROR(check_return_elements());

    std::vector<PendingNode> pending;
    for (NodeDef& n : def.nodes) {
      Status s = adapt_node_def(&n, signatures, def.producer);
      if (s.ok()) {
        auto p = pending_node(n);
        if (p.ok()) {
          pending.push_back(std::move(*p));
          continue;
        }
        s = std::move(p).status();
      }
      return s.at_node(n.name);
    }
    // Functions are read before and added after the nodes, so that a failure leaves neither.
    std::vector<std::shared_ptr<Function>> functions;
    std::vector<std::shared_ptr<FunctionTemplate>> templates;
    for (const std::string_view f : def.functions) {
      TW_ASSIGN_OR_RETURN(const FunctionSignature signature, decode_signature(f));
      if (signature.generic()) {
        TW_ASSIGN_OR_RETURN(std::shared_ptr<FunctionTemplate> t, decode_template(f, shared_signatures, def.producer));
        for (const auto& [name, gradient] : def.gradients) {
          if (name == t->name) t->gradient = gradient;
        }
        templates.push_back(std::move(t));
        continue;
      }
      TW_ASSIGN_OR_RETURN(std::shared_ptr<Function> made,
                          decode_function(f, signatures, def.producer, graph_->library()));
      for (const auto& [name, gradient] : def.gradients) {
        if (name == made->name) made->attrs.insert_or_assign(std::string(kGradientAttr), AttrValue(gradient));
      }
      functions.push_back(std::move(made));
    }
    ImportedGraph result;
    TW_ASSIGN_OR_RETURN(result.nodes, assemble(graph_, std::move(pending)));
    Status s = [&]() -> Status {
      for (auto& f : functions) TW_RETURN_IF_ERROR(graph_->library()->add(std::move(f)));
      for (auto& t : templates) TW_RETURN_IF_ERROR(graph_->library()->add(std::move(t)));
      return finish(&result);
    }();
    if (!s.ok()) {
      for (const NodeId id : result.nodes) graph_->remove(id);
      return s;
    }
    return result;
  }

 private:
  struct Mapped {
    Output to;
    bool used = false;
  };

  Status read_input_map() {
    for (const auto& [key, to] : options_.input_map) {
      if (!to.valid() || to.node >= graph_->num_nodes()) {
        return invalid_argument("input_map['", key, "'] is no output of this graph");
      }
      if (key.starts_with('^')) {
        mapped_controls_[key.substr(1)] = {to};
        continue;
      }
      TW_ASSIGN_OR_RETURN(const TensorName t, parse_tensor_name(key));
      mapped_[{std::string(t.node), t.index}] = {to};
    }
    return {};
  }

  Status choose_names(const GraphDef& def) {
    std::set<std::string> taken;
    for (size_t i = 0; i < def.nodes.size(); ++i) {
      const std::string& old = def.nodes[i].name;
      if (old.empty()) return invalid_argument("Node ", i, " has no name");
      if (old.find(':') != old.npos || old[0] == '^')
        return invalid_argument("Node '", old, "': Node name contains invalid characters");
      std::string name = options_.prefix.empty() ? old : internal::concat(options_.prefix, '/', old);
      if (options_.uniquify_names) {
        const std::string base = name;
        for (int suffix = 1; graph_->find(name) || taken.count(name) != 0; ++suffix)
          name = internal::concat(base, '_', suffix);
      }
      taken.insert(name);
      if (!positions_.emplace(old, i).second) return invalid_argument("Node '", old, "' is not unique").at_node(old);
      names_.push_back(std::move(name));
    }
    return {};
  }

  Status check_return_elements() const {
    for (const std::string& e : options_.return_elements) {
      TW_ASSIGN_OR_RETURN(const TensorName t, parse_tensor_name(e));
      if (positions_.find(t.node) == positions_.end()) {
        return invalid_argument("Requested return_element '", e, "' not found in graph_def.");
      }
    }
    return {};
  }

  Result<PendingNode> pending_node(NodeDef& n) {
    PendingNode p;
    p.spec.op = n.op;
    p.spec.name = names_[positions_.find(n.name)->second];
    p.spec.device = n.device.empty() ? options_.default_device : n.device;
    bool controls_began = false;
    for (const std::string& in : n.inputs) {
      if (in.starts_with('^')) {
        controls_began = true;
        const std::string_view name = std::string_view(in).substr(1);
        if (const auto it = mapped_controls_.find(name); it != mapped_controls_.end()) {
          it->second.used = true;
          p.spec.controls.push_back(it->second.to.node);
        } else {
          TW_ASSIGN_OR_RETURN(std::string source, new_name(n, name));
          p.controls.push_back(std::move(source));
        }
        continue;
      }
      if (controls_began) {
        return invalid_argument("Node '", n.name, "': Control dependencies must come after regular dependencies");
      }
      Result<TensorName> t = parse_tensor_name(in);
      if (!t.ok()) return std::move(t).status().prefix(internal::concat("Node '", n.name, "'"));
      PendingInput input;
      if (const auto it = mapped_.find({std::string(t->node), t->index}); it != mapped_.end()) {
        it->second.used = true;
        input.direct = it->second.to;
      } else {
        TW_ASSIGN_OR_RETURN(input.node, new_name(n, t->node));
        input.index = t->index;
      }
      p.inputs.push_back(std::move(input));
    }
    if (p.controls.empty() &&
        std::all_of(p.inputs.begin(), p.inputs.end(), [](const PendingInput& i) { return i.direct.valid(); })) {
      p.spec.controls.insert(p.spec.controls.end(), options_.control_dependencies.begin(),
                             options_.control_dependencies.end());
    }
    rename_colocation(&n.attrs);
    p.spec.attrs = std::move(n.attrs);
    return p;
  }

  Result<std::string> new_name(const NodeDef& user, std::string_view old) const {
    const auto it = positions_.find(old);
    if (it == positions_.end()) return invalid_argument("Node '", user.name, "': Unknown input node '", old, "'");
    return names_[it->second];
  }

  // "loc:@x" in _class names a node of the GraphDef.
  void rename_colocation(AttrMap* attrs) const {
    const auto it = attrs->find("_class");
    if (it == attrs->end()) return;
    const auto* list = it->second.get<std::vector<std::string>>();
    if (list == nullptr) return;
    std::vector<std::string> renamed;
    for (const std::string& s : *list) {
      const auto at = s.starts_with("loc:@") ? positions_.find(std::string_view(s).substr(5)) : positions_.end();
      renamed.push_back(at == positions_.end() ? s : "loc:@" + names_[at->second]);
    }
    attrs->insert_or_assign("_class", AttrValue(std::move(renamed)));
  }

  Status finish(ImportedGraph* result) const {
    for (const std::string& e : options_.return_elements) {
      TW_ASSIGN_OR_RETURN(const TensorName t, parse_tensor_name(e));
      const NodeId id = result->nodes[positions_.find(t.node)->second];
      const bool whole_node = e.find(':') == e.npos;
      if (!whole_node && static_cast<size_t>(t.index) >= graph_->node(id).output_dtypes.size()) {
        return invalid_argument("Requested return_element '", e, "' not found in graph_def.");
      }
      result->returned.push_back({id, whole_node ? -1 : t.index});
    }
    for (const auto& [key, mapped] : mapped_) {
      if (mapped.used) continue;
      const auto at = positions_.find(key.first);
      if (at == positions_.end() ||
          static_cast<size_t>(key.second) >= graph_->node(result->nodes[at->second]).output_dtypes.size()) {
        result->unused_inputs.push_back(internal::concat(key.first, ':', key.second));
      }
    }
    for (const auto& [key, mapped] : mapped_controls_) {
      if (!mapped.used && positions_.find(key) == positions_.end())
        result->unused_inputs.push_back(internal::concat('^', key));
    }
    return {};
  }

  Graph* graph_;
  const GraphDefImportOptions& options_;
  std::map<std::pair<std::string, int>, Mapped> mapped_;
  std::map<std::string, Mapped, std::less<>> mapped_controls_;
  std::map<std::string, size_t, std::less<>> positions_;  // of nodes in the GraphDef
  std::vector<std::string> names_;                        // that they get
};

}  // namespace

Result<std::string> export_graph_def(const Graph& g, const GraphDefExportOptions& options) {
  std::string out;
  protozero::pbf_writer w(out);
  const int count = g.num_nodes();
  for (NodeId i = 0; i < count; ++i) {
    const Node& n = g.node(i);
    if (n.dead) continue;
    std::vector<std::string> inputs, controls;
    for (const Output o : n.inputs) {
      const std::string& name = g.node(o.node).name;
      inputs.push_back(o.index == 0 ? name : internal::concat(name, ':', o.index));
    }
    for (const NodeId c : n.controls) controls.push_back("^" + g.node(c).name);
    std::sort(controls.begin(), controls.end());
    inputs.insert(inputs.end(), controls.begin(), controls.end());
    TW_ASSIGN_OR_RETURN(const std::string node, encode_node_def(n, inputs, options));
    w.add_message(1, node);
  }
  std::string library;
  protozero::pbf_writer lw(library);
  std::map<std::string, std::string> definitions, gradients;
  for (const auto& f : g.library()->all()) {
    TW_ASSIGN_OR_RETURN(definitions[f->name], export_function_def(*f));
    const auto it = f->attrs.find(kGradientAttr);
    if (it == f->attrs.end()) continue;
    if (const auto* gradient = it->second.get<std::string>()) gradients[f->name] = *gradient;
  }
  for (const auto& t : g.library()->templates()) {
    definitions[t->name] = t->definition;
    if (!t->gradient.empty()) gradients[t->name] = t->gradient;
  }
  for (const auto& [name, definition] : definitions) lw.add_message(1, definition);
  for (const auto& [name, gradient] : gradients) wire::add_map_entry(&lw, 2, name, gradient);
  if (!library.empty()) w.add_message(2, library);
  std::string versions;
  protozero::pbf_writer vw(versions);
  vw.add_int32(1, kGraphDefProducer);
  if (!library.empty()) vw.add_int32(2, 12);  // the first consumer that reads functions
  w.add_message(4, versions);
  return out;
}

Result<ImportedGraph> import_graph_def(Graph* graph, std::string_view bytes, const GraphDefImportOptions& options) {
  try {
    return Importer(graph, options).run(bytes);
  } catch (const protozero::exception& e) {
    return invalid_argument("Invalid GraphDef: ", e.what());
  }
}

}  // namespace tw
