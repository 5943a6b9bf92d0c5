"""tf.contrib.crf: linear-chain conditional random fields (Lafferty et al. 2001).

Scores of tags are [batch, steps, tags], tags are int32 or int64 [batch, steps], lengths [batch], and transition_params
[tags, tags] holds the score of going from the tag of its row to the tag of its column.
"""

import numpy as np

from thalweg.contrib.layers import utils
from thalweg.framework import constant_op, dtypes, tensor_shape
from thalweg.ops import array_ops, math_ops, variable_scope as vs
from thalweg.rnn.cell import RNNCell
from thalweg.rnn.dynamic import dynamic_rnn


def _for_length_one(scores, single, several):
  """single() for sequences of one step, else several()."""
  steps = tensor_shape.dimension_value(scores.shape[1])
  return utils.smart_cond(math_ops.equal(array_ops.shape(scores)[1], 1) if steps is None else steps == 1, single,
                          several)


def _or_zero(values, sequence_lengths):
  """The values of sequences that are not empty."""
  return array_ops.where(math_ops.less_equal(sequence_lengths, 0), array_ops.zeros_like(values), values)


def _less_one(sequence_lengths):
  return math_ops.maximum(constant_op.constant(0, dtype=sequence_lengths.dtype), sequence_lengths - 1)


def crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params):
  """The score of each sequence of tags, before normalisation."""

  def single():
    batch = array_ops.shape(inputs, out_type=tag_indices.dtype)[0]
    rows = array_ops.reshape(math_ops.range(batch, dtype=tag_indices.dtype), [-1, 1])
    scores = array_ops.gather_nd(array_ops.squeeze(inputs, [1]), array_ops.concat([rows, tag_indices], axis=1))
    return _or_zero(scores, sequence_lengths)

  def several():
    return (crf_unary_score(tag_indices, sequence_lengths, inputs) +
            crf_binary_score(tag_indices, sequence_lengths, transition_params))

  return _for_length_one(inputs, single, several)


def crf_multitag_sequence_score(inputs, tag_bitmap, sequence_lengths, transition_params):
  """The log-sum-exp of the scores of all sequences whose tags tag_bitmap [batch, steps, tags] allows."""

  def allowed():
    return array_ops.where(tag_bitmap, inputs, array_ops.fill(array_ops.shape(inputs), float("-inf")))

  return _for_length_one(inputs, lambda: math_ops.reduce_logsumexp(allowed(), axis=[1, 2], keepdims=False),
                         lambda: crf_log_norm(allowed(), sequence_lengths, transition_params))


def crf_log_norm(inputs, sequence_lengths, transition_params):
  """The log-sum-exp of the scores of all sequences of tags."""
  first = array_ops.squeeze(array_ops.slice(inputs, [0, 0, 0], [-1, 1, -1]), [1])

  def single():
    return _or_zero(math_ops.reduce_logsumexp(first, [1]), sequence_lengths)

  def several():
    _, alphas = dynamic_rnn(
        cell=CrfForwardRnnCell(transition_params), inputs=array_ops.slice(inputs, [0, 1, 0], [-1, -1, -1]),
        sequence_length=_less_one(sequence_lengths), initial_state=first, dtype=dtypes.float32)
    return _or_zero(math_ops.reduce_logsumexp(alphas, [1]), sequence_lengths)

  return _for_length_one(inputs, single, several)


def crf_log_likelihood(inputs, tag_indices, sequence_lengths, transition_params=None):
  """(the log-likelihood of each sequence of tags, transition_params, which are a variable `transitions` when not given)."""
  tags = tensor_shape.dimension_value(inputs.shape[2])
  if transition_params is None:
    transition_params = vs.get_variable("transitions", [tags, tags])
  scores = crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params)
  return scores - crf_log_norm(inputs, sequence_lengths, transition_params), transition_params


def _mask(tag_indices, sequence_lengths):
  return array_ops.sequence_mask(sequence_lengths, maxlen=array_ops.shape(tag_indices)[1], dtype=dtypes.float32)


def crf_unary_score(tag_indices, sequence_lengths, inputs):
  """The sum of the scores of a sequence's tags, transitions left out."""
  batch, steps, tags = (array_ops.shape(inputs)[i] for i in range(3))
  offsets = array_ops.expand_dims(math_ops.range(batch) * steps * tags, 1)
  offsets += array_ops.expand_dims(math_ops.range(steps) * tags, 0)
  if tag_indices.dtype == dtypes.int64:
    offsets = math_ops.cast(offsets, dtypes.int64)
  places = array_ops.reshape(offsets + tag_indices, [-1])
  scores = array_ops.reshape(array_ops.gather(array_ops.reshape(inputs, [-1]), places), [batch, steps])
  return math_ops.reduce_sum(scores * _mask(tag_indices, sequence_lengths), 1)


def crf_binary_score(tag_indices, sequence_lengths, transition_params):
  """The sum of the scores of a sequence's transitions."""
  tags = transition_params.get_shape()[0]
  transitions = array_ops.shape(tag_indices)[1] - 1
  begins = array_ops.slice(tag_indices, [0, 0], [-1, transitions])
  ends = array_ops.slice(tag_indices, [0, 1], [-1, transitions])
  scores = array_ops.gather(array_ops.reshape(transition_params, [-1]), begins * tags + ends)
  mask = array_ops.slice(_mask(tag_indices, sequence_lengths), [0, 1], [-1, -1])
  return math_ops.reduce_sum(scores * mask, 1)


class _OverTags(RNNCell):
  """A cell whose state is a score for each tag."""

  def __init__(self, transition_params):
    super().__init__()
    self._transition_params = array_ops.expand_dims(transition_params, 0)
    self._num_tags = tensor_shape.dimension_value(transition_params.shape[0])

  @property
  def state_size(self):
    return self._num_tags

  @property
  def output_size(self):
    return self._num_tags

  def _transitions(self, state):
    """[batch, tag before, tag now]."""
    return array_ops.expand_dims(state, 2) + self._transition_params


class CrfForwardRnnCell(_OverTags):
  """The forward algorithm: the state is the log-sum-exp of the scores of all sequences that end in each tag."""

  def __call__(self, inputs, state, scope=None):
    alphas = inputs + math_ops.reduce_logsumexp(self._transitions(state), [1])
    return alphas, alphas


class CrfDecodeForwardRnnCell(_OverTags):
  """Viterbi's algorithm: the state is the best score of a sequence that ends in each tag, the output the tag before."""

  def __call__(self, inputs, state, scope=None):
    scores = self._transitions(state)
    best = inputs + math_ops.reduce_max(scores, [1])
    return math_ops.cast(math_ops.argmax(scores, 1), dtype=dtypes.int32), best


class CrfDecodeBackwardRnnCell(RNNCell):
  """Follows the tags before, int32 [batch, tags], backwards: state and output are a tag, [batch, 1]."""

  def __init__(self, num_tags):
    super().__init__()
    self._num_tags = num_tags

  @property
  def state_size(self):
    return 1

  @property
  def output_size(self):
    return 1

  def __call__(self, inputs, state, scope=None):
    rows = math_ops.range(array_ops.shape(inputs)[0])
    places = array_ops.stack([rows, array_ops.squeeze(state, axis=[1])], axis=1)
    tags = array_ops.expand_dims(array_ops.gather_nd(inputs, places), axis=-1)
    return tags, tags


def viterbi_decode(score, transition_params):
  """(the best sequence of tags as a list, its score) of one sequence's scores [steps, tags], both numpy arrays."""
  trellis = np.zeros_like(score)
  before = np.zeros_like(score, dtype=np.int32)
  trellis[0] = score[0]
  for step in range(1, score.shape[0]):
    reached = trellis[step - 1][:, None] + transition_params
    trellis[step] = score[step] + np.max(reached, 0)
    before[step] = np.argmax(reached, 0)
  tags = [np.argmax(trellis[-1])]
  for pointers in before[:0:-1]:
    tags.append(pointers[tags[-1]])
  return tags[::-1], np.max(trellis[-1])


def crf_decode(potentials, transition_params, sequence_length):
  """(the best sequence of tags, int32 [batch, steps], its score [batch])."""

  def single():
    scores = array_ops.squeeze(potentials, [1])
    tags = array_ops.expand_dims(math_ops.argmax(scores, axis=1), 1)
    return math_ops.cast(tags, dtype=dtypes.int32), math_ops.reduce_max(scores, axis=1)

  def several():
    first = array_ops.squeeze(array_ops.slice(potentials, [0, 0, 0], [-1, 1, -1]), axis=[1])
    lengths = _less_one(sequence_length)
    before, last = dynamic_rnn(
        CrfDecodeForwardRnnCell(transition_params), inputs=array_ops.slice(potentials, [0, 1, 0], [-1, -1, -1]),
        sequence_length=lengths, initial_state=first, time_major=False, dtype=dtypes.int32)
    # From the end back to the beginning.
    before = array_ops.reverse_sequence(before, lengths, seq_axis=1, batch_axis=0)
    tag = array_ops.expand_dims(math_ops.cast(math_ops.argmax(last, axis=1), dtype=dtypes.int32), axis=-1)
    tags, _ = dynamic_rnn(
        CrfDecodeBackwardRnnCell(tensor_shape.dimension_value(potentials.shape[2])), inputs=before,
        sequence_length=lengths, initial_state=tag, time_major=False, dtype=dtypes.int32)
    tags = array_ops.concat([tag, array_ops.squeeze(tags, axis=[2])], axis=1)
    tags = array_ops.reverse_sequence(tags, sequence_length, seq_axis=1, batch_axis=0)
    return tags, math_ops.reduce_max(last, axis=1)

  return _for_length_one(potentials, single, several)
