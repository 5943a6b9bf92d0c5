// FunctionDefs as they are written.
#include <set>

#include "core/formats/graph_def.h"
#include "core/formats/node_def.h"
#include "core/formats/wire.h"

namespace tw {
namespace {

Result<std::string> encode_arg(std::string_view name, DType t) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_string(1, name.data(), name.size());
  w.add_enum(3, static_cast<int>(base_dtype(t)));
  if (is_ref(t)) w.add_bool(16, true);
  return out;
}

}  // namespace

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
    std::string name =
        i < f.arg_names.size() && !f.arg_names[i].empty() ? f.arg_names[i] : g.node(f.args[i]).name.str();
    while (!taken.insert(name).second) name += "_arg";
    arg_names.emplace(f.args[i], std::move(name));
  }
  std::vector<std::string> result_names;
  std::set<std::string> taken_results;
  for (size_t i = 0; i < f.results.size(); ++i) {
    std::string name =
        i < f.result_names.size() && !f.result_names[i].empty() ? f.result_names[i] : g.node(f.results[i]).name.str();
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
    return it == arg_names.end() ? g.node(id).name.str() : it->second;
  };

  std::string signature;
  protozero::pbf_writer sw(signature);
  sw.add_string(1, f.name);
  for (const NodeId id : f.args) {
    TW_ASSIGN_OR_RETURN(const std::string arg, encode_arg(arg_names.at(id), g.node(id).output_dtypes[0]));
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
    TW_ASSIGN_OR_RETURN(ret[result_names[i]], edge(g.node(f.results[i]).inputs[0]));
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
