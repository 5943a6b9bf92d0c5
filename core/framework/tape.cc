#include "core/framework/tape.h"

#include <array>
#include <charconv>

#include "core/framework/text_cursor.h"
#include "core/platform/memo.h"

namespace tw {
namespace {

struct MicroOpRow {
  std::string_view name;
  int arity;
};
constexpr MicroOpRow kMicroOps[] = {
#define X(name, arity) {#name, arity},
    TW_MICRO_OPS(X)
#undef X
};

bool is_test(MicroOp op) {
  switch (op) {
    case MicroOp::k_eq:
    case MicroOp::k_ne:
    case MicroOp::k_lt:
    case MicroOp::k_le:
    case MicroOp::k_gt:
    case MicroOp::k_ge:
    case MicroOp::k_isnan:
    case MicroOp::k_isinf:
    case MicroOp::k_isfinite: return true;
    default: return false;
  }
}
bool is_logical(MicroOp op) {
  return op == MicroOp::k_logical_and || op == MicroOp::k_logical_or || op == MicroOp::k_logical_not;
}
// Ops whose result dtype does not follow from the operand's; the text states it.
bool states_result(MicroOp op, DType operand, DType result) {
  switch (op) {
    case MicroOp::k_cast:
    case MicroOp::k_real:
    case MicroOp::k_imag:
    case MicroOp::k_angle:
    case MicroOp::k_make_complex: return true;
    default: return op == MicroOp::k_abs && operand != result;
  }
}

DType real_part(DType t) {
  return t == DType::kComplex64 ? DType::kFloat : t == DType::kComplex128 ? DType::kDouble : DType::kInvalid;
}

// The result dtype of an op on these operands; kInvalid where it must be stated.
DType implied_result(MicroOp op, DType operand) {
  if (is_test(op) || is_logical(op)) return DType::kBool;
  return states_result(op, operand, operand) ? DType::kInvalid : operand;
}

Status check_inst(const Tape& tape, const TapeInst& inst, int number) {
  const auto fail = [&](const auto&... why) {
    return invalid_argument("tape instruction v", number, " (", micro_op_name(inst.op), "): ", why...);
  };
  DType types[3] = {};
  for (int i = 0; i < arity(inst.op); ++i) {
    if (inst.args[i] >= number) return fail("operand v", inst.args[i], " is not defined before it");
    types[i] = tape.value_dtype(inst.args[i]);
  }
  if (!is_plain(inst.dtype) || dtype_size(inst.dtype) == 0) return fail("result dtype ", dtype_name(inst.dtype));
  const DType operand = types[inst.op == MicroOp::k_select ? 1 : 0];
  for (int i = inst.op == MicroOp::k_select ? 2 : 1; i < arity(inst.op); ++i) {
    if (types[i] != operand) return fail("operands are ", dtype_name(operand), " and ", dtype_name(types[i]));
  }
  if (inst.op == MicroOp::k_select && types[0] != DType::kBool) {
    return fail("the condition is ", dtype_name(types[0]), ", not bool");
  }
  if (is_logical(inst.op) && operand != DType::kBool) return fail("operands are ", dtype_name(operand), ", not bool");
  bool good;
  switch (inst.op) {
    case MicroOp::k_cast: good = true; break;
    case MicroOp::k_real:
    case MicroOp::k_imag:
    case MicroOp::k_angle: good = inst.dtype == real_part(operand); break;
    case MicroOp::k_make_complex: good = operand == real_part(inst.dtype); break;
    case MicroOp::k_abs: good = inst.dtype == operand || inst.dtype == real_part(operand); break;
    default: good = inst.dtype == implied_result(inst.op, operand);
  }
  if (!good) return fail("gives ", dtype_name(inst.dtype), " from ", dtype_name(operand));
  return {};
}

std::string constant_text(const Tape::Constant& c) {
  return is_integer(c.dtype) || c.dtype == DType::kBool ? std::to_string(c.integer) : number_text(c.value);
}

// Reads a tape; names that are no dtypes, and attr(name), are looked up in `attrs`.
class Parser {
 public:
  Parser(std::string_view text, const AttrMap& attrs) : in_(text), attrs_(attrs) {}

  Result<Tape> run() {
    TW_RETURN_IF_ERROR(in_.expect("("));
    if (!in_.accept(")")) {
      do {
        TW_ASSIGN_OR_RETURN(const DType t, dtype());
        tape_.inputs.push_back(t);
      } while (in_.accept(","));
      TW_RETURN_IF_ERROR(in_.expect(")"));
    }
    TW_RETURN_IF_ERROR(in_.expect("{"));
    if (!in_.accept("}")) {
      do {
        TW_RETURN_IF_ERROR(statement());
      } while (in_.accept(";"));
      TW_RETURN_IF_ERROR(in_.expect("}"));
    }
    TW_RETURN_IF_ERROR(in_.expect("->"));
    do {
      TW_ASSIGN_OR_RETURN(const uint16_t v, value());
      tape_.outputs.push_back(v);
    } while (in_.accept(","));
    if (!in_.at_end()) return in_.error("the end of the tape");
    TW_RETURN_IF_ERROR(tape_.verify());
    return std::move(tape_);
  }

 private:
  Result<DType> named_dtype(std::string_view name) {
    if (const auto it = attrs_.find(name); it != attrs_.end()) {
      if (const DType* t = it->second.get<DType>()) return *t;
    }
    const DType t = dtype_from_name(name);
    if (t == DType::kInvalid) return invalid_argument("'", name, "' names no dtype");
    return t;
  }
  Result<DType> dtype() {
    TW_ASSIGN_OR_RETURN(const std::string_view name, in_.identifier());
    return named_dtype(name);
  }
  Result<uint16_t> value() {
    TW_RETURN_IF_ERROR(in_.expect("v"));
    TW_ASSIGN_OR_RETURN(const int64_t v, in_.integer());
    if (v < 0 || v >= 0xffff) return invalid_argument("value number ", v, " is out of range");
    return static_cast<uint16_t>(v);
  }

  Status statement() {
    TW_ASSIGN_OR_RETURN(const uint16_t target, value());
    if (target != tape_.num_values()) {
      return invalid_argument("v", target, " is defined where v", tape_.num_values(), " is next");
    }
    TW_RETURN_IF_ERROR(in_.expect("="));
    TW_ASSIGN_OR_RETURN(const std::string_view name, in_.identifier());
    if (name == "const") return constant();
    for (size_t i = 0; i < std::size(kMicroOps); ++i) {
      if (kMicroOps[i].name == name) return instruction(static_cast<MicroOp>(i));
    }
    return invalid_argument("'", name, "' is no micro-op");
  }

  Status constant() {
    if (!tape_.insts.empty()) return invalid_argument("constants must come before instructions");
    TW_ASSIGN_OR_RETURN(const DType t, dtype());
    if (in_.accept("attr")) {
      TW_RETURN_IF_ERROR(in_.expect("("));
      TW_ASSIGN_OR_RETURN(const std::string_view name, in_.identifier());
      TW_RETURN_IF_ERROR(in_.expect(")"));
      const auto it = attrs_.find(name);
      if (it == attrs_.end()) return invalid_argument("attribute '", name, "' is missing");
      if (const float* f = it->second.get<float>()) {
        tape_.add_constant(t, *f);
      } else if (const int64_t* i = it->second.get<int64_t>()) {
        add_integer(t, *i);
      } else {
        return invalid_argument("attribute '", name, "' is no number: ", to_string(it->second));
      }
      return {};
    }
    if (is_integer(t)) {
      TW_ASSIGN_OR_RETURN(const int64_t v, in_.integer());
      add_integer(t, v);
    } else {
      TW_ASSIGN_OR_RETURN(const double v, in_.number());
      tape_.add_constant(t, v);
    }
    return {};
  }
  void add_integer(DType t, int64_t v) {
    tape_.add_constant(t, static_cast<double>(v));
    tape_.constants.back().integer = v;
  }

  Status instruction(MicroOp op) {
    DType result = DType::kInvalid;
    // A dtype may follow the name; it is told from an operand by its spelling (operands are v and digits).
    TextCursor ahead = in_;
    TW_ASSIGN_OR_RETURN(const std::string_view word, ahead.identifier());
    const bool operand = word.size() > 1 && word[0] == 'v' && word.find_first_not_of("0123456789", 1) == word.npos;
    if (!operand) {
      TW_ASSIGN_OR_RETURN(result, named_dtype(word));
      in_ = ahead;
    }
    uint16_t args[3] = {};
    for (int i = 0; i < arity(op); ++i) {
      TW_ASSIGN_OR_RETURN(args[i], value());
      if (args[i] >= tape_.num_values()) return invalid_argument("v", args[i], " is used before it is defined");
    }
    if (result == DType::kInvalid)
      result = implied_result(op, tape_.value_dtype(args[op == MicroOp::k_select ? 1 : 0]));
    if (result == DType::kInvalid) return invalid_argument(micro_op_name(op), " must state its result dtype");
    tape_.emit(op, result, args[0], args[1], args[2]);
    return {};
  }

  TextCursor in_;
  const AttrMap& attrs_;
  Tape tape_;
};

}  // namespace

int arity(MicroOp op) { return kMicroOps[static_cast<size_t>(op)].arity; }
std::string_view micro_op_name(MicroOp op) { return kMicroOps[static_cast<size_t>(op)].name; }

DType Tape::value_dtype(int value) const {
  size_t v = static_cast<size_t>(value);
  if (v < inputs.size()) return inputs[v];
  v -= inputs.size();
  if (v < constants.size()) return constants[v].dtype;
  return insts[v - constants.size()].dtype;
}

uint16_t Tape::add_input(DType t) {
  inputs.push_back(t);
  return static_cast<uint16_t>(inputs.size() - 1);
}

uint16_t Tape::add_constant(DType t, double value) {
  const bool integral = is_integer(t) || t == DType::kBool;
  constants.push_back({t, value, integral ? static_cast<int64_t>(value) : 0});
  return static_cast<uint16_t>(inputs.size() + constants.size() - 1);
}

uint16_t Tape::emit(MicroOp op, DType result, uint16_t a, uint16_t b, uint16_t c) {
  insts.push_back({op, result, {a, b, c}});
  return static_cast<uint16_t>(num_values() - 1);
}

Status Tape::verify() const {
  if (num_values() >= 0xffff) return invalid_argument("a tape of ", num_values(), " values is too long");
  for (const DType t : inputs) {
    if (!is_plain(t) || dtype_size(t) == 0) return invalid_argument("tape input of dtype ", dtype_name(t));
  }
  for (const Constant& c : constants) {
    if (!is_plain(c.dtype) || dtype_size(c.dtype) == 0)
      return invalid_argument("tape constant of dtype ", dtype_name(c.dtype));
  }
  int number = static_cast<int>(inputs.size() + constants.size());
  for (const TapeInst& inst : insts) TW_RETURN_IF_ERROR(check_inst(*this, inst, number++));
  if (outputs.empty()) return invalid_argument("a tape without outputs");
  for (const uint16_t v : outputs) {
    if (v >= num_values()) return invalid_argument("tape output v", v, " is not defined");
  }
  return {};
}

std::string Tape::to_string() const {
  std::string text = "(";
  for (size_t i = 0; i < inputs.size(); ++i) text += internal::concat(i > 0 ? ", " : "", dtype_name(inputs[i]));
  text += ") {";
  int number = static_cast<int>(inputs.size());
  const char* separator = " ";
  for (const Constant& c : constants) {
    text += internal::concat(separator, "v", number++, " = const ", dtype_name(c.dtype), " ", constant_text(c));
    separator = "; ";
  }
  for (const TapeInst& inst : insts) {
    text += internal::concat(separator, "v", number++, " = ", micro_op_name(inst.op));
    if (states_result(inst.op, value_dtype(inst.args[0]), inst.dtype))
      text += internal::concat(" ", dtype_name(inst.dtype));
    for (int i = 0; i < arity(inst.op); ++i) text += internal::concat(" v", inst.args[i]);
    separator = "; ";
  }
  text += " } ->";
  for (size_t i = 0; i < outputs.size(); ++i) text += internal::concat(i > 0 ? ", v" : " v", outputs[i]);
  return text;
}

Result<Tape> Tape::parse(std::string_view text, const AttrMap& attrs) {
  const auto parse_anew = [&]() -> Result<Tape> {
    Result<Tape> tape = Parser(text, attrs).run();
    if (!tape.ok()) return std::move(tape).status().prefix(internal::concat("tape '", text, "'"));
    return tape;
  };
  if (!attrs.empty()) return parse_anew();
  static Memo<Tape> parsed(512);
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Tape> tape, parsed.get(std::string(text), parse_anew));
  return *tape;
}

void add_to_key(std::string* key, const Tape& tape) {
  add_to_key(key, tape.inputs.size());
  for (DType t : tape.inputs) add_to_key(key, t);
  add_to_key(key, tape.constants.size());
  for (const Tape::Constant& c : tape.constants) {
    add_to_key(key, c.dtype);
    add_to_key(key, c.value);
    add_to_key(key, c.integer);
  }
  add_to_key(key, tape.insts.size());
  for (const TapeInst& inst : tape.insts) {
    add_to_key(key, inst.op);
    add_to_key(key, inst.dtype);
    for (uint16_t a : inst.args) add_to_key(key, a);
  }
  add_to_key(key, tape.outputs.size());
  for (uint16_t out : tape.outputs) add_to_key(key, out);
}

Tape concatenate(const Tape& producer, int out, const Tape& consumer, int slot, bool keep_producer_outputs) {
  Tape t;
  t.inputs = producer.inputs;
  for (size_t i = 0; i < consumer.inputs.size(); ++i) {
    if (static_cast<int>(i) != slot) t.inputs.push_back(consumer.inputs[i]);
  }
  t.constants = producer.constants;
  t.constants.insert(t.constants.end(), consumer.constants.begin(), consumer.constants.end());

  const size_t p_in = producer.inputs.size(), p_const = producer.constants.size(), p_inst = producer.insts.size();
  const size_t c_in = consumer.inputs.size(), c_const = consumer.constants.size();
  const size_t first_const = t.inputs.size(), first_inst = first_const + t.constants.size();
  const auto of_producer = [&](size_t v) {
    if (v < p_in) return static_cast<uint16_t>(v);
    if (v < p_in + p_const) return static_cast<uint16_t>(first_const + v - p_in);
    return static_cast<uint16_t>(first_inst + v - p_in - p_const);
  };
  const uint16_t joint = of_producer(producer.outputs[static_cast<size_t>(out)]);
  const auto of_consumer = [&](size_t v) {
    if (v == static_cast<size_t>(slot)) return joint;
    if (v < c_in) return static_cast<uint16_t>(p_in + v - (v > static_cast<size_t>(slot) ? 1 : 0));
    if (v < c_in + c_const) return static_cast<uint16_t>(first_const + p_const + v - c_in);
    return static_cast<uint16_t>(first_inst + p_inst + v - c_in - c_const);
  };
  const auto append = [&](const TapeInst& inst, const auto& renumber) {
    TapeInst copy = inst;
    for (int i = 0; i < arity(inst.op); ++i) copy.args[i] = renumber(inst.args[i]);
    t.insts.push_back(copy);
  };
  for (const TapeInst& inst : producer.insts) append(inst, of_producer);
  for (const TapeInst& inst : consumer.insts) append(inst, of_consumer);
  for (const uint16_t v : consumer.outputs) t.outputs.push_back(of_consumer(v));
  if (keep_producer_outputs) {
    for (const uint16_t v : producer.outputs) t.outputs.push_back(of_producer(v));
  }
  return t;
}

Tape tape_of(MicroOp op, DType operand, DType result) {
  Tape t;
  uint16_t args[3] = {};
  for (int i = 0; i < arity(op); ++i) {
    args[i] = t.add_input(op == MicroOp::k_select && i == 0 ? DType::kBool : operand);
  }
  t.outputs.push_back(t.emit(op, result, args[0], args[1], args[2]));
  return t;
}

}  // namespace tw
