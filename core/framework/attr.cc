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

// Sorted by name.
struct AttrMap::Entries : RefCounted {
  explicit Entries(std::vector<value_type> e) : all(std::move(e)) {}
  std::vector<value_type> all;
  std::atomic<uint64_t> digest{0};  // 0 until somebody asks
};

namespace {

template <typename Vector>
auto lower_bound(Vector& entries, std::string_view name) {
  return std::lower_bound(entries.begin(), entries.end(), name,
                          [](const AttrMap::value_type& e, std::string_view n) { return e.first.compare(n) < 0; });
}

}  // namespace

AttrMap::AttrMap(std::initializer_list<Entry> entries) {
  if (entries.size() == 0) return;
  std::vector<value_type> all;
  all.reserve(entries.size());
  for (const Entry& e : entries) {
    const auto at = lower_bound(all, e.name);
    if (at == all.end() || at->first != e.name) all.emplace(at, e.name, e.value);
  }
  entries_ = new Entries(std::move(all));
}
AttrMap::AttrMap(const AttrMap& other) : entries_(other.entries_) {
  if (entries_ != nullptr) entries_->ref();
}
AttrMap::~AttrMap() {
  if (entries_ != nullptr) entries_->unref();
}
AttrMap::const_iterator AttrMap::begin() const { return entries_ == nullptr ? nullptr : entries_->all.data(); }
AttrMap::const_iterator AttrMap::end() const { return begin() + size(); }
size_t AttrMap::size() const { return entries_ == nullptr ? 0 : entries_->all.size(); }
AttrMap::const_iterator AttrMap::find(std::string_view name) const {
  return std::find_if(begin(), end(), [&](const value_type& e) { return e.first == name; });
}
const AttrValue& AttrMap::at(std::string_view name) const { return find(name)->second; }

// The entries, of this map alone.
std::vector<AttrMap::value_type>& AttrMap::own() {
  if (entries_ == nullptr) {
    entries_ = new Entries({});
  } else if (!entries_->unique()) {
    Entries* const copy = new Entries(entries_->all);
    entries_->unref();
    entries_ = copy;
  }
  entries_->digest.store(0, std::memory_order_relaxed);
  return entries_->all;
}

AttrValue& AttrMap::operator[](std::string_view name) {
  std::vector<value_type>& all = own();
  const auto at = lower_bound(all, name);
  if (at != all.end() && at->first == name) return at->second;
  return all.emplace(at, name, AttrValue())->second;
}
bool AttrMap::emplace(std::string_view name, AttrValue value) {
  if (contains(name)) return false;
  (*this)[name] = std::move(value);
  return true;
}
void AttrMap::insert_or_assign(std::string_view name, AttrValue value) { (*this)[name] = std::move(value); }
bool AttrMap::erase(std::string_view name) {
  if (!contains(name)) return false;
  std::vector<value_type>& all = own();
  all.erase(lower_bound(all, name));
  return true;
}
void AttrMap::replace_values(const std::function<std::optional<AttrValue>(const AttrValue&)>& fn) {
  for (size_t i = 0; i < size(); ++i) {
    if (std::optional<AttrValue> value = fn(begin()[i].second)) own()[i].second = std::move(*value);
  }
}
bool operator==(const AttrMap& a, const AttrMap& b) {
  return a.shares(b) || std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
           return x.first == y.first && equal(x.second, y.second);
         });
}

void substitute(AttrMap* attrs, const AttrMap& call) {
  const auto within = [&](FuncRef f) {
    substitute(&f.attrs, call);
    return f;
  };
  attrs->replace_values([&](const AttrValue& value) -> std::optional<AttrValue> {
    if (const auto* p = value.get<AttrPlaceholder>()) {
      const auto it = call.find(p->name);
      return it == call.end() ? std::nullopt : std::optional(it->second);
    }
    if (const auto* f = value.get<FuncRef>()) return AttrValue(within(*f));
    if (const auto* list = value.get<std::vector<FuncRef>>()) {
      std::vector<FuncRef> refs;
      for (const FuncRef& ref : *list) refs.push_back(within(ref));
      return AttrValue(std::move(refs));
    }
    return std::nullopt;
  });
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

uint64_t AttrMap::digest() const {
  if (entries_ == nullptr) return 1;
  uint64_t digest = entries_->digest.load(std::memory_order_relaxed);
  if (digest != 0) return digest;
  Hasher h;
  for (const auto& [name, value] : entries_->all) {
    h.add(name);
    h.word(hash(value));
  }
  digest = h.state != 0 ? h.state : 1;
  entries_->digest.store(digest, std::memory_order_relaxed);
  return digest;
}

AttrType type_of(const AttrValue& a) {
  // The storage's alternatives: monostate, the eight scalar types, placeholder, the eight list types.
  const size_t i = a.value.index();
  if (i == 0) return AttrType::kListString;
  if (i == 9) return AttrType::kString;
  return static_cast<AttrType>(i < 9 ? i - 1 : i - 2);
}

}  // namespace tw
