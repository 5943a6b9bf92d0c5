"""tf.contrib.staging: tensors that one step puts down for the next."""

from thalweg.framework import dtypes as _dtypes, ops, tensor_shape
from thalweg.framework.op_create import op as _op, operation as _operation


class StagingArea(object):
  """A line of elements, each a tuple of tensors, without an end of its own: put() waits while it is full, get() while it is
  empty.

  Args:
    dtypes: of the components.
    shapes: of the components, or None.
    names: of the components, for elements that are dicts.
    shared_name: under which others find the area.
    capacity: most elements, 0 for any number.
    memory_limit: most bytes, 0 for any number.
  """

  _identifier = 0

  def __init__(self, dtypes, shapes=None, names=None, shared_name=None, capacity=0, memory_limit=0):
    if shared_name is None:
      shared_name = ops.get_default_graph().unique_name("StagingArea")
    elif not isinstance(shared_name, str):
      raise ValueError("shared_name must be a string")
    self._name = shared_name
    self._dtypes = [_dtypes.as_dtype(d) for d in dtypes]
    if shapes is not None and len(shapes) != len(self._dtypes):
      raise ValueError("StagingArea shapes must be the same length as dtypes")
    self._shapes = [tensor_shape.TensorShape(s) for s in shapes] if shapes is not None else [
        tensor_shape.unknown_shape() for _ in self._dtypes]
    if names is not None and len(names) != len(self._dtypes):
      raise ValueError("StagingArea names must be the same length as dtypes")
    self._names = names or None
    if capacity < 0:
      raise ValueError("capacity cannot be negative")
    if memory_limit < 0:
      raise ValueError("memory_limit cannot be negative")
    self._attrs = {"dtypes": self._dtypes, "capacity": capacity, "memory_limit": memory_limit, "shared_name": self._name}

  @property
  def name(self):
    return self._name

  @property
  def dtypes(self):
    return self._dtypes

  @property
  def shapes(self):
    return self._shapes

  @property
  def names(self):
    return self._names

  @property
  def capacity(self):
    return self._attrs["capacity"]

  @property
  def memory_limit(self):
    return self._attrs["memory_limit"]

  def _tensors(self, values):
    if isinstance(values, dict):
      if not self._names:
        raise ValueError("Staging areas must have names to enqueue a dictionary")
      if sorted(self._names) != sorted(values):
        raise ValueError("Keys in dictionary to enqueue do not match names of the area: %s, not %s" % (
            sorted(values), sorted(self._names)))
      values = [values[n] for n in self._names]
    elif self._names:
      raise ValueError("You must enqueue a dictionary in a staging area with names")
    if not isinstance(values, (list, tuple)):
      values = [values]
    if len(values) != len(self._dtypes):
      raise ValueError("Unexpected number of inputs '%d' vs '%d'" % (len(values), len(self._dtypes)))
    tensors = [ops.convert_to_tensor(v, dtype=d, name="component_%d" % i)
               for i, (v, d) in enumerate(zip(values, self._dtypes))]
    for tensor, shape in zip(tensors, self._shapes):
      tensor.shape.assert_is_compatible_with(shape)
    return tensors

  def _given(self, made):
    tensors = list(made.outputs)
    for tensor, shape in zip(tensors, self._shapes):
      tensor.set_shape(shape)
    return dict(zip(self._names, tensors)) if self._names else tensors

  def put(self, values, name=None):
    """The operation that puts an element down: a tensor, a list, or a dict for areas with names."""
    with ops.name_scope(name, "%s_put" % self._name) as scope:
      return _operation("Stage", scope, (self._tensors(values),), {k: v for k, v in self._attrs.items() if k != "dtypes"})

  def get(self, name=None):
    """The tensors of the first element."""
    return self._given(_operation("Unstage", name or "%s_get" % self._name, (), self._attrs))

  def peek(self, index, name=None):
    """The tensors of the element at `index`, which stays."""
    return self._given(_operation("StagePeek", name or "%s_peek" % self._name, (index,), self._attrs))

  def size(self, name=None):
    return _op("StageSize", name or "%s_size" % self._name, (), self._attrs)

  def clear(self, name=None):
    return _operation("StageClear", name or "%s_clear" % self._name, (), self._attrs)
