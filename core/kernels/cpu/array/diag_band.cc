// MatrixDiagV2, MatrixDiagPartV2 and MatrixSetDiagV2: several diagonals at once, each a row of a matrix, the highest
// first, padded at its end to the length of the longest. Diagonal d begins at row max(-d, 0), column max(d, 0).
#include <algorithm>

#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

struct Band {
  int64_t lower = 0, upper = 0;

  int64_t count() const { return upper - lower + 1; }
  // Of the longest diagonal of a rows x cols matrix.
  int64_t longest(int64_t rows, int64_t cols) const {
    return std::min(rows + std::min<int64_t>(upper, 0), cols - std::max<int64_t>(lower, 0));
  }
};

Status read_band(const Tensor& k, Band* band) {
  const int64_t n = k.num_elements();
  if (k.shape().rank() > 1) {
    return invalid_argument("diag_index must be a scalar or vector, received shape: ", k.shape());
  }
  if (n < 1 || n > 2) return invalid_argument("diag_index must have only one or two elements, received ", n);
  band->lower = index_value(k, 0);
  band->upper = index_value(k, n - 1);
  if (band->lower > band->upper) {
    return invalid_argument("lower_diag_index must not be larger than upper_diag_index: ", band->lower, " > ",
                            band->upper);
  }
  return {};
}

// Diagonals of a matrix without elements are only the main one.
Status check_band(const Band& band, int64_t rows, int64_t cols) {
  const auto inside = [&](int64_t d) { return d == 0 || (-rows < d && d < cols); };
  if (!inside(band.lower)) return invalid_argument("lower_diag_index is out of bound: ", band.lower);
  if (!inside(band.upper)) return invalid_argument("upper_diag_index is out of bound: ", band.upper);
  return {};
}

// Copies between the diagonals of [batch, rows, cols] and [batch, count, longest], one piece for each.
void add_diagonals(const MoveArgs& args, MovePlan* plan, int in, bool from_matrix, const Band& band, int64_t batch,
                   int64_t rows, int64_t cols) {
  const int64_t longest = band.longest(rows, cols);
  for (int64_t d = band.upper; d >= band.lower; --d) {
    const int64_t row = std::max<int64_t>(-d, 0), col = std::max<int64_t>(d, 0);
    // Beyond the corner there is nothing.
    const int64_t dims[] = {batch, std::max<int64_t>(std::min(rows - row, cols - col), 0)};
    const int64_t matrix[] = {rows * cols, cols + 1}, packed[] = {band.count() * longest, 1};
    const int64_t at_matrix = row * cols + col, at_packed = (band.upper - d) * longest;
    if (from_matrix) {
      add_piece(args, plan, in, at_matrix, matrix, 0, at_packed, packed, dims);
    } else {
      add_piece(args, plan, in, at_packed, packed, 0, at_matrix, matrix, dims);
    }
  }
}

Status check_padding(const MoveArgs& args, int i) {
  if (args.shape(i).num_elements() == 1) return {};
  return invalid_argument("padding_value must be a scalar, received shape: ", args.shape(i));
}

// The shape in front of the packed diagonals, followed by `tail`; a single diagonal has no dimension of its own.
Result<Shape> with_tail(const Shape& s, int lead, std::initializer_list<int64_t> tail) {
  std::vector<int64_t> dims(s.dims().begin(), s.dims().begin() + lead);
  dims.insert(dims.end(), tail);
  return Shape::make(dims);
}

Status plan_matrix_diag_v2(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(k, args, plan, 1);
  TW_MOVE_VALUE(num_rows, args, plan, 2);
  TW_MOVE_VALUE(num_cols, args, plan, 3);
  for (const Tensor* t : {num_rows, num_cols}) {
    if (t->num_elements() == 1) continue;
    return invalid_argument("num_rows and num_cols must be scalars, received shape: ", t->shape());
  }
  TW_RETURN_IF_ERROR(check_padding(args, 4));
  Band band;
  TW_RETURN_IF_ERROR(read_band(*k, &band));
  const Shape& in = args.shape(0);
  const int lead = in.rank() - (band.count() > 1 ? 2 : 1);
  if (lead < 0) {
    return invalid_argument("diagonal must be at least ", band.count() > 1 ? 2 : 1, "-dim, received shape: ", in);
  }
  if (band.count() > 1 && in[lead] != band.count()) {
    return invalid_argument("The number of diagonals provided in the input does not match the lower_diag_index and ",
                            "upper_diag_index range: ", in[lead], " diagonals for ", band.lower, " to ", band.upper);
  }
  const int64_t longest = in[in.rank() - 1];
  const int64_t least_rows = longest - std::min<int64_t>(band.upper, 0);
  const int64_t least_cols = longest + std::max<int64_t>(band.lower, 0);
  int64_t rows = index_value(*num_rows, 0), cols = index_value(*num_cols, 0);
  if (rows != -1 && rows < least_rows) return invalid_argument("The number of rows is too small: ", rows);
  if (cols != -1 && cols < least_cols) return invalid_argument("The number of columns is too small: ", cols);
  if (rows == -1 && cols == -1) {
    rows = cols = std::max(least_rows, least_cols);
  } else if (rows == -1) {
    rows = least_rows;
  } else if (cols == -1) {
    cols = least_cols;
  }
  if (rows != least_rows && cols != least_cols) {
    return invalid_argument(
        "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal: ", rows,
        " by ", cols, " for diagonals ", band.lower, " to ", band.upper, " of shape ", in);
  }
  TW_ASSIGN_OR_RETURN(const Shape out, with_tail(in, lead, {rows, cols}));
  plan->shapes = {out};
  plan->fill = true;
  plan->fill_input = 4;
  add_diagonals(args, plan, 0, false, band, in.product(0, lead), rows, cols);
  return {};
}

Status plan_matrix_diag_part_v2(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(k, args, plan, 1);
  TW_RETURN_IF_ERROR(check_padding(args, 2));
  Band band;
  TW_RETURN_IF_ERROR(read_band(*k, &band));
  const Shape& in = args.shape(0);
  if (in.rank() < 2) return invalid_argument("input must be at least 2-dim, received shape: ", in);
  const int lead = in.rank() - 2;
  const int64_t rows = in[lead], cols = in[lead + 1];
  TW_RETURN_IF_ERROR(check_band(band, rows, cols));
  const int64_t longest = band.longest(rows, cols);
  TW_ASSIGN_OR_RETURN(const Shape out,
                      band.count() > 1 ? with_tail(in, lead, {band.count(), longest}) : with_tail(in, lead, {longest}));
  plan->shapes = {out};
  plan->fill = true;
  plan->fill_input = 2;
  add_diagonals(args, plan, 0, true, band, in.product(0, lead), rows, cols);
  return {};
}

Status plan_matrix_set_diag_v2(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(k, args, plan, 2);
  Band band;
  TW_RETURN_IF_ERROR(read_band(*k, &band));
  const Shape &in = args.shape(0), &diagonal = args.shape(1);
  if (in.rank() < 2) return invalid_argument("input must be at least 2-dim, received shape: ", in);
  if (diagonal.rank() < 1) return invalid_argument("diagonal must be at least 1-dim, received shape: ", diagonal);
  const int lead = in.rank() - 2;
  const int64_t rows = in[lead], cols = in[lead + 1];
  TW_RETURN_IF_ERROR(check_band(band, rows, cols));
  const int64_t longest = band.longest(rows, cols);
  TW_ASSIGN_OR_RETURN(const Shape expected,
                      band.count() > 1 ? with_tail(in, lead, {band.count(), longest}) : with_tail(in, lead, {longest}));
  if (diagonal != expected) {
    return invalid_argument("Either first dimensions of diagonal don't match input.shape[:-2], or diagonal.shape[:-1] ",
                            "is not equal to the longests diagonal in range [lower_diag_index:upper_diag_index].\n",
                            "Input shape: ", in, "\nDiagonal shape: ", diagonal,
                            "\nExpected diagonal shape: ", expected);
  }
  plan->shapes = {in};
  add_piece(args, plan, 0, 0, strides_of(in), 0, 0, strides_of(in), in.dims());
  add_diagonals(args, plan, 1, false, band, in.product(0, lead), rows, cols);
  return {};
}

}  // namespace

TW_MOVE_KERNEL(MatrixDiagV2, plan_matrix_diag_v2);
TW_MOVE_KERNEL(MatrixDiagPartV2, plan_matrix_diag_part_v2);
TW_MOVE_KERNEL(MatrixSetDiagV2, plan_matrix_set_diag_v2);

}  // namespace tw
