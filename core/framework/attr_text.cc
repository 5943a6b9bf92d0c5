// The text form of attributes, written and read.
#include <charconv>
#include <cstring>
#include <limits>

#include "core/framework/attr.h"
#include "core/framework/expansion.h"
#include "core/framework/resource.h"
#include "core/framework/text_cursor.h"

namespace tw {
namespace {

struct Printer {
  std::string out;

  void add(std::monostate) { out += "[]"; }
  void add(const std::string& s) { out += quote(s); }
  void add(int64_t v) { out += std::to_string(v); }
  void add(float v) { out += number_text(v); }
  void add(bool v) { out += v ? "true" : "false"; }
  void add(DType t) { out += dtype_name(t); }
  void add(const Shape& s) { out += s.to_string(); }
  void add(const AttrPlaceholder& p) {
    out += '$';
    out += p.name;
  }
  void add(const FuncRef& f) {
    out += '@';
    out += std::all_of(f.name.begin(), f.name.end(), is_function_name_char) && !f.name.empty() ? f.name : quote(f.name);
    if (f.attrs.empty()) return;
    out += '{';
    const char* separator = "";
    for (const auto& [name, value] : f.attrs) {
      // These attributes are declared nowhere, so the text says what they are.
      out += internal::concat(separator, name, ':', attr_type_name(type_of(value)), '=', to_string(value));
      separator = ", ";
    }
    out += '}';
  }
  void add(const Tensor& t) {
    out += internal::concat("tensor<", dtype_name(t.dtype()), ' ', t.shape(), " =");
    const int64_t n = t.valid() ? t.num_elements() : 0;
    // A single value stands for all of them.
    const int64_t shown = n > 1 && all_equal(t) ? 1 : n;
    for (int64_t i = 0; i < shown; ++i) {
      out += ' ';
      element(t, i);
    }
    out += '>';
  }
  template <typename T>
  void add(const std::vector<T>& list) {
    out += '[';
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += ',';
      add(static_cast<const T&>(list[i]));
    }
    out += ']';
  }

 private:
  static bool all_equal(const Tensor& t) {
    if (!is_plain(t.dtype())) return false;
    // Each byte equals the one an element further on.
    const size_t size = dtype_size(t.dtype());
    const char* p = t.data<char>();
    return std::memcmp(p, p + size, t.bytes() - size) == 0;
  }
  void element(const Tensor& t, int64_t i) {
    switch (t.dtype()) {
      case DType::kString: add(t.data<std::string>()[i]); return;
      case DType::kBool: add(t.data<bool>()[i]); return;
      case DType::kQint8: add(static_cast<int64_t>(t.data<int8_t>()[i])); return;
      case DType::kQuint8: add(static_cast<int64_t>(t.data<uint8_t>()[i])); return;
      case DType::kQint16: add(static_cast<int64_t>(t.data<int16_t>()[i])); return;
      case DType::kQuint16: add(static_cast<int64_t>(t.data<uint16_t>()[i])); return;
      case DType::kQint32: add(static_cast<int64_t>(t.data<int32_t>()[i])); return;
      default: break;
    }
    const bool number = visit_number(t.dtype(), [&]<typename T>(TypeTag<T>) {
      const T v = t.data<T>()[i];
      if constexpr (is_complex(dtype_of<T>)) {
        out += internal::concat('(', number_text(v.real()), ',', number_text(v.imag()), ')');
      } else if constexpr (is_integer(dtype_of<T>)) {
        out += std::to_string(v);
      } else if constexpr (std::is_same_v<T, double>) {
        out += number_text(v);
      } else {
        out += number_text(static_cast<float>(v));
      }
    });
    if (!number) out += '?';
  }
};

// Reads one value of a declared type.
class Parser {
 public:
  explicit Parser(TextCursor& in) : in_(in) {}

  Result<AttrValue> value(AttrType type) {
    if (in_.accept("$")) {
      TW_ASSIGN_OR_RETURN(const std::string_view name, in_.identifier());
      return AttrValue(AttrPlaceholder{std::string(name)});
    }
    switch (type) {
      case AttrType::kString: return wrap(string());
      case AttrType::kInt: return wrap(in_.integer());
      case AttrType::kFloat: return wrap(real());
      case AttrType::kBool: return wrap(boolean());
      case AttrType::kType: return wrap(dtype());
      case AttrType::kShape: return wrap(shape());
      case AttrType::kTensor: return wrap(tensor());
      case AttrType::kFunc: return wrap(function());
      case AttrType::kListString: return wrap(list([&] { return string(); }));
      case AttrType::kListInt: return wrap(list([&] { return in_.integer(); }));
      case AttrType::kListFloat: return wrap(list([&] { return real(); }));
      case AttrType::kListBool: return wrap(list([&] { return boolean(); }));
      case AttrType::kListType: return wrap(list([&] { return dtype(); }));
      case AttrType::kListShape: return wrap(list([&] { return shape(); }));
      case AttrType::kListTensor: return wrap(list([&] { return tensor(); }));
      case AttrType::kListFunc: return wrap(list([&] { return function(); }));
    }
    return internal_error("attribute type ", static_cast<int>(type));
  }

 private:
  template <typename T>
  static Result<AttrValue> wrap(Result<T> r) {
    if (!r.ok()) return std::move(r).status();
    return AttrValue(std::move(*r));
  }
  template <typename Fn>
  auto list(Fn&& element) -> Result<std::vector<std::decay_t<decltype(*element())>>> {
    std::vector<std::decay_t<decltype(*element())>> out;
    TW_RETURN_IF_ERROR(in_.expect("["));
    if (in_.accept("]")) return out;
    do {
      TW_ASSIGN_OR_RETURN(auto v, element());
      out.push_back(std::move(v));
    } while (in_.accept(","));
    TW_RETURN_IF_ERROR(in_.expect("]"));
    return out;
  }
  Result<std::string> string() { return in_.quoted(); }
  Result<float> real() {
    TW_ASSIGN_OR_RETURN(const double v, in_.number());
    return static_cast<float>(v);
  }
  Result<bool> boolean() {
    if (in_.accept("true")) return true;
    TW_RETURN_IF_ERROR(in_.expect("false"));
    return false;
  }
  Result<DType> dtype() {
    TW_ASSIGN_OR_RETURN(const std::string_view name, in_.identifier());
    const DType t = dtype_from_name(name);
    if (t == DType::kInvalid && name != "invalid") return invalid_argument("'", name, "' names no dtype");
    return t;
  }
  Result<Shape> shape() {
    if (in_.accept("<unknown>")) return Shape::unknown();
    TW_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, list([&]() -> Result<int64_t> {
                          if (in_.accept("?")) return kUnknownDim;
                          return in_.integer();
                        }));
    return Shape::make(dims, true);
  }
  Result<FuncRef> function() {
    TW_RETURN_IF_ERROR(in_.expect("@"));
    FuncRef f;
    if (in_.peek_raw() == '"') {
      TW_ASSIGN_OR_RETURN(f.name, in_.quoted());
    } else {
      f.name = in_.take_while(is_function_name_char);
      if (f.name.empty()) return in_.error("a function name");
    }
    if (!in_.accept("{")) return f;
    if (in_.accept("}")) return f;
    do {
      TW_ASSIGN_OR_RETURN(const std::string_view attr, in_.identifier());
      TW_RETURN_IF_ERROR(in_.expect(":"));
      TW_ASSIGN_OR_RETURN(const AttrType type, parse_attr_type(in_));
      TW_RETURN_IF_ERROR(in_.expect("="));
      if (++depth_ > 50) return in_.error("fewer nested functions");
      TW_ASSIGN_OR_RETURN(AttrValue v, value(type));
      --depth_;
      f.attrs.insert_or_assign(std::string(attr), std::move(v));
    } while (in_.accept(","));
    TW_RETURN_IF_ERROR(in_.expect("}"));
    return f;
  }
  Result<Tensor> tensor() {
    TW_RETURN_IF_ERROR(in_.expect("tensor"));
    TW_RETURN_IF_ERROR(in_.expect("<"));
    TW_ASSIGN_OR_RETURN(const DType t, dtype());
    TW_ASSIGN_OR_RETURN(const Shape s, shape());
    TW_RETURN_IF_ERROR(in_.expect("="));
    if (t == DType::kInvalid) {
      TW_RETURN_IF_ERROR(in_.expect(">"));
      return Tensor();
    }
    if (!s.fully_known()) return in_.error("a fully known shape");
    if (is_ref(t) || (!is_plain(t) && t != DType::kString))
      return invalid_argument("a ", dtype_name(t), " tensor has no text form");
    // The values are collected first: the shape in the text is not trusted with memory before that.
    std::vector<std::string> strings;
    std::vector<char> plain;
    const size_t size = dtype_size(t);
    int64_t n = 0;
    for (; !in_.accept(">"); ++n) {
      if (t == DType::kString) {
        TW_ASSIGN_OR_RETURN(std::string v, in_.quoted());
        strings.push_back(std::move(v));
      } else {
        plain.resize(plain.size() + size);
        TW_RETURN_IF_ERROR(element(t, plain.data() + plain.size() - size));
      }
    }
    const int64_t count = s.num_elements();
    if (n != count && !(n == 1 && count > 0)) {
      return invalid_argument("a tensor of shape ", s, " has ", count, " values, but ", n, " are given");
    }
    if (n<count&& static_cast<uint64_t>(count)> kMaxExpanded / size) {
      return invalid_argument("a ", dtype_name(t), " tensor of shape ", s, " from one value takes more than ",
                              kMaxExpanded, " bytes");
    }
    TW_ASSIGN_OR_RETURN(Tensor out, Tensor::make(t, s));
    for (int64_t i = 0; i < count; ++i) {
      const size_t from = n == 1 ? 0 : static_cast<size_t>(i);
      if (t == DType::kString) {
        out.data<std::string>()[i] = strings[from];
      } else {
        std::memcpy(out.data<char>() + static_cast<size_t>(i) * size, plain.data() + from * size, size);
      }
    }
    return out;
  }
  Status element(DType t, char* to) {
    const auto store = [&](auto v) { std::memcpy(to, &v, sizeof(v)); };
    const auto store_integer = [&]<typename T>(TypeTag<T>) -> Status {
      if constexpr (std::is_same_v<T, uint64_t>) {
        // Beyond int64 only a double's reading reaches; take the digits themselves.
        const std::string_view digits = in_.take_while([](char c) { return c >= '0' && c <= '9'; });
        uint64_t v = 0;
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
        if (ec != std::errc() || digits.empty()) return in_.error("an unsigned integer");
        store(v);
        return {};
      } else {
        TW_ASSIGN_OR_RETURN(const int64_t v, in_.integer());
        if (v < static_cast<int64_t>(std::numeric_limits<T>::min()) ||
            v > static_cast<int64_t>(std::numeric_limits<T>::max())) {
          return in_.error(internal::concat("a value of ", dtype_name(t)));
        }
        store(static_cast<T>(v));
        return {};
      }
    };
    switch (t) {
      case DType::kBool: {
        TW_ASSIGN_OR_RETURN(const bool v, boolean());
        store(v);
        return {};
      }
      case DType::kQint8: return store_integer(TypeTag<int8_t>{});
      case DType::kQuint8: return store_integer(TypeTag<uint8_t>{});
      case DType::kQint16: return store_integer(TypeTag<int16_t>{});
      case DType::kQuint16: return store_integer(TypeTag<uint16_t>{});
      case DType::kQint32: return store_integer(TypeTag<int32_t>{});
      default: break;
    }
    Status status;
    visit_number(t, [&]<typename T>(TypeTag<T> tag) {
      status = [&]() -> Status {
        if constexpr (is_complex(dtype_of<T>)) {
          using Part = typename T::value_type;
          TW_RETURN_IF_ERROR(in_.expect("("));
          TW_ASSIGN_OR_RETURN(const double re, in_.number());
          TW_RETURN_IF_ERROR(in_.expect(","));
          TW_ASSIGN_OR_RETURN(const double im, in_.number());
          TW_RETURN_IF_ERROR(in_.expect(")"));
          store(T(static_cast<Part>(re), static_cast<Part>(im)));
          return {};
        } else if constexpr (is_integer(dtype_of<T>)) {
          return store_integer(tag);
        } else {
          TW_ASSIGN_OR_RETURN(const double v, in_.number());
          if constexpr (sizeof(T) == 2) {
            store(T(static_cast<float>(v)));
          } else {
            store(static_cast<T>(v));
          }
          return {};
        }
      }();
    });
    return status;
  }

  TextCursor& in_;
  int depth_ = 0;
};

constexpr std::string_view kAttrTypeNames[] = {"string",       "int",         "float",        "bool",
                                               "type",         "shape",       "tensor",       "func",
                                               "list(string)", "list(int)",   "list(float)",  "list(bool)",
                                               "list(type)",   "list(shape)", "list(tensor)", "list(func)"};

}  // namespace

std::string to_string(const AttrValue& a) {
  Printer p;
  std::visit([&](const auto& x) { p.add(x); }, a.value);
  return std::move(p.out);
}

std::string_view attr_type_name(AttrType type) { return kAttrTypeNames[static_cast<size_t>(type)]; }

Result<AttrType> parse_attr_type(TextCursor& in) {
  std::string name(in.take_while([](char c) { return c >= 'a' && c <= 'z'; }));
  if (name == "list" && in.accept("(")) {
    name += '(';
    name += in.take_while([](char c) { return c >= 'a' && c <= 'z'; });
    name += ')';
    TW_RETURN_IF_ERROR(in.expect(")"));
  }
  for (size_t i = 0; i < std::size(kAttrTypeNames); ++i) {
    if (kAttrTypeNames[i] == name) return static_cast<AttrType>(i);
  }
  return in.error("an attribute type");
}

Result<AttrValue> parse_attr(AttrType type, TextCursor& in) { return Parser(in).value(type); }

Result<AttrValue> parse_attr(AttrType type, std::string_view text) {
  TextCursor in(text);
  TW_ASSIGN_OR_RETURN(AttrValue v, parse_attr(type, in));
  if (!in.at_end()) return in.error("the end of the value");
  return v;
}

bool is_function_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '/';
}

}  // namespace tw
