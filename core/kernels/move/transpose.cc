// StridedCopy where the two innermost loops cross: the outer one is dense in the source, the inner one in the
// destination.
#include <algorithm>
#include <cstring>

#include "core/kernels/move.h"
#include "core/kernels/move/stream_copy.h"
#include "core/kernels/move/transpose_tile.h"

namespace tw {
namespace {

// A transpose goes tile by tile: what is read and what is written of one stays in the second-level cache, beside what
// the next one reads, and both sides of it are runs of several lines.
constexpr int64_t kTileBytes = 64 << 10;
constexpr int64_t kTileRows = 128;
constexpr int64_t kStreamRow = 4 * kLineBytes;
constexpr int64_t kBufferBytes = kTileBytes + kTileRows * 4 * kLineBytes;

// The size of equal pieces of n, none larger than `most`: n itself, or a multiple of `unit`, as `most` is.
int64_t even_pieces(int64_t n, int64_t most, int64_t unit) {
  if (n <= most) return n;
  const int64_t pieces = (n + most - 1) / most;
  return ((n + pieces - 1) / pieces + unit - 1) / unit * unit;
}

struct Tile {
  const char* source = nullptr;
  char* dest = nullptr;
  int64_t rows = 0, columns = 0;  // of the destination
};

// Streams tiles into rows that lie `row_bytes` apart. What does not fill a line at a row's end waits for the tile that
// continues there, since a line that is written in part would be read first. Rows of the buffer have their places in
// lines as those of the destination have.
class RowStream {
 public:
  RowStream(int64_t row_bytes, int64_t tile_bytes, int64_t element_size)
      : row_bytes_(row_bytes),
        element_size_(element_size),
        // An odd number of lines, so that rows do not meet in few sets of the cache.
        stride_((tile_bytes / kLineBytes + 2) / 2 * 2 * kLineBytes + kLineBytes +
                (row_bytes % kLineBytes + kLineBytes) % kLineBytes) {}
  int64_t stride() const { return stride_; }
  // Where the tile that is written to `dest` is to be put.
  char* place(const char* dest) { return buffer_ + in_line(dest); }
  // Writes the tile at place(dest). `next` is the tile put there after it.
  void write(const Tile& t, const Tile& next) {
    const int64_t bytes = t.columns * element_size_;
    // A shorter row might begin and end within one line.
    const bool continues = bytes >= kLineBytes && next.dest == t.dest + bytes && next.rows == t.rows;
    char *from = place(t.dest), *to = t.dest, *next_place = place(next.dest);
    for (int64_t r = 0; r < t.rows; ++r, from += stride_, to += row_bytes_, next_place += stride_) {
      const int64_t waited = waiting_ ? in_line(from) : 0, waits = continues ? in_line(from + bytes) : 0;
      stream_copy(from - waited, to - waited, static_cast<size_t>(waited + bytes - waits));
      if (continues) std::memcpy(next_place - in_line(next_place), from + bytes - waits, kLineBytes);
    }
    waiting_ = continues;
  }

 private:
  int64_t row_bytes_, element_size_, stride_;
  bool waiting_ = false;
  alignas(kLineBytes) char buffer_[kBufferBytes];
};

}  // namespace

void StridedCopy::run_transpose(const char* from, char* to, WorkerPool& pool) const {
  const int64_t size = static_cast<int64_t>(element_size_), line = kLineBytes / size;
  const size_t last = static_cast<size_t>(rank_ - 1);
  struct Loop {
    int64_t size, from, to;
  };
  const Loop rows{dims_[last - 1], from_[last - 1], to_[last - 1]}, columns{dims_[last], from_[last], to_[last]};
  const int64_t tile_rows = even_pieces(rows.size, kTileRows, line);
  const int64_t tile_columns = even_pieces(columns.size, kTileBytes / size / tile_rows / line * line, line);
  const int64_t down = (rows.size + tile_rows - 1) / tile_rows,
                across = (columns.size + tile_columns - 1) / tile_columns;
  const int64_t planes = count_ / (rows.size * columns.size);
  const int64_t grain = std::max<int64_t>(1, kCopiedBytesPerThread / (tile_rows * tile_columns * size));
  const bool together = rows.to == columns.size && across == 1;
  // Short rows apart from each other would be streamed as parts of lines.
  const bool stream = count_ * size >= kStreamBytes && (together || columns.size * size >= kStreamRow);
  const auto tile_at = [&](int64_t tile) {
    const int64_t row = tile / across % down * tile_rows, column = tile % across * tile_columns;
    int64_t plane = tile / (down * across);
    int64_t from_at = row * rows.from + column * columns.from, to_at = row * rows.to + column * columns.to;
    for (size_t i = last - 1; i-- > 0; plane /= dims_[i]) {
      from_at += plane % dims_[i] * from_[i];
      to_at += plane % dims_[i] * to_[i];
    }
    return Tile{from + from_at * size, to + to_at * size, std::min(tile_rows, rows.size - row),
                std::min(tile_columns, columns.size - column)};
  };
  const auto transpose = [&](const Tile& t, char* dest, int64_t dest_stride, const Tile& next) {
    const ComingRows source{next.source, columns.from * size, next.columns, next.rows * size};
    const ComingRows written{next.dest, rows.to * size, stream ? 0 : next.rows, next.columns * size};
    transpose_2d(t.source, columns.from, dest, dest_stride, t.rows, t.columns, element_size_, source, written);
  };
  pool.parallel_for(planes * down * across, grain, [&](int64_t begin, int64_t end) {
    const auto next_of = [&](int64_t tile) { return tile + 1 < end ? tile_at(tile + 1) : Tile{}; };
    Tile t = tile_at(begin), next;
    if (!stream) {
      for (int64_t tile = begin; tile < end; ++tile, t = next) {
        next = next_of(tile);
        transpose(t, t.dest, rows.to, next);
      }
      return;
    }
    RowStream out(rows.to * size, tile_columns * size, size);
    const auto as_one_row = [](const Tile& x) { return Tile{x.source, x.dest, 1, x.rows * x.columns}; };
    for (int64_t tile = begin; tile < end; ++tile, t = next) {
      next = next_of(tile);
      transpose(t, out.place(t.dest), together ? rows.to : out.stride() / size, next);
      if (together) out.write(as_one_row(t), as_one_row(next));
      else out.write(t, next);
    }
    stream_fence();
  });
}

}  // namespace tw
