"""Queues: tuples of tensors that steps put in and take out, and wait for.

A queue has components, each with a dtype and perhaps a shape and a name. Enqueues wait while it is full, dequeues while it
is empty; closing it ends both: enqueues with CancelledError, dequeues with OutOfRangeError once too few elements are left.
"""

import hashlib

from thalweg.framework import dtypes as _dtypes, ops, random_seed, tensor_shape, tensor_util
from thalweg.framework.op_create import op as _op, operation as _operation


def _type_list(dtypes):
  if not isinstance(dtypes, (list, tuple)):
    dtypes = [dtypes]
  return [_dtypes.as_dtype(d) for d in dtypes]


def _shape_list(shapes, dtypes, unknown_dim_allowed=False):
  """The shapes as a list, or None; ValueError unless they are fully defined, or at least of known rank if so allowed."""
  if shapes is None:
    return None
  if isinstance(shapes, tensor_shape.TensorShape):
    shapes = [shapes]
  if not isinstance(shapes, (tuple, list)):
    raise TypeError("shapes must be a TensorShape or a list or tuple of TensorShapes.")
  if all(s is None or isinstance(s, int) for s in shapes):
    # A single shape, as a list of sizes.
    shapes = [shapes]
  shapes = [tensor_shape.as_shape(s) for s in shapes]
  if not unknown_dim_allowed and any(not s.is_fully_defined() for s in shapes):
    raise ValueError("All shapes must be fully defined: %s" % shapes)
  if any(s.ndims is None for s in shapes):
    raise ValueError("All dimensions must have a defined rank: %s" % shapes)
  return shapes


def _name_list(names, dtypes):
  if names is None:
    return None
  if not isinstance(names, (list, tuple)):
    names = [names]
  if len(names) != len(dtypes):
    raise ValueError("List of names must have the same length as the list of dtypes")
  return list(names)


class QueueBase:
  """What all queues have in common; made by the classes below."""

  def __init__(self, dtypes, shapes, names, queue_ref):
    self._dtypes = dtypes
    if shapes is not None:
      if len(shapes) != len(dtypes):
        raise ValueError("Queue shapes must have the same length as dtypes, received len(shapes)=%d, len(dtypes)=%d" % (
            len(shapes), len(dtypes)))
      self._shapes = [tensor_shape.TensorShape(s) for s in shapes]
    else:
      self._shapes = [tensor_shape.unknown_shape() for _ in dtypes]
    if names is not None:
      if len(names) != len(dtypes):
        raise ValueError("Queue names must have the same length as dtypes,received len(names)=%d,len {dtypes)=%d" % (
            len(names), len(dtypes)))
      self._names = names
    else:
      self._names = None
    self._queue_ref = queue_ref
    self._name = queue_ref.op.name.split("/")[-1]

  @staticmethod
  def from_list(index, queues):
    """A queue that is, in each step, the one of `queues` that the int32 tensor `index` names; all have like components."""
    if not queues or not isinstance(queues, list) or not all(isinstance(q, QueueBase) for q in queues):
      raise TypeError("A list of queues expected")
    dtypes = queues[0].dtypes
    if not all(dtypes == q.dtypes for q in queues[1:]):
      raise TypeError("Queues do not have matching component dtypes.")
    names = queues[0].names
    if not all(names == q.names for q in queues[1:]):
      raise TypeError("Queues do not have matching component names.")
    from thalweg.ops import array_ops
    shapes = [_common_shapes([q.shapes[i] for q in queues]) for i in range(len(dtypes))]
    ref = array_ops.gather(array_ops.stack([q.queue_ref for q in queues]), index)
    return QueueBase(dtypes=dtypes, shapes=shapes, names=names, queue_ref=ref)

  @property
  def queue_ref(self):
    return self._queue_ref

  @property
  def name(self):
    return self._queue_ref.op.name

  @property
  def dtypes(self):
    return self._dtypes

  @property
  def shapes(self):
    return self._shapes

  @property
  def names(self):
    return self._names

  def _values(self, vals):
    """The components of an element as a list, from a value, a list, or for queues with names a dict."""
    if isinstance(vals, dict):
      if not self._names:
        raise ValueError("Queue must have names to enqueue a dictionary")
      if sorted(self._names, key=str) != sorted(vals.keys(), key=str):
        raise ValueError("Keys in dictionary to enqueue do not match names of Queue.  Dictionary: (%s), Queue: (%s)" % (
            sorted(vals.keys()), sorted(self._names)))
      return [vals[k] for k in self._names]
    if self._names:
      raise ValueError("You must enqueue a dictionary in a Queue with names")
    return list(vals) if isinstance(vals, (list, tuple)) else [vals]

  def _tensors(self, vals):
    vals = self._values(vals)
    if len(vals) != len(self._dtypes):
      raise ValueError("%s takes elements of %d components, but was given %d" % (
          self._name, len(self._dtypes), len(vals)))
    return [ops.convert_to_tensor(v, dtype=d, name="component_%d" % i)
            for i, (v, d) in enumerate(zip(vals, self._dtypes))]

  def enqueue(self, vals, name=None):
    """The operation that puts in one element: a tensor, a list of them, or a dict for queues with names."""
    with ops.name_scope(name, "%s_enqueue" % self._name, list(vals.values()) if isinstance(vals, dict) else (
        list(vals) if isinstance(vals, (list, tuple)) else [vals])) as scope:
      vals = self._tensors(vals)
      for value, shape in zip(vals, self._shapes):
        value.shape.assert_is_compatible_with(shape)
      return _operation("QueueEnqueueV2", scope, (self._queue_ref, vals))

  def enqueue_many(self, vals, name=None):
    """The operation that puts in an element for each row of its components."""
    with ops.name_scope(name, "%s_EnqueueMany" % self._name, list(vals.values()) if isinstance(vals, dict) else (
        list(vals) if isinstance(vals, (list, tuple)) else [vals])) as scope:
      vals = self._tensors(vals)
      batch = tensor_shape.dimension_at_index(vals[0].shape.with_rank_at_least(1), 0)
      for value, shape in zip(vals, self._shapes):
        batch = batch.merge_with(tensor_shape.dimension_at_index(value.shape.with_rank_at_least(1), 0))
        value.shape[1:].assert_is_compatible_with(shape)
      return _operation("QueueEnqueueManyV2", scope, (self._queue_ref, vals))

  def _given(self, tensors):
    if self._names:
      return dict(zip(self._names, tensors))
    return tensors[0] if len(tensors) == 1 else tensors

  def _take(self, op_type, name, inputs, batch):
    op = _operation(op_type, name, (self._queue_ref,) + inputs, {"component_types": self._dtypes})
    tensors = list(op.outputs)
    for tensor, shape in zip(tensors, self._shapes):
      tensor.set_shape(shape if batch is None else batch(op).concatenate(shape))
    return self._given(tensors)

  def dequeue(self, name=None):
    """One element: a tensor, a list of them, or a dict for queues with names."""
    return self._take("QueueDequeueV2", name or "%s_Dequeue" % self._name, (), None)

  def dequeue_many(self, n, name=None):
    """`n` elements, stacked along a new first dimension. The queue must have shapes."""
    return self._take("QueueDequeueManyV2", name or "%s_DequeueMany" % self._name, (n,),
                      lambda op: tensor_shape.TensorShape([tensor_util.constant_value(op.inputs[1])]))

  def dequeue_up_to(self, n, name=None):
    """`n` elements, or as many as are left once the queue is closed. The queue must have shapes."""
    return self._take("QueueDequeueUpToV2", name or "%s_DequeueUpTo" % self._name, (n,),
                      lambda op: tensor_shape.TensorShape([None]))

  def close(self, cancel_pending_enqueues=False, name=None):
    """The operation that lets nothing more in; enqueues that wait end too if `cancel_pending_enqueues`."""
    return _operation("QueueCloseV2", name or "%s_Close" % self._name, (self._queue_ref,),
                      {"cancel_pending_enqueues": cancel_pending_enqueues})

  def is_closed(self, name=None):
    """Whether the queue was closed, as a bool tensor."""
    return _op("QueueIsClosedV2", name or "%s_Is_Closed" % self._name, (self._queue_ref,))

  def size(self, name=None):
    """The number of elements, as an int32 tensor."""
    return _op("QueueSizeV2", name or "%s_Size" % self._name, (self._queue_ref,))


def _common_shapes(shapes):
  """The most specific shape that all of them fit."""
  common = shapes[0]
  for s in shapes[1:]:
    if common.ndims is None or s.ndims is None or common.ndims != s.ndims:
      return tensor_shape.unknown_shape()
    common = tensor_shape.TensorShape([a if a == b else None for a, b in zip(common.as_list(), s.as_list())])
  return common


def _make(op_type, name, dtypes, shapes, capacity, shared_name, more=None):
  attrs = {"component_types": dtypes, "shapes": shapes or [], "capacity": capacity, "shared_name": shared_name or ""}
  attrs.update(more or {})
  return _op(op_type, name, (), attrs)


class FIFOQueue(QueueBase):
  """A queue whose elements leave in the order in which they came."""

  def __init__(self, capacity, dtypes, shapes=None, names=None, shared_name=None, name="fifo_queue"):
    dtypes = _type_list(dtypes)
    shapes = _shape_list(shapes, dtypes)
    names = _name_list(names, dtypes)
    super().__init__(dtypes, shapes, names, _make("FIFOQueueV2", name, dtypes, shapes, capacity, shared_name))


class RandomShuffleQueue(QueueBase):
  """A queue whose elements leave in random order; `min_after_dequeue` of them stay until it is closed, to mix well."""

  def __init__(self, capacity, min_after_dequeue, dtypes, shapes=None, names=None, seed=None, shared_name=None,
               name="random_shuffle_queue"):
    dtypes = _type_list(dtypes)
    shapes = _shape_list(shapes, dtypes)
    names = _name_list(names, dtypes)
    seed1, seed2 = random_seed.get_seed(seed)
    if seed1 is None and seed2 is None:
      seed1, seed2 = 0, 0
    elif seed is None and shared_name is not None:
      # All that share the queue have to ask for the same seed, whatever else their graphs hold.
      digest = hashlib.md5((str(seed1) + shared_name).encode("utf-8")).hexdigest()
      seed2 = int(digest[:8], 16) & 0x7FFFFFFF
    super().__init__(dtypes, shapes, names,
                     _make("RandomShuffleQueueV2", name, dtypes, shapes, capacity, shared_name,
                           {"min_after_dequeue": min_after_dequeue, "seed": seed1, "seed2": seed2}))


class PaddingFIFOQueue(QueueBase):
  """A FIFOQueue whose batches are filled up with zeros where elements differ in dimensions that `shapes` leaves open."""

  def __init__(self, capacity, dtypes, shapes, names=None, shared_name=None, name="padding_fifo_queue"):
    dtypes = _type_list(dtypes)
    shapes = _shape_list(shapes, dtypes, unknown_dim_allowed=True)
    names = _name_list(names, dtypes)
    if len(dtypes) != len(shapes):
      raise ValueError("Shapes must be provided for all components, but received %d dtypes and %d shapes." % (
          len(dtypes), len(shapes)))
    super().__init__(dtypes, shapes, names, _make("PaddingFIFOQueueV2", name, dtypes, shapes, capacity, shared_name))


class PriorityQueue(QueueBase):
  """A queue whose elements leave by their first component, an int64 in front of `types`; smallest first."""

  def __init__(self, capacity, types, shapes=None, names=None, shared_name=None, name="priority_queue"):
    types = _type_list(types)
    shapes = _shape_list(shapes, types)
    ref = _make("PriorityQueueV2", name, types, shapes, capacity, shared_name)
    super().__init__([_dtypes.int64] + types, [()] + shapes if shapes else shapes, names, ref)
