#include "core/framework/tape_map.h"

#include <charconv>

namespace tw {
namespace {

// Splits the text into words: names, numbers, and the signs ( ) { } , ; = ->.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}
  std::string_view peek() {
    if (word_.empty()) word_ = read();
    return word_;
  }
  std::string_view next() {
    const std::string_view w = peek();
    word_ = {};
    return w;
  }
  bool take(std::string_view word) {
    if (peek() != word) return false;
    word_ = {};
    return true;
  }

 private:
  std::string_view read() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    if (rest_.empty()) return {};
    size_t n = 1;
    if (!is_sign(rest_.front()) && rest_.substr(0, 2) != "->") {
      while (n < rest_.size() && rest_[n] != ' ' && !is_sign(rest_[n])) ++n;
    } else if (rest_.front() == '-') {
      n = 2;
    }
    const std::string_view w = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return w;
  }
  static bool is_sign(char c) { return c == '(' || c == ')' || c == '{' || c == '}' || c == ',' || c == ';' || c == '='; }
  std::string_view rest_, word_;
};

// Reads one op's map text; the text was written by opgen, so a surprise in it is an internal error.
class MapReader {
 public:
  MapReader(const OpDef& op, const AttrReader& attrs) : op_(op), attrs_(attrs), words_(op.map) {}

  Result<Tape> read() {
    if (!words_.take("(")) return bad("'('");
    while (!words_.take(")")) {
      TW_ASSIGN_OR_RETURN(const DType t, dtype(words_.next()));
      tape_.add_input(t);
      words_.take(",");
    }
    if (!words_.take("{")) return bad("'{'");
    while (!words_.take("}")) {
      words_.next();  // the value's own number, which is the next one
      if (!words_.take("=")) return bad("'='");
      TW_RETURN_IF_ERROR(words_.take("const") ? constant() : instruction());
      words_.take(";");
    }
    if (!words_.take("->")) return bad("'->'");
    do {
      TW_ASSIGN_OR_RETURN(const uint16_t v, value());
      tape_.outputs.push_back(v);
    } while (words_.take(","));
    TW_RETURN_IF_ERROR(tape_.verify());
    return std::move(tape_);
  }

 private:
  Status bad(std::string_view expected) {
    return internal_error("map of op ", op_.name, ": expected ", expected, " at '", words_.peek(), "'");
  }

  Result<DType> dtype(std::string_view name) {
    if (op_.find_attr(name)) return attrs_.get<DType>(name);
    const DType t = dtype_from_name(name);
    if (t == DType::kInvalid) return bad("a dtype");
    return t;
  }

  Result<uint16_t> value() {
    const std::string_view w = words_.next();
    int v = -1;
    if (w.size() > 1 && w.front() == 'v') std::from_chars(w.data() + 1, w.data() + w.size(), v);
    if (v < 0 || v >= tape_.num_values()) return bad("a value");
    return static_cast<uint16_t>(v);
  }

  Status constant() {
    TW_ASSIGN_OR_RETURN(const DType t, dtype(words_.next()));
    double number = 0;
    if (words_.peek() == "attr") {
      words_.next();
      words_.take("(");
      const std::string_view name = words_.next();
      words_.take(")");
      if (const auto real = attrs_.get<float>(name); real.ok()) {
        number = *real;
      } else {
        TW_ASSIGN_OR_RETURN(const int64_t integer, attrs_.get<int64_t>(name));
        number = static_cast<double>(integer);
      }
    } else {
      const std::string_view w = words_.next();
      if (std::from_chars(w.data(), w.data() + w.size(), number).ec != std::errc()) return bad("a number");
    }
    tape_.add_constant(t, number);
    return {};
  }

  Status instruction() {
    const std::string_view name = words_.next();
    int op = -1;
    for (int i = 0; i <= static_cast<int>(MicroOp::k_angle); ++i) {
      if (micro_op_name(static_cast<MicroOp>(i)) == name) op = i;
    }
    if (op < 0) return bad("a micro-op");
    const MicroOp micro = static_cast<MicroOp>(op);
    const std::string_view w = words_.peek();
    // A value is v and digits; attribute names never look so.
    const bool stated = !(w.size() > 1 && w[0] == 'v' && w[1] >= '0' && w[1] <= '9');
    DType result = DType::kInvalid;
    if (stated) {
      TW_ASSIGN_OR_RETURN(result, dtype(words_.next()));
    }
    uint16_t args[3] = {};
    for (int i = 0; i < arity(micro); ++i) {
      TW_ASSIGN_OR_RETURN(args[i], value());
    }
    if (!stated) {
      const bool test = micro >= MicroOp::k_eq && micro <= MicroOp::k_logical_not;
      result = test ? DType::kBool : tape_.value_dtype(args[micro == MicroOp::k_select ? 1 : 0]);
    }
    tape_.emit(micro, result, args[0], args[1], args[2]);
    return {};
  }

  const OpDef& op_;
  const AttrReader& attrs_;
  Words words_;
  Tape tape_;
};

}  // namespace

Result<Tape> instantiate_map(const OpDef& op, const AttrReader& attrs) {
  if (op.map.empty()) return internal_error("op ", op.name, " is not element-wise");
  return MapReader(op, attrs).read();
}

}  // namespace tw
