"""Reductions over dimensions of a tensor, and sums that run along one."""

import numpy as np

from thalweg.framework import dtypes, ops, sparse_tensor
from thalweg.framework.constant_op import constant
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, math_ops
from thalweg.util.deprecation import deprecated_argument_lookup
from thalweg.util.functions import named


def _reduction_dims(x, axis):
  if axis is not None:
    return axis
  if isinstance(x, Tensor) and x.shape.ndims is not None:
    return constant(np.arange(x.shape.ndims), dtype=dtypes.int32)
  if isinstance(x, sparse_tensor.SparseTensor) and x.dense_shape.shape.is_fully_defined():
    return constant(np.arange(x.dense_shape.shape.dims[0].value), dtype=dtypes.int32)
  return math_ops.range(0, array_ops.rank(x))


def _finish(keepdims, axis, output):
  if axis is None and not keepdims and not output.shape.is_fully_defined():
    output.set_shape(())
  return output


def _old_arguments(axis, keepdims, reduction_indices, keep_dims):
  axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
  return axis, bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))


def _reduction(fn_name, op_type):

  def fn(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
    axis, keepdims = _old_arguments(axis, keepdims, reduction_indices, keep_dims)
    if not isinstance(input_tensor, Tensor):
      input_tensor = ops.convert_to_tensor(input_tensor) if not hasattr(input_tensor, "dtype") or isinstance(
          input_tensor, np.ndarray) and axis is None else input_tensor
    return _finish(keepdims, axis, _op(op_type, name, (input_tensor, _reduction_dims(input_tensor, axis)),
                                       {"keep_dims": keepdims}))

  return named(fn, fn_name, "%s over dimensions of a tensor; all of them when `axis` is None." % op_type)


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
  """The mean squared distance from the mean over dimensions of a tensor; over all when `axis` is None."""
  name = name if name else "reduce_variance"
  with ops.name_scope(name):
    means = reduce_mean(input_tensor, axis=axis, keepdims=True)
    return reduce_mean(math_ops.square(input_tensor - means), axis=axis, keepdims=keepdims)  # noqa: F821


def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
  """The root of reduce_variance."""
  name = name if name else "reduce_std"
  with ops.name_scope(name):
    return math_ops.sqrt(reduce_variance(input_tensor, axis=axis, keepdims=keepdims))  # noqa: F821


def reduce_logsumexp(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
  """log(sum(exp(x))) over dimensions of a tensor, without overflow; over all when `axis` is None."""
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
  """The number of elements that are not zero, False or empty over dimensions of a tensor; all when `axis` is None."""
  axis, keepdims = _old_arguments(axis, keepdims, reduction_indices, keep_dims)
  input_tensor = deprecated_argument_lookup("input", input, "input_tensor", input_tensor)
  with ops.name_scope(name, "count_nonzero", [input_tensor]):
    input_tensor = ops.convert_to_tensor(input_tensor, name="input")
    zero = array_ops.zeros([], dtype=input_tensor.dtype)
    return math_ops.cast(reduce_sum(math_ops.cast(_op("NotEqual", None, (input_tensor, zero)), dtypes.int64), axis=axis,
                           keepdims=keepdims), dtype=dtype)


def arg_max(input, dimension, output_type=dtypes.int64, name=None):  # noqa: A002
  """argmax() along `dimension`."""
  return _op("ArgMax", name, (input, dimension), {"output_type": output_type})


def arg_min(input, dimension, output_type=dtypes.int64, name=None):  # noqa: A002
  """argmin() along `dimension`."""
  return _op("ArgMin", name, (input, dimension), {"output_type": output_type})


def argmax(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):  # noqa: A002
  """The position of the largest value along `axis`, the first of several; int64 by default."""
  axis = deprecated_argument_lookup("axis", axis, "dimension", dimension)
  return _op("ArgMax", name, (input, 0 if axis is None else axis), {"output_type": output_type})


def argmin(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):  # noqa: A002
  """The position of the smallest value along `axis`, the first of several; int64 by default."""
  axis = deprecated_argument_lookup("axis", axis, "dimension", dimension)
  return _op("ArgMin", name, (input, 0 if axis is None else axis), {"output_type": output_type})


def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
  """The sums of the elements up to each along `axis`: without itself when `exclusive`, from the end when `reverse`."""
  with ops.name_scope(name, "Cumsum", [x]) as name:
    return _op("Cumsum", name, (ops.convert_to_tensor(x, name="x"), axis), {"exclusive": exclusive, "reverse": reverse})


def cumprod(x, axis=0, exclusive=False, reverse=False, name=None):
  """The products of the elements up to each along `axis`: without itself when `exclusive`, from the end when `reverse`."""
  with ops.name_scope(name, "Cumprod", [x]) as name:
    return _op("Cumprod", name, (ops.convert_to_tensor(x, name="x"), axis),
               {"exclusive": exclusive, "reverse": reverse})


def cumulative_logsumexp(x, axis=0, exclusive=False, reverse=False, name=None):
  """Logarithms of running sums of exponentials."""
  return _op("CumulativeLogsumexp", name, (x, axis), {"exclusive": exclusive, "reverse": reverse})
