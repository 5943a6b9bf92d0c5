"""TensorSpec: the shape, the dtype and the name of a tensor that is not there yet."""

from thalweg.framework import dtypes, tensor_shape
from thalweg.framework.tensor import Tensor


class TypeSpec:
  """What values of a type of tensor-like objects have in common."""

  @property
  def value_type(self):
    """The class of the values."""
    raise NotImplementedError("%s.value_type" % type(self).__name__)

  def is_compatible_with(self, spec_or_value):
    """Whether the value, or all values of the other spec, are values of this spec."""
    raise NotImplementedError("%s.is_compatible_with" % type(self).__name__)

  def most_specific_compatible_type(self, other):
    """The narrowest spec of which this one's and the other's values are values."""
    raise NotImplementedError("%s.most_specific_compatible_type" % type(self).__name__)


class TensorSpec(TypeSpec):
  """Tensors of a shape, which may be known in part, and of a dtype."""

  __slots__ = ("_shape", "_dtype", "_name")

  def __init__(self, shape, dtype=dtypes.float32, name=None):
    self._shape = tensor_shape.TensorShape(shape)
    self._dtype = dtypes.as_dtype(dtype)
    self._name = name

  @classmethod
  def from_spec(cls, spec, name=None):
    """The spec with another name, where one is given."""
    return cls(spec.shape, spec.dtype, name or spec.name)

  @classmethod
  def from_tensor(cls, tensor, name=None):
    """The spec of a tensor, with its operation's name unless another is given."""
    if not isinstance(tensor, Tensor):
      raise ValueError("`tensor` should be a tf.Tensor")
    return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

  @property
  def shape(self):
    return self._shape

  @property
  def dtype(self):
    return self._dtype

  @property
  def name(self):
    return self._name

  @property
  def value_type(self):
    return Tensor

  def is_compatible_with(self, spec_or_tensor):
    return (isinstance(spec_or_tensor, (TensorSpec, Tensor)) and self._dtype.is_compatible_with(spec_or_tensor.dtype) and
            self._shape.is_compatible_with(spec_or_tensor.shape))

  def most_specific_compatible_type(self, other):
    if not isinstance(other, TensorSpec) or self._dtype != other.dtype:
      raise ValueError("Types are not compatible: %r vs %r" % (self, other))
    return TensorSpec(self._shape.most_specific_compatible_shape(other.shape), self._dtype)

  def _sizes(self):
    return None if self._shape.dims is None else tuple(self._shape.as_list())

  def __eq__(self, other):
    return (type(self) is type(other) and self._dtype == other._dtype and self._name == other._name and
            self._sizes() == other._sizes())

  def __ne__(self, other):
    return not self == other

  def __hash__(self):
    return hash((self._sizes(), self._dtype))

  def __repr__(self):
    return "TensorSpec(shape=%s, dtype=%r, name=%r)" % (self._shape, self._dtype, self._name)

  def __reduce__(self):
    return TensorSpec, (self._shape, self._dtype, self._name)
