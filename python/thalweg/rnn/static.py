"""Cells unrolled over a list of inputs, one per time step."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import array_ops, math_ops, variable_scope as vs
from thalweg.rnn.cell import assert_like_rnncell, zeros_of
from thalweg.util import nest


def state_dtype(dtype, state):
  """The type given, or that which all parts of the state have."""
  if dtype is not None:
    return dtype
  found = [part.dtype for part in nest.flatten(state)]
  if not found:
    raise ValueError("Unable to infer dtype from empty state.")
  if any(d != found[0] for d in found):
    raise ValueError("State has tensors of different inferred_dtypes. Unable to infer a single representative dtype.")
  return found[0]


def select_finished(time, sequence_length, old, new):
  """`new` for examples whose sequence goes on at `time`, `old` for those that have ended, part by part."""
  nest.assert_same_structure(old, new)
  return select(time >= sequence_length, old, new)


def select(ended, old, new):
  """`old` for examples that have ended, `new` for others, part by part."""
  def one(before, after):
    if not isinstance(after, ops.Tensor) or before.shape.ndims == 0:
      return after
    with ops.colocate_with(after):
      chosen = array_ops.where(ended, before, after)
    chosen.set_shape(before.get_shape())
    return chosen

  return nest.map_structure(one, old, new)


def _batch_size(inputs):
  """The batch size as an int or a tensor, and as a Dimension."""
  first = nest.flatten(inputs)[0]
  if first.get_shape().ndims == 1:
    fixed = first.get_shape().with_rank_at_least(1).dims[0]
  else:
    fixed = first.get_shape().with_rank_at_least(2).dims[0]
    for one in nest.flatten(inputs):
      shape = one.get_shape().with_rank_at_least(2)
      fixed.merge_with(shape.dims[0])
      for i, size in enumerate(shape.dims[1:]):
        if size.value is None:
          raise ValueError("Input size (dimension %d of inputs) must be accessible via shape inference, but saw value "
                           "None." % i)
  return fixed.value if fixed.value else array_ops.shape(first)[0], fixed


def static_rnn(cell, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
  """(outputs, final state) of the cell over a list of inputs [batch, ...]. With `sequence_length` [batch], outputs beyond
  an example's length are zero and its state stays."""
  assert_like_rnncell("cell", cell)
  if not nest.is_sequence(inputs):
    raise TypeError("inputs must be a sequence")
  if not inputs:
    raise ValueError("inputs must not be empty")
  with vs.variable_scope(scope or "rnn") as varscope:
    if varscope.caching_device is None:
      varscope.set_caching_device(lambda op: op.device)
    batch_size, fixed = _batch_size(inputs)
    if initial_state is not None:
      state = initial_state
    else:
      if not dtype:
        raise ValueError("If no initial_state is provided, dtype must be specified")
      if getattr(cell, "get_initial_state", None) is not None:
        state = cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
      else:
        state = cell.zero_state(batch_size, dtype)
    if sequence_length is not None:
      sequence_length = ops.convert_to_tensor(sequence_length, name="sequence_length")
      if sequence_length.get_shape().ndims not in (None, 1):
        raise ValueError("sequence_length must be a vector of length batch_size")
      zero_output = nest.map_structure(lambda size: zeros_of(batch_size, size, state_dtype(dtype, state)),
                                       cell.output_size)
      sequence_length = math_ops.cast(sequence_length, dtypes.int32)
    outputs = []
    for time, step in enumerate(inputs):
      if time > 0:
        varscope.reuse_variables()
      output, new_state = cell(step, state)
      if sequence_length is not None:
        output = select_finished(time, sequence_length, zero_output, output)
        new_state = select_finished(time, sequence_length, state, new_state)
      state = new_state
      outputs.append(output)
    return outputs, state


def static_state_saving_rnn(cell, inputs, state_saver, state_name, sequence_length=None, scope=None):
  """static_rnn that begins with a state from `state_saver` and saves the final one there."""
  state_size = cell.state_size
  is_tuple = nest.is_sequence(state_size)
  if is_tuple != nest.is_sequence(state_name):
    raise ValueError("state_name should be the same type as cell.state_size.  state_name: %s, cell.state_size: %s" % (
        state_name, state_size))
  names = nest.flatten(state_name)
  if len(names) != len(nest.flatten(state_size)):
    raise ValueError("#elems(state_name) != #elems(state_size): %d vs. %d" % (
        len(names), len(nest.flatten(state_size))))
  initial_state = nest.pack_sequence_as(state_size, [state_saver.state(n) for n in names])
  outputs, state = static_rnn(cell, inputs, initial_state=initial_state, sequence_length=sequence_length, scope=scope)
  saved = [state_saver.save_state(n, part) for n, part in zip(names, nest.flatten(state))]
  # Whoever uses the last output or the state also saves it.
  with ops.control_dependencies(saved):
    outputs[-1] = nest.map_structure(array_ops.identity, outputs[-1])
    state = nest.map_structure(array_ops.identity, state)
  return outputs, state


def _reversed(inputs, lengths):
  """The inputs backwards in time: each example's own steps first."""
  if lengths is None:
    return list(reversed(inputs))
  by_part = zip(*(nest.flatten(step) for step in inputs))
  parts = []
  for sequence in by_part:
    shape = tensor_shape.unknown_shape(sequence[0].get_shape().ndims)
    for step in sequence:
      shape = shape.merge_with(step.get_shape())
      step.set_shape(shape)
    result = array_ops.unstack(array_ops.reverse_sequence(array_ops.stack(sequence), lengths, 0, 1))
    for step in result:
      step.set_shape(shape)
    parts.append(result)
  return [nest.pack_sequence_as(step, list(flat)) for step, flat in zip(inputs, zip(*parts))]


def static_bidirectional_rnn(cell_fw, cell_bw, inputs, initial_state_fw=None, initial_state_bw=None, dtype=None,
                             sequence_length=None, scope=None):
  """(outputs of both directions side by side, final state forwards, final state backwards)."""
  assert_like_rnncell("cell_fw", cell_fw)
  assert_like_rnncell("cell_bw", cell_bw)
  if not nest.is_sequence(inputs):
    raise TypeError("inputs must be a sequence")
  if not inputs:
    raise ValueError("inputs must not be empty")
  with vs.variable_scope(scope or "bidirectional_rnn"):
    with vs.variable_scope("fw") as fw_scope:
      output_fw, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=fw_scope)
    with vs.variable_scope("bw") as bw_scope:
      backwards, state_bw = static_rnn(cell_bw, _reversed(inputs, sequence_length), initial_state_bw, dtype,
                                       sequence_length, scope=bw_scope)
  output_bw = _reversed(backwards, sequence_length)
  joined = [array_ops.concat([fw, bw], 1) for fw, bw in zip(nest.flatten(output_fw), nest.flatten(output_bw))]
  return nest.pack_sequence_as(output_fw, joined), state_fw, state_bw
