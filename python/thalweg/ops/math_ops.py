"""Arithmetic on tensors."""

import builtins

import numpy as np

from thalweg.framework import dtypes, ops, sparse_tensor
from thalweg.framework.constant_op import constant
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import IndexedSlices, Tensor
from thalweg.ops import array_ops


def _unary(op_type, name, doc, on_sparse=False):

  def fn(x, name=None):
    if on_sparse and isinstance(x, sparse_tensor.SparseTensor):
      return sparse_tensor.SparseTensor(x.indices, _op(op_type, name, (x.values,)), x.dense_shape)
    return _op(op_type, name, (x,))

  fn.__name__ = fn.__qualname__ = name
  fn.__doc__ = doc
  return fn


def _binary(op_type, name, doc):

  def fn(x, y, name=None):
    return _op(op_type, name, (x, y))

  fn.__name__ = fn.__qualname__ = name
  fn.__doc__ = doc
  return fn


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
  with ops.name_scope(name, "Abs", [x]) as name:
    if isinstance(x, sparse_tensor.SparseTensor):
      return sparse_tensor.SparseTensor(x.indices, abs(x.values, name=name), x.dense_shape)
    x = ops.convert_to_tensor(x, name="x")
    if x.dtype.is_complex:
      return _op("ComplexAbs", name, (x,), {"Tout": x.dtype.real_dtype})
    return _op("Abs", name, (x,))


def round(x, name=None):
  x = ops.convert_to_tensor(x, name="x")
  return x if x.dtype.is_integer else _op("Round", name, (x,))


def sigmoid(x, name=None):
  with ops.name_scope(name, "Sigmoid", [x]) as name:
    return _op("Sigmoid", name, (ops.convert_to_tensor(x, name="x"),))


def log_sigmoid(x, name=None):
  with ops.name_scope(name, "LogSigmoid", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    return _op("Neg", name, (_op("Softplus", None, (-x,)),))


def real(input, name=None):  # noqa: A002
  with ops.name_scope(name, "Real", [input]) as name:
    if input.dtype.is_complex:
      return _op("Real", name, (input,), {"Tout": input.dtype.real_dtype})
    return input


def imag(input, name=None):  # noqa: A002
  with ops.name_scope(name, "Imag", [input]) as name:
    input = ops.convert_to_tensor(input, name="input")  # noqa: A001
    if input.dtype.is_complex:
      return _op("Imag", name, (input,), {"Tout": input.dtype.real_dtype})
    return array_ops.zeros_like(input)


def angle(input, name=None):  # noqa: A002
  with ops.name_scope(name, "Angle", [input]) as name:
    input = ops.convert_to_tensor(input, name="input")  # noqa: A001
    if input.dtype.is_complex:
      return _op("Angle", name, (input,), {"Tout": input.dtype.real_dtype})
    return array_ops.zeros_like(input)


def complex(real, imag, name=None):
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

  fn.__name__ = "to_" + name.lower()
  return fn


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


def truediv(x, y, name=None):
  """Division that gives a fraction, also for integers."""
  with ops.name_scope(name, "truediv", [x, y]) as name:
    x = ops.convert_to_tensor(x, name="x")
    y = ops.convert_to_tensor(y, name="y")
    x_dtype, y_dtype = x.dtype.base_dtype, y.dtype.base_dtype
    if x_dtype != y_dtype:
      raise TypeError("x and y must have the same dtype, got %r != %r" % (x_dtype, y_dtype))
    if x_dtype not in _TRUEDIV:
      raise TypeError("Invalid dtype %r in __truediv__" % x_dtype)
    dtype = _TRUEDIV[x_dtype]
    if dtype is not None:
      x, y = cast(x, dtype), cast(y, dtype)
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
  if name is not None:
    return DivideDelegateWithName(x, name) / y
  return x / y


def div_no_nan(x, y, name=None):
  with ops.name_scope(name, "div_no_nan", [x, y]) as name:
    x = ops.convert_to_tensor(x, name="x")
    y = ops.convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
    return _op("DivNoNan", name, (x, y))


def floordiv(x, y, name=None):
  with ops.name_scope(name, "floordiv", [x, y]) as name:
    return _op("FloorDiv", name, (x, y))


def scalar_mul(scalar, x, name=None):
  scalar = ops.convert_to_tensor(scalar, dtype_hint=x.dtype.base_dtype, name="scalar")
  if scalar.shape.is_compatible_with([]) and scalar.shape.ndims in (0, None):
    if isinstance(x, IndexedSlices):
      return IndexedSlices(_op("Mul", name, (scalar, x.values)), x.indices, x.dense_shape)
    return _op("Mul", name, (scalar, x))
  raise ValueError("Only scalar multiply works, got shape %s" % scalar.shape)


def approximate_equal(x, y, tolerance=1e-5, name=None):
  return _op("ApproximateEqual", name, (x, y), {"tolerance": tolerance})


def logical_xor(x, y, name="LogicalXor"):
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


# --- reductions ---

def _reduction_dims(x, axis):
  if axis is not None:
    return axis
  if isinstance(x, Tensor) and x.shape.ndims is not None:
    return constant(np.arange(x.shape.ndims), dtype=dtypes.int32)
  if isinstance(x, sparse_tensor.SparseTensor) and x.dense_shape.shape.is_fully_defined():
    return constant(np.arange(x.dense_shape.shape.dims[0].value), dtype=dtypes.int32)
  return range(0, array_ops.rank(x))


def _finish(keepdims, axis, output):
  if axis is None and not keepdims and not output.shape.is_fully_defined():
    output.set_shape(())
  return output


def _old_arguments(axis, keepdims, reduction_indices, keep_dims):
  if reduction_indices is not None:
    if axis is not None:
      raise ValueError("Cannot specify both 'axis' and 'reduction_indices'")
    axis = reduction_indices
  if keep_dims is not None:
    if keepdims is not None:
      raise ValueError("Cannot specify both 'keepdims' and 'keep_dims'")
    keepdims = keep_dims
  return axis, bool(keepdims) if keepdims is not None else False


def _reduction(fn_name, op_type):

  def fn(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
    axis, keepdims = _old_arguments(axis, keepdims, reduction_indices, keep_dims)
    if not isinstance(input_tensor, Tensor):
      input_tensor = ops.convert_to_tensor(input_tensor) if not hasattr(input_tensor, "dtype") or isinstance(
          input_tensor, np.ndarray) and axis is None else input_tensor
    return _finish(keepdims, axis, _op(op_type, name, (input_tensor, _reduction_dims(input_tensor, axis)),
                                       {"keep_dims": keepdims}))

  fn.__name__ = fn.__qualname__ = fn_name
  fn.__doc__ = "%s over dimensions of a tensor; all of them when `axis` is None." % op_type
  return fn


reduce_sum = _reduction("reduce_sum", "Sum")
reduce_mean = _reduction("reduce_mean", "Mean")
reduce_prod = _reduction("reduce_prod", "Prod")
reduce_min = _reduction("reduce_min", "Min")
reduce_max = _reduction("reduce_max", "Max")
reduce_all = _reduction("reduce_all", "All")
reduce_any = _reduction("reduce_any", "Any")
_euclidean_norm = _reduction("reduce_euclidean_norm", "EuclideanNorm")


def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
  """The root of the sum of squares over dimensions of a tensor; all of them when `axis` is None."""
  return _euclidean_norm(input_tensor, axis, bool(keepdims), name)


def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
  name = name if name else "reduce_variance"
  with ops.name_scope(name):
    means = reduce_mean(input_tensor, axis=axis, keepdims=True)
    return reduce_mean(square(input_tensor - means), axis=axis, keepdims=keepdims)  # noqa: F821


def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
  name = name if name else "reduce_std"
  with ops.name_scope(name):
    return sqrt(reduce_variance(input_tensor, axis=axis, keepdims=keepdims))  # noqa: F821


def reduce_logsumexp(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
  axis, keepdims = _old_arguments(axis, keepdims, reduction_indices, keep_dims)
  with ops.name_scope(name, "ReduceLogSumExp", [input_tensor]) as name:
    raw_max = reduce_max(input_tensor, axis=axis, keepdims=True)
    my_max = array_ops.stop_gradient(_op("Select", None, (
        _op("IsFinite", None, (raw_max,)), raw_max, array_ops.zeros_like(raw_max))))
    result = _op("Log", None, (reduce_sum(_op("Exp", None, (_op("Sub", None, (input_tensor, my_max)),)), axis,
                                          keepdims=keepdims),))
    if not keepdims:
      my_max = array_ops.reshape(my_max, array_ops.shape(result))
    return _finish(keepdims, axis, _op("Add", None, (result, my_max)))


def count_nonzero(input_tensor=None, axis=None, keepdims=None, dtype=dtypes.int64, name=None, reduction_indices=None,
                  keep_dims=None, input=None):  # noqa: A002
  axis, keepdims = _old_arguments(axis, keepdims, reduction_indices, keep_dims)
  if input is not None:
    input_tensor = input
  with ops.name_scope(name, "count_nonzero", [input_tensor]):
    input_tensor = ops.convert_to_tensor(input_tensor, name="input")
    zero = array_ops.zeros([], dtype=input_tensor.dtype)
    return cast(reduce_sum(cast(_op("NotEqual", None, (input_tensor, zero)), dtypes.int64), axis=axis,
                           keepdims=keepdims), dtype=dtype)


def atan2(y, x, name=None):
  """The angle of the point (x, y), of each pair of elements."""
  return _op("Atan2", name, (y, x))


def arg_max(input, dimension, output_type=dtypes.int64, name=None):  # noqa: A002
  return _op("ArgMax", name, (input, dimension), {"output_type": output_type})


def arg_min(input, dimension, output_type=dtypes.int64, name=None):  # noqa: A002
  return _op("ArgMin", name, (input, dimension), {"output_type": output_type})


def argmax(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):  # noqa: A002
  if dimension is not None:
    if axis is not None:
      raise ValueError("Cannot specify both 'axis' and 'dimension'")
    axis = dimension
  return _op("ArgMax", name, (input, 0 if axis is None else axis), {"output_type": output_type})


def argmin(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):  # noqa: A002
  if dimension is not None:
    if axis is not None:
      raise ValueError("Cannot specify both 'axis' and 'dimension'")
    axis = dimension
  return _op("ArgMin", name, (input, 0 if axis is None else axis), {"output_type": output_type})


def sparse_matmul(a, b, transpose_a=False, transpose_b=False, a_is_sparse=False, b_is_sparse=False, name=None):
  """The matrix product; the hints that an argument is mostly zeros change nothing."""
  return matmul(a, b, transpose_a, transpose_b, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse, name=name)


def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
  with ops.name_scope(name, "Cumsum", [x]) as name:
    return _op("Cumsum", name, (ops.convert_to_tensor(x, name="x"), axis), {"exclusive": exclusive, "reverse": reverse})


def cumprod(x, axis=0, exclusive=False, reverse=False, name=None):
  with ops.name_scope(name, "Cumprod", [x]) as name:
    return _op("Cumprod", name, (ops.convert_to_tensor(x, name="x"), axis),
               {"exclusive": exclusive, "reverse": reverse})


# --- products ---

def matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False,
           b_is_sparse=False, name=None):
  """The matrix product; over the last two dimensions when there are more."""
  with ops.name_scope(name, "MatMul", [a, b]) as name:
    if transpose_a and adjoint_a:
      raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
      raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    a = ops.convert_to_tensor(a, name="a")
    b = ops.convert_to_tensor(b, name="b")
    a_shape, b_shape = a._shape_tuple(), b._shape_tuple()
    if (not a_is_sparse and not b_is_sparse) and (
        (a_shape is None or len(a_shape) > 2) and (b_shape is None or len(b_shape) > 2) or
        (a_shape is None or len(a_shape) > 2) or (b_shape is None or len(b_shape) > 2)):
      if transpose_a:
        a, adjoint_a = conj(a), True
      if transpose_b:
        b, adjoint_b = conj(b), True
      return _op("BatchMatMulV2", name, (a, b), {"adj_x": adjoint_a, "adj_y": adjoint_b})
    if adjoint_a:
      a, transpose_a = conj(a), True
    if adjoint_b:
      b, transpose_b = conj(b), True
    return _op("MatMul", name, (a, b), {"transpose_a": transpose_a, "transpose_b": transpose_b})


def matvec(a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None):
  with ops.name_scope(name, "MatVec", [a, b]) as name:
    output = matmul(a, array_ops.expand_dims(b, axis=-1), transpose_a=transpose_a, adjoint_a=adjoint_a,
                    a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse)
    return array_ops.squeeze(output, axis=-1)


def batch_matmul(x, y, adj_x=False, adj_y=False, name=None):
  return _op("BatchMatMul", name, (x, y), {"adj_x": adj_x, "adj_y": adj_y})


def tensordot(a, b, axes, name=None):
  """The sum of products over the given axes of a and b."""

  def reshape_to_matrix(a, axes, flipped):
    rank = a.shape.ndims
    if a.shape.is_fully_defined() and isinstance(axes, (list, tuple)):
      shape = a.shape.as_list()
      axes = [i if i >= 0 else i + rank for i in axes]
      free = [i for i in builtins.range(rank) if i not in axes]
      free_dims = [shape[i] for i in free]
      prod_free, prod_axes = int(np.prod(free_dims)), int(np.prod([shape[i] for i in axes]))
      perm = list(axes) + free if flipped else free + list(axes)
      new_shape = [prod_axes, prod_free] if flipped else [prod_free, prod_axes]
      return array_ops.reshape(array_ops.transpose(a, perm), new_shape), free_dims, free_dims
    if rank is not None and isinstance(axes, (list, tuple)):
      shape_static = a.shape.as_list()
      axes = [i if i >= 0 else i + rank for i in axes]
      free = [i for i in builtins.range(rank) if i not in axes]
      free_static = [shape_static[i] for i in free]
      axes_t = ops.convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
      free_t = ops.convert_to_tensor(free, dtype=dtypes.int32, name="free")
      shape = array_ops.shape(a)
    else:
      free_static = None
      shape = array_ops.shape(a)
      rank_t = array_ops.rank(a)
      axes_t = ops.convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
      axes_t = array_ops.where(axes_t >= 0, axes_t, axes_t + rank_t)
      free_t, _ = array_ops.setdiff1d(range(rank_t), axes_t)
    free_dims = array_ops.gather(shape, free_t)
    axes_dims = array_ops.gather(shape, axes_t)
    prod_free, prod_axes = reduce_prod(free_dims), reduce_prod(axes_dims)
    if flipped:
      perm, new_shape = array_ops.concat([axes_t, free_t], 0), array_ops.stack([prod_axes, prod_free])
    else:
      perm, new_shape = array_ops.concat([free_t, axes_t], 0), array_ops.stack([prod_free, prod_axes])
    return array_ops.reshape(array_ops.transpose(a, perm), new_shape), free_dims, free_static

  with ops.name_scope(name, "Tensordot", [a, b, axes]) as name:
    a = ops.convert_to_tensor(a, name="a")
    b = ops.convert_to_tensor(b, name="b")
    if isinstance(axes, (int, np.integer)):
      if axes < 0:
        raise ValueError("'axes' must be at least 0.")
      if a.shape.ndims is not None:
        if axes > a.shape.ndims:
          raise ValueError("'axes' must not be larger than the number of dimensions of tensor %s." % a)
        a_axes, b_axes = list(builtins.range(a.shape.ndims - axes, a.shape.ndims)), list(builtins.range(axes))
      else:
        rank = array_ops.rank(a)
        a_axes, b_axes = range(rank - axes, rank), range(axes)
    elif isinstance(axes, (list, tuple)):
      if len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
      a_axes, b_axes = axes
      a_axes = [a_axes] if isinstance(a_axes, (int, np.integer)) else list(a_axes)
      b_axes = [b_axes] if isinstance(b_axes, (int, np.integer)) else list(b_axes)
      if len(a_axes) != len(b_axes):
        raise ValueError("Different number of contraction axes 'a' and 'b', %s != %s." % (len(a_axes), len(b_axes)))
    else:
      axes = ops.convert_to_tensor(axes, name="axes", dtype=dtypes.int32)
      a_axes, b_axes = axes[0], axes[1]
    a_matrix, a_free, a_static = reshape_to_matrix(a, a_axes, False)
    b_matrix, b_free, b_static = reshape_to_matrix(b, b_axes, True)
    product = matmul(a_matrix, b_matrix)
    if isinstance(a_free, list) and isinstance(b_free, list):
      return array_ops.reshape(product, a_free + b_free, name=name)
    a_free = ops.convert_to_tensor(a_free, dtype=dtypes.int32)
    b_free = ops.convert_to_tensor(b_free, dtype=dtypes.int32)
    product = array_ops.reshape(product, array_ops.concat([a_free, b_free], 0), name=name)
    if a_static is not None and b_static is not None:
      product.set_shape(a_static + b_static)
    return product


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
  return _op("LinSpace", name, (start, stop, num))


lin_space = linspace


def bincount(arr, weights=None, minlength=None, maxlength=None, dtype=dtypes.int32):
  arr = ops.convert_to_tensor(arr, name="arr", dtype=dtypes.int32)
  nonempty = reduce_prod(array_ops.shape(arr)) > 0
  size = cast(nonempty, dtypes.int32) * (reduce_max(arr) + 1)
  if minlength is not None:
    size = maximum(ops.convert_to_tensor(minlength, name="minlength", dtype=dtypes.int32), size)  # noqa: F821
  if maxlength is not None:
    size = minimum(ops.convert_to_tensor(maxlength, name="maxlength", dtype=dtypes.int32), size)  # noqa: F821
  weights = (ops.convert_to_tensor(weights, name="weights") if weights is not None else constant([], dtype))
  return _op("Bincount", None, (arr, size, weights))


# --- segments ---

def _segment(fn_name, op_type):

  def fn(data, segment_ids, name=None):
    return _op(op_type, name, (data, segment_ids))

  fn.__name__ = fn.__qualname__ = fn_name
  return fn


segment_sum = _segment("segment_sum", "SegmentSum")
segment_mean = _segment("segment_mean", "SegmentMean")
segment_prod = _segment("segment_prod", "SegmentProd")
segment_min = _segment("segment_min", "SegmentMin")
segment_max = _segment("segment_max", "SegmentMax")


def _unsorted_segment(fn_name, op_type):

  def fn(data, segment_ids, num_segments, name=None):
    return _op(op_type, name, (data, segment_ids, num_segments))

  fn.__name__ = fn.__qualname__ = fn_name
  return fn


unsorted_segment_sum = _unsorted_segment("unsorted_segment_sum", "UnsortedSegmentSum")
unsorted_segment_prod = _unsorted_segment("unsorted_segment_prod", "UnsortedSegmentProd")
unsorted_segment_min = _unsorted_segment("unsorted_segment_min", "UnsortedSegmentMin")
unsorted_segment_max = _unsorted_segment("unsorted_segment_max", "UnsortedSegmentMax")


def _unsorted_segment_count(data, segment_ids, num_segments):
  ones_shape = array_ops.shape(segment_ids)
  count = unsorted_segment_sum(array_ops.ones(ones_shape, dtype=data.dtype), segment_ids, num_segments)
  extra = array_ops.ones(array_ops.expand_dims(array_ops.rank(data) - array_ops.rank(segment_ids), 0), dtypes.int32)
  return _op("Maximum", None, (array_ops.reshape(count, array_ops.concat([array_ops.shape(count), extra], 0)), 1))


def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
  with ops.name_scope(name, "UnsortedSegmentMean"):
    data, segment_ids = ops.convert_to_tensor(data), ops.convert_to_tensor(segment_ids)
    return unsorted_segment_sum(data, segment_ids, num_segments) / _unsorted_segment_count(
        data, segment_ids, num_segments)


def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
  with ops.name_scope(name, "UnsortedSegmentSqrtN"):
    data, segment_ids = ops.convert_to_tensor(data), ops.convert_to_tensor(segment_ids)
    return unsorted_segment_sum(data, segment_ids, num_segments) / sqrt(  # noqa: F821
        _unsorted_segment_count(data, segment_ids, num_segments))


def _sparse_segment(fn_name, op_type):

  def fn(data, indices, segment_ids, name=None):
    return _op(op_type, name, (data, indices, segment_ids))

  fn.__name__ = fn.__qualname__ = fn_name
  return fn


sparse_segment_sum = _sparse_segment("sparse_segment_sum", "SparseSegmentSum")
sparse_segment_mean = _sparse_segment("sparse_segment_mean", "SparseSegmentMean")
sparse_segment_sqrt_n = _sparse_segment("sparse_segment_sqrt_n", "SparseSegmentSqrtN")


# --- operators ---

def _add(x, y, name=None):
  return _op("Add" if x.dtype == dtypes.string else "AddV2", name, (x, y))


def _sub(x, y, name=None):
  return _op("Sub", name, (x, y))


def _mul(x, y, name=None):
  return _op("Mul", name, (x, y))


def _override_binary(func, op_name):

  def binary(x, y):
    if y.__class__ is Tensor:
      graph = x._op.graph
      # As a name scope that is left at once: the operation takes the scope's name.
      scope = graph.unique_name(op_name) + "/"
      return func(x, y, name=scope)
    if y.__class__ is float and x.dtype is dtypes.float32 and x._op.graph is ops.get_default_graph():
      # The commonest mixed case, without the scope object and the search for a conversion.
      graph = x._op.graph
      old, scope = graph._name_stack, graph.unique_name(op_name)
      graph._name_stack = scope
      try:
        return func(x, constant(y, dtypes.float32, name="y"), name=scope + "/")
      finally:
        graph._name_stack = old
    with ops.name_scope(None, op_name, [x, y]) as name:
      try:
        y = ops.convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
      except TypeError:
        # The other side may know what to do.
        if hasattr(type(y), "__r%s__" % op_name):
          return NotImplemented
        raise
      return func(x, y, name=name)

  def reflected(y, x):
    with ops.name_scope(None, op_name, [x, y]) as name:
      x = ops.convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
      return func(x, y, name=name)

  Tensor._override_operator("__%s__" % op_name, binary)
  Tensor._override_operator("__r%s__" % op_name, reflected)


_override_binary(_add, "add")
_override_binary(_sub, "sub")
_override_binary(_mul, "mul")
_override_binary(div, "div")
_override_binary(truediv, "truediv")
_override_binary(floordiv, "floordiv")
_override_binary(_binary("FloorMod", "mod", None), "mod")
_override_binary(pow, "pow")
_override_binary(matmul, "matmul")
_override_binary(logical_and, "and")  # noqa: F821
_override_binary(logical_or, "or")  # noqa: F821
_override_binary(logical_xor, "xor")
for _operator, _fn in (("__invert__", "logical_not"), ("__neg__", "negative"), ("__abs__", "abs"), ("__lt__", "less"),
                       ("__le__", "less_equal"), ("__gt__", "greater"), ("__ge__", "greater_equal")):
  Tensor._override_operator(_operator, globals()[_fn])

sub, mul = subtract, multiply  # noqa: F821

