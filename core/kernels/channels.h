// Loops of batch normalisation over a matrix [rows, channels] of floats, memory read and written once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/platform/worker_pool.h"

namespace tw {

struct ChannelSpec {
  int64_t rows = 0, channels = 0;  // > 0
};

// For each function: `workspace` has channel_workspace() bytes and is aligned to 64. Results repeat bit for bit for the
// same sizes and thread count.
size_t channel_workspace(const ChannelSpec& spec, int threads);

// y = (x - mean) * factor + offset; y may be x.
void normalize_channels(const ChannelSpec& spec, const float* x, const float* mean, const float* factor,
                        const float* offset, float* y, void* workspace, WorkerPool& pool);

// dx = ((dy - mean_dy) - (x - mean) * slope) * factor; dx may be dy or x.
void normalize_channels_grad(const ChannelSpec& spec, const float* dy, const float* x, const float* mean,
                             const float* factor, const float* mean_dy, const float* slope, float* dx, void* workspace,
                             WorkerPool& pool);

// sum[j] = sum of dy[r, j], product[j] = sum of dy[r, j] * (x[r, j] - mean[j]), summed by levels.
void channel_sums(const ChannelSpec& spec, const float* dy, const float* x, const float* mean, float* sum,
                  float* product, void* workspace, WorkerPool& pool);

}  // namespace tw
