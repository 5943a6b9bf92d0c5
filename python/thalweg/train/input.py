"""Input pipelines of queues: producers of examples, and batches of them.

Each function adds a queue to the graph and its QueueRunner to the collection QUEUE_RUNNERS; start_queue_runners() then
starts the threads that fill it. Producers with `num_epochs` end with OutOfRangeError, and need
`local_variables_initializer()` for the variable that counts.
"""

from thalweg import summary
from thalweg.framework import conversion, dtypes, ops, sparse_tensor, tensor_shape, tensor_util
from thalweg.ops import (array_ops, cond, control_flow_ops, data_flow_ops, math_ops, queue_ops, random_ops,
                         sparse_serialize_ops, string_ops, variable_scope)
from thalweg.train import queue_runner


def match_filenames_once(pattern, name=None):
  """A local variable with the names of the files that match when it is initialised."""
  with ops.name_scope(name, "matching_filenames", [pattern]) as name:
    return variable_scope.variable(name=name, initial_value=string_ops.matching_files(pattern), trainable=False,
                                   validate_shape=False, collections=[ops.GraphKeys.LOCAL_VARIABLES])


def limit_epochs(tensor, num_epochs=None, name=None):
  """`tensor`, which may be had `num_epochs` times; then OutOfRangeError."""
  if num_epochs is None:
    return tensor
  if num_epochs <= 0:
    raise ValueError("num_epochs must be > 0 not %d." % num_epochs)
  with ops.name_scope(name, "limit_epochs", [tensor]) as name:
    epochs = variable_scope.variable(ops.convert_to_tensor(0, dtype=dtypes.int64, name="Const"), name="epochs",
                                     trainable=False, collections=[ops.GraphKeys.LOCAL_VARIABLES])
    with ops.control_dependencies([epochs.count_up_to(num_epochs)]):
      return array_ops.identity(tensor, name=name)


def input_producer(input_tensor, element_shape=None, num_epochs=None, shuffle=True, seed=None, capacity=32,
                   shared_name=None, summary_name=None, name=None, cancel_op=None):
  """A queue that gives the rows of a tensor, over and over, shuffled anew each time.

  Args:
    input_tensor: its rows are the elements.
    element_shape: of a row, where `input_tensor` does not tell.
    num_epochs: how often each row is given; None for ever.
    shuffle: whether each pass has an order of its own, from `seed`.
    capacity: of the queue.
    shared_name: under which sessions share the queue.
    summary_name: of a summary of how full the queue is, or None.
    name: scope of the operations.
    cancel_op: what ends waiting enqueues when the coordinator stops.
  """
  with ops.name_scope(name, "input_producer", [input_tensor]):
    input_tensor = ops.convert_to_tensor(input_tensor, name="input_tensor")
    element_shape = input_tensor.shape[1:].merge_with(element_shape)
    if not element_shape.is_fully_defined():
      raise ValueError("Either `input_tensor` must have a fully defined shape or `element_shape` must be specified")
    if shuffle:
      input_tensor = random_ops.random_shuffle(input_tensor, seed=seed)
    input_tensor = limit_epochs(input_tensor, num_epochs)
    queue = queue_ops.FIFOQueue(capacity=capacity, dtypes=[input_tensor.dtype.base_dtype], shapes=[element_shape],
                                shared_name=shared_name, name=name)
    queue_runner.add_queue_runner(queue_runner.QueueRunner(queue, [queue.enqueue_many([input_tensor])],
                                                           cancel_op=cancel_op))
    if summary_name is not None:
      summary.scalar(summary_name, math_ops.cast(queue.size(), dtypes.float32) * (1. / capacity))
    return queue


def string_input_producer(string_tensor, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None,
                          name=None, cancel_op=None):
  """A queue of strings, such as names of files; see input_producer."""
  empty = "string_input_producer requires a non-null input tensor"
  if not isinstance(string_tensor, ops.Tensor) and not string_tensor:
    raise ValueError(empty)
  with ops.name_scope(name, "input_producer", [string_tensor]) as name:
    string_tensor = ops.convert_to_tensor(string_tensor, dtype=dtypes.string)
    with ops.control_dependencies([
        control_flow_ops.Assert(math_ops.greater(array_ops.size(string_tensor), 0), [empty])]):
      string_tensor = array_ops.identity(string_tensor)
    return input_producer(input_tensor=string_tensor, element_shape=[], num_epochs=num_epochs, shuffle=shuffle,
                          seed=seed, capacity=capacity, shared_name=shared_name, name=name,
                          summary_name="fraction_of_%d_full" % capacity, cancel_op=cancel_op)


def range_input_producer(limit, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None):
  """A queue of the numbers below `limit`; see input_producer."""
  with ops.name_scope(name, "input_producer", [limit]) as name:
    return input_producer(math_ops.range(limit), [], num_epochs, shuffle, seed, capacity, shared_name,
                          "fraction_of_%d_full" % capacity, name)


def slice_input_producer(tensor_list, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None,
                         name=None):
  """One row of each tensor at a time, of the same number; see input_producer. All have as many rows as the first."""
  with ops.name_scope(name, "input_producer", tensor_list):
    tensor_list = conversion.convert_n_to_tensor_or_indexed_slices(tensor_list)
    if not tensor_list:
      raise ValueError("Expected at least one tensor in slice_input_producer().")
    rows = array_ops.shape(tensor_list[0])[0]
    index = range_input_producer(rows, num_epochs=num_epochs, shuffle=shuffle, seed=seed, capacity=capacity,
                                 shared_name=shared_name).dequeue()
    return [array_ops.gather(t, index) for t in tensor_list]


# --- batches ---


class _SparseColumn:
  """Sparse tensors, which go through a queue as strings for their indices, values and shape."""

  SHAPE = tensor_shape.TensorShape([3])

  def __init__(self, like, enqueue_many):
    self._dtype = like.dtype
    self._many = enqueue_many
    rank = tensor_shape.dimension_value(like.dense_shape.shape.with_rank(1)[0])
    self._rank = rank if rank is None or not enqueue_many else rank - 1

  def stored(self, t):
    if t.dtype != self._dtype:
      raise TypeError("Expected types to be consistent: %s vs. %s." % (self._dtype.name, t.dtype.name))
    if self._many:
      return sparse_serialize_ops.serialize_many_sparse(t)
    return sparse_serialize_ops.serialize_sparse(t)

  def restored(self, stored):
    return sparse_serialize_ops.deserialize_many_sparse(stored, self._dtype, self._rank)


class _Examples:
  """The tensors of one example, or of several alike: what the user gave, as lists, and back again."""

  def __init__(self, tensors_list, enqueue_many, function, keep_input=True):
    first = tensors_list[0]
    self._keys = sorted(first) if isinstance(first, dict) else None
    if self._keys is not None and any(not isinstance(t, dict) or sorted(t) != self._keys for t in tensors_list):
      raise ValueError("All dicts must have the same keys, but they have %s" % [sorted(t) for t in tensors_list])
    lists = [[t[k] for k in self._keys] if self._keys is not None else list(t) if isinstance(t, (list, tuple)) else [t]
             for t in tensors_list]
    if not lists[0]:
      raise ValueError("Expected at least one tensor in %s()." % function)
    if any(len(l) != len(lists[0]) for l in lists):
      raise ValueError("All examples must have as many tensors, but they have %s" % [len(l) for l in lists])
    kinds = [[isinstance(t, sparse_tensor.SparseTensor) for t in l] for l in lists]
    if any(k != kinds[0] for k in kinds):
      raise ValueError("All examples must have SparseTensors in the same places, but they have %s" % lists)
    self._sparse = [_SparseColumn(t, enqueue_many) if isinstance(t, sparse_tensor.SparseTensor) else None
                    for t in lists[0]]
    self.lists = [conversion.convert_n_to_tensor_or_indexed_slices(
        [t if column is None else column.stored(t) for column, t in zip(self._sparse, l)]) for l in lists]
    self.types = [t.dtype for t in self.lists[0]]
    for l in self.lists[1:]:
      if [t.dtype for t in l] != self.types:
        raise TypeError("Expected types to be consistent: %s vs. %s." % (
            ", ".join(t.name for t in self.types), ", ".join(t.dtype.name for t in l)))
    self._many = enqueue_many
    self._keep = ops.convert_to_tensor(keep_input)
    if self._keep.shape.ndims is None:
      raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if not enqueue_many and self._keep.shape.ndims == 1:
      raise ValueError("`keep_input` cannot be a vector when `enqueue_many=False`.")
    if self._keep.shape.ndims > 1:
      raise ValueError("`keep_input` must be 0 or 1 dimensions.")

  def shapes(self, given):
    if given is not None:
      return [shape if column is None else _SparseColumn.SHAPE for column, shape in zip(self._sparse, given)]
    found = []
    for parts in zip(*self.lists):
      shapes = [p.shape.with_rank_at_least(1)[1:] if self._many else p.shape for p in parts]
      found.append(queue_ops._common_shapes(shapes))
    return found

  def original(self, dequeued):
    if isinstance(dequeued, ops.Tensor):
      dequeued = [dequeued]
    dequeued = [t if column is None else column.restored(t) for column, t in zip(self._sparse, dequeued)]
    if self._keys is not None:
      return dict(zip(self._keys, dequeued))
    return dequeued[0] if len(dequeued) == 1 else list(dequeued)

  def fill(self, queue, copies):
    """Adds the runner whose threads put the examples that are to be kept in the queue."""
    enqueue = queue.enqueue_many if self._many else queue.enqueue
    enqueue_ops = []
    for tensors in self.lists:
      if self._keep.shape.ndims == 1:
        chosen = math_ops.cast(self._keep, dtypes.int32)
        enqueue_ops.append(enqueue([data_flow_ops.dynamic_partition(t, chosen, num_partitions=2)[1] for t in tensors]))
        continue
      always = tensor_util.constant_value(self._keep)
      if always is None:
        enqueue_ops.append(cond.cond(self._keep, lambda tensors=tensors: enqueue(tensors), control_flow_ops.no_op))
      else:
        enqueue_ops.append(enqueue(tensors) if always else control_flow_ops.no_op())
    queue_runner.add_queue_runner(queue_runner.QueueRunner(queue, enqueue_ops * copies))


def _batch(examples, copies, batch_size, capacity, shapes, dynamic_pad, allow_smaller_final_batch,
           shared_name, name):
  kind = queue_ops.PaddingFIFOQueue if dynamic_pad else queue_ops.FIFOQueue
  queue = kind(capacity=capacity, dtypes=examples.types, shapes=examples.shapes(shapes), shared_name=shared_name)
  examples.fill(queue, copies)
  summary.scalar("fraction_of_%d_full" % capacity, math_ops.cast(queue.size(), dtypes.float32) * (1. / capacity))
  take = queue.dequeue_up_to if allow_smaller_final_batch else queue.dequeue_many
  return examples.original(take(batch_size, name=name))


def _shuffle_batch(examples, copies, batch_size, capacity, min_after_dequeue, seed, shapes,
                   allow_smaller_final_batch, shared_name, name):
  queue = queue_ops.RandomShuffleQueue(capacity=capacity, min_after_dequeue=min_after_dequeue, seed=seed,
                                       dtypes=examples.types, shapes=examples.shapes(shapes), shared_name=shared_name)
  examples.fill(queue, copies)
  full = math_ops.cast(math_ops.maximum(0, queue.size() - min_after_dequeue), dtypes.float32) * (
      1. / (capacity - min_after_dequeue))
  summary.scalar("fraction_over_%d_of_%d_full" % (min_after_dequeue, capacity - min_after_dequeue), full)
  take = queue.dequeue_up_to if allow_smaller_final_batch else queue.dequeue_many
  return examples.original(take(batch_size, name=name))


def batch(tensors, batch_size, num_threads=1, capacity=32, enqueue_many=False, shapes=None, dynamic_pad=False,
          allow_smaller_final_batch=False, shared_name=None, name=None):
  """Batches of examples.

  Args:
    tensors: of one example: a list, a dict or a tensor; with `enqueue_many`, of several, along the first dimension.
      Some may be SparseTensors, whose batches are as large in each dimension as the largest of them.
    batch_size: examples in a batch.
    num_threads: that put examples in; with more than one, their order is not kept.
    capacity: examples in the queue.
    shapes: of the tensors of an example, where they do not tell.
    dynamic_pad: whether tensors may differ in dimensions of unknown size, and are filled up with zeros.
    allow_smaller_final_batch: whether the last batch of a finite input may be smaller; the first dimension of the results
      is unknown then.
    shared_name: under which sessions share the queue.
    name: scope of the operations.

  Returns:
    Tensors with a new first dimension: a dict, a list, or a tensor where there is only one.
  """
  return maybe_batch(tensors, True, batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad,
                     allow_smaller_final_batch, shared_name, name)


def maybe_batch(tensors, keep_input, batch_size, num_threads=1, capacity=32, enqueue_many=False, shapes=None,
                dynamic_pad=False, allow_smaller_final_batch=False, shared_name=None, name=None):
  """batch() of the examples for which `keep_input` is true; with `enqueue_many` it may be a vector, with one boolean for
  each example."""
  with ops.name_scope(name, "batch", _flat(tensors) + [keep_input]) as name:
    return _batch(_Examples([tensors], enqueue_many, "batch", keep_input), num_threads, batch_size, capacity, shapes,
                  dynamic_pad, allow_smaller_final_batch, shared_name, name)


def batch_join(tensors_list, batch_size, capacity=32, enqueue_many=False, shapes=None, dynamic_pad=False,
               allow_smaller_final_batch=False, shared_name=None, name=None):
  """batch() of several sources of examples, each filled by a thread of its own."""
  return maybe_batch_join(tensors_list, True, batch_size, capacity, enqueue_many, shapes, dynamic_pad,
                          allow_smaller_final_batch, shared_name, name)


def maybe_batch_join(tensors_list, keep_input, batch_size, capacity=32, enqueue_many=False, shapes=None,
                     dynamic_pad=False, allow_smaller_final_batch=False, shared_name=None, name=None):
  """maybe_batch() of several sources of examples, each filled by a thread of its own."""
  with ops.name_scope(name, "batch_join", [t for tensors in tensors_list for t in _flat(tensors)] + [
      keep_input]) as name:
    return _batch(_Examples(tensors_list, enqueue_many, "batch_join", keep_input), 1, batch_size, capacity, shapes,
                  dynamic_pad, allow_smaller_final_batch, shared_name, name)


def shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, num_threads=1, seed=None, enqueue_many=False,
                  shapes=None, allow_smaller_final_batch=False, shared_name=None, name=None):
  """batch() of examples in random order; `min_after_dequeue` of them stay in the queue, to mix well."""
  return maybe_shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, True, num_threads, seed, enqueue_many,
                             shapes, allow_smaller_final_batch, shared_name, name)


def maybe_shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, keep_input, num_threads=1, seed=None,
                        enqueue_many=False, shapes=None, allow_smaller_final_batch=False, shared_name=None, name=None):
  """shuffle_batch() of the examples for which `keep_input` is true; see maybe_batch()."""
  with ops.name_scope(name, "shuffle_batch", _flat(tensors) + [keep_input]) as name:
    return _shuffle_batch(_Examples([tensors], enqueue_many, "shuffle_batch", keep_input), num_threads, batch_size,
                          capacity, min_after_dequeue, seed, shapes, allow_smaller_final_batch, shared_name, name)


def shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, seed=None, enqueue_many=False,
                       shapes=None, allow_smaller_final_batch=False, shared_name=None, name=None):
  """shuffle_batch() of several sources of examples, each filled by a thread of its own."""
  return maybe_shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, True, seed, enqueue_many,
                                  shapes, allow_smaller_final_batch, shared_name, name)


def maybe_shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, keep_input, seed=None,
                             enqueue_many=False, shapes=None, allow_smaller_final_batch=False, shared_name=None,
                             name=None):
  """maybe_shuffle_batch() of several sources of examples, each filled by a thread of its own."""
  with ops.name_scope(name, "shuffle_batch_join", [t for tensors in tensors_list for t in _flat(tensors)] + [
      keep_input]) as name:
    return _shuffle_batch(_Examples(tensors_list, enqueue_many, "shuffle_batch_join", keep_input), 1, batch_size,
                          capacity, min_after_dequeue, seed, shapes, allow_smaller_final_batch, shared_name, name)


def _flat(tensors):
  if isinstance(tensors, dict):
    return list(tensors.values())
  return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
