"""tf.dtypes: the types, and the functions that convert between them."""

from thalweg.framework.dtypes import *  # noqa: F401,F403
from thalweg.framework.dtypes import DType, as_dtype  # noqa: F401
from thalweg.ops.math_ops import cast, complex, saturate_cast  # noqa: F401
from thalweg.ops.string_ops import as_string  # noqa: F401
