// Inverses, determinants, solutions of linear systems and decompositions (Giles, "Collected matrix derivative results";
// Townsend, "Differentiating the singular value decomposition"; Walter and Lehmann for QR), and Fourier transforms.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

Val product(Val a, Val b, bool adjoint_a = false, bool adjoint_b = false) {
  return call("BatchMatMulV2", {a, b}, {{"adj_x", adjoint_a}, {"adj_y", adjoint_b}});
}
Val triangular_solve(Val a, Val b, bool lower, bool adjoint) {
  return call("MatrixTriangularSolve", {a, b}, {{"lower", lower}, {"adjoint", adjoint}});
}
Val band(Val a, int64_t below, int64_t above) {
  Builder& b = a.builder();
  return call("MatrixBandPart", {a, integer(b, below), integer(b, above)});
}
Val lower_part(Val a) { return band(a, -1, 0); }
Val diagonal(Val a) { return call("MatrixDiagPart", {a}); }
Val with_diagonal(Val a, Val d) { return call("MatrixSetDiag", {a, d}); }
// A number for each matrix, as a matrix of one element.
Val as_matrix(Val a) { return expand_dims(expand_dims(a, -1), -1); }
// The columns of a times the elements of d.
Val scale_columns(Val a, Val d) { return a * expand_dims(d, -2); }
Val scale_rows(Val a, Val d) { return a * expand_dims(d, -1); }

// 1 / (x_j - x_i) with zeros on the diagonal.
Val inverse_differences(Val x) {
  const Val d = expand_dims(x, -2) - expand_dims(x, -1);
  return with_diagonal(call("Reciprocal", {with_diagonal(d, ones_like(x))}), zeros_like(x));
}

}  // namespace

TW_GRADIENT(MatrixInverse) {
  // y = a^-1: da = -y^H dy y^H; of the adjoint's inverse, that of a^H.
  const Val y = v.y(), g = -product(y, product(v.dy(), y, false, true), true);
  v.give(0, v.attr().boolean("adjoint") ? swap_last_two(g) : g);
}

TW_GRADIENT(MatrixDeterminant) {
  const Val inverse = call("MatrixInverse", {v.x()}, {{"adjoint", true}});
  v.give(0, as_matrix(v.dy() * conj(v.y())) * inverse);
}
TW_GRADIENT(LogMatrixDeterminant) {
  if (!v.has_dy(1)) return;
  v.give(0, as_matrix(v.dy(1)) * call("MatrixInverse", {v.x()}, {{"adjoint", true}}));
}

TW_GRADIENT(MatrixSolve) {
  const bool adjoint = v.attr().boolean("adjoint");
  const Val db = call("MatrixSolve", {v.x(0), v.dy()}, {{"adjoint", !adjoint}});
  v.give(0, -(adjoint ? product(v.y(), db, false, true) : product(db, v.y(), false, true)));
  v.give(1, db);
}
TW_GRADIENT(MatrixTriangularSolve) {
  const bool adjoint = v.attr().boolean("adjoint"), lower = v.attr().boolean("lower");
  const Val db = triangular_solve(v.x(0), v.dy(), lower, !adjoint);
  const Val da = -(adjoint ? product(v.y(), db, false, true) : product(db, v.y(), false, true));
  v.give(0, lower ? lower_part(da) : band(da, 0, -1));
  v.give(1, db);
}

TW_GRADIENT(MatrixSolveLs) {
  const Shape s = v.x(0).shape();
  if (!v.attr().boolean("fast")) {
    return v.fail(invalid_argument("Gradient not defined for fast=False ('", v.op.name, "', MatrixSolveLs)"));
  }
  if (s.rank() < 2 || s[s.rank() - 1] < 0 || s[s.rank() - 2] < 0) {
    return v.fail(invalid_argument("The gradient of '", v.op.name,
                                   "' (MatrixSolveLs) needs a matrix whose last two sizes are known"));
  }
  const Val a = v.x(0), b = v.x(1), x = v.y(), dy = v.dy();
  const bool over = s[s.rank() - 2] >= s[s.rank() - 1];
  const Val gram = over ? product(a, a, true) : product(a, a, false, true);
  const Val d = diagonal(gram);
  const Val regular = with_diagonal(gram, d + cast(v.x(2), d.dtype()));
  const auto solve = [&](Val rhs) { return call("MatrixSolve", {regular, rhs}); };
  if (over) {
    const Val z = solve(dy), xz = product(x, z, false, true);
    v.give(0, product(b, z, false, true) - product(a, xz + swap_last_two(xz)));
    v.give(1, product(a, z));
  } else {
    const Val db = solve(product(a, dy));
    v.give(0, product(solve(b), dy - product(a, db, true), false, true) - product(db, x, false, true));
    v.give(1, db);
  }
}

// The adjoint of a matrix function's derivative is its derivative at the adjoint, which lies beside f(a^H) in f of the
// block matrix [[a^H, dy], [0, a^H]] (Higham, "Functions of Matrices", 3.6).
static void matrix_function(Vjp& v) {
  Builder& b = v.b;
  const Val a = swap_last_two(v.x()), dy = v.dy();
  const Val blocks = concat({concat({a, dy}, -1), concat({zeros_like(a), a}, -1)}, -2);
  const Val halves = call(v.op.op->name, {blocks});
  const Val upper = call_n("Split", 2, {integer(b, -2), halves}, {{"num_split", int64_t{2}}})[0];
  v.give(0, call_n("Split", 2, {integer(b, -1), upper}, {{"num_split", int64_t{2}}})[1]);
}
TW_GRADIENT(MatrixExponential) { matrix_function(v); }
TW_GRADIENT(MatrixLogarithm) { matrix_function(v); }
TW_GRADIENT(MatrixSquareRoot) { matrix_function(v); }

TW_GRADIENT(Cholesky) {
  // With P the lower triangle of l^H dl and half its diagonal: the symmetric part of l^-H P l^-1.
  const Val l = v.y();
  Val p = product(l, v.dy(), true);
  p = lower_part(with_diagonal(p, 0.5 * diagonal(p)));
  const Val left = triangular_solve(l, p, true, true);
  const Val g = swap_last_two(triangular_solve(l, swap_last_two(left), true, true));
  v.give(0, 0.5 * (g + swap_last_two(g)));
}

TW_GRADIENT(Qr) {
  const Shape s = v.x().shape();
  const bool full = v.attr().boolean("full_matrices");
  if (s.rank() < 2 || s[s.rank() - 1] < 0 || s[s.rank() - 2] < 0) {
    return v.fail(
        invalid_argument("The gradient of '", v.op.name, "' (Qr) needs an input whose last two sizes are known"));
  }
  const int64_t rows = s[s.rank() - 2], columns = s[s.rank() - 1];
  if (rows < columns || (full && rows != columns)) {
    return v.fail(unimplemented("The gradient of '", v.op.name,
                                "' (Qr) is defined for matrices with at least as many rows "
                                "as columns, and with full_matrices for square ones, not for ",
                                s));
  }
  const Val q = v.y(0), r = v.y(1), dq = v.dy_or_zeros(0), dr = v.dy_or_zeros(1);
  // x r^-H.
  const auto solve = [&](Val x) { return swap_last_two(triangular_solve(r, swap_last_two(x), false, false)); };
  const Val qdq = product(q, dq, true), rdr = product(r, dr, false, true);
  const Val skew = qdq - swap_last_two(qdq) + rdr - swap_last_two(rdr);
  v.give(0, product(q, dr + solve(lower_part(skew))) + solve(dq - product(q, qdq)));
}

TW_GRADIENT(SelfAdjointEigV2) {
  const bool vectors = v.attr().boolean("compute_v");
  const Val u = vectors ? v.y(1) : call_n("SelfAdjointEigV2", 2, {v.x()})[1];
  Val middle;
  if (v.has_dy(0)) middle = call("MatrixDiag", {v.dy(0)});
  if (vectors && v.has_dy(1)) {
    const Val turned = inverse_differences(v.y(0)) * product(u, v.dy(1), true);
    middle = middle ? middle + turned : turned;
  }
  if (!middle) return;
  const Val g = product(u, product(middle, u, false, true));
  // Only the lower triangle was read.
  const Val both = lower_part(g + swap_last_two(g));
  v.give(0, with_diagonal(both, 0.5 * diagonal(both)));
}

TW_GRADIENT(Svd) {
  const Val a = v.x();
  if (!v.attr().boolean("compute_uv")) {
    const Vals parts = call_n("Svd", 3, {a});
    v.give(0, product(scale_columns(parts[1], v.dy(0)), parts[2], false, true));
    return;
  }
  if (a.complex()) {
    return v.fail(unimplemented("The gradient of '", v.op.name,
                                "' (Svd) with vectors is not defined for complex matrices, "
                                "whose vectors have a free phase"));
  }
  if (v.attr().boolean("full_matrices")) {
    const Shape s = a.shape();
    if (s.rank() < 2 || s[s.rank() - 1] < 0 || s[s.rank() - 1] != s[s.rank() - 2]) {
      return v.fail(unimplemented("The gradient of '", v.op.name,
                                  "' (Svd) with full_matrices is defined for square matrices "
                                  "only, not for ",
                                  s));
    }
  }
  const Val s = v.y(0), u = v.y(1), w = v.y(2);
  Val middle = v.has_dy(0) ? call("MatrixDiag", {v.dy(0)}) : Val(), outside;
  const auto add = [](Val* sum, Val x) { *sum = *sum ? *sum + x : x; };
  const Val f = inverse_differences(call("Square", {s})), inverse = call("Reciprocal", {s});
  if (v.has_dy(1)) {
    const Val t = product(u, v.dy(1), true);
    add(&middle, scale_columns(f * (t - swap_last_two(t)), s));
    // What leaves the space that u spans.
    add(&outside, product(scale_columns(v.dy(1) - product(u, t), inverse), w, false, true));
  }
  if (v.has_dy(2)) {
    const Val t = product(w, v.dy(2), true);
    add(&middle, scale_rows(f * (t - swap_last_two(t)), s));
    add(&outside, product(scale_columns(u, inverse), v.dy(2) - product(w, t), false, true));
  }
  if (!middle) return;
  const Val inside = product(product(u, middle), w, false, true);
  v.give(0, outside ? inside + outside : inside);
}

// --- Fourier transforms: a unitary operator times the root of the size, so that its adjoint is the inverse times it
// ---
namespace {

Val last(Val shape, int64_t rank) {
  Builder& b = shape.builder();
  return call("Slice", {shape, stack({size_of(shape) - static_cast<double>(rank)}), ints(b, {-1})});
}
Val count(Val lengths, DType t) { return cast(call("Prod", {lengths, integer(lengths.builder(), 0)}), t); }

void fft(Vjp& v, const char* inverse, int64_t rank) {
  v.give(0, call(inverse, {v.dy()}) * count(last(shape_of(v.dy()), rank), v.dy().dtype()));
}
void ifft(Vjp& v, const char* forward, int64_t rank) {
  v.give(0, call(forward, {v.dy()}) / count(last(shape_of(v.dy()), rank), v.dy().dtype()));
}

// `a` with its last dimensions cut off, or followed by zeros, to be those of `shape`.
Val resize(Val a, Val shape) {
  const Val own = shape_of(a), kept = call("Minimum", {own, shape});
  const Val cut = call("Slice", {a, zeros_like(own), kept});
  const Val behind = shape - kept;
  return call("Pad", {cut, stack({zeros_like(behind), behind}, 1)});
}

// The adjoint of padding, transforming and keeping half of the last dimension.
void rfft(Vjp& v, const char* inverse, int64_t rank) {
  const Val x_shape = shape_of(v.x(0)), length = v.x(1);
  const Val lead = call("Slice", {x_shape, ints(v.b, {0}), stack({size_of(x_shape) - static_cast<double>(rank)})});
  const Val whole = resize(v.dy(), concat({lead, length}, 0));
  const Val g = call(inverse, {whole}) * count(length, v.dy().dtype());
  v.give(0, resize(call("Real", {g}, {{"Tout", v.x(0).dtype()}}), x_shape));
}

// Elements of the half spectrum count twice, but for the first and, of an even length, the last.
void irfft(Vjp& v, const char* forward, int64_t rank) {
  Builder& b = v.b;
  const Val length = v.x(1), n = at(length, rank - 1);
  const Val g = call(forward, {v.dy(), length});
  const Val half = call("FloorDiv", {n, integer(b, 2)}) + 1, k = range(integer(b, 0), half, integer(b, 1));
  const Val once = call("LogicalOr", {call("Equal", {k, integer(b, 0)}), call("Equal", {2.0 * k, n})});
  const Val weight = number(g, 2) - cast(once, g.dtype());
  v.give(0, resize(g * weight / count(length, g.dtype()), shape_of(v.x(0))));
}

}  // namespace

TW_GRADIENT(FFT) { fft(v, "IFFT", 1); }
TW_GRADIENT(FFT2D) { fft(v, "IFFT2D", 2); }
TW_GRADIENT(FFT3D) { fft(v, "IFFT3D", 3); }
TW_GRADIENT(IFFT) { ifft(v, "FFT", 1); }
TW_GRADIENT(IFFT2D) { ifft(v, "FFT2D", 2); }
TW_GRADIENT(IFFT3D) { ifft(v, "FFT3D", 3); }
TW_GRADIENT(RFFT) { rfft(v, "IFFT", 1); }
TW_GRADIENT(RFFT2D) { rfft(v, "IFFT2D", 2); }
TW_GRADIENT(RFFT3D) { rfft(v, "IFFT3D", 3); }
TW_GRADIENT(IRFFT) { irfft(v, "RFFT", 1); }
TW_GRADIENT(IRFFT2D) { irfft(v, "RFFT2D", 2); }
TW_GRADIENT(IRFFT3D) { irfft(v, "RFFT3D", 3); }

}  // namespace tw
