// Attribute values of nodes.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/framework/tensor.h"

namespace tw {

class TextCursor;
struct AttrValue;

// Attributes by name, in the order of the names. Copies share their entries until one of them is changed: passes copy
// graphs for each plan, and change few attributes.
class AttrMap {
 public:
  using value_type = std::pair<std::string, AttrValue>;
  using const_iterator = const value_type*;
  struct Entry;

  AttrMap() = default;
  AttrMap(std::initializer_list<Entry> entries);  // of two of one name the first is kept
  AttrMap(const AttrMap& other);
  AttrMap(AttrMap&& other) noexcept : entries_(std::exchange(other.entries_, nullptr)) {}
  AttrMap& operator=(AttrMap other) noexcept {
    std::swap(entries_, other.entries_);
    return *this;
  }
  ~AttrMap();

  // Pointers to entries and references to values last until the map is next changed, or dropped.
  const_iterator begin() const;
  const_iterator end() const;
  size_t size() const;
  bool empty() const { return size() == 0; }
  const_iterator find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != end(); }
  const AttrValue& at(std::string_view name) const;  // precondition: contained
  AttrValue& operator[](std::string_view name);      // made empty where it was missing
  // Keeps what is there; true when it was missing.
  bool emplace(std::string_view name, AttrValue value);
  void insert_or_assign(std::string_view name, AttrValue value);
  bool erase(std::string_view name);  // whether it was there
  // Gives each value for which `fn` returns one that value.
  void replace_values(const std::function<std::optional<AttrValue>(const AttrValue&)>& fn);
  // Whether the two surely hold the same: they share their entries.
  bool shares(const AttrMap& other) const { return entries_ == other.entries_; }
  // Of all names and values, found once for all copies that share them. No reference from operator[] may be written
  // through afterwards.
  uint64_t digest() const;

 private:
  struct Entries;
  std::vector<value_type>& own();
  Entries* entries_ = nullptr;  // null where there are none
};
bool operator==(const AttrMap& a, const AttrMap& b);

// A function by name, with the attributes it is called with.
struct FuncRef {
  std::string name;
  AttrMap attrs;
};

// In a function body an attribute may stand for one of the function's own ("$T").
struct AttrPlaceholder {
  std::string name;
};

struct AttrValue {
  using Storage =
      std::variant<std::monostate, std::string, int64_t, float, bool, DType, Shape, Tensor, FuncRef, AttrPlaceholder,
                   std::vector<std::string>, std::vector<int64_t>, std::vector<float>, std::vector<bool>,
                   std::vector<DType>, std::vector<Shape>, std::vector<Tensor>, std::vector<FuncRef>>;
  Storage value;

  AttrValue();
  AttrValue(const AttrValue&);
  AttrValue(AttrValue&&) noexcept;
  AttrValue& operator=(const AttrValue&);
  AttrValue& operator=(AttrValue&&) noexcept;
  ~AttrValue();
  template <typename T>
    requires(std::is_constructible_v<Storage, T> && !std::is_same_v<std::decay_t<T>, AttrValue>)
  AttrValue(T&& v) : value(std::forward<T>(v)) {}
  AttrValue(const char* s) : value(std::string(s)) {}
  AttrValue(int v) : value(static_cast<int64_t>(v)) {}

  bool empty() const { return value.index() == 0; }
  template <typename T>
  const T* get() const {
    return std::get_if<T>(&value);
  }
  bool is_list() const { return value.index() >= 10; }
};

struct AttrMap::Entry {
  std::string_view name;
  AttrValue value;
};

// Puts the attributes of `call` in the place of the placeholders that stand for them, in functions named by attributes
// too; what the call does not give stays.
void substitute(AttrMap* attrs, const AttrMap& call);

bool equal(const AttrValue& a, const AttrValue& b);
inline bool operator==(const AttrValue& a, const AttrValue& b) { return equal(a, b); }
// A stable digest of the value, for common-subexpression search and caches.
uint64_t hash(const AttrValue& a);
// The text form of graph dumps: 3, 2.5, true, "abc", float, [2,?], [1,2], tensor<float [2] = 1 2>, @fn.
std::string to_string(const AttrValue& a);

enum class AttrType : uint8_t {
  kString,
  kInt,
  kFloat,
  kBool,
  kType,
  kShape,
  kTensor,
  kFunc,
  kListString,
  kListInt,
  kListFloat,
  kListBool,
  kListType,
  kListShape,
  kListTensor,
  kListFunc
};
// TF's spelling: "int", "list(shape)".
std::string_view attr_type_name(AttrType type);
// The type a value has; of an empty list without a type, kListString.
AttrType type_of(const AttrValue& a);
// Parses the text form, given the declared type.
Result<AttrValue> parse_attr(AttrType type, std::string_view text);
// The same for a value within a longer text.
Result<AttrValue> parse_attr(AttrType type, TextCursor& in);
Result<AttrType> parse_attr_type(TextCursor& in);
bool is_function_name_char(char c);

// Typed reads with the node's op row behind them: defaults were filled in when the node was made, so a missing
// attribute is an InvalidArgument that names it.
class AttrReader {
 public:
  explicit AttrReader(const AttrMap& attrs) : attrs_(&attrs) {}
  const AttrMap& map() const { return *attrs_; }
  bool has(std::string_view name) const { return attrs_->find(name) != attrs_->end(); }
  template <typename T>
  Result<T> get(std::string_view name) const {
    const auto it = attrs_->find(name);
    if (it == attrs_->end()) return invalid_argument("attribute '", name, "' is missing");
    if (const T* v = it->second.template get<T>()) return *v;
    // An empty list arrives from the wire without a type.
    if constexpr (std::is_same_v<T, std::vector<std::string>> || std::is_same_v<T, std::vector<int64_t>> ||
                  std::is_same_v<T, std::vector<float>> || std::is_same_v<T, std::vector<bool>> ||
                  std::is_same_v<T, std::vector<DType>> || std::is_same_v<T, std::vector<Shape>>) {
      if (it->second.empty()) return T{};
    }
    return invalid_argument("attribute '", name, "' has the wrong type: ", to_string(it->second));
  }
  // For attributes whose presence and type the op row guarantees.
  template <typename T>
  T must(std::string_view name) const {
    auto r = get<T>(name);
    return r.ok() ? std::move(*r) : T{};
  }
  DType dtype(std::string_view name) const { return must<DType>(name); }
  int64_t integer(std::string_view name) const { return must<int64_t>(name); }
  bool boolean(std::string_view name) const { return must<bool>(name); }
  float real(std::string_view name) const { return must<float>(name); }
  std::string string(std::string_view name) const { return must<std::string>(name); }
  std::vector<int64_t> ints(std::string_view name) const { return must<std::vector<int64_t>>(name); }

 private:
  const AttrMap* attrs_;
};
#define TW_EXTERN(T)                                                    \
  extern template Result<T> AttrReader::get<T>(std::string_view) const; \
  extern template T AttrReader::must<T>(std::string_view) const;
TW_EXTERN(DType)
TW_EXTERN(int64_t)
TW_EXTERN(bool)
TW_EXTERN(float)
TW_EXTERN(std::string)
TW_EXTERN(Shape)
TW_EXTERN(FuncRef)
TW_EXTERN(std::vector<std::string>)
TW_EXTERN(std::vector<int64_t>)
TW_EXTERN(std::vector<float>)
TW_EXTERN(std::vector<DType>)
TW_EXTERN(std::vector<Shape>)
#undef TW_EXTERN

}  // namespace tw
