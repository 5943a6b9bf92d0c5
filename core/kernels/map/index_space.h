// Collapsed index spaces: how a broadcast operand is read along the flat order of the space it broadcasts to.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/framework/shape.h"

namespace tw {

// The dimensions of a space after those of size 1 are dropped and neighbours are merged wherever every operand allows.
struct IndexSpace {
  int rank = 0;
  std::array<int64_t, kMaxRank> dims{};
  int64_t inner() const { return rank == 0 ? 1 : dims[static_cast<size_t>(rank - 1)]; }
};

// An operand's element strides over the collapsed dimensions; 0 where it is repeated.
using OperandStrides = std::array<int64_t, kMaxRank>;

// Collapses `space` for operands of these shapes (each broadcasts to it) and gives their strides.
IndexSpace collapse(const Shape& space, std::span<const Shape> operands, std::vector<OperandStrides>* strides);

// Copies elements [pos, pos + n) of the operand's expansion to the space into `to`.
void expand(const IndexSpace& space, const OperandStrides& strides, size_t element_size, const void* from, int64_t pos,
            int64_t n, void* to);
// `to[0..n)` = the element at `from`.
void splat(size_t element_size, const void* from, int64_t n, void* to);

// The operand's element offset at `pos`.
inline int64_t operand_offset(const IndexSpace& space, const OperandStrides& strides, int64_t pos) {
  int64_t offset = 0;
  for (int i = space.rank - 1; i >= 0 && pos != 0; --i) {
    const int64_t d = space.dims[static_cast<size_t>(i)];
    offset += pos % d * strides[static_cast<size_t>(i)];
    pos /= d;
  }
  return offset;
}

}  // namespace tw
