// memcpy for runs whose length is known only at run time but is mostly small.
#pragma once

#include <cstdint>
#include <cstring>

namespace tw {

// Copies `bytes` bytes. Short runs use two fixed-size moves that may overlap each other, where a call to memcpy would
// cost more than the copy.
inline void copy_run(const void* from, void* to, size_t bytes) {
  const char* f = static_cast<const char*>(from);
  char* t = static_cast<char*>(to);
  const auto twice = [&]<size_t kSize>() {
    char head[kSize], tail[kSize];
    std::memcpy(head, f, kSize);
    std::memcpy(tail, f + bytes - kSize, kSize);
    std::memcpy(t, head, kSize);
    std::memcpy(t + bytes - kSize, tail, kSize);
  };
  if (bytes > 32) {
    std::memcpy(t, f, bytes);
  } else if (bytes >= 16) {
    twice.template operator()<16>();
  } else if (bytes >= 8) {
    twice.template operator()<8>();
  } else if (bytes >= 4) {
    twice.template operator()<4>();
  } else {
    for (size_t i = 0; i < bytes; ++i) t[i] = f[i];
  }
}

}  // namespace tw
