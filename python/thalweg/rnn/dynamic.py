"""Cells in a loop over time: dynamic_rnn, its bidirectional form, and raw_rnn."""

from thalweg.framework import constant_op, dtypes, ops, tensor_shape, tensor_util
from thalweg.ops import array_ops, control_flow_ops, math_ops, variable_scope as vs
from thalweg.ops.tensor_array_ops import TensorArray
from thalweg.ops.while_loop import while_loop
from thalweg.rnn.cell import assert_like_rnncell, concat_sizes, static_sizes, zeros_of
from thalweg.rnn.static import select, state_dtype
from thalweg.util import nest


def transpose_batch_time(x):
  """[batch, time, ...] to [time, batch, ...], and back."""
  shape = x.get_shape()
  if shape.ndims is not None and shape.ndims < 2:
    return x
  rank = array_ops.rank(x)
  swapped = array_ops.transpose(x, array_ops.concat(([1, 0], math_ops.range(2, rank)), axis=0))
  if shape.ndims is not None:
    swapped.set_shape(tensor_shape.TensorShape([shape.dims[1], shape.dims[0]]).concatenate(shape[2:]))
  return swapped


def best_effort_input_batch_size(flat_input):
  """The batch size of time-major inputs: an int where one of them knows it, else a tensor."""
  for x in flat_input:
    shape = x.get_shape()
    if shape.ndims is None:
      continue
    if shape.ndims < 2:
      raise ValueError("Expected input tensor %s to have rank at least 2" % x)
    if shape.dims[1].value is not None:
      return shape.dims[1].value
  return array_ops.shape(flat_input[0])[1]


def _initial_state(cell, initial_state, batch_size, dtype):
  if initial_state is not None:
    return initial_state
  if not dtype:
    raise ValueError("If there is no initial_state, you must give a dtype.")
  if getattr(cell, "get_initial_state", None) is not None:
    return cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
  return cell.zero_state(batch_size, dtype)


def dynamic_rnn(cell, inputs, sequence_length=None, initial_state=None, dtype=None, parallel_iterations=None,
                swap_memory=False, time_major=False, scope=None):
  """(outputs, final state) of the cell over inputs [batch, time, ...], or [time, batch, ...] when time_major. Beyond an
  example's `sequence_length` its outputs are zero and its state stays."""
  assert_like_rnncell("cell", cell)
  with vs.variable_scope(scope or "rnn") as varscope:
    if varscope.caching_device is None:
      varscope.set_caching_device(lambda op: op.device)
    flat_inputs = [ops.convert_to_tensor(x) for x in nest.flatten(inputs)]
    if not time_major:
      flat_inputs = [transpose_batch_time(x) for x in flat_inputs]
    if sequence_length is not None:
      sequence_length = math_ops.cast(sequence_length, dtypes.int32)
      if sequence_length.get_shape().ndims not in (None, 1):
        raise ValueError("sequence_length must be a vector of length batch_size, but saw shape: %s" %
                         sequence_length.get_shape())
      sequence_length = array_ops.identity(sequence_length, name="sequence_length")
    batch_size = best_effort_input_batch_size(flat_inputs)
    state = _initial_state(cell, initial_state, batch_size, dtype)
    if sequence_length is not None:
      found, wanted = array_ops.shape(sequence_length), array_ops.stack([batch_size])
      fits = control_flow_ops.Assert(math_ops.reduce_all(math_ops.equal(found, wanted)), [
          "Expected shape for Tensor %s is " % sequence_length.name, wanted, " but saw shape: ", found])
      with ops.control_dependencies([fits]):
        sequence_length = array_ops.identity(sequence_length, name="CheckSeqLen")
    outputs, final_state = _loop(cell, inputs, flat_inputs, state, sequence_length, dtype, parallel_iterations or 32,
                                 swap_memory)
    return outputs if time_major else nest.map_structure(transpose_batch_time, outputs), final_state


def _common_sizes(flat_inputs):
  """The number of steps and the batch size, None where unknown."""
  shapes = [x.get_shape().with_rank_at_least(3) for x in flat_inputs]
  for x, shape in zip(flat_inputs, shapes):
    if not shape[2:].is_fully_defined():
      raise ValueError("Input size (depth of inputs) must be accessible via shape inference, but saw value None in %s "
                       "of shape %s." % (x.name, shape))
    for axis, what in ((0, "Time steps"), (1, "Batch_size")):
      if shape.dims[axis].value != shapes[0].dims[axis].value:
        raise ValueError("%s is not the same for all the elements in the input: %s" % (
            what, ", ".join("%s of shape %s" % (i.name, i.shape) for i in flat_inputs)))
  return shapes[0].dims[0].value, shapes[0].dims[1].value


def _loop(cell, structure, flat_inputs, state, sequence_length, dtype, parallel_iterations, swap_memory):
  """The outputs [time, batch, ...] and the state after the last step."""
  steps = array_ops.shape(flat_inputs[0])[0]
  batch_size = best_effort_input_batch_size(flat_inputs)
  static_steps, static_batch = _common_sizes(flat_inputs)
  kind, output_size = state_dtype(dtype, state), cell.output_size
  zero_output = nest.map_structure(lambda size: array_ops.zeros(array_ops.stack(concat_sizes(batch_size, size)), kind),
                                   output_size)
  # No step after the end of the longest sequence; results that are not written are zeros.
  longest = steps
  if sequence_length is not None:
    math_ops.reduce_min(sequence_length)   # TensorFlow's graph has it
    longest = math_ops.reduce_max(sequence_length)
  time = constant_op.constant(0, dtype=dtypes.int32, name="time")
  with ops.name_scope("dynamic_rnn") as base:
    pass
  results = [TensorArray(dtype=kind, size=steps, tensor_array_name="%soutput_%d" % (base, i),
                         element_shape=tensor_shape.TensorShape([static_batch]).concatenate(_as_shape(size)))
             for i, size in enumerate(nest.flatten(output_size))]
  sources = [TensorArray(dtype=x.dtype.base_dtype, size=steps, tensor_array_name="%sinput_%d" % (base, i),
                         element_shape=x.get_shape()[1:]) for i, x in enumerate(flat_inputs)]
  sources = [array.unstack(x) for array, x in zip(sources, flat_inputs)]

  def step(time, results, state):
    read = [source.read(time) for source in sources]
    for element, x in zip(read, flat_inputs):
      element.set_shape(x.get_shape()[1:])
    current = nest.pack_sequence_as(structure, read) if nest.is_sequence(structure) else read[0]
    ended = None if sequence_length is None else time >= sequence_length
    output, new_state = cell(current, state)
    nest.assert_same_structure(state, new_state)
    nest.assert_same_structure(output_size, output)
    if ended is not None:
      output, new_state = select(ended, zero_output, output), select(ended, state, new_state)
    return time + 1, [r.write(time, o) for r, o in zip(results, nest.flatten(output))], new_state

  bound = math_ops.minimum(steps, math_ops.maximum(1, longest))
  _, results, final_state = while_loop(lambda time, *_: time < bound, step, (time, results, state),
                                       parallel_iterations=parallel_iterations, swap_memory=swap_memory,
                                       maximum_iterations=steps)
  outputs = [r.stack() for r in results]
  for output, size in zip(outputs, nest.flatten(output_size)):
    output.set_shape(static_sizes([static_steps, static_batch], size))
  return nest.pack_sequence_as(output_size, outputs) if nest.is_sequence(output_size) else outputs[0], final_state


def _as_shape(size):
  if isinstance(size, ops.Tensor):
    return tensor_shape.as_shape(tensor_util.constant_value(size))
  return tensor_shape.as_shape(size if hasattr(size, "__iter__") else [size])


def bidirectional_dynamic_rnn(cell_fw, cell_bw, inputs, sequence_length=None, initial_state_fw=None,
                              initial_state_bw=None, dtype=None, parallel_iterations=None, swap_memory=False,
                              time_major=False, scope=None):
  """((outputs forwards, outputs backwards), (final state forwards, final state backwards))."""
  assert_like_rnncell("cell_fw", cell_fw)
  assert_like_rnncell("cell_bw", cell_bw)
  time_axis, batch_axis = (0, 1) if time_major else (1, 0)

  def reverse(x):
    if sequence_length is not None:
      return array_ops.reverse_sequence(x, sequence_length, seq_axis=time_axis, batch_axis=batch_axis)
    return array_ops.reverse(x, axis=[time_axis])

  common = {"sequence_length": sequence_length, "dtype": dtype, "parallel_iterations": parallel_iterations,
            "swap_memory": swap_memory, "time_major": time_major}
  with vs.variable_scope(scope or "bidirectional_rnn"):
    with vs.variable_scope("fw") as fw_scope:
      output_fw, state_fw = dynamic_rnn(cell_fw, inputs, initial_state=initial_state_fw, scope=fw_scope, **common)
    with vs.variable_scope("bw") as bw_scope:
      backwards, state_bw = dynamic_rnn(cell_bw, nest.map_structure(reverse, inputs), initial_state=initial_state_bw,
                                        scope=bw_scope, **common)
    return (output_fw, nest.map_structure(reverse, backwards)), (state_fw, state_bw)


def raw_rnn(cell, loop_fn, parallel_iterations=None, swap_memory=False, scope=None):
  """(TensorArrays of what was emitted, final state, final loop state) of a cell driven by loop_fn(time, output, state,
  loop state) -> (finished, next input, next state, emitted, next loop state)."""
  assert_like_rnncell("cell", cell)
  if not callable(loop_fn):
    raise TypeError("loop_fn must be a callable")
  with vs.variable_scope(scope or "rnn") as varscope:
    if varscope.caching_device is None:
      varscope.set_caching_device(lambda op: op.device)
    time = constant_op.constant(0, dtype=dtypes.int32)
    finished, next_input, state, emitted, loop_state = loop_fn(time, None, None, None)
    has_loop_state = loop_state is not None
    # A loop variable is needed even where the program has no state of its own.
    loop_state = loop_state if has_loop_state else constant_op.constant(0, dtype=dtypes.int32)
    batch = tensor_shape.Dimension(None)
    for x in nest.flatten(next_input):
      batch = batch.merge_with(x.get_shape().dims[0])
    batch_size = batch.value if batch.value is not None else array_ops.shape(nest.flatten(next_input)[0])[0]
    nest.assert_same_structure(state, cell.state_size)
    state = nest.map_structure(ops.convert_to_tensor, state)
    if emitted is not None:
      structure = emitted
      sizes = [e.shape if e.shape.is_fully_defined() else array_ops.shape(e) for e in nest.flatten(emitted)]
      kinds = [e.dtype for e in nest.flatten(emitted)]
    else:
      structure = cell.output_size
      sizes = nest.flatten(structure)
      kinds = [nest.flatten(state)[0].dtype] * len(sizes)

    def pack(flat):
      return nest.pack_sequence_as(structure, flat) if nest.is_sequence(structure) else flat[0]

    arrays = pack([TensorArray(dtype=kind, dynamic_size=True, size=0, name="rnn_output_%d" % i,
                               element_shape=tensor_shape.TensorShape([batch.value]).concatenate(_as_shape(size)))
                   for i, (kind, size) in enumerate(zip(kinds, sizes))])
    zeros = pack([zeros_of(batch_size, size, kind) for kind, size in zip(kinds, sizes)])

    def body(time, finished, current, arrays, state, loop_state):
      output, cell_state = cell(current, state)
      nest.assert_same_structure(state, cell_state)
      nest.assert_same_structure(cell.output_size, output)
      now_finished, next_input, next_state, emit, next_loop_state = loop_fn(time + 1, output, cell_state, loop_state)
      nest.assert_same_structure(state, next_state)
      nest.assert_same_structure(current, next_input)
      nest.assert_same_structure(arrays, emit)

      def kept(old, new):
        if not isinstance(new, ops.Tensor) or old.shape.ndims == 0:
          return new
        return array_ops.where(finished, old, new)

      emit = nest.map_structure(kept, zeros, emit)
      next_state = nest.map_structure(kept, state, next_state)
      arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, emit)
      return (time + 1, math_ops.logical_or(finished, now_finished), next_input, arrays, next_state,
              loop_state if next_loop_state is None else next_loop_state)

    returned = while_loop(lambda _, finished, *rest: math_ops.logical_not(math_ops.reduce_all(finished)), body,
                          [time, finished, next_input, arrays, state, loop_state],
                          parallel_iterations=parallel_iterations or 32, swap_memory=swap_memory)
    arrays, state, loop_state = returned[-3:]
    return arrays, state, loop_state if has_loop_state else None
