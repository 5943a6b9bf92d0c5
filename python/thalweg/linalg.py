"""tf.linalg."""

from thalweg.ops.array_ops import (  # noqa: F401
    diag as tensor_diag, diag_part as tensor_diag_part, matrix_band_part as band_part, matrix_diag as diag,
    matrix_diag_part as diag_part, matrix_set_diag as set_diag, matrix_transpose, matrix_transpose as transpose)
from thalweg.ops.clip_ops import global_norm  # noqa: F401
from thalweg.ops.linalg_impl import (  # noqa: F401
    adjoint, logdet, matrix_exponential as expm, matrix_rank, normalize, pinv)
from thalweg.ops.linalg_ops import (  # noqa: F401
    cholesky, cholesky_solve, eye, log_matrix_determinant as slogdet, lu, matrix_determinant as det,
    matrix_inverse as inv, matrix_logarithm as logm,
    matrix_solve as solve, matrix_solve_ls as lstsq, matrix_square_root as sqrtm,
    matrix_triangular_solve as triangular_solve, norm, qr,
    self_adjoint_eig as eigh, self_adjoint_eigvals as eigvalsh, svd, trace)
from thalweg.ops.math_ops import matmul, matvec, tensordot  # noqa: F401
from thalweg.ops.nn_impl import l2_normalize  # noqa: F401
from thalweg.ops.special_math_ops import einsum  # noqa: F401
