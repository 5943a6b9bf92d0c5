"""Element types: tf.float32 and its kin, with TensorFlow's numbers."""

import builtins

import numpy as np

_REF = 100

# number: (name, numpy type, size in bytes)
_TYPES = {
    1: ("float32", np.float32, 4), 2: ("float64", np.float64, 8), 3: ("int32", np.int32, 4),
    4: ("uint8", np.uint8, 1), 5: ("int16", np.int16, 2), 6: ("int8", np.int8, 1), 7: ("string", np.object_, 1),
    8: ("complex64", np.complex64, 8), 9: ("int64", np.int64, 8), 10: ("bool", np.bool_, 1),
    11: ("qint8", np.dtype([("qint8", np.int8)]), 1), 12: ("quint8", np.dtype([("quint8", np.uint8)]), 1),
    13: ("qint32", np.dtype([("qint32", np.int32)]), 4), 14: ("bfloat16", None, 2),
    15: ("qint16", np.dtype([("qint16", np.int16)]), 2), 16: ("quint16", np.dtype([("quint16", np.uint16)]), 2),
    17: ("uint16", np.uint16, 2), 18: ("complex128", np.complex128, 16), 19: ("float16", np.float16, 2),
    20: ("resource", np.object_, 1), 21: ("variant", np.object_, 1), 22: ("uint32", np.uint32, 4),
    23: ("uint64", np.uint64, 8),
}
_FLOATING = frozenset((1, 2, 14, 19))
_INTEGER = frozenset((3, 4, 5, 6, 9, 17, 22, 23))
_UNSIGNED = frozenset((4, 17, 22, 23))
_QUANTIZED = frozenset((11, 12, 13, 15, 16))
_COMPLEX = frozenset((8, 18))


def _bfloat16_numpy():
  """numpy has no bfloat16 of its own: ml_dtypes' when it is installed, else the bits."""
  try:
    from ml_dtypes import bfloat16
    return bfloat16
  except ImportError:
    return np.uint16


class DType:
  """The type of the elements of a Tensor."""

  __slots__ = ("_type_enum", "_base", "_name", "__weakref__")

  def __new__(cls, type_enum):
    # There is one object per type, also after copying and pickling.
    return _BY_ENUM[int(type_enum)] if int(type_enum) in _BY_ENUM else _invalid(type_enum)

  def __init__(self, type_enum):
    """`type_enum` is the number of a DataType; __new__ found its object."""

  def __reduce__(self):
    return as_dtype, (self._type_enum,)

  @property
  def _is_ref_dtype(self):
    return self._type_enum > _REF

  @property
  def _as_ref(self):
    return self if self._is_ref_dtype else _BY_ENUM[self._type_enum + _REF]

  @property
  def base_dtype(self):
    return self._base

  @property
  def real_dtype(self):
    part = {8: 1, 18: 2}.get(self._base._type_enum)
    return self if part is None else _BY_ENUM[part]

  @property
  def is_numpy_compatible(self):
    return self._base._type_enum not in (20, 21)

  @property
  def as_numpy_dtype(self):
    numpy_type = _TYPES[self._base._type_enum][1]
    return _bfloat16_numpy() if numpy_type is None else numpy_type

  @property
  def as_datatype_enum(self):
    return self._type_enum

  @property
  def is_bool(self):
    return self._base._type_enum == 10

  @property
  def is_integer(self):
    return self._base._type_enum in _INTEGER

  @property
  def is_floating(self):
    return self._base._type_enum in _FLOATING

  @property
  def is_complex(self):
    return self._base._type_enum in _COMPLEX

  @property
  def is_quantized(self):
    return self._base._type_enum in _QUANTIZED

  @property
  def is_unsigned(self):
    return self._base._type_enum in _UNSIGNED

  @property
  def min(self):
    return self._limit("min")

  @property
  def max(self):
    return self._limit("max")

  def _limit(self, which):
    number = self._base._type_enum
    if number == 14:
      return float.fromhex("0x1.FEp127") * (-1 if which == "min" else 1)
    if number == 10:
      return which == "max"
    if number in _FLOATING:
      return getattr(np.finfo(self.as_numpy_dtype), which)
    if number in _INTEGER:
      return getattr(np.iinfo(self.as_numpy_dtype), which)
    raise TypeError("Cannot find %s value of %s." % ("minimum" if which == "min" else "maximum", self))

  @property
  def limits(self):
    info = {np.dtype(np.bool_): (False, True)}.get(np.dtype(self.as_numpy_dtype))
    return info or (self.min, self.max)

  def is_compatible_with(self, other):
    other = as_dtype(other)
    return self._type_enum in (other._type_enum, other._base._type_enum)

  def __eq__(self, other):
    if other is self:
      return True
    if other is None:
      return False
    try:
      return self is as_dtype(other)
    except TypeError:
      return False

  def __ne__(self, other):
    return not self == other

  def __hash__(self):
    return self._type_enum

  @property
  def name(self):
    return self._name

  def __int__(self):
    return self._type_enum

  def __str__(self):
    return "<dtype: %r>" % self._name

  def __repr__(self):
    return "tf." + self._name

  @property
  def size(self):
    return _TYPES[self._base._type_enum][2]


_BY_ENUM = {}


def _invalid(type_enum):
  raise TypeError("type_enum is not a valid types_pb2.DataType: %s" % type_enum)


def _make_types():
  for number, (name, _, _) in _TYPES.items():
    base = object.__new__(DType)
    base._type_enum, base._name, base._base = number, name, base
    ref = object.__new__(DType)
    ref._type_enum, ref._name, ref._base = number + _REF, name + "_ref", base
    _BY_ENUM[number], _BY_ENUM[number + _REF] = base, ref
    globals()[name], globals()[name + "_ref"] = base, ref


_make_types()
half = float16  # noqa: F821
double = float64  # noqa: F821

_BY_NAME = {t._name: t for t in _BY_ENUM.values()}
_BY_NAME.update({"half": half, "float": float32, "double": double,  # noqa: F821
                 "half_ref": half._as_ref, "float_ref": float32._as_ref, "double_ref": double._as_ref})  # noqa: F821
_BY_PYTHON = {builtins.float: float32, builtins.bool: bool, builtins.int: int64,  # noqa: F821
              builtins.str: string, builtins.bytes: string}  # noqa: F821
_BY_NUMPY = {}
for _number, (_, _numpy_type, _) in _TYPES.items():
  if _numpy_type is not None and _number not in (20, 21):
    _BY_NUMPY[np.dtype(_numpy_type)] = _BY_ENUM[_number]

QUANTIZED_DTYPES = frozenset(_BY_ENUM[n + r] for n in _QUANTIZED for r in (0, _REF))


def as_dtype(type_value):
  """The DType of a DType, a number, a name, or a Python or numpy type."""
  if isinstance(type_value, DType):
    return type_value
  try:
    found = _BY_ENUM.get(type_value) if not isinstance(type_value, (type, np.dtype)) else None
    if found is None:
      found = _BY_NAME.get(type_value) or _BY_PYTHON.get(type_value)
  except TypeError:
    found = None
  if found is not None:
    return found
  try:
    numpy_type = np.dtype(type_value)
    if numpy_type.kind in "SU":
      return string  # noqa: F821
    if numpy_type.kind == "O" and type_value not in (np.object_, object, np.dtype(object)):
      raise TypeError
    found = _BY_NUMPY.get(numpy_type)
    if found is None and numpy_type.name == "bfloat16":
      found = bfloat16  # noqa: F821
  except (TypeError, ValueError):
    found = None
  if found is None:
    raise TypeError("Cannot convert value %r to a TensorFlow DType." % (type_value,))
  return found
