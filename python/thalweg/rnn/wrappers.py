"""Cells made of cells: stacks, dropout, residual connections, placement."""

import hashlib
import numbers

from thalweg.framework import ops, tensor_shape, tensor_util
from thalweg.layers import base
from thalweg.ops import array_ops, math_ops, nn_ops, random_ops, variable_scope as vs
from thalweg.platform import tf_logging as logging
from thalweg.rnn.cell import LSTMStateTuple, RNNCell, assert_like_rnncell
from thalweg.util import nest


class MultiRNNCell(RNNCell):
  """Cells in sequence, each fed with the output of the one before."""

  def __init__(self, cells, state_is_tuple=True):
    super().__init__()
    if not cells:
      raise ValueError("Must specify at least one cell for MultiRNNCell.")
    if not nest.is_sequence(cells):
      raise TypeError("cells must be a list or tuple, but saw: %s." % cells)
    if len({id(cell) for cell in cells}) < len(cells):
      logging.log_first_n(logging.WARN, "At least two cells provided to MultiRNNCell are the same object and will share "
                          "weights.", 1)
    self._cells = cells
    self._state_is_tuple = state_is_tuple
    if not state_is_tuple and any(nest.is_sequence(cell.state_size) for cell in cells):
      raise ValueError("Some cells return tuples of states, but the flag state_is_tuple is not set.  State sizes are: %s"
                       % [cell.state_size for cell in cells])

  @property
  def state_size(self):
    sizes = tuple(cell.state_size for cell in self._cells)
    return sizes if self._state_is_tuple else sum(sizes)

  @property
  def output_size(self):
    return self._cells[-1].output_size

  def zero_state(self, batch_size, dtype):
    with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
      if self._state_is_tuple:
        return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
      return super().zero_state(batch_size, dtype)

  def _weights_of_cells(self, kind):
    return [w for cell in self._cells if isinstance(cell, base.Layer) for w in getattr(cell, kind)]

  @property
  def trainable_weights(self):
    return self._weights_of_cells("trainable_weights") if self.trainable else []

  @property
  def non_trainable_weights(self):
    fixed = self._weights_of_cells("non_trainable_weights")
    return fixed if self.trainable else self._weights_of_cells("trainable_weights") + fixed

  def call(self, inputs, state):
    if self._state_is_tuple and not nest.is_sequence(state):
      raise ValueError("Expected state to be a tuple of length %d, but received: %s" % (len(self.state_size), state))
    position, new_states = 0, []
    for i, cell in enumerate(self._cells):
      with vs.variable_scope("cell_%d" % i):
        if self._state_is_tuple:
          current = state[i]
        else:
          current = array_ops.slice(state, [0, position], [-1, cell.state_size])
          position += cell.state_size
        inputs, new_state = cell(inputs, current)
        new_states.append(new_state)
    return inputs, tuple(new_states) if self._state_is_tuple else array_ops.concat(new_states, 1)


class _Wrapper(RNNCell):
  """A cell around another, with its sizes and variables."""

  def __init__(self, cell, *args, **kwargs):
    super().__init__(*args, **kwargs)
    assert_like_rnncell("cell", cell)
    self.cell = cell

  @property
  def wrapped_cell(self):
    return self.cell

  @property
  def state_size(self):
    return self.cell.state_size

  @property
  def output_size(self):
    return self.cell.output_size

  @property
  def trainable_weights(self):
    return self.cell.trainable_weights if self.trainable and isinstance(self.cell, base.Layer) else []

  @property
  def non_trainable_weights(self):
    if not isinstance(self.cell, base.Layer):
      return []
    fixed = self.cell.non_trainable_weights
    return fixed if self.trainable else self.cell.trainable_weights + fixed

  def zero_state(self, batch_size, dtype):
    with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
      return self.cell.zero_state(batch_size, dtype)

  def __call__(self, inputs, state, scope=None):
    return self._wrapped_call(inputs, state, scope=scope)

  def _wrapped_call(self, inputs, state, scope):
    raise NotImplementedError("%s defines no _wrapped_call()" % type(self).__name__)


def _drops(substate):
  """Which states take dropout: not an LSTM's memory, which should last."""
  if isinstance(substate, LSTMStateTuple):
    return LSTMStateTuple(c=False, h=True)
  return not hasattr(substate, "gather")


def _chosen(visitor, structure):
  """The structure with a truth value, or a structure of them, from the visitor at each place."""
  answer = visitor(structure)
  if not isinstance(answer, bool):
    return answer
  if nest.is_sequence(structure) and answer:
    return nest._rebuild(structure, [_chosen(visitor, child) for child in nest._children(structure)])
  return answer


def _numbered(function, shallow, *structures):
  """function(i, leaf, ...) of the leaves of `shallow` and what stands there in the structures, i = 0, 1, ..."""
  count = iter(range(1 << 30))
  return nest.map_structure_up_to(shallow, lambda *leaves: function(next(count), *leaves), shallow, *structures)


class DropoutWrapper(_Wrapper):
  """Dropout on the inputs, outputs and states of a cell. With `variational_recurrent` one mask serves all steps of a run
  (Gal and Ghahramani 2016)."""

  def __init__(self, cell, input_keep_prob=1.0, output_keep_prob=1.0, state_keep_prob=1.0, variational_recurrent=False,
               input_size=None, dtype=None, seed=None, dropout_state_filter_visitor=None, **kwargs):
    super().__init__(cell, dtype=dtype, **kwargs)
    if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
      raise TypeError("dropout_state_filter_visitor must be callable")
    self._dropout_state_filter = dropout_state_filter_visitor or _drops
    with ops.name_scope("DropoutWrapperInit"):
      self._input_keep_prob = _probability(input_keep_prob, "input_keep_prob")
      self._state_keep_prob = _probability(state_keep_prob, "state_keep_prob")
      self._output_keep_prob = _probability(output_keep_prob, "output_keep_prob")
    self._variational_recurrent = variational_recurrent
    self._seed = seed
    self._input_noise = self._state_noise = self._output_noise = None
    if not variational_recurrent:
      return
    if dtype is None:
      raise ValueError("When variational_recurrent=True, dtype must be provided")

    def noise(sizes, salt):
      def one(i, size):
        shape = array_ops.concat(([1], tensor_shape.TensorShape(size if hasattr(size, "__iter__") else [size]).as_list()), 0)
        return random_ops.random_uniform(shape, seed=self._gen_seed(salt, i), dtype=dtype)
      return _numbered(one, sizes)

    if not isinstance(self._input_keep_prob, numbers.Real) or self._input_keep_prob < 1.0:
      if input_size is None:
        raise ValueError("When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size must be "
                         "provided")
      self._input_noise = noise(input_size, "input")
    self._state_noise = noise(cell.state_size, "state")
    self._output_noise = noise(cell.output_size, "output")

  def _gen_seed(self, salt_prefix, index):
    """A seed for each use of one seed."""
    if self._seed is None:
      return None
    text = "%s%s_%d" % (self._seed, salt_prefix, index)
    return int(hashlib.md5(text.encode("utf-8")).hexdigest()[:8], 16) & 0x7FFFFFFF

  def _dropout(self, values, salt, noise, keep_prob, chosen=None):
    chosen = values if chosen is None else chosen

    def skips(choice):
      return isinstance(choice, bool) and not choice

    def fresh(i, choice, value):
      return value if skips(choice) else nn_ops.dropout_v2(value, rate=1.0 - keep_prob, seed=self._gen_seed(salt, i))

    def same(i, choice, value, noise):
      if skips(choice):
        return value
      mask = math_ops.floor(keep_prob + noise)
      dropped = math_ops.div(value, keep_prob) * mask
      dropped.set_shape(value.get_shape())
      return dropped

    if self._variational_recurrent:
      return _numbered(same, chosen, values, noise)
    return _numbered(fresh, chosen, values)

  def _wrapped_call(self, inputs, state, scope):
    def drops(keep_prob):
      return not isinstance(keep_prob, float) or keep_prob < 1

    if drops(self._input_keep_prob):
      inputs = self._dropout(inputs, "input", self._input_noise, self._input_keep_prob)
    output, new_state = self.cell(inputs, state, scope=scope)
    if drops(self._state_keep_prob):
      chosen = _chosen(self._dropout_state_filter, new_state)
      new_state = self._dropout(new_state, "state", self._state_noise, self._state_keep_prob, chosen)
    if drops(self._output_keep_prob):
      output = self._dropout(output, "output", self._output_noise, self._output_keep_prob)
    return output, new_state


def _probability(value, name):
  """The probability as a float when it is known, else as a tensor."""
  tensor = ops.convert_to_tensor(value)
  known = tensor_util.constant_value(tensor)
  if known is None:
    return tensor
  if known < 0 or known > 1:
    raise ValueError("Parameter %s must be between 0 and 1: %d" % (name, known))
  return float(known)


class ResidualWrapper(_Wrapper):
  """Adds the inputs to the outputs, or combines them with `residual_fn(inputs, outputs)`."""

  def __init__(self, cell, residual_fn=None, **kwargs):
    super().__init__(cell, **kwargs)
    self._residual_fn = residual_fn

  def _wrapped_call(self, inputs, state, scope):
    outputs, new_state = self.cell(inputs, state, scope=scope)
    return (self._residual_fn or _add)(inputs, outputs), new_state


def _add(inputs, outputs):
  nest.assert_same_structure(inputs, outputs)
  nest.map_structure(lambda a, b: a.get_shape().assert_is_compatible_with(b.get_shape()), inputs, outputs)
  return nest.map_structure(lambda a, b: a + b, inputs, outputs)


class DeviceWrapper(_Wrapper):
  """Places a cell on a device."""

  def __init__(self, cell, device, **kwargs):
    super().__init__(cell, **kwargs)
    self._device = device

  def zero_state(self, batch_size, dtype):
    with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
      with ops.device(self._device):
        return self.cell.zero_state(batch_size, dtype)

  def _wrapped_call(self, inputs, state, scope):
    with ops.device(self._device):
      return self.cell(inputs, state, scope=scope)
