// Shapes of linear algebra and Fourier transforms.
#include "core/framework/einsum.h"
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// A batch of matrices, taken apart; of unknown rank as unknown sizes.
struct Matrices {
  Shape batch = Shape::unknown();
  int64_t rows = kUnknownDim, columns = kUnknownDim;

  Result<Shape> with(std::initializer_list<int64_t> inner) const { return join(batch, Shape(inner)); }
};

Result<Matrices> matrices(const ShapeContext& c, int i, bool square) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(i, 2, &s));
  Matrices m;
  if (!s.rank_known()) return m;
  const int r = s.rank();
  m.batch = part(s, 0, r - 2);
  m.rows = s[r - 2], m.columns = s[r - 1];
  if (square) {
    TW_ASSIGN_OR_RETURN(m.rows, merge_dim(m.rows, m.columns));
    m.columns = m.rows;
  }
  return m;
}

int64_t smaller(int64_t a, int64_t b) { return a < 0 || b < 0 ? (a == 0 || b == 0 ? 0 : kUnknownDim) : std::min(a, b); }

}  // namespace

Status shape_square_matrix(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices m, matrices(c, 0, true));
  TW_ASSIGN_OR_RETURN(const Shape s, m.with({m.rows, m.rows}));
  c.set_output(0, s);
  return {};
}

// A number, or several, for each matrix.
Status shape_determinant(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices m, matrices(c, 0, true));
  all_outputs(c, m.batch);
  return {};
}

Status shape_matrix_solve(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices a, matrices(c, 0, true));
  TW_ASSIGN_OR_RETURN(const Matrices b, matrices(c, 1, false));
  TW_ASSIGN_OR_RETURN(const Shape batch, merge(a.batch, b.batch));
  TW_ASSIGN_OR_RETURN(const int64_t rows, merge_dim(a.rows, b.rows));
  TW_ASSIGN_OR_RETURN(const Shape s, join(batch, Shape{rows, b.columns}));
  c.set_output(0, s);
  return {};
}

Status shape_matrix_solve_ls(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices a, matrices(c, 0, false));
  TW_ASSIGN_OR_RETURN(const Matrices b, matrices(c, 1, false));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  TW_ASSIGN_OR_RETURN(const Shape batch, merge(a.batch, b.batch));
  TW_RETURN_IF_ERROR(merge_dim(a.rows, b.rows).status());
  TW_ASSIGN_OR_RETURN(const Shape s, join(batch, Shape{a.columns, b.columns}));
  c.set_output(0, s);
  return {};
}

Status shape_lu(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices m, matrices(c, 0, true));
  TW_ASSIGN_OR_RETURN(const Shape lu, m.with({m.rows, m.rows}));
  TW_ASSIGN_OR_RETURN(const Shape p, m.with({m.rows}));
  c.set_output(0, lu);
  c.set_output(1, p);
  return {};
}

Status shape_qr(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices m, matrices(c, 0, false));
  const int64_t inner = c.attrs().boolean("full_matrices") ? m.rows : smaller(m.rows, m.columns);
  TW_ASSIGN_OR_RETURN(const Shape q, m.with({m.rows, inner}));
  TW_ASSIGN_OR_RETURN(const Shape r, m.with({inner, m.columns}));
  c.set_output(0, q);
  c.set_output(1, r);
  return {};
}

Status shape_svd(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices m, matrices(c, 0, false));
  const int64_t rank = smaller(m.rows, m.columns);
  const bool full = c.attrs().boolean("full_matrices");
  TW_ASSIGN_OR_RETURN(const Shape s, m.with({rank}));
  TW_ASSIGN_OR_RETURN(const Shape u, m.with({m.rows, full ? m.rows : rank}));
  TW_ASSIGN_OR_RETURN(const Shape v, m.with({m.columns, full ? m.columns : rank}));
  const bool vectors = c.attrs().boolean("compute_uv");
  c.set_output(0, s);
  c.set_output(1, vectors ? u : Shape{0});
  c.set_output(2, vectors ? v : Shape{0});
  return {};
}

Status shape_self_adjoint_eig(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Matrices m, matrices(c, 0, true));
  TW_ASSIGN_OR_RETURN(const Shape e, m.with({m.rows}));
  TW_ASSIGN_OR_RETURN(const Shape v, m.with({m.rows, m.rows}));
  c.set_output(0, e);
  c.set_output(1, c.attrs().boolean("compute_v") ? v : Shape{0});
  return {};
}

Status shape_einsum(ShapeContext& c) {
  std::vector<int> ranks;
  std::vector<Shape> shapes;
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!c.input(i).rank_known()) return {};
    ranks.push_back(c.input(i).rank());
    shapes.push_back(c.input(i));
  }
  TW_ASSIGN_OR_RETURN(const EinsumLabels labels, parse_einsum(c.attrs().string("equation"), ranks));
  std::vector<int64_t> sizes;
  TW_RETURN_IF_ERROR(einsum_sizes(labels, shapes, &sizes));
  Shape out;
  if (static_cast<int>(labels.output.size()) > kMaxRank) {
    return invalid_argument("Einsum would give a rank above ", kMaxRank, ": ", c.attrs().string("equation"));
  }
  for (const int label : labels.output) {
    // One of two axes that broadcast may be unknown, and then is not to be told by the other's 1.
    int64_t size = sizes[static_cast<size_t>(label)];
    for (size_t i = 0; i < shapes.size() && size == 1; ++i) {
      for (size_t d = 0; d < labels.inputs[i].size(); ++d) {
        if (labels.inputs[i][d] == label && shapes[i][static_cast<int>(d)] < 0) size = kUnknownDim;
      }
    }
    out.add_dim(size);
  }
  c.set_output(0, out);
  return {};
}

namespace {

int fft_rank(const ShapeContext& c) { return c.op().name.ends_with("2D") ? 2 : c.op().name.ends_with("3D") ? 3 : 1; }

// The innermost dimensions become those of fft_length; the last one of a half spectrum is half of it and one.
Status fft_of_length(ShapeContext& c, bool half) {
  const int rank = fft_rank(c);
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, rank, &s));
  Shape length;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &length));
  TW_RETURN_IF_ERROR(merge_dim(length[0], rank).status());
  if (!s.rank_known()) return {};
  const auto values = values_of(c, 1);
  for (int d = 0; d < rank; ++d) {
    int64_t n = values ? (*values)[static_cast<size_t>(d)] : kUnknownDim;
    if (values && n < 0) return invalid_argument("fft_length[", d, "] must not be negative, but is ", n);
    if (half && d == rank - 1 && n > 0) n = n / 2 + 1;
    s.set_dim(s.rank() - rank + d, n);
  }
  c.set_output(0, s);
  return {};
}

}  // namespace

Status shape_fft(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, fft_rank(c), &s));
  c.set_output(0, s);
  return {};
}
Status shape_rfft(ShapeContext& c) { return fft_of_length(c, true); }
Status shape_irfft(ShapeContext& c) { return fft_of_length(c, false); }

}  // namespace tw
