"""Static shapes: Dimension and TensorShape, with TensorFlow 1's arithmetic on unknown sizes."""


def _dimension_op(fn):

  def op(self, other):
    try:
      other = as_dimension(other)
    except (TypeError, ValueError):
      return NotImplemented
    if self._value is None or other._value is None:
      return Dimension(None)
    return Dimension(fn(self._value, other._value))

  return op


def _dimension_compare(fn):

  def compare(self, other):
    other = as_dimension(other)
    if self._value is None or other._value is None:
      return None
    return fn(self._value, other._value)

  return compare


class Dimension:
  """The size of one dimension; value None when unknown."""

  __slots__ = ("_value",)

  def __init__(self, value):
    if value is None:
      self._value = None
      return
    if isinstance(value, Dimension):
      self._value = value._value
      return
    if hasattr(value, "__index__"):
      self._value = value.__index__()
    else:
      as_int = int(value)
      if isinstance(value, (str, bytes)) or as_int == value:
        self._value = as_int
      else:
        raise ValueError("Ambiguous dimension: %s" % value)
    if self._value < 0:
      raise ValueError("Dimension %d must be >= 0" % self._value)

  def __repr__(self):
    return "Dimension(%s)" % repr(self._value)

  def __str__(self):
    return "?" if self._value is None else str(self._value)

  def __eq__(self, other):
    try:
      other = as_dimension(other)
    except (TypeError, ValueError):
      return NotImplemented
    if self._value is None or other._value is None:
      return None
    return self._value == other._value

  def __ne__(self, other):
    try:
      other = as_dimension(other)
    except (TypeError, ValueError):
      return NotImplemented
    if self._value is None or other._value is None:
      return None
    return self._value != other._value

  def __hash__(self):
    return hash(self._value)

  def __int__(self):
    return self._value

  def __long__(self):
    return self._value

  def __index__(self):
    if self._value is None:
      raise TypeError("an unknown Dimension has no index value")
    return self._value

  def __bool__(self):
    return self._value is None or self._value != 0

  @property
  def value(self):
    return self._value

  def is_compatible_with(self, other):
    other = as_dimension(other)
    return self._value is None or other._value is None or self._value == other._value

  def assert_is_compatible_with(self, other):
    if not self.is_compatible_with(other):
      raise ValueError("Dimensions %s and %s are not compatible" % (self, other))

  def merge_with(self, other):
    other = as_dimension(other)
    self.assert_is_compatible_with(other)
    return Dimension(other._value if self._value is None else self._value)

  __add__ = _dimension_op(lambda a, b: a + b)
  __radd__ = _dimension_op(lambda a, b: b + a)
  __sub__ = _dimension_op(lambda a, b: a - b)
  __rsub__ = _dimension_op(lambda a, b: b - a)
  __mul__ = _dimension_op(lambda a, b: a * b)
  __rmul__ = _dimension_op(lambda a, b: b * a)
  __floordiv__ = _dimension_op(lambda a, b: a // b)
  __rfloordiv__ = _dimension_op(lambda a, b: b // a)
  __mod__ = _dimension_op(lambda a, b: a % b)
  __rmod__ = _dimension_op(lambda a, b: b % a)
  __lt__ = _dimension_compare(lambda a, b: a < b)
  __le__ = _dimension_compare(lambda a, b: a <= b)
  __gt__ = _dimension_compare(lambda a, b: a > b)
  __ge__ = _dimension_compare(lambda a, b: a >= b)

  def __div__(self, other):
    return self // other

  def __rdiv__(self, other):
    return other // self

  def __truediv__(self, other):
    raise TypeError("unsupported operand type(s) for /: 'Dimension' and '%s', please use // instead"
                    % type(other).__name__)

  def __rtruediv__(self, other):
    raise TypeError("unsupported operand type(s) for /: '%s' and 'Dimension', please use // instead"
                    % type(other).__name__)

  def __reduce__(self):
    return Dimension, (self._value,)


# Dimensions never change, so that tensors share those of the same size.
_dimensions = {}


def _dimension(size):
  made = Dimension(None if size < 0 else size)
  if len(_dimensions) < 10000:
    _dimensions[size] = made
  return made


def as_dimension(value):
  return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension):
  """The size as an int or None, from a Dimension, an int or None."""
  return dimension.value if isinstance(dimension, Dimension) else dimension


def dimension_at_index(shape, index):
  """The Dimension of a shape at an index; an unknown one when the rank is unknown."""
  return Dimension(None) if shape.rank is None else shape.dims[index]


class TensorShape:
  """A shape that may be unknown (rank None) or partly known."""

  __slots__ = ("_dims", "__weakref__")

  def __init__(self, dims):
    if dims is None:
      self._dims = None
    elif isinstance(dims, TensorShape):
      self._dims = dims._dims
    elif hasattr(dims, "unknown_rank"):  # a TensorShapeProto
      self._dims = None if dims.unknown_rank else [Dimension(d.size if d.size != -1 else None) for d in dims.dim]
    elif isinstance(dims, (str, bytes)):
      raise TypeError("A shape is a list of sizes, not %r" % (dims,))
    else:
      try:
        items = iter(dims)
      except TypeError:
        self._dims = [as_dimension(dims)]
      else:
        self._dims = [d if d.__class__ is Dimension else Dimension(d) for d in items]

  @staticmethod
  def _of_sizes(sizes):
    """From a tuple of sizes, -1 where one is unknown, or None; without checks."""
    shape = TensorShape.__new__(TensorShape)
    shape._dims = None if sizes is None else [_dimensions[n] if n in _dimensions else _dimension(n) for n in sizes]
    return shape

  def __repr__(self):
    return "TensorShape(%r)" % (self._dims,)

  def __str__(self):
    if self._dims is None:
      return "<unknown>"
    if len(self._dims) == 1:
      return "(%s,)" % self._dims[0]
    return "(%s)" % ", ".join(str(d) for d in self._dims)

  @property
  def rank(self):
    return None if self._dims is None else len(self._dims)

  @property
  def ndims(self):
    return None if self._dims is None else len(self._dims)

  @property
  def dims(self):
    return self._dims

  def __len__(self):
    if self._dims is None:
      raise ValueError("Cannot take the length of Shape with unknown rank.")
    return len(self._dims)

  def __bool__(self):
    return self._dims is not None

  def __iter__(self):
    if self._dims is None:
      raise ValueError("Cannot iterate over a shape with unknown rank.")
    return iter(self._dims)

  def __getitem__(self, key):
    if self._dims is not None:
      return TensorShape(self._dims[key]) if isinstance(key, slice) else self._dims[key]
    if not isinstance(key, slice):
      return Dimension(None)
    start, stop = key.start or 0, key.stop
    if key.step is not None:
      raise ValueError("Steps are not yet handled")
    if stop is None or start < 0 or stop < 0:
      return unknown_shape()
    return unknown_shape(rank=max(0, stop - start))

  def num_elements(self):
    if not self.is_fully_defined():
      return None
    size = 1
    for d in self._dims:
      size *= d._value
    return size

  def merge_with(self, other):
    other = as_shape(other)
    if self._dims is None:
      return other
    if other._dims is None:
      return self
    try:
      self.assert_same_rank(other)
      return TensorShape([a.merge_with(b) for a, b in zip(self._dims, other._dims)])
    except ValueError:
      raise ValueError("Shapes %s and %s are not compatible" % (self, other)) from None

  def concatenate(self, other):
    other = as_shape(other)
    if self._dims is None or other._dims is None:
      return unknown_shape()
    return TensorShape(self._dims + other._dims)

  def __add__(self, other):
    return self.concatenate(other if isinstance(other, TensorShape) else TensorShape(other))

  def __radd__(self, other):
    return TensorShape(other).concatenate(self)

  def assert_same_rank(self, other):
    other = as_shape(other)
    if self.rank is not None and other.rank is not None and self.rank != other.rank:
      raise ValueError("Shapes %s and %s must have the same rank" % (self, other))

  def assert_has_rank(self, rank):
    if self.rank not in (None, rank):
      raise ValueError("Shape %s must have rank %d" % (self, rank))

  def with_rank(self, rank):
    try:
      return self.merge_with(unknown_shape(rank=rank))
    except ValueError:
      raise ValueError("Shape %s must have rank %d" % (self, rank)) from None

  def with_rank_at_least(self, rank):
    if self.rank is not None and self.rank < rank:
      raise ValueError("Shape %s must have rank at least %d" % (self, rank))
    return self

  def with_rank_at_most(self, rank):
    if self.rank is not None and self.rank > rank:
      raise ValueError("Shape %s must have rank at most %d" % (self, rank))
    return self

  def is_compatible_with(self, other):
    other = as_shape(other)
    if self._dims is None or other._dims is None:
      return True
    if len(self._dims) != len(other._dims):
      return False
    for a, b in zip(self._dims, other._dims):
      if a._value is not None and b._value is not None and a._value != b._value:
        return False
    return True

  def assert_is_compatible_with(self, other):
    if not self.is_compatible_with(other):
      raise ValueError("Shapes %s and %s are incompatible" % (self, other))

  def most_specific_compatible_shape(self, other):
    other = as_shape(other)
    if self._dims is None or other._dims is None or self.rank != other.rank:
      return unknown_shape()
    return TensorShape([a if a._value is not None and a._value == b._value else Dimension(None)
                        for a, b in zip(self._dims, other._dims)])

  def is_fully_defined(self):
    if self._dims is None:
      return False
    for d in self._dims:
      if d._value is None:
        return False
    return True

  def assert_is_fully_defined(self):
    if not self.is_fully_defined():
      raise ValueError("Shape %s is not fully defined" % self)

  def as_list(self):
    if self._dims is None:
      raise ValueError("as_list() is not defined on an unknown TensorShape.")
    return [d._value for d in self._dims]

  def as_proto(self):
    from thalweg import _protos
    proto = _protos.message("TensorShapeProto")()
    if self._dims is None:
      proto.unknown_rank = True
    else:
      for d in self._dims:
        proto.dim.add().size = -1 if d._value is None else d._value
    return proto

  def __eq__(self, other):
    try:
      other = as_shape(other)
    except (TypeError, ValueError):
      return NotImplemented
    if self._dims is None or other._dims is None:
      return self._dims is other._dims
    return [d._value for d in self._dims] == [d._value for d in other._dims]

  def __ne__(self, other):
    try:
      other = as_shape(other)
    except (TypeError, ValueError):
      return NotImplemented
    if self._dims is None or other._dims is None:
      raise ValueError("The inequality of unknown TensorShapes is undefined.")
    return [d._value for d in self._dims] != [d._value for d in other._dims]

  def __hash__(self):
    return hash(None if self._dims is None else tuple(d._value for d in self._dims))

  def __reduce__(self):
    return TensorShape, (self._dims,)


def as_shape(shape):
  return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank=None, **kwargs):
  rank = kwargs.pop("ndims", rank)
  return TensorShape(None) if rank is None else TensorShape([Dimension(None)] * rank)


def vector(length):
  return TensorShape([length])


def scalar():
  return TensorShape([])


def matrix(rows, cols):
  return TensorShape([rows, cols])
