// Where: the coordinates of the elements that are not zero.
#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

Status prepare(PrepareContext&) { return {}; }

template <typename T>
bool is_zero(const T& x) {
  if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>) {
    return static_cast<float>(x) == 0;
  } else {
    return x == T{};
  }
}

template <typename T>
Status where(const RunContext& ctx, const Value& in) {
  const T* x = static_cast<const T*>(in.data);
  const Shape shape = *in.shape;
  const int64_t n = shape.num_elements();
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += is_zero(x[i]) ? 0 : 1;
  TW_ASSIGN_OR_RETURN(void* const storage, ctx.allocate_output(0, Shape{count, shape.rank()}));
  auto* to = static_cast<int64_t*>(storage);
  const int rank = shape.rank();
  if (rank == 0) return {};
  // Walked with an odometer over all but the last dimension.
  const int64_t inner = shape[rank - 1];
  std::array<int64_t, kMaxRank> index{};
  for (int64_t row = 0; row < n; row += inner) {
    for (int64_t j = 0; j < inner; ++j) {
      if (is_zero(x[row + j])) continue;
      for (int d = 0; d < rank - 1; ++d) *to++ = index[static_cast<size_t>(d)];
      *to++ = j;
    }
    for (int d = rank - 2; d >= 0 && ++index[static_cast<size_t>(d)] == shape[d]; --d)
      index[static_cast<size_t>(d)] = 0;
  }
  return {};
}

Status run(const RunContext& ctx) {
  const Value in = ctx.input(0);
  if (in.dtype == DType::kBool) return where<bool>(ctx, in);
  Status status;
  if (!visit_number(in.dtype, [&](auto tag) { status = where<typename decltype(tag)::type>(ctx, in); })) {
    return unimplemented("Where has no kernel for elements of dtype ", dtype_name(in.dtype));
  }
  return status;
}

}  // namespace

TW_KERNEL(Where, prepare, run);

}  // namespace tw
