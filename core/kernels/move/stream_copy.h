// Stores that pass the caches by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tw {

// From this size on what is written is far beyond what the last cache holds when the next reader comes: a streaming
// store then saves reading the line that is overwritten.
inline constexpr int64_t kStreamBytes = int64_t{32} << 20;

inline constexpr int64_t kLineBytes = 64;
// Where in its line an address lies.
inline int64_t in_line(const void* p) { return static_cast<int64_t>(reinterpret_cast<uintptr_t>(p) % kLineBytes); }

// Copies `bytes` bytes, any alignment. Call stream_fence() before another thread may read what was written.
void stream_copy(const void* from, void* to, size_t bytes);
void stream_fence();

// A line of which two runs of results have a part each, such as the end of one row and the beginning of the next. It is
// put together here and streamed once it is whole: parts stored to memory would make the stores behind them wait until
// the line has been read.
class LineBuffer {
 public:
  // Bytes of the line in which `to` lies, as far as its end at most; they follow those added before, if any wait.
  void add(const void* from, void* to, size_t bytes) {
    if (bytes == 0) return;
    if (begin_ == end_) {
      begin_ = end_ = static_cast<size_t>(in_line(to));
      line_ = static_cast<char*>(to) - begin_;
    }
    std::memcpy(bytes_ + end_, from, bytes);
    end_ += bytes;
    if (end_ == kLineBytes) flush();
  }
  // Writes what waits. Before the end of its life, and before other stores to its line.
  void flush() {
    if (begin_ == 0 && end_ == kLineBytes) stream_copy(bytes_, line_, end_);
    else std::memcpy(line_ + begin_, bytes_ + begin_, end_ - begin_);
    begin_ = end_ = 0;
  }

 private:
  alignas(kLineBytes) char bytes_[kLineBytes];
  char* line_ = bytes_;
  size_t begin_ = 0, end_ = 0;  // of what waits
};

// Streams `count` elements that make(to, first, n) writes: n of them from element `first` on, in pieces that end where
// lines do; the last piece first with `backwards`.
template <typename T, typename Make>
void stream_made(T* to, int64_t count, bool backwards, const Make& make) {
  constexpr int64_t kPiece = 4096 / sizeof(T);
  alignas(kLineBytes) T piece[kPiece];
  const int64_t before = in_line(to) / static_cast<int64_t>(sizeof(T));
  const int64_t pieces = (before + count + kPiece - 1) / kPiece;
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t at = (backwards ? pieces - 1 - i : i) * kPiece;
    const int64_t skipped = at == 0 ? before : 0, begin = at + skipped - before;
    const int64_t n = std::min(count - begin, kPiece - skipped);
    make(piece + skipped, begin, n);
    stream_copy(piece + skipped, to + begin, static_cast<size_t>(n) * sizeof(T));
  }
}

}  // namespace tw
