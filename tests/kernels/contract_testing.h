// What the tests of the contract engine share.
#pragma once

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <cmath>
#include <complex>
#include <cstdlib>
#include <cstring>
#include <random>
#include <type_traits>
#include <vector>

#include "core/framework/dtype.h"
#include "core/platform/alloc.h"

namespace tw::testing_contract {

// Memory that ends at a page nobody may touch, so that reading or writing past it ends the test, with guard bytes
// before it. Where the system has no such pages, guard bytes follow it instead.
template <typename T>
class Guarded {
 public:
  explicit Guarded(int64_t n) : n_(n) {
    const size_t bytes = static_cast<size_t>(n) * sizeof(T);
#if defined(__unix__) || defined(__APPLE__)
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (bytes + kGuard + page - 1) / page * page;
    mapped_ = usable_ + page;
    void* p = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(static_cast<char*>(p) + usable_, page, PROT_NONE) != 0) std::abort();
    memory_ = static_cast<unsigned char*>(p);
    start_ = usable_ - bytes;
#else
    usable_ = bytes + kGuard;
    memory_ = static_cast<unsigned char*>(std::malloc(usable_));
#endif
    std::memset(memory_, kFill, usable_);
  }
  ~Guarded() {
#if defined(__unix__) || defined(__APPLE__)
    munmap(memory_, mapped_);
#else
    std::free(memory_);
#endif
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return reinterpret_cast<T*>(memory_ + start_); }
  T& operator[](int64_t i) { return data()[i]; }
  int64_t size() const { return n_; }
  bool intact() const {
    const size_t end = start_ + static_cast<size_t>(n_) * sizeof(T);
    for (size_t i = 0; i < usable_; ++i) {
      if ((i < start_ || i >= end) && memory_[i] != kFill) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 256;
  static constexpr unsigned char kFill = 0xA5;
  int64_t n_;
  size_t start_ = 0, usable_ = 0, mapped_ = 0;
  unsigned char* memory_ = nullptr;
};

// Values in -1..1 (integers: -1000..1000).
template <typename T>
void fill(Guarded<T>* g, uint32_t seed) {
  std::mt19937 random(seed);
  const auto unit = [&] { return static_cast<float>(random() % 2001) / 1000.0f - 1; };
  for (int64_t i = 0; i < g->size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      (*g)[i] = static_cast<T>(static_cast<T>(random() % 2001) - 1000);
    } else if constexpr (std::is_constructible_v<T, float, float>) {
      const float re = unit();
      (*g)[i] = T(re, unit());
    } else {
      (*g)[i] = static_cast<T>(unit());
    }
  }
}

// What the oracle sums in.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, float> || sizeof(T) == 2, double, T>;

// Largest error allowed to a sum of k products of size at most 1.
template <typename T>
double tolerance(int64_t k) {
  const double n = static_cast<double>(k) + 1;
  if constexpr (std::is_same_v<T, half>) return 1e-3 * n;
  if constexpr (std::is_same_v<T, bfloat16>) return 8e-3 * n;
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::complex<double>>) return 4e-16 * n;
  if constexpr (std::is_integral_v<T>) return 0;
  return 2e-7 * n;
}

template <typename T>
double distance(T a, T b) {
  if constexpr (std::is_constructible_v<T, float, float>) {
    return std::abs(std::complex<double>(a.real(), a.imag()) - std::complex<double>(b.real(), b.imag()));
  } else {
    return std::abs(static_cast<double>(a) - static_cast<double>(b));
  }
}

// A plan's workspace, full of junk, with a guard behind it.
struct Workspace {
  explicit Workspace(size_t bytes) : size(bytes), memory(static_cast<char*>(allocate(bytes + 64))) {
    std::memset(memory, 0x7B, bytes + 64);
  }
  ~Workspace() { deallocate(memory); }
  bool intact() const {
    for (size_t i = size; i < size + 64; ++i) {
      if (memory[i] != 0x7B) return false;
    }
    return true;
  }
  size_t size;
  char* memory;
};

}  // namespace tw::testing_contract
