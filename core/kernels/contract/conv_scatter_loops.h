// Additions of small patches to the rows of an image.
#pragma once

#include <cstdint>

namespace tw::contract {

// to[x * to_step + r * to_pitch + i] += from[x * from_step + r * from_pitch + i] for x < count, r < rows, i < n.
// Patches may overlap.
void scatter_add(const float* from, int64_t from_step, int64_t from_pitch, int64_t count, int64_t rows, int64_t n,
                 float* to, int64_t to_step, int64_t to_pitch);
void scatter_add(const double* from, int64_t from_step, int64_t from_pitch, int64_t count, int64_t rows, int64_t n,
                 double* to, int64_t to_step, int64_t to_pitch);

}  // namespace tw::contract
