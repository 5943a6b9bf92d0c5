"""Attention: how much of each step of a memory [batch, time, depth] a query [batch, depth] looks at."""

import math

import numpy as np

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.layers import base, core
from thalweg.ops import array_ops, check_ops, init_ops, math_ops, nn_ops, variable_scope as vs
from thalweg.rnn.cell import zeros_of
from thalweg.util import nest


class AttentionMechanism(object):
  """The base of what AttentionWrapper takes."""

  @property
  def alignments_size(self):
    raise NotImplementedError

  @property
  def state_size(self):
    raise NotImplementedError


def _prepared(memory, sequence_length, check_inner_dims_defined):
  """The memory with zeros beyond the length of each example."""
  memory = nest.map_structure(lambda m: ops.convert_to_tensor(m, name="memory"), memory)
  if check_inner_dims_defined:
    for m in nest.flatten(memory):
      if not m.get_shape()[2:].is_fully_defined():
        raise ValueError("Expected memory %s to have fully defined inner dims, but saw shape: %s" % (
            m.name, m.get_shape()))
  if sequence_length is None:
    return memory
  sequence_length = ops.convert_to_tensor(sequence_length, name="memory_sequence_length")
  first = nest.flatten(memory)[0]
  mask = array_ops.sequence_mask(sequence_length, maxlen=array_ops.shape(first)[1], dtype=first.dtype)

  def masked(m):
    rank = m.get_shape().ndims
    rank = array_ops.rank(m) if rank is None else rank
    extra = array_ops.ones(array_ops.expand_dims(rank - 2, 0), dtype=dtypes.int32)
    return m * array_ops.reshape(mask, array_ops.concat((array_ops.shape(mask), extra), 0))

  return nest.map_structure(masked, memory)


def _masked_score(score, sequence_length, value):
  """The scores, with `value` beyond the length of each example's memory."""
  if sequence_length is None:
    return score
  with ops.control_dependencies([check_ops.assert_positive(
      sequence_length, message="All values in memory_sequence_length must greater than zero.")]):
    mask = array_ops.sequence_mask(sequence_length, maxlen=array_ops.shape(score)[1])
    return array_ops.where(mask, score, value * array_ops.ones_like(score))


class _Attention(AttentionMechanism):
  """Keys and values of a memory, and a function that makes probabilities of the scores that a subclass defines."""

  _scope_name = None

  def __init__(self, query_layer, memory, probability_fn, memory_sequence_length=None, memory_layer=None,
               score_mask_value=None, custom_key_value_fn=None, name=None):
    for what, layer in (("query_layer", query_layer), ("memory_layer", memory_layer)):
      if layer is not None and not isinstance(layer, base.Layer):
        raise TypeError("%s is not a Layer: %s" % (what, type(layer).__name__))
    probability_fn = probability_fn or nn_ops.softmax
    if not callable(probability_fn):
      raise TypeError("probability_fn must be callable, saw type: %s" % type(probability_fn).__name__)
    self._query_layer = query_layer
    self._memory_layer = memory_layer
    self.dtype = memory_layer.dtype
    if score_mask_value is None:
      score_mask_value = dtypes.as_dtype(self.dtype).as_numpy_dtype(-np.inf)
    self._mask = lambda score: _masked_score(score, memory_sequence_length, score_mask_value)
    self._probability_fn = probability_fn
    with ops.name_scope(name, "BaseAttentionMechanismInit", nest.flatten(memory)):
      self._values = _prepared(memory, memory_sequence_length, True)
      self._keys = memory_layer(self._values) if memory_layer else self._values
      if custom_key_value_fn is not None:
        self._keys, self._values = custom_key_value_fn(self._keys, self._values)
      sizes = [tensor_shape.dimension_value(self._keys.shape[i]) or array_ops.shape(self._keys)[i] for i in (0, 1)]
      self._batch_size, self._alignments_size = sizes

  @property
  def memory_layer(self):
    return self._memory_layer

  @property
  def query_layer(self):
    return self._query_layer

  @property
  def values(self):
    return self._values

  @property
  def keys(self):
    return self._keys

  @property
  def batch_size(self):
    return self._batch_size

  @property
  def alignments_size(self):
    return self._alignments_size

  @property
  def state_size(self):
    return self._alignments_size

  def initial_alignments(self, batch_size, dtype):
    return zeros_of(batch_size, self._alignments_size, dtype)

  def initial_state(self, batch_size, dtype):
    return self.initial_alignments(batch_size, dtype)


  def __call__(self, query, state):
    """(probabilities [batch, time], the next state, which they are)."""
    with vs.variable_scope(None, self._scope_name, [query]):
      score = self._score(query)
    alignments = self._probabilities(self._mask(score), state)
    return alignments, alignments

  def _score(self, query):
    raise NotImplementedError("%s defines no _score" % type(self).__name__)

  def _probabilities(self, score, state):
    return self._probability_fn(score)


def _dense(num_units, name, dtype):
  return core.Dense(num_units, name=name, use_bias=False, dtype=dtype or dtypes.float32)


class LuongAttention(_Attention):
  """Scores are products of query and keys (Luong et al. 2015), times a variable with `scale`."""

  _scope_name = "luong_attention"

  def __init__(self, num_units, memory, memory_sequence_length=None, scale=False, probability_fn=None,
               score_mask_value=None, dtype=None, custom_key_value_fn=None, name="LuongAttention"):
    super().__init__(
        query_layer=None, memory_layer=_dense(num_units, "memory_layer", dtype), memory=memory,
        probability_fn=probability_fn, memory_sequence_length=memory_sequence_length,
        score_mask_value=score_mask_value, custom_key_value_fn=custom_key_value_fn, name=name)
    self._num_units = num_units
    self._scale = scale
    self._name = name

  def _score(self, query):
    scale = None
    if self._scale:
      scale = vs.get_variable("attention_g", dtype=query.dtype, initializer=init_ops.ones_initializer, shape=())
    depth, units = query.get_shape()[-1], self._keys.get_shape()[-1]
    if depth != units:
      raise ValueError("Incompatible or unknown inner dimensions between query and keys.  Query (%s) has units: %s.  Keys "
                       "(%s) have units: %s.  Perhaps you need to set num_units to the keys' dimension (%s)?" % (
                           query, depth, self._keys, units, units))
    score = math_ops.matmul(array_ops.expand_dims(query, 1), self._keys, transpose_b=True)
    score = array_ops.squeeze(score, [1])
    return score if scale is None else scale * score


class BahdanauAttention(_Attention):
  """Scores are v * tanh(keys + W query) (Bahdanau et al. 2015); with `normalize`, v has a length of its own (Salimans and
  Kingma 2016) and there is a bias."""

  _scope_name = "bahdanau_attention"

  def __init__(self, num_units, memory, memory_sequence_length=None, normalize=False, probability_fn=None,
               score_mask_value=None, dtype=None, custom_key_value_fn=None, name="BahdanauAttention"):
    super().__init__(
        query_layer=_dense(num_units, "query_layer", dtype), memory_layer=_dense(num_units, "memory_layer", dtype),
        memory=memory, probability_fn=probability_fn, memory_sequence_length=memory_sequence_length,
        score_mask_value=score_mask_value, custom_key_value_fn=custom_key_value_fn, name=name)
    self._num_units = num_units
    self._normalize = normalize
    self._name = name

  def _score(self, query):
    query = self.query_layer(query) if self.query_layer else query
    v = vs.get_variable("attention_v", [self._num_units], dtype=query.dtype)
    bias = None
    if self._normalize:
      length = vs.get_variable("attention_g", dtype=query.dtype, shape=(),
                               initializer=init_ops.constant_initializer(math.sqrt(1. / self._num_units)))
      bias = vs.get_variable("attention_b", [self._num_units], dtype=query.dtype,
                             initializer=init_ops.zeros_initializer())
      v = length * v * math_ops.rsqrt(math_ops.reduce_sum(math_ops.square(v)))
    sums = self._keys + array_ops.expand_dims(query, 1)
    if bias is not None:
      sums = sums + bias
    return math_ops.reduce_sum(v * math_ops.tanh(sums), [2])


def hardmax(logits, name=None):
  """One at the largest logit of each row and zero elsewhere."""
  with ops.name_scope(name, "Hardmax", [logits]):
    logits = ops.convert_to_tensor(logits, name="logits")
    depth = tensor_shape.dimension_value(logits.get_shape()[-1])
    if depth is None:
      depth = array_ops.shape(logits)[-1]
    return array_ops.one_hot(math_ops.argmax(logits, -1), depth, dtype=logits.dtype)
