"""Cells around others: attention over what they gave before, and a gated path around them."""

from thalweg.contrib.rnn.cells import Linear
from thalweg.ops import array_ops, init_ops, math_ops, nn_ops, variable_scope as vs
from thalweg.platform import tf_logging as logging
from thalweg.rnn.cell import CellAround, RNNCell, assert_like_rnncell
from thalweg.util import nest


class AttentionCellWrapper(RNNCell):
  """A cell with attention over its last attn_length outputs (Bahdanau et al. 2015; Cheng et al. 2016). Its state is (the
  cell's, what was attended to, the last outputs side by side)."""

  def __init__(self, cell, attn_length, attn_size=None, attn_vec_size=None, input_size=None, state_is_tuple=True,
               reuse=None):
    super().__init__(_reuse=reuse)
    assert_like_rnncell("cell", cell)
    if nest.is_sequence(cell.state_size) and not state_is_tuple:
      raise ValueError("Cell returns tuple of states, but the flag state_is_tuple is not set. State size is: %s" % (
          cell.state_size,))
    if attn_length <= 0:
      raise ValueError("attn_length should be greater than zero, got %s" % attn_length)
    if not state_is_tuple:
      logging.warn("%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True.",
                   self)
    self._cell = cell
    self._attn_length = attn_length
    self._attn_size = cell.output_size if attn_size is None else attn_size
    self._attn_vec_size = self._attn_size if attn_vec_size is None else attn_vec_size
    self._input_size = input_size
    self._state_is_tuple = state_is_tuple
    self._input_linear = self._output_linear = self._query_linear = None

  @property
  def state_size(self):
    size = (self._cell.state_size, self._attn_size, self._attn_size * self._attn_length)
    return size if self._state_is_tuple else sum(size)

  @property
  def output_size(self):
    return self._attn_size

  def call(self, inputs, state):
    length, size = self._attn_length, self._attn_size
    if self._state_is_tuple:
      cell_state, attended, past = state
    else:
      own = self._cell.state_size
      cell_state, attended, past = (array_ops.slice(state, [0, begin], [-1, width]) for begin, width in (
          (0, own), (own, size), (own + size, size * length)))
    past = array_ops.reshape(past, [-1, length, size])
    depth = self._input_size
    if depth is None:
      depth = inputs.get_shape().as_list()[1]
    if self._input_linear is None:
      self._input_linear = Linear([inputs, attended], depth)
    output, new_state = self._cell(self._input_linear([inputs, attended]), cell_state)
    query = array_ops.concat(nest.flatten(new_state), 1) if self._state_is_tuple else new_state
    attended, past = self._attention(query, past)
    with vs.variable_scope("attn_output_projection"):
      if self._output_linear is None:
        self._output_linear = Linear([output, attended], size)
      output = self._output_linear([output, attended])
    past = array_ops.concat([past, array_ops.expand_dims(output, 1)], 1)
    new_state = (new_state, attended, array_ops.reshape(past, [-1, length * size]))
    return output, new_state if self._state_is_tuple else array_ops.concat(list(new_state), 1)

  def _attention(self, query, past):
    """What is attended to among past outputs [batch, length, size], and these without the oldest."""
    length, size, width = self._attn_length, self._attn_size, self._attn_vec_size
    with vs.variable_scope("attention"):
      kernel = vs.get_variable("attn_w", [1, 1, size, width])
      vector = vs.get_variable("attn_v", [width])
      rows = array_ops.reshape(past, [-1, length, 1, size])
      features = nn_ops.conv2d(rows, kernel, [1, 1, 1, 1], "SAME")
      if self._query_linear is None:
        self._query_linear = Linear(query, width)
      asked = array_ops.reshape(self._query_linear(query), [-1, 1, 1, width])
      scores = math_ops.reduce_sum(vector * math_ops.tanh(features + asked), [2, 3])
      shares = nn_ops.softmax(scores)
      attended = math_ops.reduce_sum(array_ops.reshape(shares, [-1, length, 1, 1]) * rows, [1, 2])
      return array_ops.reshape(attended, [-1, size]), array_ops.slice(past, [0, 1, 0], [-1, -1, -1])


class HighwayWrapper(CellAround):
  """A gate between a cell's inputs and its outputs, which have the same shapes (Srivastava et al. 2015)."""

  def __init__(self, cell, couple_carry_transform_gates=True, carry_bias_init=1.0):
    super().__init__(cell)
    self._couple_carry_transform_gates = couple_carry_transform_gates
    self._carry_bias_init = carry_bias_init

  def _gate(self, inputs, name, bias):
    depth = inputs.get_shape().with_rank(2).dims[1].value
    weights = vs.get_variable(name + "_w", [depth, depth])
    biases = vs.get_variable(name + "_b", [depth], initializer=init_ops.constant_initializer(bias))
    return math_ops.sigmoid(nn_ops.xw_plus_b(inputs, weights, biases))

  def _highway(self, inputs, outputs):
    carry = self._gate(inputs, "carry", self._carry_bias_init)
    if self._couple_carry_transform_gates:
      transform = 1 - carry
    else:
      transform = self._gate(inputs, "transform", -self._carry_bias_init)
    return inputs * carry + outputs * transform

  def __call__(self, inputs, state, scope=None):
    outputs, new_state = self._cell(inputs, state, scope=scope)
    nest.assert_same_structure(inputs, outputs)
    for x, y in zip(nest.flatten(inputs), nest.flatten(outputs)):
      x.get_shape().assert_is_compatible_with(y.get_shape())
    return nest.map_structure(self._highway, inputs, outputs), new_state


class CompiledWrapper(CellAround):
  """The cell itself: every program is compiled here, with all of its cells."""

  def __init__(self, cell, compile_stateful=False):
    super().__init__(cell)

  def __call__(self, inputs, state, scope=None):
    return self._cell(inputs, state, scope=scope)
