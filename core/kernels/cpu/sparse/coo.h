// Sparse tensors in coordinate form: indices [count, rank], values [count] and a dense shape [rank], three inputs or
// outputs of an op each.
#pragma once

#include <span>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {

struct Coo {
  const Value* indices = nullptr;  // int64, or int32 where an op has Tindices
  const Value* values = nullptr;
  std::vector<int64_t> shape;
  int64_t count = 0;
  int rank = 0;

  // Of inputs first, first + 1 and first + 2, checked against each other; element positions are not.
  static Result<Coo> read(const RunContext& ctx, int first);
  // The same from inputs that stand elsewhere.
  static Result<Coo> read(const RunContext& ctx, int indices, int values, int shape);
  int64_t index(int64_t row, int d) const { return index_at(*indices, row * rank + d); }
  // InvalidArgument unless every index lies in the shape; of one dimension, or of all.
  Status check_bounds(int d) const;
  Status check_bounds() const;
  // -1, 0 or 1 as row `i` comes before, at or after row `j` of `other` in row-major order.
  int compare(int64_t i, const Coo& other, int64_t j) const;
  // Rows in row-major order, equal ones in the order given.
  std::vector<int64_t> order() const;
  // The shape as a Shape; an error for ranks and sizes that no tensor has.
  Result<Shape> dense_shape() const { return Shape::make(shape); }
};

// Allocates outputs first (indices [count, rank]), first + 1 (values) and, when `shape` is not null, first + 2.
struct CooOut {
  int64_t* indices = nullptr;
  void* values = nullptr;
};
Result<CooOut> allocate_coo(const RunContext& ctx, int indices, int values, int shape, int64_t count,
                            std::span<const int64_t> dense_shape);

inline void copy_value(DType t, const void* from, int64_t i, void* to, int64_t j) {
  const size_t size = dtype_size(t);
  copy_elements(t, static_cast<const char*>(from) + static_cast<size_t>(i) * size,
                static_cast<char*>(to) + static_cast<size_t>(j) * size, 1);
}

// For kernels that decide everything in run().
inline Status prepare_nothing(PrepareContext&) { return {}; }

}  // namespace tw
