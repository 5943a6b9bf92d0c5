// A vector whose first elements lie in the vector itself: for the many short lists of a graph, which are copied with
// it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace tw {

// Of elements that may be copied as bytes; up to N of them take no memory of their own. Otherwise as std::vector, from
// and to which it converts.
template <typename T, uint32_t N>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T> && N > 0);

 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  SmallVector() = default;
  explicit SmallVector(size_t count, const T& value = T()) { assign(count, value); }
  SmallVector(std::initializer_list<T> values) { assign(values.begin(), values.end()); }
  SmallVector(const std::vector<T>& values) { assign(values.begin(), values.end()); }
  explicit SmallVector(std::span<const T> values) { assign(values.begin(), values.end()); }
  SmallVector(const SmallVector& other) { assign(other.begin(), other.end()); }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) assign(other.begin(), other.end());
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  ~SmallVector() { release(); }
  operator std::vector<T>() const { return std::vector<T>(begin(), end()); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  auto rbegin() const { return std::reverse_iterator(end()); }
  auto rend() const { return std::reverse_iterator(begin()); }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& front() { return *begin(); }
  const T& front() const { return *begin(); }
  T& back() { return end()[-1]; }
  const T& back() const { return end()[-1]; }

  void reserve(size_t count) {
    if (count > capacity_) grow(count);
  }
  void clear() { size_ = 0; }
  void resize(size_t count, const T& value = T()) {
    const T filled = value;  // which may lie here
    reserve(count);
    for (size_t i = size_; i < count; ++i) put(data() + i, filled);
    size_ = static_cast<uint32_t>(count);
  }
  void push_back(const T& value) {
    const T added = value;
    if (size_ == capacity_) grow(size_t{capacity_} + 1);
    put(data() + size_++, added);
  }
  void pop_back() { --size_; }
  void assign(size_t count, const T& value) {
    const T filled = value;
    clear();
    resize(count, filled);
  }
  // The range may not lie in the vector.
  template <std::forward_iterator It>
  void assign(It first, It last) {
    clear();
    const size_t count = static_cast<size_t>(std::distance(first, last));
    reserve(count);
    if constexpr (std::contiguous_iterator<It> && std::is_same_v<std::iter_value_t<It>, T>) {
      if (count > 0) std::memcpy(static_cast<void*>(data_), std::to_address(first), count * sizeof(T));
    } else {
      for (size_t i = 0; i < count; ++i, ++first) put(data_ + i, *first);
    }
    size_ = static_cast<uint32_t>(count);
  }
  T* insert(const T* at, const T& value) {
    const size_t i = static_cast<size_t>(at - begin());
    push_back(value);
    std::rotate(begin() + i, end() - 1, end());
    return begin() + i;
  }
  // The range may not lie in the vector.
  template <std::forward_iterator It>
  T* insert(const T* at, It first, It last) {
    const size_t i = static_cast<size_t>(at - begin()), old = size_;
    reserve(size_ + static_cast<size_t>(std::distance(first, last)));
    for (; first != last; ++first) push_back(*first);
    std::rotate(begin() + i, begin() + old, end());
    return begin() + i;
  }
  T* erase(const T* at) { return erase(at, at + 1); }
  T* erase(const T* first, const T* last) {
    T* to = begin() + (first - begin());
    std::copy(last, static_cast<const T*>(end()), to);
    size_ -= static_cast<uint32_t>(last - first);
    return to;
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static void put(T* at, const T& value) { std::memcpy(static_cast<void*>(at), &value, sizeof(T)); }
  void grow(size_t least) {
    const size_t capacity = std::max(least, size_t{2} * capacity_);
    T* const more = static_cast<T*>(::operator new(capacity * sizeof(T)));
    std::memcpy(static_cast<void*>(more), data(), size_ * sizeof(T));
    release();
    data_ = more;
    capacity_ = static_cast<uint32_t>(capacity);
  }
  T* inside() { return reinterpret_cast<T*>(inside_); }
  void release() {
    if (data_ != inside()) ::operator delete(data_);
    data_ = inside();
    capacity_ = N;
  }
  // Into a vector that holds no memory.
  void take(SmallVector& other) {
    size_ = std::exchange(other.size_, 0);
    if (other.data_ == other.inside()) {
      std::memcpy(inside_, other.inside_, size_ * sizeof(T));
    } else {
      data_ = std::exchange(other.data_, other.inside());
      capacity_ = std::exchange(other.capacity_, N);
    }
  }

  T* data_ = inside();
  uint32_t size_ = 0, capacity_ = N;
  alignas(T) std::byte inside_[N * sizeof(T)];
};

}  // namespace tw
