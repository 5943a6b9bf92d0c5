// Diag, DiagPart, MatrixDiag, MatrixDiagPart and MatrixSetDiag.
#include <algorithm>

#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

Status plan_diag(const MoveArgs& args, MovePlan* plan) {
  const Shape& in = args.shape(0);
  if (in.rank() < 1) return invalid_argument("Input must be at least rank 1, got 0");
  if (2 * in.rank() > kMaxRank) return invalid_argument("Diag would give a rank above ", kMaxRank, ": ", in);
  Shape out = in;
  for (int64_t d : in.dims()) out.add_dim(d);
  plan->shapes = {out};
  plan->fill = true;
  const int64_t n = in.num_elements();
  const int64_t dims[] = {n}, from[] = {1}, to[] = {n + 1};
  add_piece(args, plan, 0, 0, from, 0, 0, to, dims);
  return {};
}

Status plan_diag_part(const MoveArgs& args, MovePlan* plan) {
  const Shape& in = args.shape(0);
  const int half = in.rank() / 2;
  if (in.rank() == 0 || in.rank() % 2 != 0) {
    return invalid_argument("The rank of the tensor should be even and positive, got shape ", in);
  }
  Shape out;
  for (int d = 0; d < half; ++d) {
    if (in[d] != in[d + half]) {
      return invalid_argument("Invalid shape ", in, ": dimensions ", d, " and ", d + half, " do not match.");
    }
    out.add_dim(in[d]);
  }
  plan->shapes = {out};
  const int64_t n = out.num_elements();
  const int64_t dims[] = {n}, from[] = {n + 1}, to[] = {1};
  add_piece(args, plan, 0, 0, from, 0, 0, to, dims);
  return {};
}

Status plan_matrix_diag(const MoveArgs& args, MovePlan* plan) {
  const Shape& in = args.shape(0);
  if (in.rank() < 1) return invalid_argument("input must be at least 1-dim, received shape: ", in);
  if (in.rank() == kMaxRank) return invalid_argument("MatrixDiag would give a rank above ", kMaxRank, ": ", in);
  Shape out = in;
  const int64_t n = in[in.rank() - 1];
  out.add_dim(n);
  plan->shapes = {out};
  plan->fill = true;
  const int64_t dims[] = {in.product(0, in.rank() - 1), n}, from[] = {n, 1}, to[] = {n * n, n + 1};
  add_piece(args, plan, 0, 0, from, 0, 0, to, dims);
  return {};
}

// The diagonals of the matrices in the last two dimensions.
struct Diagonals {
  int64_t batch, size, rows, cols;
  Shape shape;
};

Result<Diagonals> diagonals(const Shape& in) {
  if (in.rank() < 2) return invalid_argument("input must be at least 2-dim, received shape: ", in);
  Diagonals d{in.product(0, in.rank() - 2), 0, in[in.rank() - 2], in[in.rank() - 1], {}};
  d.size = std::min(d.rows, d.cols);
  for (int i = 0; i < in.rank() - 2; ++i) d.shape.add_dim(in[i]);
  d.shape.add_dim(d.size);
  return d;
}

Status plan_matrix_diag_part(const MoveArgs& args, MovePlan* plan) {
  TW_ASSIGN_OR_RETURN(const Diagonals d, diagonals(args.shape(0)));
  plan->shapes = {d.shape};
  const int64_t dims[] = {d.batch, d.size}, from[] = {d.rows * d.cols, d.cols + 1}, to[] = {d.size, 1};
  add_piece(args, plan, 0, 0, from, 0, 0, to, dims);
  return {};
}

Status plan_matrix_set_diag(const MoveArgs& args, MovePlan* plan) {
  const Shape& in = args.shape(0);
  TW_ASSIGN_OR_RETURN(const Diagonals d, diagonals(in));
  if (args.shape(1) != d.shape) {
    return invalid_argument(
        "must have diagonal.shape == input.shape[:-2] + min(input.shape[-2:]), but received input "
        "shape: ",
        in, " and diagonal shape: ", args.shape(1));
  }
  plan->shapes = {in};
  add_piece(args, plan, 0, 0, strides_of(in), 0, 0, strides_of(in), in.dims());
  const int64_t dims[] = {d.batch, d.size}, from[] = {d.size, 1}, to[] = {d.rows * d.cols, d.cols + 1};
  add_piece(args, plan, 1, 0, from, 0, 0, to, dims);
  return {};
}

}  // namespace

TW_MOVE_KERNEL(Diag, plan_diag);
TW_MOVE_KERNEL(DiagPart, plan_diag_part);
TW_MOVE_KERNEL(MatrixDiag, plan_matrix_diag);
TW_MOVE_KERNEL(MatrixDiagPart, plan_matrix_diag_part);
TW_MOVE_KERNEL(MatrixSetDiag, plan_matrix_set_diag);

}  // namespace tw
