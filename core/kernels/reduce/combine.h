// The inner loops of reductions, compiled per vector target and chosen when a reduction is planned.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/framework/dtype.h"
#include "core/kernels/reduce.h"

namespace tw {

// What reads more bytes than this reads them from memory rather than from a cache.
inline constexpr int64_t kFarBytes = 16 << 20;
// How far ahead of their use elements of one row are asked for.
inline constexpr int64_t kRowAhead = 4 << 10;  // bytes

// All elements, accumulators included, have one dtype; half and bfloat16 are reduced as float.
struct CombineFns {
  size_t element_size = 0;
  // Sums of floats: accumulate in levels, so that the error grows slowly with the count.
  bool rounds = false;
  void (*identity)(void* acc, int64_t n) = nullptr;
  // acc[r] = acc[r] op x[r * n] op ... op x[r * n + n - 1], for r < rows.
  void (*rows)(const void* x, int64_t rows, int64_t n, void* acc) = nullptr;
  // acc[r] = acc[r] + the sum of (x[r * n + i] - center[r])^2 over i < n; only of kSum of float and double.
  void (*squares)(const void* x, const void* center, int64_t rows, int64_t n, void* acc) = nullptr;
  // acc[j] = acc[j] op x[j] op x[stride + j] op ..., over `rows` rows, for j < n. far: x comes from
  // memory, not from a cache, and is asked for ahead.
  void (*columns)(const void* x, int64_t rows, int64_t stride, int64_t n, void* acc, bool far) = nullptr;
  // acc[j] = acc[j] * scale; integers are divided by 1 / scale.
  void (*scale)(void* acc, int64_t n, double scale) = nullptr;
};

// kSum .. kAny. element_size 0 when there is no such reduction.
CombineFns find_combine(ReduceOp op, DType t);

// The same for values x of half or bfloat16 and accumulators of float; for rows and columns alone, since accumulators
// are combined by those of float. element_size 0 where a tape has to convert them first.
CombineFns find_widening(ReduceOp op, DType t);

struct ArgFns {
  // index[r] = the first place of the extreme of x[r * n ... r * n + n).
  void (*rows)(const void* x, int64_t rows, int64_t n, int64_t* index) = nullptr;
  // index[j] = the first row r with the extreme of x[r * stride + j], for j < n <= kMaxColumns.
  void (*columns)(const void* x, int64_t rows, int64_t stride, int64_t n, int64_t* index) = nullptr;
  static constexpr int64_t kMaxColumns = 1024;
};
ArgFns find_arg(bool max, DType t);

}  // namespace tw
