"""Attention that goes through a memory from its beginning to its end (Raffel et al. 2017)."""

import numpy as np

from thalweg.contrib.seq2seq.attention import BahdanauAttention, LuongAttention
from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import array_ops, clip_ops, math_ops, random_ops, variable_scope as vs
from thalweg.ops.functional_ops import scan


def safe_cumprod(x, *args, **kwargs):
  """cumprod of values in [0, 1] as a sum of logarithms, whose gradient stays finite at 0."""
  with ops.name_scope(None, "SafeCumprod", [x]):
    x = ops.convert_to_tensor(x, name="x")
    tiny = np.finfo(x.dtype.as_numpy_dtype).tiny
    return math_ops.exp(math_ops.cumsum(math_ops.log(clip_ops.clip_by_value(x, tiny, 1)), *args, **kwargs))


def monotonic_attention(p_choose_i, previous_attention, mode):
  """The probability [batch, time] of attending to each step: of stopping there, p_choose_i, after not stopping since where
  attention was before. "recursive" is exact, "parallel" quick but unsteady where probabilities are near 0 or 1, and "hard"
  for probabilities that are 0 or 1."""
  p_choose_i = ops.convert_to_tensor(p_choose_i, name="p_choose_i")
  previous_attention = ops.convert_to_tensor(previous_attention, name="previous_attention")
  if mode == "recursive":
    batch = tensor_shape.dimension_value(p_choose_i.shape[0]) or array_ops.shape(p_choose_i)[0]
    passed = array_ops.concat([array_ops.ones((batch, 1)), 1 - p_choose_i[:, :-1]], 1)
    reached = scan(lambda x, step: array_ops.reshape(step[0] * x + step[1], (batch,)),
                   [array_ops.transpose(passed), array_ops.transpose(previous_attention)], array_ops.zeros((batch,)))
    return p_choose_i * array_ops.transpose(reached)
  if mode == "parallel":
    passed = safe_cumprod(1 - p_choose_i, axis=1, exclusive=True)
    reached = math_ops.cumsum(previous_attention / clip_ops.clip_by_value(passed, 1e-10, 1.), axis=1)
    return p_choose_i * passed * reached
  if mode == "hard":
    p_choose_i *= math_ops.cumsum(previous_attention, axis=1)
    return p_choose_i * math_ops.cumprod(1 - p_choose_i, axis=1, exclusive=True)
  raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")


class _Monotonic(object):
  """Before an attention, makes it monotonic: the state is where attention was, at first all at the beginning."""

  def _set_options(self, sigmoid_noise, sigmoid_noise_seed, score_bias_init, mode):
    self._sigmoid_noise = sigmoid_noise
    self._sigmoid_noise_seed = sigmoid_noise_seed
    self._score_bias_init = score_bias_init
    self._mode = mode

  def _score(self, query):
    score = super()._score(query)
    return score + vs.get_variable("attention_score_bias", dtype=query.dtype, initializer=self._score_bias_init)

  def _probabilities(self, score, state):
    if self._sigmoid_noise > 0:
      noise = random_ops.random_normal(array_ops.shape(score), dtype=score.dtype, seed=self._sigmoid_noise_seed)
      score += self._sigmoid_noise * noise
    choose = math_ops.cast(score > 0, score.dtype) if self._mode == "hard" else math_ops.sigmoid(score)
    return monotonic_attention(choose, state, self._mode)

  def initial_alignments(self, batch_size, dtype):
    return array_ops.one_hot(array_ops.zeros((batch_size,), dtype=dtypes.int32), self._alignments_size, dtype=dtype)


class BahdanauMonotonicAttention(_Monotonic, BahdanauAttention):
  """Monotonic attention with Bahdanau's scores, a learnt bias added."""

  _scope_name = "bahdanau_monotonic_attention"

  def __init__(self, num_units, memory, memory_sequence_length=None, normalize=False, score_mask_value=None,
               sigmoid_noise=0., sigmoid_noise_seed=None, score_bias_init=0., mode="parallel", dtype=None,
               name="BahdanauMonotonicAttention"):
    super().__init__(num_units, memory, memory_sequence_length, normalize=normalize, score_mask_value=score_mask_value,
                     dtype=dtype, name=name)
    self._set_options(sigmoid_noise, sigmoid_noise_seed, score_bias_init, mode)


class LuongMonotonicAttention(_Monotonic, LuongAttention):
  """Monotonic attention with Luong's scores, a learnt bias added."""

  _scope_name = "luong_monotonic_attention"

  def __init__(self, num_units, memory, memory_sequence_length=None, scale=False, score_mask_value=None,
               sigmoid_noise=0., sigmoid_noise_seed=None, score_bias_init=0., mode="parallel", dtype=None,
               name="LuongMonotonicAttention"):
    super().__init__(num_units, memory, memory_sequence_length, scale=scale, score_mask_value=score_mask_value,
                     dtype=dtype, name=name)
    self._set_options(sigmoid_noise, sigmoid_noise_seed, score_bias_init, mode)
