// Transpose and ConjugateTranspose.
#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

Status plan_transpose(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(perm, args, plan, 1);
  const Shape& in = args.shape(0);
  const int rank = in.rank();
  if (perm->shape().rank() != 1) return invalid_argument("perm must be a vector, not ", perm->shape());
  if (perm->num_elements() != rank) {
    return invalid_argument("transpose expects a vector of size ", rank, ". But input(1) is a vector of size ",
                            perm->num_elements());
  }
  const Strides from = strides_of(in);
  Strides moved{};
  uint32_t seen = 0;
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const int64_t d = index_value(*perm, i);
    if (d < 0 || d >= rank) return invalid_argument(d, " is out of range [0 .. ", rank, ")");
    seen |= uint32_t{1} << d;
    out.add_dim(in[static_cast<int>(d)]);
    moved[static_cast<size_t>(i)] = from[static_cast<size_t>(d)];
  }
  for (int i = 0; i < rank; ++i) {
    if ((seen >> i) & 1) continue;
    std::string given;
    for (int j = 0; j < rank; ++j) given += (j == 0 ? "" : ",") + std::to_string(index_value(*perm, j));
    return invalid_argument(i, " is missing from {", given, "}.");
  }
  plan->shapes = {out};
  add_piece(args, plan, 0, 0, moved, 0, 0, strides_of(out), out.dims());
  return {};
}

Status plan_conjugate_transpose(const MoveArgs& args, MovePlan* plan) {
  plan->conjugate = is_complex(args.dtype(0));
  return plan_transpose(args, plan);
}

}  // namespace

TW_MOVE_KERNEL(Transpose, plan_transpose);
TW_MOVE_KERNEL(ConjugateTranspose, plan_conjugate_transpose);

}  // namespace tw
