// DynamicPartition and DynamicStitch, its inverse.
#include <algorithm>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/move/fill.h"
#include "core/kernels/move/rows.h"

namespace tw {
namespace {

Status prepare_nothing(PrepareContext&) { return {}; }

bool starts_with(const Shape& s, const Shape& prefix) {
  if (s.rank() < prefix.rank()) return false;
  for (int d = 0; d < prefix.rank(); ++d) {
    if (s[d] != prefix[d]) return false;
  }
  return true;
}

Shape rows_shape(int64_t rows, const Shape& s, int from) {
  Shape out{rows};
  for (int d = from; d < s.rank(); ++d) out.add_dim(s[d]);
  return out;
}

Status run_partition(const RunContext& ctx) {
  const Value data = ctx.input(0), partitions = ctx.input(1);
  const Shape& ps = *partitions.shape;
  const int n = ctx.num_outputs();
  if (!starts_with(*data.shape, ps)) {
    return invalid_argument("data.shape must start with partitions.shape, got data.shape = ", *data.shape,
                            ", partitions.shape = ", ps);
  }
  const auto* part = static_cast<const int32_t*>(partitions.data);
  const int64_t count = ps.num_elements(), row = data.shape->product(ps.rank(), data.shape->rank());
  const int64_t bad = first_bad_index(part, count, n);
  if (bad >= 0) {
    return invalid_argument("partitions", element_position(ps, bad), " = ", part[bad], " is not in [0, ", n, ")");
  }
  std::vector<int64_t> sizes(static_cast<size_t>(n));
  for (int64_t i = 0; i < count; ++i) ++sizes[static_cast<size_t>(part[i])];
  std::vector<char*> to(static_cast<size_t>(n));
  for (int o = 0; o < n; ++o) {
    TW_ASSIGN_OR_RETURN(void* const p,
                        ctx.allocate_output(o, rows_shape(sizes[static_cast<size_t>(o)], *data.shape, ps.rank())));
    to[static_cast<size_t>(o)] = static_cast<char*>(p);
  }
  const size_t bytes = static_cast<size_t>(row) * dtype_size(data.dtype);
  const char* from = static_cast<const char*>(data.data);
  for (int64_t i = 0; i < count; ++i, from += bytes) {
    char*& at = to[static_cast<size_t>(part[i])];
    copy_elements(data.dtype, from, at, row);
    at += bytes;
  }
  return {};
}

Status run_stitch(const RunContext& ctx) {
  const int n = ctx.num_inputs() / 2;
  int64_t size = 0;
  for (int i = 0; i < n; ++i) {
    const Value& indices = ctx.input(i);
    const Value& data = ctx.input(n + i);
    if (!starts_with(*data.shape, *indices.shape)) {
      return invalid_argument("data[", i, "].shape = ", *data.shape, " does not start with indices[", i,
                              "].shape = ", *indices.shape);
    }
    const Shape& first = *ctx.input(n).shape;
    const int skip = ctx.input(0).shape->rank();
    if (rows_shape(0, *data.shape, indices.shape->rank()) != rows_shape(0, first, skip)) {
      return invalid_argument("Need data[0].shape[", skip, ":] = data[", i, "].shape[", indices.shape->rank(),
                              ":], got data[0].shape = ", first, ", data[", i, "].shape = ", *data.shape,
                              ", indices[0].shape = ", *ctx.input(0).shape, ", indices[", i,
                              "].shape = ", *indices.shape);
    }
    const auto* index = static_cast<const int32_t*>(indices.data);
    for (int64_t k = 0; k < indices.shape->num_elements(); ++k) {
      if (index[k] < 0) return invalid_argument("indices[", k, "] is out of range");
      size = std::max<int64_t>(size, int64_t{index[k]} + 1);
    }
  }
  const DType dtype = ctx.input(n).dtype;
  const int skip = ctx.input(0).shape->rank();
  const Shape shape = rows_shape(size, *ctx.input(n).shape, skip);
  const int64_t row = shape.product(1, shape.rank());
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(0, shape));
  // Rows that no index names must not show old memory.
  fill_elements(dtype, nullptr, to, shape.num_elements(), ctx.pool());
  for (int i = 0; i < n; ++i) {
    scatter_rows(dtype, ctx.input(n + i).data, ctx.in<int32_t>(i), ctx.input(i).shape->num_elements(), row, to);
  }
  return {};
}

}  // namespace

TW_KERNEL(DynamicPartition, prepare_nothing, run_partition);
TW_KERNEL(DynamicStitch, prepare_nothing, run_stitch);
TW_KERNEL(ParallelDynamicStitch, prepare_nothing, run_stitch);

}  // namespace tw
