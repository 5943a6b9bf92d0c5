"""SparseTensor: the positions and values of a tensor's elements that are not zero."""

import collections

from thalweg.framework import dtypes, tensor_util
from thalweg.framework.conversion import (  # noqa: F401
    convert_to_tensor, convert_to_tensor_or_sparse_tensor)
from thalweg.framework.scopes import name_scope
from thalweg.util import nest

SparseTensorValue = collections.namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])


class SparseTensor:
  """indices [n, rank] int64, values [n], dense_shape [rank] int64."""

  @classmethod
  def from_value(cls, sparse_tensor_value):
    value = sparse_tensor_value
    if not isinstance(value, (SparseTensor, SparseTensorValue)):
      raise TypeError("Neither a SparseTensor nor SparseTensorValue: %s." % (value,))
    return SparseTensor(indices=value.indices, values=value.values, dense_shape=value.dense_shape)

  def __init__(self, indices, values, dense_shape):
    with name_scope(None, "SparseTensor", [indices, values, dense_shape]):
      indices = convert_to_tensor(indices, name="indices", dtype=dtypes.int64)
      values = convert_to_tensor(values, name="values")
      dense_shape = convert_to_tensor(dense_shape, name="dense_shape", dtype=dtypes.int64)
    self._indices, self._values, self._dense_shape = indices, values, dense_shape
    indices_shape = indices.shape.with_rank(2)
    values_shape = values.shape.with_rank(1)
    dense_shape_shape = dense_shape.shape.with_rank(1)
    indices_shape.dims[0].merge_with(values_shape.dims[0])
    indices_shape.dims[1].merge_with(dense_shape_shape.dims[0])

  @property
  def indices(self):
    return self._indices

  @property
  def values(self):
    return self._values

  @property
  def dense_shape(self):
    return self._dense_shape

  @property
  def shape(self):
    return tensor_util.constant_value_as_shape(self._dense_shape)

  def get_shape(self):
    return self.shape

  @property
  def op(self):
    return self._values.op

  @property
  def dtype(self):
    return self._values.dtype

  @property
  def graph(self):
    return self._indices.graph

  def consumers(self):
    found = []
    for t in (self._indices, self._values, self._dense_shape):
      found.extend(op for op in t.consumers() if op not in found)
    return found

  def __str__(self):
    return "SparseTensor(indices=%s, values=%s, dense_shape=%s)" % (self._indices, self._values, self._dense_shape)

  def eval(self, feed_dict=None, session=None):
    from thalweg.framework.ops import _eval_using_default_session
    return _eval_using_default_session(self, feed_dict, self.graph, session)

  @staticmethod
  def _override_operator(operator, func):
    setattr(SparseTensor, operator, func)


nest.register_composite(SparseTensor, lambda s: [s.indices, s.values, s.dense_shape],
                        lambda s, parts: SparseTensor(*parts))


def is_sparse(x):
  return isinstance(x, (SparseTensor, SparseTensorValue))


def as_sparse(x):
  """`x` as a SparseTensor; TypeError when it is neither one nor a SparseTensorValue."""
  if isinstance(x, SparseTensorValue):
    return SparseTensor.from_value(x)
  if not isinstance(x, SparseTensor):
    raise TypeError("Input must be a SparseTensor.")
  return x


def parts(x):
  """(indices, values, dense_shape), as operations take them."""
  return x.indices, x.values, x.dense_shape
