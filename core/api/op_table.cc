// The op table, for front-ends that make their wrappers from it.
#include "core/api/handles.h"
#include "core/autodiff/autodiff.h"
#include "core/framework/op_def.h"

using namespace tw;
using namespace tw::api;

namespace {

void quote(std::string_view s, std::string* out) {
  out->push_back('"');
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (c == '\n') {
      out->append("\\n");
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out->push_back(' ');
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void field(std::string_view name, std::string_view value, std::string* out) {
  if (value.empty()) return;
  out->push_back(',');
  quote(name, out);
  out->push_back(':');
  quote(value, out);
}

void args(std::string_view name, std::span<const ArgDef> defs, std::string* out) {
  out->push_back(',');
  quote(name, out);
  out->append(":[");
  for (size_t i = 0; i < defs.size(); ++i) {
    const ArgDef& a = defs[i];
    out->append(i ? ",{\"name\":" : "{\"name\":");
    quote(a.name, out);
    if (a.dtype != DType::kInvalid) field("type", dtype_name(a.dtype), out);
    field("type_attr", a.type_attr, out);
    field("number_attr", a.number_attr, out);
    field("type_list_attr", a.type_list_attr, out);
    if (a.is_ref) out->append(",\"is_ref\":true");
    out->push_back('}');
  }
  out->push_back(']');
}

constexpr std::string_view kAttrTypes[] = {"string",       "int",         "float",        "bool",
                                           "type",         "shape",       "tensor",       "func",
                                           "list(string)", "list(int)",   "list(float)",  "list(bool)",
                                           "list(type)",   "list(shape)", "list(tensor)", "list(func)"};

constexpr std::pair<OpTrait, std::string_view> kTraitNames[] = {{kStateful, "stateful"},
                                                                {kRandom, "random"},
                                                                {kBlocking, "blocking"},
                                                                {kDataDependent, "data_dependent"},
                                                                {kCommutative, "commutative"},
                                                                {kAggregate, "aggregate"},
                                                                {kAllowUninitialized, "allow_uninitialized"},
                                                                {kAliases, "aliases"},
                                                                {kControlFlow, "control_flow"},
                                                                {kWritesResource, "writes_resource"},
                                                                {kInternal, "internal"},
                                                                {kMakesHandle, "makes_handle"}};

std::string to_json(const OpDef& op) {
  std::string out = "{\"name\":";
  quote(op.name, &out);
  field("summary", op.summary, &out);
  args("inputs", op.inputs, &out);
  args("outputs", op.outputs, &out);
  out.append(",\"attrs\":[");
  bool first = true;
  for (const AttrDef& a : op.attrs) {
    out.append(first ? "{\"name\":" : ",{\"name\":");
    first = false;
    quote(a.name, &out);
    field("type", kAttrTypes[static_cast<size_t>(a.type)], &out);
    if (a.has_default) {
      out.append(",\"default\":");
      quote(a.default_text, &out);
    }
    if (a.has_minimum) out.append(",\"minimum\":" + std::to_string(a.minimum));
    const auto allowed = [&](auto items, auto text) {
      if (items.empty()) return;
      out.append(",\"allowed\":[");
      for (size_t i = 0; i < items.size(); ++i) {
        if (i) out.push_back(',');
        quote(text(items[i]), &out);
      }
      out.push_back(']');
    };
    allowed(a.allowed_types, [](DType t) { return dtype_name(t); });
    allowed(a.allowed_strings, [](std::string_view s) { return s; });
    out.push_back('}');
  }
  out.append("],\"traits\":[");
  first = true;
  for (const auto& [trait, name] : kTraitNames) {
    if (!op.has(trait)) continue;
    if (!first) out.push_back(',');
    first = false;
    quote(name, &out);
  }
  out.append("]");
  const GradEntry& grad = grad_entry(op.id);
  out.append(grad.fn ? ",\"has_gradient\":true" : ",\"has_gradient\":false");
  field("no_gradient", grad.none_reason, &out);
  out.push_back('}');
  return out;
}

}  // namespace

extern "C" {

int32_t tw_num_ops(void) { return static_cast<int32_t>(all_ops().size()); }
tw_str tw_op_name(int32_t i) {
  return i >= 0 && i < tw_num_ops() ? c_str(all_ops()[static_cast<size_t>(i)].name) : tw_str{};
}
int32_t tw_op_find(tw_str name) {
  const OpDef* op = find_op(view(name));
  return op ? static_cast<int32_t>(op - all_ops().data()) : -1;
}
tw_status* tw_op_json(int32_t i, tw_buffer** out) {
  return guard([&]() -> Status {
    if (i < 0 || i >= tw_num_ops()) return out_of_range("op ", i, " of a table of ", tw_num_ops());
    *out = new tw_buffer{to_json(all_ops()[static_cast<size_t>(i)])};
    return {};
  });
}

}  // extern "C"
