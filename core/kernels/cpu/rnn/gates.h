// What the fused recurrent cells share: products planned once, and gates taken apart from, and put together into, rows
// of [batch, gates * cell].
#pragma once

#include <array>
#include <memory>

#include "core/framework/kernel.h"
#include "core/kernels/contract.h"
#include "core/kernels/map.h"
#include "core/kernels/move.h"

namespace tw::rnn {

constexpr size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Pieces of a kernel's workspace, laid out in prepare() and found again in run().
class Layout {
 public:
  size_t add(int64_t elements, size_t element_size) {
    const size_t at = bytes_;
    bytes_ += round_up(static_cast<size_t>(elements) * element_size);
    return at;
  }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

// A product with its place for scratch memory. With `add` the result is the product plus an operand: one of the
// result's shape, or a row of it.
struct Product {
  std::unique_ptr<ContractPlan> plan;
  size_t scratch = 0;  // in the workspace

  struct Spec {
    int64_t m, n, k;
    bool transpose_a = false, transpose_b = false;
    enum class Add { kNothing, kMatrix, kRow } add = Add::kNothing;
    const void* constant_b = nullptr;
  };
  Status prepare(DType t, const Spec& spec, int threads, Layout* layout);
  Status run(const RunContext& ctx, const void* a, const void* b, const void* addend, void* out) const {
    return plan->run(a, b, &addend, &out, static_cast<char*>(ctx.workspace()) + scratch, ctx.pool());
  }
};

// [batch, gates, cell] and [gates, batch, cell].
struct GateCopy {
  StridedCopy apart, together;
  GateCopy() = default;
  GateCopy(int64_t batch, int64_t gates, int64_t cell, size_t element_size);
};

// to[j] += sum over rows of a[i, j] * b[i, j], or of a[i, j] where b is null; float sums, for T half or float.
void add_column_sums(DType t, const void* a, const void* b, int64_t rows, int64_t columns, float* to);
// Rounds sums to the dtype.
void store_sums(DType t, const float* sums, int64_t count, void* out);

// The element `index` of a tensor's memory.
inline const void* at(const void* p, int64_t index, size_t element_size) {
  return static_cast<const char*>(p) + static_cast<size_t>(index) * element_size;
}
inline void* at(void* p, int64_t index, size_t element_size) {
  return static_cast<char*>(p) + static_cast<size_t>(index) * element_size;
}

// InvalidArgument unless input i of the op has this shape.
Status check_shape(const PrepareContext& ctx, int i, const Shape& want);

}  // namespace tw::rnn
