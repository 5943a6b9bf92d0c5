#include "core/framework/op_def.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/framework/op_ids.gen.h"

namespace tw {
namespace {

// More arguments than this are a mistake or an attack.
constexpr int64_t kMaxListLength = 1 << 20;

// Defaults parsed, and rows by name; made at the first use.
struct Index {
  std::unordered_map<std::string_view, const OpDef*> by_name;
  std::vector<std::vector<AttrValue>> defaults;  // per op and attr; empty values where there is no default

  Index() {
    const auto ops = all_ops();
    by_name.reserve(ops.size());
    defaults.resize(ops.size());
    for (const OpDef& op : ops) {
      by_name.emplace(op.name, &op);
      auto& values = defaults[static_cast<size_t>(op.id)];
      for (const AttrDef& a : op.attrs) values.push_back(parse_default(a));
    }
  }
  // A default that does not parse counts as absent; a test reads every row's.
  static AttrValue parse_default(const AttrDef& a) {
    if (!a.has_default) return {};
    auto v = parse_attr(a.type, a.default_text);
    return v.ok() ? std::move(*v) : AttrValue();
  }
};

const Index& index() {
  static const Index* const i = new Index;
  return *i;
}

AttrValue default_of(const OpDef& op, size_t attr) {
  const auto ops = all_ops();
  const size_t id = static_cast<size_t>(op.id);
  if (id < ops.size() && &ops[id] == &op) return index().defaults[id][attr];
  return Index::parse_default(op.attrs[attr]);
}

template <typename List, typename Fn>
std::string join(const List& list, const char* separator, Fn&& text) {
  std::string out;
  for (const auto& e : list) {
    if (!out.empty()) out += separator;
    out += text(e);
  }
  return out;
}
std::string names(std::span<const DType> types) {
  return join(types, ", ", [](DType t) { return std::string(dtype_name(t)); });
}
std::string python_names(std::span<const DType> types) {
  return join(types, ", ", [](DType t) { return std::string(dtype_python_name(t)); });
}

bool allowed(const AttrDef& a, DType t) {
  return a.allowed_types.empty() ||
         std::find(a.allowed_types.begin(), a.allowed_types.end(), t) != a.allowed_types.end();
}

std::string arg_text(const ArgDef& a) {
  std::string type(!a.type_list_attr.empty() ? a.type_list_attr
                   : !a.type_attr.empty()    ? a.type_attr
                                             : dtype_name(a.dtype));
  if (!a.number_attr.empty()) type = internal::concat(a.number_attr, '*', type);
  if (a.is_ref) type = internal::concat("Ref(", type, ')');
  return internal::concat(a.name, ':', type);
}

template <typename T>
int64_t list_length(const AttrValue& v) {
  const auto* list = v.get<std::vector<T>>();
  return list ? static_cast<int64_t>(list->size()) : 0;
}
int64_t list_length(const AttrValue& v) {
  return list_length<std::string>(v) + list_length<int64_t>(v) + list_length<float>(v) + list_length<bool>(v) +
         list_length<DType>(v) + list_length<Shape>(v) + list_length<Tensor>(v) + list_length<FuncRef>(v);
}

bool is_list_type(AttrType t) { return t >= AttrType::kListString; }

// An empty list comes without a type; gives it the declared one.
AttrValue empty_list(AttrType type) {
  auto v = parse_attr(type, "[]");
  return std::move(*v);
}

Status check_value(const OpDef& op, const AttrDef& a, const AttrValue& v) {
  if (type_of(v) != a.type) {
    return invalid_argument("AttrValue had value with type '", attr_type_name(type_of(v)), "' when '",
                            attr_type_name(a.type), "' expected for attr '", a.name, "' of ", summary(op));
  }
  if (a.has_minimum) {
    if (is_list_type(a.type)) {
      if (const int64_t n = list_length(v); n < a.minimum) {
        return invalid_argument("Length for attr '", a.name, "' of ", n, " must be at least minimum ", a.minimum, "; ",
                                summary(op));
      }
    } else if (const int64_t* i = v.get<int64_t>(); i && *i < a.minimum) {
      return invalid_argument("Value for attr '", a.name, "' of ", *i, " must be at least minimum ", a.minimum, "; ",
                              summary(op));
    }
  }
  const auto type_error = [&](DType t) {
    return invalid_argument("Value for attr '", a.name, "' of ", dtype_name(t),
                            " is not in the list of allowed values: ", names(a.allowed_types), "; ", summary(op));
  };
  if (const DType* t = v.get<DType>(); t && !allowed(a, *t)) return type_error(*t);
  if (const auto* list = v.get<std::vector<DType>>()) {
    for (const DType t : *list) {
      if (!allowed(a, t)) return type_error(t);
    }
  }
  if (!a.allowed_strings.empty()) {
    const auto check = [&](const std::string& s) -> Status {
      if (std::find(a.allowed_strings.begin(), a.allowed_strings.end(), s) != a.allowed_strings.end()) return {};
      return invalid_argument(
          "Value for attr '", a.name, "' of \"", s, "\" is not in the list of allowed values: ",
          join(a.allowed_strings, ", ", [](std::string_view x) { return internal::concat('"', x, '"'); }), "; ",
          summary(op));
    };
    if (const auto* s = v.get<std::string>()) TW_RETURN_IF_ERROR(check(*s));
    if (const auto* list = v.get<std::vector<std::string>>()) {
      for (const std::string& s : *list) TW_RETURN_IF_ERROR(check(s));
    }
  }
  return {};
}

// Deduces attributes argument by argument.
class Inference {
 public:
  Inference(const OpDef& op, std::span<const DType> inputs, AttrMap* attrs) : op_(op), inputs_(inputs), attrs_(attrs) {}

  Status run() {
    TW_RETURN_IF_ERROR(deduce_lengths());
    size_t next = 0;
    for (const ArgDef& a : op_.inputs) {
      const size_t count = static_cast<size_t>(length(a));
      if (next + count > inputs_.size()) return wrong_count();
      TW_RETURN_IF_ERROR(argument(a, inputs_.subspan(next, count)));
      next += count;
    }
    if (next != inputs_.size()) return wrong_count();
    return {};
  }

 private:
  Status wrong_count() const {
    return invalid_argument("NodeDef expected inputs '",
                            join(op_.inputs, ", ", [](const ArgDef& a) { return arg_text(a); }), "' do not match ",
                            inputs_.size(), " inputs specified; ", summary(op_));
  }
  const AttrValue* given(std::string_view name) const {
    const auto it = attrs_->find(name);
    return it == attrs_->end() ? nullptr : &it->second;
  }
  // Number of tensors of a; -1 while it is unknown.
  int64_t length(const ArgDef& a) const {
    if (!a.number_attr.empty()) {
      const AttrValue* v = given(a.number_attr);
      const int64_t* n = v ? v->get<int64_t>() : nullptr;
      return n ? std::clamp<int64_t>(*n, 0, kMaxListLength) : -1;
    }
    if (!a.type_list_attr.empty()) {
      if (const auto it = list_lengths_.find(a.type_list_attr); it != list_lengths_.end()) return it->second;
      const AttrValue* v = given(a.type_list_attr);
      if (v == nullptr) return -1;
      const auto* list = v->get<std::vector<DType>>();
      return list ? static_cast<int64_t>(list->size()) : 0;
    }
    return 1;
  }
  static std::string_view length_attr(const ArgDef& a) {
    return !a.number_attr.empty() ? a.number_attr : a.type_list_attr;
  }

  // The lengths left open must follow from the number of inputs.
  Status deduce_lengths() {
    std::string_view open;
    int64_t uses = 0, taken = 0;
    bool number = false;
    for (const ArgDef& a : op_.inputs) {
      const int64_t n = length(a);
      if (n >= 0) {
        taken += n;
        continue;
      }
      if (!open.empty() && open != length_attr(a)) {
        return invalid_argument("attributes '", open, "' and '", length_attr(a), "' of Op ", op_.name,
                                " cannot both be deduced from its inputs; one must be given");
      }
      open = length_attr(a);
      number = !a.number_attr.empty();
      ++uses;
    }
    if (open.empty()) return {};
    const int64_t left = static_cast<int64_t>(inputs_.size()) - taken;
    if (left < 0 || left % uses != 0) return wrong_count();
    if (number) {
      attrs_->insert_or_assign(std::string(open), AttrValue(left / uses));
    } else {
      list_lengths_[open] = left / uses;
    }
    return {};
  }

  Status mismatch(const ArgDef& a, DType got, std::string_view attr) {
    const auto source = inferred_from_.find(attr);
    const auto lead = internal::concat("Input '", a.name, "' of '", op_.name, "' Op has type ", dtype_python_name(got),
                                       " that does not match ");
    if (source != inferred_from_.end()) {
      return invalid_argument(lead, "type ", dtype_python_name(*given(attr)->get<DType>()), " of argument '",
                              source->second, "'.");
    }
    const DType want = attr.empty() ? a.dtype : *given(attr)->get<DType>();
    return invalid_argument(lead, "expected type of ", dtype_python_name(want), ".");
  }

  Status argument(const ArgDef& a, std::span<const DType> types) {
    if (a.is_ref) {
      for (const DType t : types) {
        // A resource stands for the variable where the row allows it; anything else must be a reference.
        if (!is_ref(t)) {
          return invalid_argument("'", op_.name, "' Op requires that input '", a.name,
                                  "' be a mutable tensor (e.g.: a tf.Variable)");
        }
      }
    }
    if (!a.type_list_attr.empty()) return type_list(a, types);
    if (a.type_attr.empty()) {
      for (const DType t : types) {
        if (base_dtype(t) != a.dtype) return mismatch(a, base_dtype(t), {});
      }
      return {};
    }
    if (types.empty()) return {};
    if (given(a.type_attr) == nullptr) {
      const DType t = base_dtype(types[0]);
      const AttrDef* def = op_.find_attr(a.type_attr);
      if (def != nullptr && !allowed(*def, t)) {
        return invalid_argument("Value passed to parameter '", a.name, "' has DataType ", dtype_python_name(t),
                                " not in list of allowed values: ", python_names(def->allowed_types));
      }
      attrs_->insert_or_assign(std::string(a.type_attr), AttrValue(t));
      inferred_from_[a.type_attr] = a.name;
    }
    const DType* want = given(a.type_attr)->get<DType>();
    if (want == nullptr) return {};  // of the wrong type or a placeholder; complete_attrs says so
    for (const DType t : types) {
      if (base_dtype(t) == *want) continue;
      if (types.size() > 1 && inferred_from_[a.type_attr] == a.name) {
        std::vector<DType> bases;
        for (const DType x : types) bases.push_back(base_dtype(x));
        return invalid_argument("Tensors in list passed to '", a.name, "' of '", op_.name, "' Op have types [",
                                python_names(bases), "] that don't all match.");
      }
      if (inferred_from_[a.type_attr].empty()) inferred_from_.erase(a.type_attr);
      return mismatch(a, base_dtype(t), a.type_attr);
    }
    return {};
  }

  Status type_list(const ArgDef& a, std::span<const DType> types) {
    std::vector<DType> bases;
    for (const DType t : types) bases.push_back(base_dtype(t));
    const AttrValue* v = given(a.type_list_attr);
    if (v == nullptr) {
      attrs_->insert_or_assign(std::string(a.type_list_attr), AttrValue(std::move(bases)));
      return {};
    }
    const auto* want = v->get<std::vector<DType>>();
    if (want != nullptr && *want != bases) {
      return invalid_argument("Input '", a.name, "' of '", op_.name, "' Op has types [", python_names(bases),
                              "] that do not match expected types of [", python_names(*want), "].");
    }
    return {};
  }

  const OpDef& op_;
  std::span<const DType> inputs_;
  AttrMap* attrs_;
  std::map<std::string_view, std::string_view> inferred_from_;  // type attr -> the argument it came from
  std::map<std::string_view, int64_t> list_lengths_;            // of type lists not given
};

}  // namespace

const AttrDef* OpDef::find_attr(std::string_view attr) const {
  for (const AttrDef& a : attrs) {
    if (a.name == attr) return &a;
  }
  return nullptr;
}

const OpDef* find_op(std::string_view name) {
  const auto& by_name = index().by_name;
  const auto it = by_name.find(name);
  return it == by_name.end() ? nullptr : it->second;
}

const OpDef& op_def(OpId id) { return all_ops()[static_cast<size_t>(id)]; }

std::string summary(const OpDef& op) {
  std::string text = internal::concat("Op<name=", op.name, "; signature=");
  text += join(op.inputs, ", ", arg_text);
  text += " -> ";
  text += join(op.outputs, ", ", arg_text);
  for (const AttrDef& a : op.attrs) {
    text += internal::concat("; attr=", a.name, ':', attr_type_name(a.type));
    if (a.has_default) text += internal::concat(",default=", a.default_text);
    if (a.has_minimum) text += internal::concat(",min=", a.minimum);
    if (!a.allowed_types.empty()) text += internal::concat(",allowed=[", names(a.allowed_types), ']');
  }
  return text + '>';
}

Status expand_args(const OpDef& op, std::span<const ArgDef> args, const AttrMap& attrs, DTypes* out) {
  const AttrReader reader(attrs);
  out->clear();
  for (const ArgDef& a : args) {
    if (!a.type_list_attr.empty()) {
      TW_ASSIGN_OR_RETURN(const std::vector<DType> types, reader.get<std::vector<DType>>(a.type_list_attr));
      for (const DType t : types) out->push_back(a.is_ref ? ref_dtype(t) : t);
      continue;
    }
    DType t = a.dtype;
    if (!a.type_attr.empty()) {
      TW_ASSIGN_OR_RETURN(t, reader.get<DType>(a.type_attr));
    }
    if (a.is_ref) t = ref_dtype(t);
    int64_t count = 1;
    if (!a.number_attr.empty()) {
      TW_ASSIGN_OR_RETURN(count, reader.get<int64_t>(a.number_attr));
      if (count < 0 || count > kMaxListLength) {
        return invalid_argument("Value for number_attr '", a.number_attr, "' of Op ", op.name, " is ", count,
                                ", which is not in [0, ", kMaxListLength, "]");
      }
    }
    out->resize(out->size() + static_cast<size_t>(count), t);
  }
  return {};
}

Status complete_attrs(const OpDef& op, AttrMap* attrs) {
  size_t declared = 0;
  for (size_t i = 0; i < op.attrs.size(); ++i) {
    const AttrDef& a = op.attrs[i];
    auto it = attrs->find(a.name);
    if (it == attrs->end()) {
      if (!a.has_default) return invalid_argument("NodeDef missing attr '", a.name, "' from ", summary(op));
      attrs->emplace(std::string(a.name), default_of(op, i));
      ++declared;
      continue;
    }
    ++declared;
    if (it->second.get<AttrPlaceholder>() != nullptr) continue;  // the function's caller gives the value
    if (it->second.empty() && is_list_type(a.type)) {
      attrs->insert_or_assign(a.name, empty_list(a.type));
      it = attrs->find(a.name);
    }
    TW_RETURN_IF_ERROR(check_value(op, a, it->second));
  }
  if (declared == attrs->size()) return {};
  for (const auto& [name, value] : *attrs) {
    if (name.empty() || (name[0] != '_' && op.find_attr(name) == nullptr)) {
      return invalid_argument("NodeDef mentions attr '", name, "' not in ", summary(op));
    }
  }
  return {};
}

Status infer_attrs(const OpDef& op, std::span<const DType> inputs, AttrMap* attrs) {
  return Inference(op, inputs, attrs).run();
}

}  // namespace tw
