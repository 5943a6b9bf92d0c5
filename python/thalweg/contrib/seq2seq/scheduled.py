"""Scheduled sampling (Bengio et al. 2015): in training, now and then what was decoded takes the place of what was given."""

from thalweg.contrib.seq2seq.helper import TrainingHelper
from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, embedding_ops, math_ops, random_ops
from thalweg.ops.cond import cond
from thalweg.ops.tensor_array_ops import TensorArray
from thalweg.rnn.dynamic import transpose_batch_time


def _probability(value):
  value = ops.convert_to_tensor(value, name="sampling_probability")
  if value.get_shape().ndims not in (0, 1):
    raise ValueError("sampling_probability must be either a scalar or a vector. saw shape: %s" % value.get_shape())
  return value


def _chosen(probability, batch_size, seed):
  """[batch]: whether an example is sampled."""
  drawn = random_ops.random_uniform(array_ops.expand_dims(batch_size, 0), seed=seed, dtype=probability.dtype)
  return math_ops.less(drawn, probability)


def _merged(where, sampled, given):
  """The rows of `given` with those where the vector of booleans says so as sampled(indices) makes them."""
  places, others = (math_ops.cast(array_ops.where(w), dtypes.int32) for w in (where, math_ops.logical_not(where)))
  shape = array_ops.shape(given)
  return (array_ops.scatter_nd(places, sampled(places), shape) +
          array_ops.scatter_nd(others, array_ops.gather_nd(given, others), shape))


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
  """TrainingHelper that feeds, with a probability, the embedding of an id drawn from the outputs. Its samples are these
  ids, and -1 where none was drawn."""

  def __init__(self, inputs, sequence_length, embedding, sampling_probability, time_major=False, seed=None,
               scheduling_seed=None, name=None):
    with ops.name_scope(name, "ScheduledEmbeddingSamplingWrapper", [embedding, sampling_probability]):
      self._embedding_fn = embedding
      if not callable(embedding):
        self._embedding_fn = lambda ids: embedding_ops.embedding_lookup(embedding, ids)
      self._sampling_probability = _probability(sampling_probability)
      self._seed = seed
      self._scheduling_seed = scheduling_seed
      super().__init__(inputs=inputs, sequence_length=sequence_length, time_major=time_major, name=name)

  def sample(self, time, outputs, state, name=None):
    with ops.name_scope(name, "ScheduledEmbeddingTrainingHelperSample", [time, outputs, state]):
      chosen = _chosen(self._sampling_probability, self.batch_size, self._scheduling_seed)
      ids = random_ops.multinomial(outputs, 1, seed=self._seed, output_dtype=dtypes.int32)
      return array_ops.where(chosen, array_ops.reshape(ids, [-1]), array_ops.fill([self.batch_size], -1))

  def next_inputs(self, time, outputs, state, sample_ids, name=None):
    with ops.name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
      finished, given, state = super().next_inputs(time=time, outputs=outputs, state=state, name=name)
      inputs = cond(math_ops.reduce_all(finished), lambda: given, lambda: _merged(
          sample_ids > -1, lambda places: self._embedding_fn(array_ops.gather_nd(sample_ids, places)), given))
      return finished, inputs, state


class ScheduledOutputTrainingHelper(TrainingHelper):
  """TrainingHelper that feeds, with a probability, the outputs, or next_inputs_fn of them, beside the auxiliary inputs of
  the step if there are any. Its samples say where it did."""

  def __init__(self, inputs, sequence_length, sampling_probability, time_major=False, seed=None, next_inputs_fn=None,
               auxiliary_inputs=None, name=None):
    with ops.name_scope(name, "ScheduledOutputTrainingHelper", [inputs, auxiliary_inputs, sampling_probability]):
      self._sampling_probability = _probability(sampling_probability)
      self._auxiliary_steps = None
      if auxiliary_inputs is not None:
        inputs = ops.convert_to_tensor(inputs, name="inputs")
        auxiliary = ops.convert_to_tensor(auxiliary_inputs, name="auxiliary_inputs")
        inputs = array_ops.concat((inputs, auxiliary), -1)
        if not time_major:
          auxiliary = transpose_batch_time(auxiliary)
        self._auxiliary_steps = TensorArray(dtype=auxiliary.dtype, size=array_ops.shape(auxiliary)[0],
                                            element_shape=auxiliary.get_shape()[1:]).unstack(auxiliary)
      self._seed = seed
      self._next_inputs_fn = next_inputs_fn
      super().__init__(inputs=inputs, sequence_length=sequence_length, time_major=time_major, name=name)

  def sample(self, time, outputs, state, name=None):
    with ops.name_scope(name, "ScheduledOutputTrainingHelperSample", [time, outputs, state]):
      return math_ops.cast(_chosen(self._sampling_probability, self.batch_size, self._seed), dtypes.int32)

  def _beside_auxiliary(self, values, time, places=None):
    if self._auxiliary_steps is None:
      return values
    auxiliary = self._auxiliary_steps.read(time)
    if places is not None:
      auxiliary = array_ops.gather_nd(auxiliary, places)
    return array_ops.concat((values, auxiliary), -1)

  def next_inputs(self, time, outputs, state, sample_ids, name=None):
    with ops.name_scope(name, "ScheduledOutputTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
      finished, given, state = super().next_inputs(time=time, outputs=outputs, state=state, name=name)
      chosen = math_ops.cast(sample_ids, dtypes.bool)

      def sampled():
        if self._next_inputs_fn is None:
          return array_ops.where(chosen, self._beside_auxiliary(outputs, time + 1), given)
        return _merged(chosen, lambda places: self._beside_auxiliary(
            self._next_inputs_fn(array_ops.gather_nd(outputs, places)), time + 1, places), given)

      nothing = math_ops.logical_or(math_ops.reduce_all(finished), math_ops.logical_not(math_ops.reduce_any(chosen)))
      return finished, cond(nothing, lambda: given, sampled), state
