#include "core/framework/attr.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/framework/resource.h"

namespace tw {

AttrValue::AttrValue() = default;
AttrValue::AttrValue(const AttrValue&) = default;
AttrValue::AttrValue(AttrValue&&) noexcept = default;
AttrValue& AttrValue::operator=(const AttrValue&) = default;
AttrValue& AttrValue::operator=(AttrValue&&) noexcept = default;
AttrValue::~AttrValue() = default;

AttrMap::AttrMap() = default;
AttrMap::AttrMap(std::initializer_list<Entry> entries) {
  for (const Entry& e : entries) map_.emplace(e.name, e.value);
}
AttrMap::AttrMap(const AttrMap&) = default;
AttrMap::AttrMap(AttrMap&&) noexcept = default;
AttrMap& AttrMap::operator=(const AttrMap&) = default;
AttrMap& AttrMap::operator=(AttrMap&&) noexcept = default;
AttrMap::~AttrMap() = default;
AttrMap::iterator AttrMap::find(std::string_view name) { return map_.find(name); }
AttrMap::const_iterator AttrMap::find(std::string_view name) const { return map_.find(name); }
size_t AttrMap::count(std::string_view name) const { return map_.count(name); }
const AttrValue& AttrMap::at(std::string_view name) const { return map_.find(name)->second; }
AttrValue& AttrMap::operator[](std::string_view name) { return emplace(name, AttrValue()).first->second; }
std::pair<AttrMap::iterator, bool> AttrMap::emplace(std::string_view name, AttrValue value) {
  const auto it = map_.lower_bound(name);
  if (it != map_.end() && it->first == name) return {it, false};
  return {map_.emplace_hint(it, name, std::move(value)), true};
}
std::pair<AttrMap::iterator, bool> AttrMap::insert(const value_type& entry) { return map_.insert(entry); }
void AttrMap::insert_or_assign(std::string_view name, AttrValue value) {
  const auto it = map_.lower_bound(name);
  if (it != map_.end() && it->first == name) it->second = std::move(value);
  else map_.emplace_hint(it, name, std::move(value));
}
AttrMap::iterator AttrMap::erase(const_iterator at) { return map_.erase(at); }
size_t AttrMap::erase(std::string_view name) {
  const auto it = map_.find(name);
  if (it == map_.end()) return 0;
  map_.erase(it);
  return 1;
}
void AttrMap::clear() { map_.clear(); }
bool operator==(const AttrMap& a, const AttrMap& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first && equal(x.second, y.second); });
}

#define TW_INSTANTIATE(T)                                        \
  template Result<T> AttrReader::get<T>(std::string_view) const; \
  template T AttrReader::must<T>(std::string_view) const;
TW_INSTANTIATE(DType)
TW_INSTANTIATE(int64_t)
TW_INSTANTIATE(bool)
TW_INSTANTIATE(float)
TW_INSTANTIATE(std::string)
TW_INSTANTIATE(Shape)
TW_INSTANTIATE(FuncRef)
TW_INSTANTIATE(std::vector<std::string>)
TW_INSTANTIATE(std::vector<int64_t>)
TW_INSTANTIATE(std::vector<float>)
TW_INSTANTIATE(std::vector<DType>)
TW_INSTANTIATE(std::vector<Shape>)
#undef TW_INSTANTIATE

namespace {

// --- equality: bit by bit for numbers, so that NaN equals itself and -0 differs from 0 ---

bool same(const std::string& a, const std::string& b) { return a == b; }
bool same(int64_t a, int64_t b) { return a == b; }
bool same(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }
bool same(bool a, bool b) { return a == b; }
bool same(DType a, DType b) { return a == b; }
bool same(const Shape& a, const Shape& b) { return a == b; }
bool same(std::monostate, std::monostate) { return true; }
bool same(const AttrPlaceholder& a, const AttrPlaceholder& b) { return a.name == b.name; }
bool same(const FuncRef& a, const FuncRef& b) { return a.name == b.name && a.attrs == b.attrs; }
bool same(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  if (!a.valid() || a.raw() == b.raw()) return true;
  if (is_plain(a.dtype())) return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
  if (a.dtype() == DType::kString)
    return std::equal(a.flat<std::string>().begin(), a.flat<std::string>().end(), b.flat<std::string>().begin());
  // Resources and variants are equal when they are the same object; both are one pointer.
  return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}
template <typename T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same(static_cast<const T&>(a[i]), static_cast<const T&>(b[i]))) return false;
  }
  return true;
}

// --- hash: 64-bit words mixed by multiplication ---

struct Hasher {
  uint64_t state = 0x9e3779b97f4a7c15;

  void word(uint64_t v) {
    state = (state ^ v) * 0xff51afd7ed558ccd;
    state ^= state >> 32;
  }
  void bytes(const void* data, size_t n) {
    const char* p = static_cast<const char*>(data);
    word(n);
    for (; n >= 8; n -= 8, p += 8) {
      uint64_t v;
      std::memcpy(&v, p, 8);
      word(v);
    }
    uint64_t tail = 0;
    std::memcpy(&tail, p, n);
    word(tail);
  }
  void add(std::monostate) {}
  void add(const std::string& s) { bytes(s.data(), s.size()); }
  void add(int64_t v) { word(static_cast<uint64_t>(v)); }
  void add(float v) { word(std::bit_cast<uint32_t>(v)); }
  void add(bool v) { word(v); }
  void add(DType t) { word(static_cast<uint64_t>(t)); }
  void add(const Shape& s) {
    word(static_cast<uint64_t>(s.rank()));
    for (const int64_t d : s.dims()) add(d);
  }
  void add(const AttrPlaceholder& p) { add(p.name); }
  void add(const FuncRef& f) {
    add(f.name);
    for (const auto& [name, value] : f.attrs) {
      add(name);
      word(hash(value));
    }
  }
  void add(const Tensor& t) {
    add(t.dtype());
    add(t.shape());
    if (!t.valid()) return;
    if (t.dtype() == DType::kString) {
      for (const std::string& s : t.flat<std::string>()) add(s);
    } else {
      bytes(t.raw(), t.bytes());
    }
  }
  template <typename T>
  void add(const std::vector<T>& list) {
    word(list.size());
    for (size_t i = 0; i < list.size(); ++i) add(static_cast<const T&>(list[i]));
  }
};

}  // namespace

bool equal(const AttrValue& a, const AttrValue& b) {
  if (a.value.index() != b.value.index()) return false;
  return std::visit([&](const auto& x) { return same(x, std::get<std::decay_t<decltype(x)>>(b.value)); }, a.value);
}

uint64_t hash(const AttrValue& a) {
  Hasher h;
  h.word(a.value.index());
  std::visit([&](const auto& x) { h.add(x); }, a.value);
  return h.state;
}

AttrType type_of(const AttrValue& a) {
  // The storage's alternatives: monostate, the eight scalar types, placeholder, the eight list types.
  const size_t i = a.value.index();
  if (i == 0) return AttrType::kListString;
  if (i == 9) return AttrType::kString;
  return static_cast<AttrType>(i < 9 ? i - 1 : i - 2);
}

}  // namespace tw
