"""Arithmetic on tensors."""

import builtins

import numpy as np

from thalweg.framework import dtypes, ops, sparse_tensor
from thalweg.framework.constant_op import constant
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import IndexedSlices, Tensor
from thalweg.ops import array_ops
from thalweg.util.functions import named


def _unary(op_type, name, doc, on_sparse=False):

  def fn(x, name=None):
    if on_sparse and isinstance(x, sparse_tensor.SparseTensor):
      return sparse_tensor.SparseTensor(x.indices, _op(op_type, name, (x.values,)), x.dense_shape)
    return _op(op_type, name, (x,))

  return named(fn, name, doc)


def _binary(op_type, name, doc):

  def fn(x, y, name=None):
    return _op(op_type, name, (x, y))

  return named(fn, name, doc)


_UNARY = [
    ("acos", "Acos"), ("acosh", "Acosh"), ("asin", "Asin"), ("asinh", "Asinh"), ("atan", "Atan"), ("atanh", "Atanh"),
    ("ceil", "Ceil"), ("cos", "Cos"), ("cosh", "Cosh"), ("digamma", "Digamma"), ("erfc", "Erfc"), ("exp", "Exp"),
    ("expm1", "Expm1"), ("floor", "Floor"), ("is_finite", "IsFinite"), ("is_inf", "IsInf"), ("is_nan", "IsNan"),
    ("lgamma", "Lgamma"), ("log", "Log"), ("log1p", "Log1p"), ("logical_not", "LogicalNot"), ("inv", "Inv"),
    ("reciprocal", "Reciprocal"), ("rint", "Rint"), ("rsqrt", "Rsqrt"), ("sin", "Sin"), ("sinh", "Sinh"),
    ("tan", "Tan"),
]
_UNARY_SPARSE = [("negative", "Neg"), ("neg", "Neg"), ("sign", "Sign"), ("sqrt", "Sqrt"), ("square", "Square"),
                 ("erf", "Erf"), ("tanh", "Tanh")]
_BINARY = [
    ("add", "Add"), ("multiply", "Mul"), ("subtract", "Sub"), ("equal", "Equal"),
    ("greater", "Greater"), ("greater_equal", "GreaterEqual"), ("less", "Less"), ("less_equal", "LessEqual"),
    ("logical_and", "LogicalAnd"), ("logical_or", "LogicalOr"), ("maximum", "Maximum"), ("minimum", "Minimum"),
    ("mod", "FloorMod"), ("floormod", "FloorMod"), ("floor_mod", "FloorMod"), ("not_equal", "NotEqual"),
    ("squared_difference", "SquaredDifference"), ("truncatediv", "TruncateDiv"), ("truncatemod", "TruncateMod"),
    ("realdiv", "RealDiv"), ("floor_div", "FloorDiv"), ("xdivy", "Xdivy"), ("xlogy", "Xlogy"),
    ("bitwise_and", "BitwiseAnd"), ("bitwise_or", "BitwiseOr"), ("bitwise_xor", "BitwiseXor"),
    ("left_shift", "LeftShift"), ("right_shift", "RightShift"),
]
for _name, _type in _UNARY:
  globals()[_name] = _unary(_type, _name, "%s of each element." % _type)
for _name, _type in _UNARY_SPARSE:
  globals()[_name] = _unary(_type, _name, "%s of each element." % _type, on_sparse=True)
for _name, _type in _BINARY:
  globals()[_name] = _binary(_type, _name, "%s of the elements of x and y, broadcast." % _type)
invert = _unary("Invert", "invert", "Each integer with its bits flipped.")


def abs(x, name=None):
  """The absolute values; real ones, magnitudes, for complex numbers."""
  with ops.name_scope(name, "Abs", [x]) as name:
    if isinstance(x, sparse_tensor.SparseTensor):
      return sparse_tensor.SparseTensor(x.indices, abs(x.values, name=name), x.dense_shape)
    x = ops.convert_to_tensor(x, name="x")
    if x.dtype.is_complex:
      return _op("ComplexAbs", name, (x,), {"Tout": x.dtype.real_dtype})
    return _op("Abs", name, (x,))


def round(x, name=None):
  """The nearest integers, halves to the even one."""
  x = ops.convert_to_tensor(x, name="x")
  return x if x.dtype.is_integer else _op("Round", name, (x,))


def sigmoid(x, name=None):
  """1 / (1 + exp(-x))."""
  with ops.name_scope(name, "Sigmoid", [x]) as name:
    return _op("Sigmoid", name, (ops.convert_to_tensor(x, name="x"),))


def log_sigmoid(x, name=None):
  """log(1 / (1 + exp(-x))), without overflow."""
  with ops.name_scope(name, "LogSigmoid", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    return _op("Neg", name, (_op("Softplus", None, (-x,)),))


def real(input, name=None):  # noqa: A002
  """The real parts; real numbers as they are."""
  with ops.name_scope(name, "Real", [input]) as name:
    if input.dtype.is_complex:
      return _op("Real", name, (input,), {"Tout": input.dtype.real_dtype})
    return input


def imag(input, name=None):  # noqa: A002
  """The imaginary parts, zeros for real numbers."""
  with ops.name_scope(name, "Imag", [input]) as name:
    input = ops.convert_to_tensor(input, name="input")  # noqa: A001
    if input.dtype.is_complex:
      return _op("Imag", name, (input,), {"Tout": input.dtype.real_dtype})
    return array_ops.zeros_like(input)


def angle(input, name=None):  # noqa: A002
  """The arguments of complex numbers, in (-pi, pi]; zeros for real numbers."""
  with ops.name_scope(name, "Angle", [input]) as name:
    input = ops.convert_to_tensor(input, name="input")  # noqa: A001
    if input.dtype.is_complex:
      return _op("Angle", name, (input,), {"Tout": input.dtype.real_dtype})
    return array_ops.zeros_like(input)


def complex(real, imag, name=None):
  """complex64 of two float32 tensors, complex128 of two of float64."""
  real = ops.convert_to_tensor(real, name="real")
  imag = ops.convert_to_tensor(imag, name="imag")
  with ops.name_scope(name, "Complex", [real, imag]) as name:
    types = (real.dtype, imag.dtype)
    if types == (dtypes.float64, dtypes.float64):
      out = dtypes.complex128
    elif types == (dtypes.float32, dtypes.float32):
      out = dtypes.complex64
    else:
      raise TypeError(f"real and imag have incorrect types: {real.dtype.name} {imag.dtype.name}")
    return _op("Complex", name, (real, imag), {"Tout": out})


def conj(x, name=None):
  """The complex conjugates; real numbers as they are."""
  if isinstance(x, Tensor) and (x.dtype.is_floating or x.dtype.is_integer):
    return x
  with ops.name_scope(name, "Conj", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    if x.dtype.is_complex or x.dtype == dtypes.variant:
      return _op("Conj", name, (x,))
    if x.dtype.is_floating or x.dtype.is_integer:
      return x
    raise TypeError("Expected numeric or variant tensor, got dtype %r" % x.dtype)


def pow(x, y, name=None):
  """x ** y, element by element, broadcast."""
  with ops.name_scope(name, "Pow", [x]) as name:
    return _op("Pow", name, (x, y))


def cast(x, dtype, name=None):
  """Each element as another type."""
  base = dtypes.as_dtype(dtype).base_dtype
  if isinstance(x, Tensor) and x.dtype is base:
    return x
  with ops.name_scope(name, "Cast", [x]) as name:
    if isinstance(x, sparse_tensor.SparseTensor):
      return sparse_tensor.SparseTensor(x.indices, cast(x.values, base, name=name), x.dense_shape)
    if isinstance(x, IndexedSlices):
      return IndexedSlices(cast(x.values, base, name=name), x.indices, x.dense_shape)
    x = ops.convert_to_tensor(x, name="x")
    if x.dtype.base_dtype != base:
      x = _op("Cast", name, (x,), {"DstT": base})
    return x


def saturate_cast(value, dtype, name=None):
  """cast(), with what the type cannot hold clipped to its bounds."""
  with ops.name_scope(name, "saturate_cast", [value]) as name:
    value = ops.convert_to_tensor(value, name="value")
    dtype = dtypes.as_dtype(dtype).base_dtype
    if value.dtype.min < dtype.min:
      value = _op("Maximum", None, (value, ops.convert_to_tensor(dtype.min, dtype=value.dtype, name="min")))
    if value.dtype.max > dtype.max:
      value = _op("Minimum", None, (value, ops.convert_to_tensor(dtype.max, dtype=value.dtype, name="max")))
    return cast(value, dtype, name=name)


def _cast_to(name, dtype):

  def fn(x, name="To" + name):
    return cast(x, dtype, name=name)

  return named(fn, "to_" + name.lower(), "cast() to %s." % dtype.name)


to_float = _cast_to("Float", dtypes.float32)
to_double = _cast_to("Double", dtypes.float64)
to_int32 = _cast_to("Int32", dtypes.int32)
to_int64 = _cast_to("Int64", dtypes.int64)
to_bfloat16 = _cast_to("BFloat16", dtypes.bfloat16)
to_complex64 = _cast_to("Complex64", dtypes.complex64)
to_complex128 = _cast_to("Complex128", dtypes.complex128)

_TRUEDIV = {
    dtypes.uint8: dtypes.float32, dtypes.int8: dtypes.float32, dtypes.uint16: dtypes.float32,
    dtypes.int16: dtypes.float32, dtypes.int32: dtypes.float64, dtypes.int64: dtypes.float64,
    dtypes.bfloat16: None, dtypes.float16: None, dtypes.float32: None, dtypes.float64: None, dtypes.complex64: None,
    dtypes.complex128: None,
}


def _as_fractions(x, y):
  """Two tensors of one dtype, as the dtype that a division gives which keeps the fraction."""
  x_dtype, y_dtype = x.dtype.base_dtype, y.dtype.base_dtype
  if x_dtype != y_dtype:
    raise TypeError("x and y must have the same dtype, got %r != %r" % (x_dtype, y_dtype))
  if x_dtype not in _TRUEDIV:
    raise TypeError("Invalid dtype %r in __truediv__" % x_dtype)
  dtype = _TRUEDIV[x_dtype]
  return (x, y) if dtype is None else (cast(x, dtype), cast(y, dtype))


def truediv(x, y, name=None):
  """Division that gives a fraction, also for integers."""
  with ops.name_scope(name, "truediv", [x, y]) as name:
    x, y = _as_fractions(ops.convert_to_tensor(x, name="x"), ops.convert_to_tensor(y, name="y"))
    return _op("RealDiv", name, (x, y))


def div(x, y, name=None):
  """Division in the manner of Python 2: integers give their floor."""
  with ops.name_scope(name, "div", [x, y]) as name:
    x = ops.convert_to_tensor(x, name="x")
    y = ops.convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
    if x.dtype.is_floating or x.dtype.is_complex:
      return _op("RealDiv", name, (x, y))
    return _op("FloorDiv", name, (x, y))


class DivideDelegateWithName:
  """x / y under a given name."""

  def __init__(self, x, name):
    self.x, self.name = x, name

  def __truediv__(self, y):
    return truediv(self.x, y, self.name)

  def __floordiv__(self, y):
    return floordiv(self.x, y, self.name)

  def __div__(self, y):
    return div(self.x, y, self.name)


def divide(x, y, name=None):
  """x / y with Python's meaning: true division, also of integers."""
  if name is not None:
    return DivideDelegateWithName(x, name) / y
  return x / y


def div_no_nan(x, y, name=None):
  """x / y, and 0 where y is 0."""
  with ops.name_scope(name, "div_no_nan", [x, y]) as name:
    x = ops.convert_to_tensor(x, name="x")
    y = ops.convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
    return _op("DivNoNan", name, (x, y))


def floordiv(x, y, name=None):
  """x // y with Python's meaning: rounded down."""
  with ops.name_scope(name, "floordiv", [x, y]) as name:
    return _op("FloorDiv", name, (x, y))


def scalar_mul(scalar, x, name=None):
  """scalar * x, for a tensor or IndexedSlices x; ValueError when the first is no scalar."""
  scalar = ops.convert_to_tensor(scalar, dtype_hint=x.dtype.base_dtype, name="scalar")
  if scalar.shape.is_compatible_with([]) and scalar.shape.ndims in (0, None):
    if isinstance(x, IndexedSlices):
      return IndexedSlices(_op("Mul", name, (scalar, x.values)), x.indices, x.dense_shape)
    return _op("Mul", name, (scalar, x))
  raise ValueError("Only scalar multiply works, got shape %s" % scalar.shape)


def approximate_equal(x, y, tolerance=1e-5, name=None):
  return _op("ApproximateEqual", name, (x, y), {"tolerance": tolerance})


def logical_xor(x, y, name="LogicalXor"):
  """Whether one of two booleans holds, and not both."""
  return _op("LogicalAnd", name, (_op("LogicalOr", None, (x, y)),
                                  _op("LogicalNot", None, (_op("LogicalAnd", None, (x, y)),))))


def add_n(inputs, name=None):
  """The sum of tensors of one shape."""
  if not inputs or not isinstance(inputs, (list, tuple)):
    raise ValueError("inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape")
  inputs = ops.convert_n_to_tensor_or_indexed_slices(inputs)
  if not all(isinstance(x, (Tensor, IndexedSlices)) for x in inputs):
    raise ValueError("inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape")
  if len(inputs) == 1:
    values = ops.convert_to_tensor(inputs[0])
    return array_ops.identity(values, name=name) if name else values
  return _op("AddN", name, (inputs,))


def accumulate_n(inputs, shape=None, tensor_dtype=None, name=None):
  """The sum of tensors of one shape and type."""
  if not inputs or not isinstance(inputs, (list, tuple)):
    raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
  inputs = ops.convert_n_to_tensor_or_indexed_slices(inputs)
  if not all(isinstance(x, Tensor) for x in inputs) or not all(x.dtype == inputs[0].dtype for x in inputs):
    raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
  if tensor_dtype is not None and dtypes.as_dtype(tensor_dtype) != inputs[0].dtype:
    raise TypeError(f"tensor_dtype is {tensor_dtype}, but input is of type {inputs[0].dtype}")
  if len(inputs) == 1 and name is None:
    return inputs[0]
  if len(inputs) == 1:
    return array_ops.identity(inputs[0], name=name)
  return _op("AddN", name, (inputs,))


def atan2(y, x, name=None):
  """The angle of the point (x, y), of each pair of elements."""
  return _op("Atan2", name, (y, x))


def range(start, limit=None, delta=1, dtype=None, name="range"):  # noqa: A001
  """The numbers from start (0 when only one bound is given) to limit, limit excluded, in steps of delta."""
  if limit is None:
    start, limit = 0, start
  with ops.name_scope(name, "Range", [start, limit, delta]) as name:
    start = ops.convert_to_tensor(start, dtype=dtype, name="start")
    limit = ops.convert_to_tensor(limit, dtype=dtype, name="limit")
    delta = ops.convert_to_tensor(delta, dtype=dtype, name="delta")
    if dtype is None:
      hierarchy = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
      dtype = max([t.dtype for t in (start, limit, delta)], key=hierarchy.index)
      start, limit, delta = cast(start, dtype), cast(limit, dtype), cast(delta, dtype)
    return _op("Range", name, (start, limit, delta))


def linspace(start, stop, num, name=None):
  """`num` numbers from start to stop, both included, at equal distances."""
  return _op("LinSpace", name, (start, stop, num))


lin_space = linspace


def bincount(arr, weights=None, minlength=None, maxlength=None, dtype=dtypes.int32):
  """How often, or with what sum of weights, each of 0 ... n - 1 occurs; n is the largest element + 1, within
  minlength and maxlength."""
  arr = ops.convert_to_tensor(arr, name="arr", dtype=dtypes.int32)
  nonempty = reduce_prod(array_ops.shape(arr)) > 0
  size = cast(nonempty, dtypes.int32) * (reduce_max(arr) + 1)
  if minlength is not None:
    size = maximum(ops.convert_to_tensor(minlength, name="minlength", dtype=dtypes.int32), size)  # noqa: F821
  if maxlength is not None:
    size = minimum(ops.convert_to_tensor(maxlength, name="maxlength", dtype=dtypes.int32), size)  # noqa: F821
  weights = (ops.convert_to_tensor(weights, name="weights") if weights is not None else constant([], dtype))
  return _op("Bincount", None, (arr, size, weights))


sub, mul = subtract, multiply  # noqa: F821


def polyval(coeffs, x, name=None):
  """The polynomial with these coefficients, that of the highest power first, at x."""
  with ops.name_scope(name, "polyval", list(coeffs) + [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    if not coeffs:
      return array_ops.zeros_like(x, name=name)
    coeffs = [ops.convert_to_tensor(c, name="coeff_%d" % i) for i, c in enumerate(coeffs)]
    result = coeffs[0]
    for c in coeffs[1:]:
      result = c + result * x
    return result


def reciprocal_no_nan(x, name=None):
  """1 / x, and 0 where x is 0."""
  with ops.name_scope(name, "reciprocal_no_nan", [x]) as scope:
    x = ops.convert_to_tensor(x, name="x")
    one = ops.convert_to_tensor(1, dtype=x.dtype.base_dtype, name="one")
    return div_no_nan(one, x, name=scope)


def multiply_no_nan(x, y, name=None):
  """x * y, and 0 where y is 0, whatever x is."""
  with ops.name_scope(name, "multiply_no_nan", [x, y]) as name:
    x = ops.convert_to_tensor(x, name="x")
    y = ops.convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
    return _op("MulNoNan", name, (x, y))


# These modules use what is above.
from thalweg.ops.reduction_ops import (  # noqa: E402, F401
    _euclidean_norm, _finish, _old_arguments, _reduction, _reduction_dims, arg_max, arg_min, argmax, argmin,
    count_nonzero, cumprod, cumsum, cumulative_logsumexp, reduce_all, reduce_any, reduce_euclidean_norm,
    reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_prod, reduce_std, reduce_sum, reduce_variance)
from thalweg.ops.matmul_ops import (  # noqa: E402, F401
    batch_matmul, matmul, matvec, sparse_matmul, tensordot)
from thalweg.ops.segment_ops import (  # noqa: E402, F401
    _segment, _sparse_segment, _unsorted_segment, _unsorted_segment_count, segment_max, segment_mean, segment_min,
    segment_prod, segment_sum, sparse_segment_mean, sparse_segment_sqrt_n, sparse_segment_sum, unsorted_segment_max,
    unsorted_segment_mean, unsorted_segment_min, unsorted_segment_prod, unsorted_segment_sqrt_n, unsorted_segment_sum)
from thalweg.ops import operators as _operators  # noqa: E402, F401
