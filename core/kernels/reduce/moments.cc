#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/reduce/moments.cc"
#include "core/kernels/simd.h"

#include <algorithm>
#include <bit>

#include "core/kernels/moments.h"
#include "core/kernels/prefetch.h"

// Sums of groups of rows, once for all vector targets.
#ifndef CORE_KERNELS_REDUCE_MOMENTS_SUMS
#define CORE_KERNELS_REDUCE_MOMENTS_SUMS
namespace tw::moments {

constexpr int64_t kGroup = 8;
// Columns whose sums of all levels are worked on at once.
constexpr int64_t kPiece = 2048;
// Of fewer columns than kNarrow, kFold rows are treated as one, so that there are whole vectors.
constexpr int64_t kNarrow = 256, kFold = 8;

// Of some rows: their sums, and the sums of squares around their means; `width` floats each.
struct Sums {
  float *sum, *square;
};

}  // namespace tw::moments
#endif

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using moments::kGroup;
using moments::Sums;

// Columns [j, n) of one group of kGroup rows, in whole vectors of D; where it stopped.
template <class D>
HWY_INLINE int64_t add_group(D d, const float* x, int64_t stride, int64_t ahead, int64_t j, int64_t n, Sums to) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto eighth = hn::Set(d, 1.0f / kGroup);
  for (; j + lanes <= n; j += lanes) {
    const float* p = x + j;
    // Each row is too short a stream for the processor to see what comes next.
    for (int64_t r = 0; r < kGroup; ++r) prefetch_second_level(p + r * stride + ahead);
    const auto v0 = hn::LoadU(d, p), v1 = hn::LoadU(d, p + stride), v2 = hn::LoadU(d, p + 2 * stride),
               v3 = hn::LoadU(d, p + 3 * stride), v4 = hn::LoadU(d, p + 4 * stride), v5 = hn::LoadU(d, p + 5 * stride),
               v6 = hn::LoadU(d, p + 6 * stride), v7 = hn::LoadU(d, p + 7 * stride);
    const auto sum = hn::Add(hn::Add(hn::Add(v0, v1), hn::Add(v2, v3)), hn::Add(hn::Add(v4, v5), hn::Add(v6, v7)));
    const auto mean = hn::Mul(sum, eighth);
    const auto square = [&](auto v) HWY_ATTR {
      const auto e = hn::Sub(v, mean);
      return hn::Mul(e, e);
    };
    const auto low = hn::Add(hn::Add(square(v0), square(v1)), hn::Add(square(v2), square(v3)));
    const auto high = hn::Add(hn::Add(square(v4), square(v5)), hn::Add(square(v6), square(v7)));
    hn::StoreU(sum, d, to.sum + j);
    hn::StoreU(hn::Add(low, high), d, to.square + j);
  }
  return j;
}

void group_of(const float* x, int64_t rows, int64_t stride, int64_t n, Sums to) {
  int64_t j = 0;
  if (rows == kGroup) {
    // The next group, or 16 KB on where rows follow each other.
    const int64_t group = kGroup * stride, ahead = stride == n ? std::max<int64_t>(group, 4 << 10) : group;
    j = add_group(hn::ScalableTag<float>(), x, stride, ahead, j, n, to);
    j = add_group(hn::CappedTag<float, 8>(), x, stride, ahead, j, n, to);
    j = add_group(hn::CappedTag<float, 4>(), x, stride, ahead, j, n, to);
  }
  for (; j < n; ++j) {
    float sum = 0, square = 0;
    for (int64_t r = 0; r < rows; ++r) sum += x[r * stride + j];
    const float mean = sum / static_cast<float>(rows);
    for (int64_t r = 0; r < rows; ++r) square += (x[r * stride + j] - mean) * (x[r * stride + j] - mean);
    to.sum[j] = sum;
    to.square[j] = square;
  }
}

// Adds the sums of `b` rows to those of `a` rows.
void merge(int64_t a, Sums into, int64_t b, Sums from, int64_t n) {
  const float ratio = static_cast<float>(static_cast<double>(b) / static_cast<double>(a));
  const auto weight = static_cast<float>(static_cast<double>(a) /
                                         (static_cast<double>(b) * (static_cast<double>(a) + static_cast<double>(b))));
  float *sum = into.sum, *square = into.square;
  const float *other_sum = from.sum, *other_square = from.square;
  TW_INDEPENDENT
  for (int64_t j = 0; j < n; ++j) {
    const float difference = ratio * sum[j] - other_sum[j];
    square[j] += other_square[j] + weight * difference * difference;
    sum[j] += other_sum[j];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(group_of);
HWY_EXPORT(merge);

namespace {

using moments::kFold;
using moments::kGroup;
using moments::kNarrow;
using moments::kPiece;
using moments::Sums;

// Elements: about 5 us of reading.
constexpr int64_t kPerThread = 32 << 10;

int64_t parts_of(int64_t rows, int64_t columns, int threads) {
  const int64_t wanted = std::clamp<int64_t>(rows * columns / kPerThread, 1, std::max(threads, 1));
  return std::min(wanted, (rows + kGroup - 1) / kGroup);
}
int levels_of(int64_t rows) { return std::bit_width(static_cast<uint64_t>(rows / kGroup)) + 1; }
size_t part_floats(int64_t rows, int64_t columns) {
  const int64_t folded = columns < kNarrow ? 2 * kFold * columns : 0;
  return static_cast<size_t>(2 * columns + 2 * kPiece * levels_of(rows) + folded + 15) / 16 * 16;
}

// The sums of `rows` > 0 rows into `total`; `levels` is scratch. A binary counter of groups: level l holds those of
// kGroup * 2^l rows.
void sums_of(const float* x, int64_t rows, int64_t columns, Sums total, float* levels) {
  for (int64_t c = 0; c < columns; c += kPiece) {
    const int64_t n = std::min(kPiece, columns - c);
    const auto level = [&](int l) { return Sums{levels + 2 * kPiece * l, levels + 2 * kPiece * l + kPiece}; };
    const Sums all{total.sum + c, total.square + c};
    const int64_t groups = rows / kGroup;
    for (int64_t g = 0; g < groups; ++g) {
      int l = std::countr_one(static_cast<uint64_t>(g));
      // The new group goes where the carry ends; what it passes is added to it.
      HWY_DYNAMIC_DISPATCH(group_of)(x + g * kGroup * columns + c, kGroup, columns, n, level(l));
      for (int k = 0; k < l; ++k) HWY_DYNAMIC_DISPATCH(merge)(kGroup << k, level(l), kGroup << k, level(k), n);
    }
    int64_t done = 0;
    const auto add = [&](int64_t count, Sums from) {
      if (done == 0) {
        std::copy_n(from.sum, n, all.sum);
        std::copy_n(from.square, n, all.square);
      } else {
        HWY_DYNAMIC_DISPATCH(merge)(done, all, count, from, n);
      }
      done += count;
    };
    for (int l = levels_of(rows); l-- > 0;) {
      if ((groups >> l) & 1) add(kGroup << l, level(l));
    }
    if (const int64_t rest = rows % kGroup; rest > 0) {
      const Sums last = level(levels_of(rows) - 1);
      HWY_DYNAMIC_DISPATCH(group_of)(x + groups * kGroup * columns + c, rest, columns, n, last);
      add(rest, last);
    }
  }
}

// The same for few columns; `folded` is scratch for kFold rows' sums.
void narrow_sums_of(const float* x, int64_t rows, int64_t columns, Sums total, float* levels, float* folded) {
  const int64_t long_rows = rows / kFold, rest = rows % kFold;
  if (columns >= kNarrow || long_rows < 2 * kGroup) return sums_of(x, rows, columns, total, levels);
  const int64_t width = kFold * columns;
  sums_of(x, long_rows, width, Sums{folded, folded + width}, levels);
  for (int64_t k = 0; k < kFold; ++k) {
    const Sums from{folded + k * columns, folded + width + k * columns};
    if (k == 0) {
      std::copy_n(from.sum, columns, total.sum);
      std::copy_n(from.square, columns, total.square);
    } else {
      HWY_DYNAMIC_DISPATCH(merge)(k * long_rows, total, long_rows, from, columns);
    }
  }
  if (rest == 0) return;
  const Sums last{folded, folded + columns};
  HWY_DYNAMIC_DISPATCH(group_of)(x + long_rows * width, rest, columns, columns, last);
  HWY_DYNAMIC_DISPATCH(merge)(kFold * long_rows, total, rest, last, columns);
}

}  // namespace

size_t moments_workspace(int64_t rows, int64_t columns, int threads) {
  return static_cast<size_t>(parts_of(rows, columns, threads)) * part_floats(rows, columns) * sizeof(float);
}

void column_moments(const float* x, int64_t rows, int64_t columns, float* mean, float* variance, void* workspace,
                    WorkerPool& pool) {
  const int64_t parts = parts_of(rows, columns, pool.threads());
  const size_t stride = part_floats(rows, columns);
  // Parts are whole groups.
  const int64_t groups = (rows + kGroup - 1) / kGroup;
  const auto first_row = [&](int64_t p) {
    return std::min(rows, (groups / parts * p + std::min(p, groups % parts)) * kGroup);
  };
  const auto memory = [&](int64_t p) { return static_cast<float*>(workspace) + static_cast<size_t>(p) * stride; };
  const auto sums = [&](int64_t p) { return p == 0 ? Sums{mean, variance} : Sums{memory(p), memory(p) + columns}; };
  pool.parallel_for(parts, 1, [&](int64_t b, int64_t e) {
    for (int64_t p = b; p < e; ++p) {
      const int64_t begin = first_row(p);
      float* const scratch = memory(p) + 2 * columns;
      narrow_sums_of(x + begin * columns, first_row(p + 1) - begin, columns, sums(p), scratch,
                     scratch + 2 * kPiece * levels_of(rows));
    }
  });
  for (int64_t p = 1; p < parts; ++p) {
    const int64_t begin = first_row(p);
    HWY_DYNAMIC_DISPATCH(merge)(begin, sums(0), first_row(p + 1) - begin, sums(p), columns);
  }
  const float scale = 1.0f / static_cast<float>(rows);
  for (int64_t j = 0; j < columns; ++j) {
    mean[j] *= scale;
    variance[j] *= scale;
  }
}

}  // namespace tw
#endif
