"""RNNCell, the base of cells: a layer from (inputs, state) to (output, new state).

Inputs are [batch, depth] and so are states; a cell with several states has a tuple of them, and `state_size` has the
same structure.
"""

import collections

from thalweg.framework import constant_op, dtypes, ops, tensor_shape, tensor_util
from thalweg.layers import base
from thalweg.ops import array_ops, partitioned_variable, variable_scope as vs, variables
from thalweg.util import nest


def assert_like_rnncell(cell_name, cell):
  """TypeError unless the object can be used as a cell."""
  faults = []
  for attribute in ("output_size", "state_size"):
    if not hasattr(cell, attribute):
      faults.append("'%s' property is missing" % attribute)
  if not hasattr(cell, "zero_state") and not hasattr(cell, "get_initial_state"):
    faults.append("either 'zero_state' or 'get_initial_state' method is required")
  if not callable(cell):
    faults.append("is not callable")
  if faults:
    raise TypeError("The argument {!r} ({}) is not an RNNCell: {}.".format(cell_name, cell, ", ".join(faults)))


def depth_of(shape):
  """The size of the last axis of the inputs' shape, which must be known."""
  depth = tensor_shape.dimension_value(shape[-1])
  if depth is None:
    raise ValueError("Expected inputs.shape[-1] to be known, saw shape: %s" % (shape,))
  return depth


def _dimensions(sizes, what):
  """Sizes as a vector tensor, None when they are not all known, and as a static shape."""
  if isinstance(sizes, ops.Tensor):
    if sizes.shape.ndims not in (0, 1):
      raise ValueError("%s tensor must be either a scalar or vector, but saw tensor: %s" % (what, sizes))
    value = tensor_util.constant_value(sizes)
    if value is not None:
      static = tensor_shape.TensorShape([int(v) for v in value.reshape(-1)])
    else:
      static = tensor_shape.TensorShape([None] if sizes.shape.ndims == 0 else None)
    return array_ops.expand_dims(sizes, 0) if sizes.shape.ndims == 0 else sizes, static
  static = tensor_shape.as_shape(sizes if hasattr(sizes, "__iter__") or sizes is None or
                                 isinstance(sizes, tensor_shape.TensorShape) else [sizes])
  if not static.is_fully_defined():
    return None, static
  return constant_op.constant(static.as_list(), dtype=dtypes.int32), static


def concat_sizes(prefix, suffix):
  """The sizes prefix + suffix as a tensor; either may be an int, a shape or a tensor."""
  first, last = _dimensions(prefix, "prefix")[0], _dimensions(suffix, "suffix")[0]
  if first is None or last is None:
    raise ValueError("Provided a prefix or suffix of None: %s and %s" % (prefix, suffix))
  return array_ops.concat((first, last), 0)


def static_sizes(prefix, suffix):
  """The static shape prefix + suffix. Makes nodes as TensorFlow does, which numbers in later names count."""
  return _dimensions(prefix, "prefix")[1].concatenate(_dimensions(suffix, "suffix")[1])


def zeros_of(prefix, suffix, dtype):
  """Zeros of shape prefix + suffix; either may be an int, a shape or a tensor."""
  made = array_ops.zeros(concat_sizes(prefix, suffix), dtype=dtype)
  made.set_shape(static_sizes(prefix, suffix))
  return made


class LSTMStateTuple(collections.namedtuple("LSTMStateTuple", ("c", "h"))):
  """The two states of an LSTM: the cell's memory c and its output h."""

  __slots__ = ()

  @property
  def dtype(self):
    if self.c.dtype != self.h.dtype:
      raise TypeError("Inconsistent internal state: %s vs %s" % (self.c.dtype, self.h.dtype))
    return self.c.dtype


class RNNCell(base.Layer):
  """The base of cells that make their variables with get_variable inside call()."""

  def __init__(self, trainable=True, name=None, dtype=None, **kwargs):
    super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
    # What libraries look at to see whether an object is a cell of this kind.
    self._is_tf_rnn_cell = True
    self._caller_scope = None

  def __call__(self, inputs, state, scope=None):
    """(output, new state) of one step; variables lie in `scope`, or where the cell was first called."""
    if scope is not None:
      with vs.variable_scope(scope, custom_getter=self._rnn_get_variable) as scope:
        return super().__call__(inputs, state, scope=scope)
    if self._caller_scope is None:
      self._caller_scope = vs.variable_scope(vs.get_variable_scope(), custom_getter=self._rnn_get_variable)
    with self._caller_scope:
      return super().__call__(inputs, state)

  def _rnn_get_variable(self, getter, *args, **kwargs):
    """Notes the variables that the cell gets as its weights."""
    variable = getter(*args, **kwargs)
    part = list(variable)[0] if isinstance(variable, partitioned_variable.PartitionedVariable) else variable
    trainable = any(part is v for v in variables.trainable_variables())
    weights = self._trainable_weights if trainable else self._non_trainable_weights
    if all(variable is not v for v in weights):
      weights.append(variable)
    return variable

  @property
  def state_size(self):
    """The size, shape, or structure of sizes of the state."""
    raise NotImplementedError("%s defines no state_size" % type(self).__name__)

  @property
  def output_size(self):
    raise NotImplementedError("%s defines no output_size" % type(self).__name__)

  def build(self, _):
    """Variables are made in call()."""

  def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
    """The zero state for inputs, or for a batch size and type."""
    if inputs is not None:
      inputs = ops.convert_to_tensor(inputs, name="inputs")
      known = inputs.shape.dims[0].value
      if batch_size is not None:
        wanted = tensor_util.constant_value(batch_size) if isinstance(batch_size, ops.Tensor) else batch_size
        if known != wanted:
          raise ValueError("batch size from input tensor is different from the input param. Input tensor batch: {}, "
                           "batch_size: {}".format(known, batch_size))
      if dtype is not None and inputs.dtype != dtype:
        raise ValueError("dtype from input tensor is different from the input param. Input tensor dtype: {}, dtype: {}"
                         .format(inputs.dtype, dtype))
      batch_size = known or array_ops.shape(inputs)[0]
      dtype = inputs.dtype
    if batch_size is None or dtype is None:
      raise ValueError("batch_size and dtype cannot be None while constructing initial state: batch_size={}, dtype={}"
                       .format(batch_size, dtype))
    return self.zero_state(batch_size, dtype)

  def zero_state(self, batch_size, dtype):
    """States of zeros."""
    with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
      return nest.map_structure(lambda size: zeros_of(batch_size, size, dtype), self.state_size)


class CellAround(RNNCell):
  """A cell around another, whose sizes and zero state it has."""

  def __init__(self, cell, reuse=None):
    super().__init__(_reuse=reuse)
    assert_like_rnncell("cell", cell)
    self._cell = cell

  @property
  def state_size(self):
    return self._cell.state_size

  @property
  def output_size(self):
    return self._cell.output_size

  def zero_state(self, batch_size, dtype):
    with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
      return self._cell.zero_state(batch_size, dtype)


class OneState(object):
  """The sizes of a cell with num_units units whose state is its output."""

  @property
  def state_size(self):
    return self._num_units

  @property
  def output_size(self):
    return self._num_units


class LayerRNNCell(RNNCell):
  """The base of cells that make their variables in build(), as layers do."""

  def __call__(self, inputs, state, scope=None, *args, **kwargs):
    return base.Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)
