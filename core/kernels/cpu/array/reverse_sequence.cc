// ReverseSequence and Roll: copies whose offsets differ along an axis.
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/move.h"

namespace tw {
namespace {

struct State : KernelState {
  bool dynamic = false;
  int64_t seq_dim = 0, batch_dim = 0;
};

Status prepare(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<State>();
  state.dynamic = output_is_dynamic(ctx, 0);
  if (ctx.attrs().has("seq_dim")) state.seq_dim = ctx.attrs().integer("seq_dim");
  if (ctx.attrs().has("batch_dim")) state.batch_dim = ctx.attrs().integer("batch_dim");
  return {};
}

// Copies a block of any dtype, offsets and strides in elements.
void copy_block(DType dtype, const void* from, int64_t from_at, std::span<const int64_t> from_strides, void* to,
                int64_t to_at, std::span<const int64_t> to_strides, std::span<const int64_t> dims, WorkerPool& pool) {
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  const char* source = static_cast<const char*>(from) + from_at * size;
  char* dest = static_cast<char*>(to) + to_at * size;
  if (is_plain(dtype)) {
    StridedCopy(dims, from_strides, to_strides, dtype_size(dtype)).run(source, dest, pool);
  } else {
    strided_assign(dtype, dims, from_strides, to_strides, source, dest);
  }
}

Status run_reverse_sequence(const RunContext& ctx) {
  const auto& state = ctx.state<State>();
  const Value in = ctx.input(0), lengths = ctx.input(1);
  const Shape shape = *in.shape;
  const int rank = shape.rank();
  const int64_t b = state.batch_dim < 0 ? state.batch_dim + rank : state.batch_dim;
  const int64_t s = state.seq_dim < 0 ? state.seq_dim + rank : state.seq_dim;
  if (lengths.shape->rank() != 1) return invalid_argument("seq_lens input must be 1-dim, not ", lengths.shape->rank());
  if (b == s) return invalid_argument("batch_dim == seq_dim == ", s);
  if (s < 0 || s >= rank) return invalid_argument("seq_dim must be < input rank ( ", s, " vs. ", rank, ")");
  if (b < 0 || b >= rank) return invalid_argument("batch_dim must be < input rank ( ", b, " vs. ", rank, ")");
  const auto batch = static_cast<size_t>(b), seq = static_cast<size_t>(s);
  const int64_t n = shape[static_cast<int>(b)], steps = shape[static_cast<int>(s)];
  if ((*lengths.shape)[0] != n) {
    return invalid_argument("len(seq_lens) != input.dims(", b, "), (", (*lengths.shape)[0], " vs. ", n, ")");
  }
  for (int64_t i = 0; i < n; ++i) {
    if (index_at(lengths, i) < 0) return invalid_argument("seq_lens(", i, ") < 0");
    if (index_at(lengths, i) > steps) return invalid_argument("seq_lens(", i, ") > input.dims(", s, ")");
  }
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, state.dynamic));
  const auto strides = strides_of(shape);
  auto reversed = strides;
  reversed[seq] *= -1;
  std::array<int64_t, kMaxRank> dims{};
  for (int d = 0; d < rank; ++d) dims[static_cast<size_t>(d)] = shape[d];
  const std::span<const int64_t> sizes(dims.data(), static_cast<size_t>(rank));
  const auto block = [&](int64_t i, WorkerPool& pool) {
    const int64_t length = index_at(lengths, i), at = i * strides[batch];
    dims[batch] = 1;
    dims[seq] = length;
    copy_block(in.dtype, in.data, at + (length - 1) * strides[seq], reversed, to, at, strides, sizes, pool);
    dims[seq] = steps - length;
    const int64_t rest = at + length * strides[seq];
    copy_block(in.dtype, in.data, rest, strides, to, rest, strides, sizes, pool);
  };
  for (int64_t i = 0; i < n; ++i) block(i, ctx.pool());
  return {};
}

Status run_roll(const RunContext& ctx) {
  const Value in = ctx.input(0), shift = ctx.input(1), axis = ctx.input(2);
  const Shape shape = *in.shape;
  const int rank = shape.rank();
  if (rank < 1) return invalid_argument("input must be 1-D or higher");
  if (shift.shape->rank() > 1) return invalid_argument("shift must be a scalar or a 1-D vector. Found: ", *shift.shape);
  if (axis.shape->rank() > 1) return invalid_argument("axis must be a scalar or a 1-D vector. Found: ", *axis.shape);
  if (*shift.shape != *axis.shape) return invalid_argument("shift and axis must have the same size");
  std::array<int64_t, kMaxRank> by{};
  for (int64_t i = 0; i < shift.shape->num_elements(); ++i) {
    const int64_t given = index_at(axis, i), d = given < 0 ? given + rank : given;
    if (d < 0 || d >= rank) return invalid_argument("axis ", given, " is out of range");
    const int64_t size = std::max<int64_t>(shape[static_cast<int>(d)], 1);
    int64_t& total = by[static_cast<size_t>(d)];
    total = (total + index_at(shift, i) % size + size) % size;
  }
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  if (shape.num_elements() == 0) return {};
  const auto strides = strides_of(shape);
  // Each dimension that rolls is cut in two; a block is a choice of one part in each.
  for (uint32_t part = 0; part < (uint32_t{1} << rank); ++part) {
    std::array<int64_t, kMaxRank> dims{};
    int64_t from_at = 0, to_at = 0;
    bool empty = false;
    for (int d = 0; d < rank; ++d) {
      const auto at = static_cast<size_t>(d);
      const bool wrapped = ((part >> d) & 1) != 0;
      dims[at] = wrapped ? by[at] : shape[d] - by[at];
      from_at += (wrapped ? shape[d] - by[at] : 0) * strides[at];
      to_at += (wrapped ? 0 : by[at]) * strides[at];
      empty |= dims[at] == 0;
    }
    if (empty) continue;
    copy_block(in.dtype, in.data, from_at, strides, to, to_at, strides, {dims.data(), static_cast<size_t>(rank)},
               ctx.pool());
  }
  return {};
}

}  // namespace

TW_KERNEL(ReverseSequence, prepare, run_reverse_sequence);
TW_KERNEL(Roll, prepare, run_roll);

}  // namespace tw
