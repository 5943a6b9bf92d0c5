// Filling memory with one element.
#pragma once

#include "core/framework/dtype.h"
#include "core/platform/worker_pool.h"

namespace tw {

// Sets `count` elements of `to` to *value, or to zero (empty string, no handle) when value is null.
void fill_elements(DType dtype, const void* value, void* to, int64_t count, WorkerPool& pool);
// The same on the calling thread.
void fill_elements(DType dtype, const void* value, void* to, int64_t count);

}  // namespace tw
