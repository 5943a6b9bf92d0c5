"""tf.math."""

from thalweg.ops.math_ops import (  # noqa: F401
    abs, accumulate_n, acos, acosh, add, add_n, angle, argmax, argmin, asin, asinh, atan, atan2, atanh, bincount, ceil,
    conj, cos, cosh, count_nonzero, cumprod, cumsum, digamma, divide, equal, erf, erfc, exp, expm1, floor, floordiv,
    floormod, greater, greater_equal, imag, is_finite, is_inf, is_nan, less, less_equal, lgamma, log, log1p,
    log_sigmoid, logical_and, logical_not, logical_or, logical_xor, maximum, minimum, mod, multiply, negative,
    not_equal, pow, real, reciprocal, reduce_all, reduce_any, reduce_euclidean_norm, reduce_logsumexp, reduce_max,
    reduce_mean, reduce_min, reduce_prod, reduce_std, reduce_sum, reduce_variance, rint, round, rsqrt, scalar_mul,
    segment_max, segment_mean, segment_min, segment_prod, segment_sum, sigmoid, sign, sin, sinh, sqrt, square,
    squared_difference, subtract, tan, tanh, truediv, unsorted_segment_max, unsorted_segment_mean,
    unsorted_segment_min, unsorted_segment_prod, unsorted_segment_sqrt_n, unsorted_segment_sum, xdivy, xlogy)
from thalweg.ops.math_ops import div_no_nan as divide_no_nan  # noqa: F401
from thalweg.ops.array_ops import invert_permutation  # noqa: F401
from thalweg.ops.nn_impl import l2_normalize, zero_fraction  # noqa: F401
from thalweg.ops.nn_ops import in_top_k, softplus, softsign, top_k  # noqa: F401
from thalweg.ops.check_ops import is_non_decreasing, is_strictly_increasing  # noqa: F401
from thalweg.ops.confusion_matrix import confusion_matrix  # noqa: F401
from thalweg.ops.math_ops import multiply_no_nan, polyval, reciprocal_no_nan  # noqa: F401
from thalweg.ops.nn_ops import log_softmax, softmax  # noqa: F401
from thalweg.ops.math_ops import cumulative_logsumexp  # noqa: F401
from thalweg.ops.special_functions import (  # noqa: F401
    bessel_i0, bessel_i0e, bessel_i1, bessel_i1e, betainc, igamma, igammac, lbeta, nextafter, polygamma, zeta)
