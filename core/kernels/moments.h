// Means and variances of columns in one pass over memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/platform/worker_pool.h"

namespace tw {

// mean[j] and variance[j] (around that mean, divided by `rows`) of x[r * columns + j], for rows > 0. Groups of eight
// rows have their own means, and are merged pairwise (Chan, Golub, LeVeque 1979), so that neither the number of rows
// nor the distance of the mean from zero costs accuracy. `workspace` has moments_workspace() bytes. Results repeat bit
// for bit for the same sizes and thread count.
void column_moments(const float* x, int64_t rows, int64_t columns, float* mean, float* variance, void* workspace,
                    WorkerPool& pool);
size_t moments_workspace(int64_t rows, int64_t columns, int threads);

}  // namespace tw
