"""tf.manip."""

from thalweg.ops.array_ops import (  # noqa: F401
    batch_to_space_nd, gather_nd, reshape, reverse, scatter_nd, space_to_batch_nd, tile)
from thalweg.ops.data_flow_ops import roll  # noqa: F401
