#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/reduce/channels.cc"
#include "core/kernels/simd.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/kernels/channels.h"
#include "core/kernels/move/stream_copy.h"
#include "core/kernels/prefetch.h"
#include "core/kernels/reduce/levels.h"

// Once for all vector targets.
#ifndef CORE_KERNELS_REDUCE_CHANNELS_ROWS
#define CORE_KERNELS_REDUCE_CHANNELS_ROWS
namespace tw::channels {

constexpr int64_t kAhead = 4 << 10;  // elements between what is worked on and what is asked for
constexpr int64_t kRows = 4;         // added up together

// Operands per channel, each `width` elements long: the channels over and over.
struct Operands {
  const float *a, *b, *c, *d;
};

}  // namespace tw::channels
#endif

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using channels::Operands;

// fn(d, j, i) for all elements i < n, whole vectors first, with j = i modulo width. Stores pass the caches by when they
// are vectors and `stream` is set.
template <class Fn>
HWY_INLINE void over_rows(int64_t n, int64_t width, float* out, bool stream, Fn&& fn) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t base = 0; base < n; base += width) {
    const int64_t end = std::min(width, n - base);
    int64_t j = 0;
    if (stream) {
      for (; j + lanes <= end; j += lanes) hn::Stream(fn(d, j, base + j), d, out + base + j);
    } else {
      for (; j + lanes <= end; j += lanes) hn::StoreU(fn(d, j, base + j), d, out + base + j);
    }
    for (; j < end; ++j) hn::StoreU(fn(one, j, base + j), one, out + base + j);
  }
  if (stream) hwy::FlushStream();
}

// a: mean, b: factor, c: offset.
void normalize(const float* x, int64_t n, int64_t width, Operands v, float* y, bool stream) {
  over_rows(n, width, y, stream, [&](auto d, int64_t j, int64_t i) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, v.a + j));
    return hn::Add(hn::Mul(centred, hn::LoadU(d, v.b + j)), hn::LoadU(d, v.c + j));
  });
}

// a: mean, b: factor, c: mean of dy, d: slope.
void normalize_grad(const float* dy, const float* x, int64_t n, int64_t width, Operands v, float* dx, bool stream) {
  over_rows(n, width, dx, stream, [&](auto d, int64_t j, int64_t i) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, v.a + j));
    const auto gradient = hn::Sub(hn::LoadU(d, dy + i), hn::LoadU(d, v.c + j));
    return hn::Mul(hn::Sub(gradient, hn::Mul(centred, hn::LoadU(d, v.d + j))), hn::LoadU(d, v.b + j));
  });
}

// Adds `rows` rows of `width` elements, of which the last may be shorter: `last`.
void add_sums(const float* dy, const float* x, int64_t rows, int64_t last, int64_t width, const float* mean, float* sum,
              float* product) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t r = 0;
  const int64_t whole = last == width ? rows : rows - 1;
  for (; r + channels::kRows <= whole;
       r += channels::kRows, dy += channels::kRows * width, x += channels::kRows * width) {
    for (int64_t j = 0; j < width; j += lanes) {
      for (int64_t k = 0; k < channels::kRows; ++k) {
        prefetch_second_level(dy + k * width + j + channels::kAhead);
        prefetch_second_level(x + k * width + j + channels::kAhead);
      }
      const auto m = hn::LoadU(d, mean + j);
      const auto g0 = hn::LoadU(d, dy + j), g1 = hn::LoadU(d, dy + width + j), g2 = hn::LoadU(d, dy + 2 * width + j),
                 g3 = hn::LoadU(d, dy + 3 * width + j);
      const auto of = [&](auto g, int64_t k)
                          HWY_ATTR { return hn::Mul(g, hn::Sub(hn::LoadU(d, x + k * width + j), m)); };
      const auto p = hn::Add(hn::Add(of(g0, 0), of(g1, 1)), hn::Add(of(g2, 2), of(g3, 3)));
      hn::StoreU(hn::Add(hn::LoadU(d, sum + j), hn::Add(hn::Add(g0, g1), hn::Add(g2, g3))), d, sum + j);
      hn::StoreU(hn::Add(hn::LoadU(d, product + j), p), d, product + j);
    }
  }
  for (; r < rows; ++r, dy += width, x += width) {
    const int64_t n = r + 1 == rows ? last : width;
    TW_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) {
      sum[j] += dy[j];
      product[j] += dy[j] * (x[j] - mean[j]);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(normalize);
HWY_EXPORT(normalize_grad);
HWY_EXPORT(add_sums);

namespace {

using channels::Operands;

constexpr int64_t kVector = 16;           // floats of the widest vectors
constexpr int64_t kWidth = 1 << 10;       // about as many channels are worked on as one row
constexpr int64_t kPerThread = 32 << 10;  // elements, about 5 us of reading
constexpr int kMaxOperands = 4;

// The matrix as rows of whole vectors; the last row may be shorter.
struct Flat {
  int64_t fold, width, count, rows;
  explicit Flat(const ChannelSpec& s) {
    const int64_t unit = kVector / std::gcd(s.channels, kVector);
    fold = std::max<int64_t>(1, kWidth / s.channels / unit) * unit;
    width = fold * s.channels;
    count = s.rows * s.channels;
    rows = (count + width - 1) / width;
  }
  int64_t parts(int threads) const {
    return std::min(rows, std::clamp<int64_t>(count / kPerThread, 1, std::max(threads, 1)));
  }
  int64_t first_row(int64_t p, int64_t parts) const { return rows / parts * p + std::min(p, rows % parts); }
};

void repeat(const float* from, const ChannelSpec& s, const Flat& f, float* to) {
  for (int64_t k = 0; k < f.fold; ++k) std::copy_n(from, s.channels, to + k * s.channels);
}

// fn(begin, n, operands) for the parts of the elements, the operands being repeated in the workspace.
template <class Fn>
void apply(const ChannelSpec& s, std::initializer_list<const float*> per_channel, void* workspace, WorkerPool& pool,
           Fn&& fn) {
  const Flat f(s);
  const float* wide[kMaxOperands] = {};
  float* at = static_cast<float*>(workspace);
  size_t next = 0;
  for (const float* v : per_channel) {
    repeat(v, s, f, at);
    wide[next++] = at;
    at += f.width;
  }
  const Operands operands{wide[0], wide[1], wide[2], wide[3]};
  const int64_t parts = f.parts(pool.threads());
  pool.parallel_for(parts, 1, [&](int64_t b, int64_t e) {
    const int64_t begin = f.first_row(b, parts) * f.width;
    fn(begin, std::min(f.count, f.first_row(e, parts) * f.width) - begin, f.width, operands);
  });
}

// Not where the result lies in an operand's memory, whose lines are in the cache.
bool streams(const ChannelSpec& s, const float* out, bool in_place) {
  return !in_place && s.rows * s.channels * static_cast<int64_t>(sizeof(float)) >= kStreamBytes &&
         reinterpret_cast<uintptr_t>(out) % 64 == 0;
}

}  // namespace

size_t channel_workspace(const ChannelSpec& spec, int threads) {
  const Flat f(spec);
  // Of channel_sums: the means, and for each part two sums and their levels.
  const int64_t sums = 1 + f.parts(threads) * 2 * (1 + Levels::kLevels);
  return static_cast<size_t>(std::max<int64_t>(sums, kMaxOperands) * f.width) * sizeof(float);
}

void normalize_channels(const ChannelSpec& spec, const float* x, const float* mean, const float* factor,
                        const float* offset, float* y, void* workspace, WorkerPool& pool) {
  const bool stream = streams(spec, y, y == x);
  apply(spec, {mean, factor, offset}, workspace, pool, [&](int64_t begin, int64_t n, int64_t width, Operands v) {
    HWY_DYNAMIC_DISPATCH(normalize)(x + begin, n, width, v, y + begin, stream);
  });
}

void normalize_channels_grad(const ChannelSpec& spec, const float* dy, const float* x, const float* mean,
                             const float* factor, const float* mean_dy, const float* slope, float* dx, void* workspace,
                             WorkerPool& pool) {
  const bool stream = streams(spec, dx, dx == x || dx == dy);
  apply(spec, {mean, factor, mean_dy, slope}, workspace, pool,
        [&](int64_t begin, int64_t n, int64_t width, Operands v) {
          HWY_DYNAMIC_DISPATCH(normalize_grad)(dy + begin, x + begin, n, width, v, dx + begin, stream);
        });
}

void channel_sums(const ChannelSpec& spec, const float* dy, const float* x, const float* mean, float* sum,
                  float* product, void* workspace, WorkerPool& pool) {
  const Flat f(spec);
  const CombineFns add = find_combine(ReduceOp::kSum, DType::kFloat);
  float* const means = static_cast<float*>(workspace);
  repeat(mean, spec, f, means);
  const int64_t parts = f.parts(pool.threads());
  const auto total = [&](int64_t p) { return means + f.width * (1 + p * 2 * (1 + Levels::kLevels)); };
  pool.parallel_for(parts, 1, [&](int64_t b, int64_t e) {
    for (int64_t p = b; p < e; ++p) {
      const int64_t end = f.first_row(p + 1, parts);
      std::fill_n(total(p), 2 * f.width, 0.0f);
      Levels levels(add, reinterpret_cast<char*>(total(p) + 2 * f.width), 2 * f.width);
      for (int64_t r = f.first_row(p, parts); r < end; r += Levels::kRows / 2) {
        const int64_t rows = std::min(Levels::kRows / 2, end - r), at = r * f.width;
        const int64_t last = std::min(f.width, f.count - (r + rows - 1) * f.width);
        float* const to = reinterpret_cast<float*>(levels.begin());
        HWY_DYNAMIC_DISPATCH(add_sums)(dy + at, x + at, rows, last, f.width, means, to, to + f.width);
        levels.advance();
      }
      levels.finish(reinterpret_cast<char*>(total(p)));
    }
  });
  // In the order of the parts, so that the result does not depend on which thread was first.
  for (int64_t p = 1; p < parts; ++p) add.columns(total(p), 1, 0, 2 * f.width, total(0), false);
  std::fill_n(sum, spec.channels, 0.0f);
  std::fill_n(product, spec.channels, 0.0f);
  add.columns(total(0), f.fold, spec.channels, spec.channels, sum, false);
  add.columns(total(0) + f.width, f.fold, spec.channels, spec.channels, product, false);
}

}  // namespace tw
#endif
