#include <algorithm>
#include <cstdlib>

#include "core/framework/resource.h"
#include "core/kernels/element_size.h"
#include "core/kernels/move.h"
#include "core/kernels/move/gather_run.h"
#include "core/kernels/move/small_copy.h"
#include "core/kernels/move/stream_copy.h"
#include "core/kernels/prefetch.h"

namespace tw {
namespace {

constexpr size_t kStreamRun = 512;  // bytes
constexpr int64_t kLongRun = 32;    // elements, for which a call pays

// One dimension of a copy.
struct Loop {
  int64_t size, from, to;
};

// The two innermost loops; pointers at index 0 of both. `past`: long runs are written past the caches.
void copy_2d(const char* from, char* to, Loop outer, Loop inner, size_t element_size, bool past) {
  visit_size(element_size, [&](auto tag) {
    using T = decltype(tag);
    const T* f = reinterpret_cast<const T*>(from);
    T* t = reinterpret_cast<T*>(to);
    const size_t bytes = static_cast<size_t>(inner.size) * sizeof(T);
    const bool streams = past && bytes >= kStreamRun;
    if (inner.from == 1 && inner.to == 1) {
      if (streams) {
        for (int64_t i = 0; i < outer.size; ++i) {
          // Runs that do not lie together are not foreseen by the processor.
          prefetch_row(f + (i + kRowsAhead) * outer.from, bytes);
          stream_copy(f + i * outer.from, t + i * outer.to, bytes);
        }
        return;
      }
      for (int64_t i = 0; i < outer.size; ++i) copy_run(f + i * outer.from, t + i * outer.to, bytes);
    } else if (inner.to == 1) {
      for (int64_t i = 0; i < outer.size; ++i) {
        const T* row = f + i * outer.from;
        const auto gather = [&](T* out, int64_t first, int64_t n) {
          const T* at = row + first * inner.from;
          if (n >= kLongRun) return gather_run(at, inner.from, out, n, element_size);
          for (int64_t j = 0; j < n; ++j) out[j] = at[j * inner.from];
        };
        if (streams) stream_made(t + i * outer.to, inner.size, inner.from < 0, gather);
        else gather(t + i * outer.to, 0, inner.size);
      }
    } else {
      for (int64_t i = 0; i < outer.size; ++i) {
        const T* row = f + i * outer.from;
        T* out = t + i * outer.to;
        for (int64_t j = 0; j < inner.size; ++j) out[j * inner.to] = row[j * inner.from];
      }
    }
  });
}

}  // namespace

StridedCopy::StridedCopy(std::span<const int64_t> dims, std::span<const int64_t> from_strides,
                         std::span<const int64_t> to_strides, size_t element_size)
    : element_size_(element_size) {
  // Merge while gathering, so that more dims than we hold may come in when they lie together.
  std::array<Loop, kMaxMoveRank> loops;
  int n = 0;
  const auto merge_into_last = [&](const Loop& inner) {
    Loop& last = loops[static_cast<size_t>(n - 1)];
    if (last.from != inner.from * inner.size || last.to != inner.to * inner.size) return false;
    last = {last.size * inner.size, inner.from, inner.to};
    return true;
  };
  for (size_t i = 0; i < dims.size(); ++i) {
    count_ *= dims[i];
    if (dims[i] == 1) continue;
    const Loop loop{dims[i], from_strides[i], to_strides[i]};
    if (n > 0 && merge_into_last(loop)) continue;
    loops[static_cast<size_t>(n++)] = loop;
  }
  if (count_ == 0) return;
  // The destination is written in the order of its memory; merging again catches dims that only now are neighbours.
  std::stable_sort(loops.begin(), loops.begin() + n,
                   [](const Loop& a, const Loop& b) { return std::abs(a.to) > std::abs(b.to); });
  const int sorted = n;
  n = 0;
  for (int i = 0; i < sorted; ++i) {
    const Loop loop = loops[static_cast<size_t>(i)];
    if (n > 0 && merge_into_last(loop)) continue;
    loops[static_cast<size_t>(n++)] = loop;
  }
  if (n >= 2 && loops[static_cast<size_t>(n - 1)].to == 1 && std::abs(loops[static_cast<size_t>(n - 1)].from) > 1) {
    for (int i = n - 2; i >= 0; --i) {
      if (loops[static_cast<size_t>(i)].from != 1) continue;
      std::rotate(loops.begin() + i, loops.begin() + i + 1, loops.begin() + n - 1);
      transpose_ = true;
      break;
    }
  }
  rank_ = n;
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    dims_[i] = loops[i].size;
    from_[i] = loops[i].from;
    to_[i] = loops[i].to;
  }
}

void StridedCopy::run(const void* from, void* to, WorkerPool& pool) const {
  if (count_ == 0) return;
  const char* f = static_cast<const char*>(from);
  char* t = static_cast<char*>(to);
  const int64_t size = static_cast<int64_t>(element_size_);
  if (rank_ == 0) {
    copy_run(f, t, element_size_);
    return;
  }
  const size_t last = static_cast<size_t>(rank_ - 1);
  const Loop inner{dims_[last], from_[last], to_[last]};
  const bool past = count_ * size >= kStreamBytes;
  if (rank_ == 1) {
    pool.parallel_for(inner.size, kCopiedBytesPerThread / size, [&](int64_t begin, int64_t end) {
      copy_2d(f + begin * inner.from * size, t + begin * inner.to * size, {1, 0, 0},
              {end - begin, inner.from, inner.to}, element_size_, past);
      if (past) stream_fence();
    });
    return;
  }
  if (transpose_) return run_transpose(f, t, pool);
  const Loop outer{dims_[last - 1], from_[last - 1], to_[last - 1]};
  // Rows are the index space without the inner loop; a range of them starts and ends anywhere in the outer loop.
  const int64_t rows = count_ / inner.size;
  const int64_t grain = std::max<int64_t>(1, kCopiedBytesPerThread / (inner.size * size));
  pool.parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    std::array<int64_t, kMaxMoveRank> index{};
    int64_t rest = begin, from_at = 0, to_at = 0;
    for (size_t i = last; i-- > 0;) {
      index[i] = rest % dims_[i];
      rest /= dims_[i];
      from_at += index[i] * from_[i];
      to_at += index[i] * to_[i];
    }
    while (begin < end) {
      const int64_t n = std::min(end - begin, outer.size - index[last - 1]);
      const char* source = f + from_at * size;
      char* dest = t + to_at * size;
      copy_2d(source, dest, {n, outer.from, outer.to}, inner, element_size_, past);
      begin += n;
      index[last - 1] += n;
      from_at += n * outer.from;
      to_at += n * outer.to;
      for (size_t i = last; i-- > 1 && index[i] == dims_[i];) {
        from_at += from_[i - 1] - dims_[i] * from_[i];
        to_at += to_[i - 1] - dims_[i] * to_[i];
        index[i] = 0;
        ++index[i - 1];
      }
    }
    if (past) stream_fence();
  });
}

namespace {

template <typename T>
void assign(std::span<const int64_t> dims, std::span<const int64_t> from_strides, std::span<const int64_t> to_strides,
            const T* from, T* to) {
  if (dims.empty()) {
    *to = *from;
    return;
  }
  for (int64_t i = 0; i < dims[0]; ++i) {
    assign(dims.subspan(1), from_strides.subspan(1), to_strides.subspan(1), from + i * from_strides[0],
           to + i * to_strides[0]);
  }
}

}  // namespace

void strided_assign(DType dtype, std::span<const int64_t> dims, std::span<const int64_t> from_strides,
                    std::span<const int64_t> to_strides, const void* from, void* to) {
  const auto as = [&]<typename T>(TypeTag<T>) {
    assign(dims, from_strides, to_strides, static_cast<const T*>(from), static_cast<T*>(to));
  };
  if (dtype == DType::kString) as(TypeTag<std::string>{});
  if (dtype == DType::kResource) as(TypeTag<ResourceHandle>{});
  if (dtype == DType::kVariant) as(TypeTag<Variant>{});
}

}  // namespace tw
