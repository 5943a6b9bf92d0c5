"""Decoders, and the loop that runs one until all examples are finished."""

import collections

from thalweg.contrib.seq2seq import helper as helper_py
from thalweg.framework import constant_op, dtypes, ops, tensor_shape, tensor_util
from thalweg.layers import base
from thalweg.ops import array_ops, math_ops, variable_scope as vs
from thalweg.ops.tensor_array_ops import TensorArray
from thalweg.ops.while_loop import while_loop
from thalweg.rnn.cell import assert_like_rnncell, zeros_of
from thalweg.rnn.dynamic import transpose_batch_time
from thalweg.util import nest


class Decoder(object):
  """The base. initialize() gives (finished [batch], inputs, state); step() gives (outputs, state, inputs, finished)."""

  @property
  def batch_size(self):
    raise NotImplementedError

  @property
  def output_size(self):
    """The sizes of one example's outputs, as a structure."""
    raise NotImplementedError

  @property
  def output_dtype(self):
    raise NotImplementedError

  def initialize(self, name=None):
    raise NotImplementedError

  def step(self, time, inputs, state, name=None):
    raise NotImplementedError

  def finalize(self, outputs, final_state, sequence_lengths):
    """(outputs, final state) from those of all steps; what is there stays when a decoder does not define it."""
    raise NotImplementedError

  @property
  def tracks_own_finished(self):
    """Whether step() says which examples are finished since the beginning, in an order of its own."""
    return False


def _element_shape(batch_size, size):
  if not isinstance(size, tensor_shape.TensorShape) or size.ndims == 0:
    return None
  batch = tensor_util.constant_value(ops.convert_to_tensor(batch_size, name="batch_size"))
  return tensor_shape.TensorShape([None if batch is None else int(batch)]).concatenate(size)


def dynamic_decode(decoder, output_time_major=False, impute_finished=False, maximum_iterations=None,
                   parallel_iterations=32, swap_memory=False, scope=None, **kwargs):
  """(outputs [batch, time, ...], final state, lengths [batch]) of a decoder. With impute_finished, outputs after the end of
  an example are zero and its state stays."""
  if not isinstance(decoder, Decoder):
    raise TypeError("Expected decoder to be type Decoder, but saw: %s" % type(decoder))
  with vs.variable_scope(scope, "decoder") as varscope:
    if varscope.caching_device is None:
      varscope.set_caching_device(lambda op: op.device)
    if maximum_iterations is not None:
      maximum_iterations = ops.convert_to_tensor(maximum_iterations, dtype=dtypes.int32, name="maximum_iterations")
      if maximum_iterations.get_shape().ndims != 0:
        raise ValueError("maximum_iterations must be a scalar")
    finished, inputs, state = decoder.initialize()
    zero_outputs = nest.map_structure(lambda size, dtype: zeros_of(decoder.batch_size, size, dtype),
                                      decoder.output_size, decoder.output_dtype)
    if maximum_iterations is not None:
      finished = math_ops.logical_or(finished, 0 >= maximum_iterations)
    lengths = array_ops.zeros_like(finished, dtype=dtypes.int32)
    arrays = nest.map_structure(
        lambda size, dtype: TensorArray(dtype=dtype, size=0, dynamic_size=True,
                                        element_shape=_element_shape(decoder.batch_size, size)),
        decoder.output_size, decoder.output_dtype)

    def copied(new, old, finished):
      if isinstance(old, TensorArray):
        return new
      new.set_shape(old.shape)
      return new if new.shape.ndims == 0 else array_ops.where(finished, old, new)

    def body(time, arrays, state, inputs, finished, lengths):
      outputs, new_state, new_inputs, now_finished = decoder.step(time, inputs, state)
      if not decoder.tracks_own_finished:
        now_finished = math_ops.logical_or(now_finished, finished)
      lengths = array_ops.where(math_ops.logical_not(finished), array_ops.fill(array_ops.shape(lengths), time + 1),
                                lengths)
      nest.assert_same_structure(state, new_state)
      nest.assert_same_structure(arrays, outputs)
      nest.assert_same_structure(inputs, new_inputs)
      if impute_finished:
        outputs = nest.map_structure(lambda out, zero: array_ops.where(finished, zero, out), outputs, zero_outputs)
        new_state = nest.map_structure(lambda new, old: copied(new, old, finished), new_state, state)
      arrays = nest.map_structure(lambda array, out: array.write(time, out), arrays, outputs)
      return time + 1, arrays, new_state, new_inputs, now_finished, lengths

    _, arrays, state, _, _, lengths = while_loop(
        lambda time, arrays, state, inputs, finished, lengths: math_ops.logical_not(math_ops.reduce_all(finished)),
        body, (constant_op.constant(0, dtype=dtypes.int32), arrays, state, inputs, finished, lengths),
        parallel_iterations=parallel_iterations, maximum_iterations=maximum_iterations, swap_memory=swap_memory)
    outputs = nest.map_structure(lambda array: array.stack(), arrays)
    if type(decoder).finalize is not Decoder.finalize:
      outputs, state = decoder.finalize(outputs, state, lengths)
    if not output_time_major:
      outputs = nest.map_structure(transpose_batch_time, outputs)
  return outputs, state, lengths


BasicDecoderOutput = collections.namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))


class BasicDecoder(Decoder):
  """A cell, an output layer upon it if there is one, and a helper that samples from its outputs."""

  def __init__(self, cell, helper, initial_state, output_layer=None):
    assert_like_rnncell("cell", cell)
    if not isinstance(helper, helper_py.Helper):
      raise TypeError("helper must be a Helper, received: %s" % type(helper))
    if output_layer is not None and not isinstance(output_layer, base.Layer):
      raise TypeError("output_layer must be a Layer, received: %s" % type(output_layer))
    self._cell = cell
    self._helper = helper
    self._initial_state = initial_state
    self._output_layer = output_layer

  @property
  def batch_size(self):
    return self._helper.batch_size

  def _rnn_output_size(self):
    size = self._cell.output_size
    if self._output_layer is None:
      return size
    return nest.map_structure(
        lambda s: self._output_layer.compute_output_shape(tensor_shape.TensorShape([None]).concatenate(s))[1:], size)

  @property
  def output_size(self):
    return BasicDecoderOutput(self._rnn_output_size(), self._helper.sample_ids_shape)

  @property
  def output_dtype(self):
    dtype = nest.flatten(self._initial_state)[0].dtype
    return BasicDecoderOutput(nest.map_structure(lambda _: dtype, self._rnn_output_size()),
                              self._helper.sample_ids_dtype)

  def initialize(self, name=None):
    return tuple(self._helper.initialize()) + (self._initial_state,)

  def step(self, time, inputs, state, name=None):
    with ops.name_scope(name, "BasicDecoderStep", (time, inputs, state)):
      outputs, state = self._cell(inputs, state)
      if self._output_layer is not None:
        outputs = self._output_layer(outputs)
      ids = self._helper.sample(time=time, outputs=outputs, state=state)
      finished, inputs, state = self._helper.next_inputs(time=time, outputs=outputs, state=state, sample_ids=ids)
    return BasicDecoderOutput(outputs, ids), state, inputs, finished
