#include <sstream>

#include "core/plan/plan.h"

namespace tw {

namespace {

const char* kind_name(InstKind k) {
  switch (k) {
    case InstKind::kKernel: return "kernel";
    case InstKind::kDynamic: return "dynamic";
    case InstKind::kControl: return "control";
    case InstKind::kRead: return "read";
    case InstKind::kView: return "view";
    case InstKind::kRelease: return "release";
    case InstKind::kSignal: return "signal";
    case InstKind::kWait: return "wait";
  }
  return "?";
}

std::string place(const Plan& plan, uint32_t v) {
  const ValueInfo& info = plan.values[v];
  std::ostringstream out;
  out << "v" << v << ":" << dtype_name(info.dtype) << (info.known ? info.shape.to_string() : "[dynamic]");
  switch (info.storage) {
    case Storage::kConstant: out << "@const"; break;
    case Storage::kArena: {
      const ValueInfo& root = info.view_of >= 0 ? plan.values[static_cast<size_t>(info.view_of)] : info;
      out << "@" << root.offset;
      break;
    }
    case Storage::kArgument: out << "@arg"; break;
    case Storage::kResult: out << "@result"; break;
    case Storage::kOwned: out << "@owned"; break;
  }
  return out.str();
}

// The micro-ops of a tape's text: what follows each " = ", but for constants.
void add_micro_ops(std::string_view tape, std::string* to) {
  for (size_t at = tape.find(" = "); at != std::string_view::npos; at = tape.find(" = ", at + 1)) {
    const std::string_view rest = tape.substr(at + 3);
    const std::string_view op = rest.substr(0, rest.find(' '));
    if (op == "const") continue;
    if (to->back() != '{') *to += '+';
    *to += op;
  }
}

}  // namespace

std::string op_label(const Node& n) {
  std::string label(n.op->name);
  if (!label.starts_with("_Fused")) return label;
  const AttrReader attrs = n.attr();
  label += '{';
  if (attrs.has("pre")) add_micro_ops(attrs.string("pre"), &label);
  if (attrs.has("kind")) {
    if (label.back() != '{') label += '+';
    label += attrs.string("kind");
  }
  if (attrs.has("tape")) add_micro_ops(attrs.string("tape"), &label);
  if (attrs.has("post")) add_micro_ops(attrs.string("post"), &label);
  return label + '}';
}

std::string print(const Plan& plan) {
  std::ostringstream out;
  out << "arena " << plan.arena_bytes << " bytes, " << plan.lanes.size() << " lanes, " << plan.constants.size()
      << " constants\n";
  for (size_t l = 0; l < plan.lanes.size(); ++l) {
    out << "lane " << l << "\n";
    for (uint32_t pc = plan.lanes[l].begin; pc < plan.lanes[l].end; ++pc) {
      const Instruction& inst = plan.code[pc];
      out << "  " << pc << " " << kind_name(inst.kind) << " " << plan.nodes[pc].op << " \"" << plan.nodes[pc].name.str()
          << "\"";
      if (inst.kind == InstKind::kSignal || inst.kind == InstKind::kWait) out << " event " << inst.extra;
      for (uint16_t i = 0; i < inst.num_in; ++i) out << (i == 0 ? " (" : ", ") << place(plan, plan.args[inst.args + i]);
      if (inst.num_in > 0) out << ")";
      for (uint16_t i = 0; i < inst.num_out; ++i) {
        out << (i == 0 ? " -> " : ", ") << place(plan, plan.args[inst.args + inst.num_in + i]);
      }
      out << "\n";
    }
  }
  out << "results";
  for (uint32_t v : plan.results) out << " " << place(plan, v);
  out << "\n";
  return out.str();
}

}  // namespace tw
