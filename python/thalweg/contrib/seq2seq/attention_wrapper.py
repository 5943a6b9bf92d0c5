"""A cell that attends to memories at each step."""

import collections

from thalweg.contrib.seq2seq.attention import AttentionMechanism
from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.layers import core
from thalweg.ops import array_ops, check_ops, math_ops
from thalweg.ops.tensor_array_ops import TensorArray
from thalweg.rnn.cell import RNNCell, assert_like_rnncell, zeros_of
from thalweg.util import nest


class AttentionWrapperState(collections.namedtuple("AttentionWrapperState", (
    "cell_state", "attention", "time", "alignments", "alignment_history", "attention_state"))):
  """The state of an AttentionWrapper; what is of mechanisms is a tuple where there are several."""

  def clone(self, **kwargs):
    """The state with other parts, of the same shapes as those they replace."""

    def fitted(old, new):
      if isinstance(old, ops.Tensor) and isinstance(new, ops.Tensor):
        new.get_shape().assert_is_compatible_with(old.get_shape())
        new.set_shape(old.get_shape())
      return new

    return nest.map_structure(fitted, self, self._replace(**kwargs))


def _attend(mechanism, cell_output, attention_state, attention_layer):
  """(attention, alignments, next state): the memory weighed by the alignments, through the layer if there is one."""
  alignments, next_state = mechanism(cell_output, state=attention_state)
  context = array_ops.squeeze(math_ops.matmul(array_ops.expand_dims(alignments, 1), mechanism.values), [1])
  if attention_layer is not None:
    context = attention_layer(array_ops.concat([cell_output, context], 1))
  return context, alignments, next_state


class AttentionWrapper(RNNCell):
  """Feeds a cell with its inputs beside what was attended to before, and attends with its output."""

  def __init__(self, cell, attention_mechanism, attention_layer_size=None, alignment_history=False, cell_input_fn=None,
               output_attention=True, initial_cell_state=None, name=None, attention_layer=None, attention_fn=None,
               dtype=None):
    super().__init__(name=name, dtype=dtype)
    assert_like_rnncell("cell", cell)
    self._is_multi = isinstance(attention_mechanism, (list, tuple))
    mechanisms = tuple(attention_mechanism) if self._is_multi else (attention_mechanism,)
    for mechanism in mechanisms:
      if not isinstance(mechanism, AttentionMechanism):
        raise TypeError("attention_mechanism must be an AttentionMechanism or list of multiple AttentionMechanism "
                        "instances, saw type: %s" % type(mechanism).__name__)
    if cell_input_fn is not None and not callable(cell_input_fn):
      raise TypeError("cell_input_fn must be callable, saw type: %s" % type(cell_input_fn).__name__)
    if attention_layer_size is not None and attention_layer is not None:
      raise ValueError("Only one of attention_layer_size and attention_layer should be set")
    self._cell = cell
    self._attention_mechanisms = mechanisms
    self._cell_input_fn = cell_input_fn or (lambda inputs, attention: array_ops.concat([inputs, attention], -1))
    self._output_attention = output_attention
    self._alignment_history = alignment_history
    self._attention_fn = attention_fn or _attend
    self._make_layers(attention_layer_size, attention_layer)
    self._initial_cell_state = None
    with ops.name_scope(name, "AttentionWrapperInit"):
      if initial_cell_state is not None:
        last = nest.flatten(initial_cell_state)[-1]
        batch = tensor_shape.dimension_value(last.shape[0]) or array_ops.shape(last)[0]
        self._initial_cell_state = self._checked(
            batch, "constructing", "initial_cell_state", initial_cell_state, "check_initial_cell_state")

  def _make_layers(self, sizes, layers):
    mechanisms = self._attention_mechanisms
    depths = [tensor_shape.dimension_value(m.values.shape[-1]) for m in mechanisms]
    self._attention_layers = None
    if sizes is not None:
      sizes = tuple(sizes) if isinstance(sizes, (list, tuple)) else (sizes,)
      if len(sizes) != len(mechanisms):
        raise ValueError("If provided, attention_layer_size must contain exactly one integer per attention_mechanism, "
                         "saw: %d vs %d" % (len(sizes), len(mechanisms)))
      self._attention_layers = tuple(
          core.Dense(size, name="attention_layer", use_bias=False, dtype=mechanism.dtype)
          for size, mechanism in zip(sizes, mechanisms))
    elif layers is not None:
      self._attention_layers = tuple(layers) if isinstance(layers, (list, tuple)) else (layers,)
      if len(self._attention_layers) != len(mechanisms):
        raise ValueError("If provided, attention_layer must contain exactly one layer per attention_mechanism, saw: %d "
                         "vs %d" % (len(self._attention_layers), len(mechanisms)))
      sizes = [tensor_shape.dimension_value(layer.compute_output_shape([None, self._cell.output_size + depth])[-1])
               for layer, depth in zip(self._attention_layers, depths)]
    self._attention_layer_size = sum(depths if sizes is None else sizes)

  def _checked(self, batch_size, doing, what, values, name):
    """The values, once the batches of all memories are seen to be of this size."""
    message = ("When %s AttentionWrapper %s: Non-matching batch sizes between the memory (encoder output) and the %s. A "
               "decoder with beams wants memory and state tiled by tile_batch." % (doing, self._base_name, what))
    with ops.control_dependencies([check_ops.assert_equal(batch_size, m.batch_size, message=message)
                                   for m in self._attention_mechanisms]):
      return nest.map_structure(lambda v: array_ops.identity(v, name=name), values)

  def _item_or_tuple(self, items):
    items = tuple(items)
    return items if self._is_multi else items[0]

  @property
  def output_size(self):
    return self._attention_layer_size if self._output_attention else self._cell.output_size

  @property
  def state_size(self):
    mechanisms = self._attention_mechanisms
    return AttentionWrapperState(
        cell_state=self._cell.state_size, time=tensor_shape.TensorShape([]), attention=self._attention_layer_size,
        alignments=self._item_or_tuple(m.alignments_size for m in mechanisms),
        attention_state=self._item_or_tuple(m.state_size for m in mechanisms),
        alignment_history=self._item_or_tuple(
            m.alignments_size if self._alignment_history else () for m in mechanisms))

  def zero_state(self, batch_size, dtype):
    with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
      cell_state = self._initial_cell_state
      if cell_state is None:
        cell_state = self._cell.get_initial_state(batch_size=batch_size, dtype=dtype)
      cell_state = self._checked(batch_size, "calling zero_state of", "requested batch size", cell_state,
                                 "checked_cell_state")
      alignments = [m.initial_alignments(batch_size, dtype) for m in self._attention_mechanisms]
      return AttentionWrapperState(
          cell_state=cell_state, time=array_ops.zeros([], dtype=dtypes.int32),
          attention=zeros_of(batch_size, self._attention_layer_size, dtype),
          alignments=self._item_or_tuple(alignments),
          attention_state=self._item_or_tuple(
              m.initial_state(batch_size, dtype) for m in self._attention_mechanisms),
          alignment_history=self._item_or_tuple(
              TensorArray(dtype, size=0, dynamic_size=True, element_shape=a.shape) if self._alignment_history else ()
              for a in alignments))

  def call(self, inputs, state):
    if not isinstance(state, AttentionWrapperState):
      raise TypeError("Expected state to be instance of AttentionWrapperState. Received type %s instead." % type(state))
    output, cell_state = self._cell(self._cell_input_fn(inputs, state.attention), state.cell_state)
    batch = tensor_shape.dimension_value(output.shape[0]) or array_ops.shape(output)[0]
    output = self._checked(batch, "applying", "query (decoder output)", output, "checked_cell_output")
    states, histories = state.attention_state, state.alignment_history
    if not self._is_multi:
      states, histories = [states], [histories]
    layers = self._attention_layers or [None] * len(self._attention_mechanisms)
    attentions, all_alignments, new_states, new_histories = [], [], [], []
    for mechanism, layer, attention_state, history in zip(self._attention_mechanisms, layers, states, histories):
      attention, alignments, new_state = self._attention_fn(mechanism, output, attention_state, layer)
      attentions.append(attention)
      all_alignments.append(alignments)
      new_states.append(new_state)
      new_histories.append(history.write(state.time, alignments) if self._alignment_history else ())
    attention = array_ops.concat(attentions, 1)
    new_state = AttentionWrapperState(
        time=state.time + 1, cell_state=cell_state, attention=attention,
        attention_state=self._item_or_tuple(new_states), alignments=self._item_or_tuple(all_alignments),
        alignment_history=self._item_or_tuple(new_histories))
    return attention if self._output_attention else output, new_state
