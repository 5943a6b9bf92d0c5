"""tf.lookup.experimental."""

from thalweg.ops.lookup_ops import DenseHashTable, MutableHashTable  # noqa: F401
