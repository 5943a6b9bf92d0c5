"""Labels [batch, length] for connectionist temporal classification (Graves et al. 2006)."""

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, functional_ops, math_ops


def _size(tensor, axis):
  known = tensor.shape.ndims is not None and tensor.shape.dims[axis].value
  return known or array_ops.shape(tensor)[axis]


def collapse_repeated(labels, seq_length, name=None):
  """(labels with runs of equal ones within seq_length [batch] merged into one, the new lengths); what lies beyond an
  example's length is zero."""
  with ops.name_scope(name, "collapse_repeated_labels", [labels, seq_length]):
    labels = ops.convert_to_tensor(labels, name="labels")
    seq_length = ops.convert_to_tensor(seq_length, name="seq_length")
    begins = array_ops.concat([array_ops.ones_like(labels[:, :1], dtypes.bool),
                               math_ops.not_equal(labels[:, 1:], labels[:, :-1])], axis=1)
    begins = math_ops.logical_and(begins, array_ops.sequence_mask(seq_length, maxlen=_size(labels, 1)))
    lengths = math_ops.reduce_sum(math_ops.cast(begins, dtypes.int32), axis=1)
    longest = math_ops.reduce_max(lengths)
    # The labels that begin a run go, in order, to the places that the new lengths leave open.
    open_places = array_ops.reshape(array_ops.sequence_mask(lengths, maxlen=longest), [-1])
    places = array_ops.boolean_mask(math_ops.range(_size(open_places, 0)), open_places)
    kept = array_ops.boolean_mask(array_ops.reshape(labels, [-1]), array_ops.reshape(begins, [-1]))
    flat = array_ops.scatter_nd(array_ops.expand_dims(places, axis=1), kept, array_ops.shape(open_places))
    return array_ops.reshape(flat, [_size(labels, 0), longest]), math_ops.cast(lengths, seq_length.dtype)


def ctc_unique_labels(labels, name=None):
  """(the different labels of each row, padded with zeros to its length, int64; for each label where among those it is)."""
  with ops.name_scope(name, "ctc_unique_labels", [labels]):
    labels = ops.convert_to_tensor(labels, name="labels")

    def unique(row):
      found = array_ops.unique(row)
      padded = array_ops.pad(found.y, [[0, _size(found.idx, 0) - _size(found.y, 0)]])
      return [math_ops.cast(padded, dtypes.int64), found.idx]

    return functional_ops.map_fn(unique, labels, dtype=[dtypes.int64, dtypes.int32])
