"""tf.linalg."""

from thalweg.ops.array_ops import matrix_band_part as band_part  # noqa: F401
from thalweg.ops.array_ops import matrix_diag as diag  # noqa: F401
from thalweg.ops.array_ops import matrix_diag_part as diag_part  # noqa: F401
from thalweg.ops.array_ops import matrix_set_diag as set_diag  # noqa: F401
from thalweg.ops.array_ops import matrix_transpose  # noqa: F401
from thalweg.ops.array_ops import diag as tensor_diag  # noqa: F401
from thalweg.ops.array_ops import diag_part as tensor_diag_part  # noqa: F401
from thalweg.ops.linalg_ops import eye, norm, trace  # noqa: F401
from thalweg.ops.linalg_ops import matrix_exponential as expm  # noqa: F401
from thalweg.ops.linalg_ops import matrix_logarithm as logm  # noqa: F401
from thalweg.ops.linalg_ops import matrix_solve_ls as lstsq  # noqa: F401
from thalweg.ops.linalg_ops import matrix_square_root as sqrtm  # noqa: F401
from thalweg.ops.math_ops import matmul, matvec, tensordot  # noqa: F401
from thalweg.ops.nn_impl import l2_normalize  # noqa: F401
