"""What feeds a decoder: the next inputs, from a given sequence or from what was decoded, and when it is over."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import array_ops, embedding_ops, math_ops, random_ops
from thalweg.ops.cond import cond
from thalweg.ops.tensor_array_ops import TensorArray
from thalweg.rnn.dynamic import transpose_batch_time
from thalweg.util import nest


class Helper(object):
  """The base. initialize() gives (finished [batch], first inputs), sample() ids from outputs, and next_inputs() (finished,
  inputs, state)."""

  @property
  def batch_size(self):
    raise NotImplementedError("batch_size has not been implemented")

  @property
  def sample_ids_shape(self):
    raise NotImplementedError("sample_ids_shape has not been implemented")

  @property
  def sample_ids_dtype(self):
    raise NotImplementedError("sample_ids_dtype has not been implemented")

  def initialize(self, name=None):
    raise NotImplementedError("%s defines no initialize" % type(self).__name__)

  def sample(self, time, outputs, state, name=None):
    raise NotImplementedError("%s defines no sample" % type(self).__name__)

  def next_inputs(self, time, outputs, state, sample_ids, name=None):
    raise NotImplementedError("%s defines no next_inputs" % type(self).__name__)


class CustomHelper(Helper):
  """A helper of three functions."""

  def __init__(self, initialize_fn, sample_fn, next_inputs_fn, sample_ids_shape=None, sample_ids_dtype=None):
    self._initialize_fn = initialize_fn
    self._sample_fn = sample_fn
    self._next_inputs_fn = next_inputs_fn
    self._batch_size = None
    self._sample_ids_shape = tensor_shape.TensorShape(sample_ids_shape or [])
    self._sample_ids_dtype = sample_ids_dtype or dtypes.int32

  @property
  def batch_size(self):
    if self._batch_size is None:
      raise ValueError("batch_size accessed before initialize was called")
    return self._batch_size

  @property
  def sample_ids_shape(self):
    return self._sample_ids_shape

  @property
  def sample_ids_dtype(self):
    return self._sample_ids_dtype

  def initialize(self, name=None):
    with ops.name_scope(name, "%sInitialize" % type(self).__name__):
      finished, inputs = self._initialize_fn()
      if self._batch_size is None:
        self._batch_size = array_ops.size(finished)
    return finished, inputs

  def sample(self, time, outputs, state, name=None):
    with ops.name_scope(name, "%sSample" % type(self).__name__, (time, outputs, state)):
      return self._sample_fn(time=time, outputs=outputs, state=state)

  def next_inputs(self, time, outputs, state, sample_ids, name=None):
    with ops.name_scope(name, "%sNextInputs" % type(self).__name__, (time, outputs, state)):
      return self._next_inputs_fn(time=time, outputs=outputs, state=state, sample_ids=sample_ids)


class _OfIds(Helper):
  """A helper whose samples are ids, one int32 for each example."""

  @property
  def batch_size(self):
    return self._batch_size

  @property
  def sample_ids_shape(self):
    return tensor_shape.TensorShape([])

  @property
  def sample_ids_dtype(self):
    return dtypes.int32


class TrainingHelper(_OfIds):
  """Feeds given inputs [batch, time, ...], whatever was decoded."""

  def __init__(self, inputs, sequence_length, time_major=False, name=None):
    with ops.name_scope(name, "TrainingHelper", [inputs, sequence_length]):
      self._inputs = inputs = ops.convert_to_tensor(inputs, name="inputs")
      if not time_major:
        inputs = transpose_batch_time(inputs)
      self._steps = TensorArray(dtype=inputs.dtype, size=array_ops.shape(inputs)[0],
                                element_shape=inputs.get_shape()[1:]).unstack(inputs)
      self._sequence_length = ops.convert_to_tensor(sequence_length, name="sequence_length")
      if self._sequence_length.get_shape().ndims != 1:
        raise ValueError("Expected sequence_length to be a vector, but received shape: %s" %
                         self._sequence_length.get_shape())
      self._zero_inputs = array_ops.zeros_like(inputs[0, :])
      self._batch_size = array_ops.size(sequence_length)

  @property
  def inputs(self):
    return self._inputs

  @property
  def sequence_length(self):
    return self._sequence_length

  def _read(self, finished, time):
    """The inputs of a step; zeros when there are none left for any example."""
    return cond(math_ops.reduce_all(finished), lambda: self._zero_inputs, lambda: self._steps.read(time))

  def initialize(self, name=None):
    with ops.name_scope(name, "TrainingHelperInitialize"):
      finished = math_ops.equal(0, self._sequence_length)
      return finished, self._read(finished, 0)

  def sample(self, time, outputs, name=None, **unused_kwargs):
    with ops.name_scope(name, "TrainingHelperSample", [time, outputs]):
      return math_ops.cast(math_ops.argmax(outputs, axis=-1), dtypes.int32)

  def next_inputs(self, time, outputs, state, name=None, **unused_kwargs):
    with ops.name_scope(name, "TrainingHelperNextInputs", [time, outputs, state]):
      next_time = time + 1
      finished = next_time >= self._sequence_length
      return finished, self._read(finished, next_time), state


class GreedyEmbeddingHelper(_OfIds):
  """Feeds the embedding of the likeliest id, until it is end_token. `embedding` is a table or a function of ids."""

  def __init__(self, embedding, start_tokens, end_token):
    self._embedding_fn = embedding
    if not callable(embedding):
      self._embedding_fn = lambda ids: embedding_ops.embedding_lookup(embedding, ids)
    self._start_tokens = ops.convert_to_tensor(start_tokens, dtype=dtypes.int32, name="start_tokens")
    self._end_token = ops.convert_to_tensor(end_token, dtype=dtypes.int32, name="end_token")
    if self._start_tokens.get_shape().ndims != 1:
      raise ValueError("start_tokens must be a vector")
    self._batch_size = array_ops.size(start_tokens)
    if self._end_token.get_shape().ndims != 0:
      raise ValueError("end_token must be a scalar")
    self._start_inputs = self._embedding_fn(self._start_tokens)

  def initialize(self, name=None):
    return array_ops.tile([False], [self._batch_size]), self._start_inputs

  @staticmethod
  def _check(outputs):
    if not isinstance(outputs, ops.Tensor):
      raise TypeError("Expected outputs to be a single Tensor, got: %s" % type(outputs))

  def sample(self, time, outputs, state, name=None):
    self._check(outputs)
    return math_ops.argmax(outputs, axis=-1, output_type=dtypes.int32)

  def next_inputs(self, time, outputs, state, sample_ids, name=None):
    finished = math_ops.equal(sample_ids, self._end_token)
    inputs = cond(math_ops.reduce_all(finished), lambda: self._start_inputs, lambda: self._embedding_fn(sample_ids))
    return finished, inputs, state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
  """GreedyEmbeddingHelper with ids drawn by their probability; a temperature above 1 evens it out."""

  def __init__(self, embedding, start_tokens, end_token, softmax_temperature=None, seed=None):
    super().__init__(embedding, start_tokens, end_token)
    self._softmax_temperature = softmax_temperature
    self._seed = seed

  def sample(self, time, outputs, state, name=None):
    self._check(outputs)
    logits = outputs if self._softmax_temperature is None else outputs / self._softmax_temperature
    drawn = random_ops.multinomial(logits, 1, seed=self._seed, output_dtype=dtypes.int32)
    return array_ops.reshape(drawn, [-1])


class InferenceHelper(Helper):
  """Feeds samples back, as sample_fn makes them from outputs and next_inputs_fn, if any, inputs from them."""

  def __init__(self, sample_fn, sample_shape, sample_dtype, start_inputs, end_fn, next_inputs_fn=None):
    self._sample_fn = sample_fn
    self._end_fn = end_fn
    self._sample_shape = tensor_shape.TensorShape(sample_shape)
    self._sample_dtype = sample_dtype
    self._next_inputs_fn = next_inputs_fn
    self._batch_size = array_ops.shape(start_inputs)[0]
    self._start_inputs = ops.convert_to_tensor(start_inputs, name="start_inputs")

  @property
  def batch_size(self):
    return self._batch_size

  @property
  def sample_ids_shape(self):
    return self._sample_shape

  @property
  def sample_ids_dtype(self):
    return self._sample_dtype

  def initialize(self, name=None):
    return array_ops.tile([False], [self._batch_size]), self._start_inputs

  def sample(self, time, outputs, state, name=None):
    return self._sample_fn(outputs)

  def next_inputs(self, time, outputs, state, sample_ids, name=None):
    inputs = sample_ids if self._next_inputs_fn is None else self._next_inputs_fn(sample_ids)
    return self._end_fn(sample_ids), inputs, state
