// Gathering and scattering of equal rows by index.
#pragma once

#include "core/framework/dtype.h"
#include "core/platform/worker_pool.h"

namespace tw {

// The first i with indices[i] outside [0, limit), or -1.
template <typename Index>
int64_t first_bad_index(const Index* indices, int64_t count, int64_t limit);

// Row i of `to` becomes row indices[i] of `from`; a row is `row` elements of `dtype`. Every index must be in range, and
// from and to must not overlap.
template <typename Index>
void gather_rows(DType dtype, const void* from, const Index* indices, int64_t count, int64_t row, void* to,
                 WorkerPool& pool);
// The same on the calling thread.
template <typename Index>
void gather_rows(DType dtype, const void* from, const Index* indices, int64_t count, int64_t row, void* to);

// Row indices[i] of `to` becomes row i of `from`, in order, so that the last of equal indices wins.
template <typename Index>
void scatter_rows(DType dtype, const void* from, const Index* indices, int64_t count, int64_t row, void* to);

}  // namespace tw
