"""tf.initializers."""

from thalweg.ops.init_ops import Constant as constant  # noqa: F401
from thalweg.ops.variables import global_variables_initializer as global_variables  # noqa: F401
