// Reductions of the rows that share a segment id: ids sorted (Segment*), or in any order (UnsortedSegment*).
#include <algorithm>
#include <cstring>
#include <limits>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/map/map_kernel.h"
#include "core/kernels/cpu/nn/float_view.h"
#include "core/kernels/prefetch.h"
#include "core/kernels/reduce/combine.h"

namespace tw {
namespace {

// Narrow rows of unsorted segments that take less in all stay with one thread: no other need be woken for them.
constexpr double kLeastSharedNs = 50000;

struct SegmentState : KernelState {
  CombineFns fns;
  bool mean = false, unsorted = false, dynamic = false;
  DType dtype = DType::kFloat;
  int64_t rows = 0, inner = 1, segments = 0;
  double lowest = 0;  // what extremes of floats begin with; 0 for everything else
  FloatView data, out;
};

ReduceOp op_of(std::string_view name) {
  if (name.ends_with("Prod")) return ReduceOp::kProd;
  if (name.ends_with("Max")) return ReduceOp::kMax;
  return name.ends_with("Min") ? ReduceOp::kMin : ReduceOp::kSum;
}

Status prepare_common(PrepareContext& ctx, SegmentState& s) {
  s.dtype = ctx.input_dtype(0);
  s.mean = ctx.op().name.ends_with("Mean");
  s.fns = find_combine(op_of(ctx.op().name), FloatView::dtype(s.dtype));
  if (s.fns.element_size == 0) return unimplemented(ctx.op().name, " does not take ", dtype_name(s.dtype));
  ctx.set_cost(
      {static_cast<double>(ctx.input_shape(0).num_elements()),
       2.0 * static_cast<double>(ctx.input_shape(0).num_elements()) * static_cast<double>(dtype_size(s.dtype))});
  return {};
}

Status prepare_segment(PrepareContext& ctx) {
  const Shape &data = ctx.input_shape(0), &ids = ctx.input_shape(1);
  if (ids.rank() != 1) return invalid_argument("segment_ids should be a vector, got shape ", ids);
  if (data.rank() < 1 || data[0] != ids[0]) {
    return invalid_argument("segment_ids should be the same size as dimension 0 of input, got ", ids, " and ", data);
  }
  auto& s = ctx.emplace_state<SegmentState>();
  s.rows = data[0];
  s.inner = data.product(1, data.rank());
  s.dynamic = output_is_dynamic(ctx, 0);
  TW_RETURN_IF_ERROR(prepare_common(ctx, s));
  size_t workspace = (static_cast<size_t>(s.inner) * s.fns.element_size + 63) / 64 * 64;
  TW_ASSIGN_OR_RETURN(s.data, FloatView::reader(s.dtype, data.num_elements(), &workspace));
  ctx.set_workspace(workspace);
  return {};
}

// One finished row of accumulators into row `to` of the output.
void store_row(const SegmentState& s, const void* acc, void* out, int64_t to) {
  const size_t bytes = static_cast<size_t>(s.inner) * dtype_size(s.dtype);
  void* row = static_cast<char*>(out) + static_cast<size_t>(to) * bytes;
  const float* wide = static_cast<const float*>(acc);
  if (s.dtype == DType::kHalf) {
    for (int64_t i = 0; i < s.inner; ++i) static_cast<half*>(row)[i] = half(wide[i]);
  } else if (s.dtype == DType::kBfloat16) {
    for (int64_t i = 0; i < s.inner; ++i) static_cast<bfloat16*>(row)[i] = bfloat16(wide[i]);
  } else {
    std::memcpy(row, acc, bytes);
  }
}

Status run_segment(const RunContext& ctx) {
  const auto& s = ctx.state<SegmentState>();
  const Value& ids = ctx.input(1);
  int64_t count = 0;
  for (int64_t i = 0; i < s.rows; ++i) {
    const int64_t id = index_at(ids, i);
    if (id < 0) return invalid_argument("segment ids must be >= 0");
    if (i > 0 && id < count - 1) return invalid_argument("segment ids are not increasing");
    count = id + 1;
  }
  Shape shape{count};
  for (int i = 1; i < ctx.input(0).shape->rank(); ++i) shape.add_dim((*ctx.input(0).shape)[i]);
  TW_ASSIGN_OR_RETURN(const void* data, s.data.read(ctx.input(0).data, ctx.workspace(), ctx.pool()));
  TW_ASSIGN_OR_RETURN(void* const out, output_storage(ctx, 0, shape, s.dynamic));
  void* acc = ctx.workspace();
  // Segments without rows: 1 for products, 0 for everything else, extremes included.
  const CombineFns empty = s.fns.rows == find_combine(ReduceOp::kProd, FloatView::dtype(s.dtype)).rows
                               ? s.fns
                               : find_combine(ReduceOp::kSum, FloatView::dtype(s.dtype));
  const int64_t row_bytes = s.inner * static_cast<int64_t>(s.fns.element_size);
  int64_t next = 0;
  for (int64_t i = 0; i < s.rows;) {
    const int64_t id = index_at(ids, i);
    int64_t end = i + 1;
    while (end < s.rows && index_at(ids, end) == id) ++end;
    if (next < id) empty.identity(acc, s.inner);
    for (; next < id; ++next) store_row(s, acc, out, next);
    s.fns.identity(acc, s.inner);
    s.fns.columns(static_cast<const char*>(data) + i * row_bytes, end - i, s.inner, s.inner, acc,
                  s.rows * row_bytes >= kFarBytes);
    if (s.mean) s.fns.scale(acc, s.inner, 1.0 / static_cast<double>(end - i));
    store_row(s, acc, out, next++);
    i = end;
  }
  return {};
}

double highest(DType t) {
  switch (t) {
    case DType::kHalf: return 65504;
    case DType::kBfloat16: return 0x1.fep127;
    case DType::kFloat: return std::numeric_limits<float>::max();
    default: return std::numeric_limits<double>::max();
  }
}

Status prepare_unsorted(PrepareContext& ctx) {
  const Shape &data = ctx.input_shape(0), &ids = ctx.input_shape(1);
  for (int i = 0; i < ids.rank(); ++i) {
    if (ids.rank() > data.rank() || data[i] != ids[i]) {
      return invalid_argument("data.shape = ", data, " does not start with segment_ids.shape = ", ids);
    }
  }
  auto& s = ctx.emplace_state<SegmentState>();
  s.unsorted = true;
  s.rows = ids.num_elements();
  s.inner = data.product(ids.rank(), data.rank());
  s.segments = index_value(*ctx.constant(2), 0);
  const ReduceOp op = op_of(ctx.op().name);
  if (is_floating(ctx.input_dtype(0)) && (op == ReduceOp::kMax || op == ReduceOp::kMin)) {
    // An empty segment gives the lowest (highest) finite number, not an infinity.
    s.lowest = (op == ReduceOp::kMax ? -1 : 1) * highest(ctx.input_dtype(0));
  }
  if (s.segments < 0) return invalid_argument("Input num_segments == ", s.segments, " must not be negative.");
  TW_RETURN_IF_ERROR(prepare_common(ctx, s));
  size_t workspace = 0;
  TW_ASSIGN_OR_RETURN(s.data, FloatView::reader(s.dtype, data.num_elements(), &workspace));
  TW_ASSIGN_OR_RETURN(s.out, FloatView::writer(s.dtype, s.segments * s.inner, &workspace));
  ctx.set_workspace(workspace);
  return {};
}

Status run_unsorted(const RunContext& ctx) {
  const auto& s = ctx.state<SegmentState>();
  const Value& ids = ctx.input(1);
  for (int64_t i = 0; i < s.rows; ++i) {
    const int64_t id = index_at(ids, i);
    if (id >= s.segments) {
      return invalid_argument("segment_ids", element_position(*ids.shape, i), " = ", id, " is out of range [0, ",
                              s.segments, ")");
    }
  }
  TW_ASSIGN_OR_RETURN(const void* data, s.data.read(ctx.input(0).data, ctx.workspace(), ctx.pool()));
  char* out = static_cast<char*>(s.out.target(ctx.output(0).data, ctx.workspace()));
  if (s.lowest != 0 && FloatView::dtype(s.dtype) == DType::kFloat) {
    std::fill_n(reinterpret_cast<float*>(out), s.segments * s.inner, static_cast<float>(s.lowest));
  } else if (s.lowest != 0) {
    std::fill_n(reinterpret_cast<double*>(out), s.segments * s.inner, s.lowest);
  } else {
    s.fns.identity(out, s.segments * s.inner);
  }
  const int64_t size = static_cast<int64_t>(s.fns.element_size);
  // Columns [b, e) of the rows whose ids are in [first, last).
  const auto add_rows = [&](int64_t first, int64_t last, int64_t b, int64_t e) {
    const auto row = [&](int64_t id) { return out + (id * s.inner + b) * size; };
    const auto wanted = [&](int64_t id) { return id >= first && id < last; };
    for (int64_t i = 0; i < s.rows; ++i) {
      if (i + kRowsAhead < s.rows) {
        // A row of another thread would be taken from its cache.
        const int64_t coming = index_at(ids, i + kRowsAhead);
        if (wanted(coming)) prefetch_indexed_row(row(coming), static_cast<size_t>((e - b) * size));
      }
      const int64_t id = index_at(ids, i);
      if (!wanted(id)) continue;  // negative ones are dropped
      s.fns.columns(static_cast<const char*>(data) + (i * s.inner + b) * size, 1, s.inner, e - b, row(id), false);
    }
  };
  // Threads share the columns where each gets whole lines of many, else the segments: either way no two of them meet in
  // a row, and a segment's rows are added in their order.
  constexpr int64_t kColumns = 64;
  const int64_t threads = ctx.pool().threads();
  const double column_ns = 0.3 * static_cast<double>(s.rows);
  if (s.inner >= kColumns * threads || column_ns * static_cast<double>(s.inner) < kLeastSharedNs) {
    ctx.pool().parallel_for(s.inner, std::max<int64_t>(kColumns, grain_for_ns(column_ns)),
                            [&](int64_t b, int64_t e) { add_rows(0, s.segments, b, e); });
  } else {
    ctx.pool().parallel_for(threads, 1, [&](int64_t b, int64_t e) {
      add_rows(b * s.segments / threads, e * s.segments / threads, 0, s.inner);
    });
  }
  return s.out.write(ctx.output(0).data, ctx.workspace(), ctx.pool());
}

}  // namespace

TW_KERNEL(Segment, prepare_segment, run_segment);
TW_KERNEL(UnsortedSegment, prepare_unsorted, run_unsorted);

}  // namespace tw
