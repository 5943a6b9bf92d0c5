"""Parts of tensors by position, index or condition: slices, `tensor[...]`, gather and scatter, masks."""

import builtins
import sys

import numpy as np

from thalweg.framework import dtypes, ops, tensor_shape, tensor_util
from thalweg.framework.constant_op import constant
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops


def slice(input_, begin, size, name=None):  # noqa: A001
  """input_[begin : begin + size] along each axis; -1 in `size` goes to the end."""
  return _op("Slice", name, (input_, begin, size))


def strided_slice(input_, begin, end, strides=None, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                  shrink_axis_mask=0, var=None, name=None):
  """input_[begin : end : strides] along each axis; the bits of the masks say what each entry leaves out or adds."""
  if strides is None:
    strides = array_ops.ones_like(begin)
  result = _op("StridedSlice", name, (input_, begin, end, strides), {
      "begin_mask": begin_mask, "end_mask": end_mask, "ellipsis_mask": ellipsis_mask, "new_axis_mask": new_axis_mask,
      "shrink_axis_mask": shrink_axis_mask})
  parent_name = name

  def assign(val, name=None):
    if var is None:
      raise ValueError("Sliced assignment is only supported for variables")
    if name is None:
      name = (parent_name or "strided_slice/")[:-1] + "_assign"
    return var._strided_slice_assign(begin=begin, end=end, strides=strides, value=val, name=name,
                                     begin_mask=begin_mask, end_mask=end_mask, ellipsis_mask=ellipsis_mask,
                                     new_axis_mask=new_axis_mask, shrink_axis_mask=shrink_axis_mask)

  if var is not None:
    result.assign = assign
  return result


def _check_index(idx):
  if isinstance(idx, (int, np.integer, tensor_shape.Dimension)) and not isinstance(idx, (bool, np.bool_)):
    return
  dtype = getattr(idx, "dtype", None)
  if dtype is None or dtypes.as_dtype(dtype).base_dtype not in (
      dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.uint16, dtypes.int32, dtypes.int64) or (
      idx.shape and len(idx.shape) == 1):
    raise TypeError("Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 "
                    f"tensors are valid indices, got {idx!r}")


def _slice_helper(tensor, slice_spec, var=None):
  """tensor[...]: integers, slices, `...`, tf.newaxis, scalar tensors, or a boolean mask."""
  if isinstance(slice_spec, bool) or (isinstance(slice_spec, Tensor) and slice_spec.dtype == dtypes.bool) or (
      isinstance(slice_spec, np.ndarray) and slice_spec.dtype == bool):
    return boolean_mask(tensor=tensor, mask=slice_spec)
  if not isinstance(slice_spec, (list, tuple)):
    slice_spec = [slice_spec]
  begin, end, strides = [], [], []
  new_axis_mask = shrink_axis_mask = begin_mask = end_mask = ellipsis_mask = 0
  for index, s in enumerate(slice_spec):
    bit = 1 << index
    if isinstance(s, builtins.slice):
      if s.start is not None and (isinstance(s.start, Tensor) or s.start != sys.maxsize):
        _check_index(s.start)
        begin.append(s.start)
      else:
        begin.append(0)
        begin_mask |= bit
      if s.stop is not None and (isinstance(s.stop, Tensor) or s.stop != sys.maxsize):
        _check_index(s.stop)
        end.append(s.stop)
      else:
        end.append(0)
        end_mask |= bit
      if s.step is not None:
        _check_index(s.step)
        strides.append(s.step)
      else:
        strides.append(1)
    elif s is Ellipsis:
      begin.append(0)
      end.append(0)
      strides.append(1)
      ellipsis_mask |= bit
    elif s is array_ops.newaxis:
      begin.append(0)
      end.append(0)
      strides.append(1)
      new_axis_mask |= bit
    else:
      _check_index(s)
      begin.append(s)
      end.append(s + 1)
      strides.append(1)
      shrink_axis_mask |= bit
  with ops.name_scope(None, "strided_slice", [tensor] + begin + end + strides) as name:
    if begin:
      packed_begin, packed_end, packed_strides = array_ops.stack(begin), array_ops.stack(end), array_ops.stack(strides)
      if any(t.dtype == dtypes.int64 for t in (packed_begin, packed_end, packed_strides)):
        from thalweg.ops import math_ops
        packed_begin, packed_end, packed_strides = (
            t if t.dtype == dtypes.int64 else math_ops.cast(t, dtypes.int64)
            for t in (packed_begin, packed_end, packed_strides))
    else:
      empty = constant([], dtype=dtypes.int32)
      packed_begin = packed_end = packed_strides = empty
    return strided_slice(tensor, packed_begin, packed_end, packed_strides, begin_mask=begin_mask, end_mask=end_mask,
                         shrink_axis_mask=shrink_axis_mask, new_axis_mask=new_axis_mask, ellipsis_mask=ellipsis_mask,
                         var=var, name=name)


Tensor._override_operator("__getitem__", _slice_helper)


def boolean_mask(tensor, mask, name="boolean_mask", axis=None):
  """The elements (or rows) of `tensor` where `mask` is true."""
  from thalweg.ops import math_ops
  with ops.name_scope(name, values=[tensor, mask]):
    tensor = ops.convert_to_tensor(tensor, name="tensor")
    mask = ops.convert_to_tensor(mask, name="mask")
    shape_mask, ndims_mask, shape_tensor = mask.shape, mask.shape.ndims, tensor.shape
    if ndims_mask == 0:
      raise ValueError("mask cannot be scalar.")
    if ndims_mask is None:
      raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.  E.g. shape="
                       "[None] is ok, but shape=None is not.")
    axis = 0 if axis is None else axis
    shape_tensor[axis:axis + ndims_mask].assert_is_compatible_with(shape_mask)
    leading_size = math_ops.reduce_prod(array_ops.shape(tensor)[axis:axis + ndims_mask], [0])
    sizes = array_ops.shape(tensor)
    tensor = array_ops.reshape(tensor, array_ops.concat(
        [sizes[:axis], [leading_size], array_ops.shape(tensor)[axis + ndims_mask:]], 0))
    first_dim = shape_tensor[axis:axis + ndims_mask].num_elements()
    tensor.set_shape(tensor_shape.as_shape(shape_tensor[:axis]).concatenate([first_dim]).concatenate(
        shape_tensor[axis + ndims_mask:]))
    mask = array_ops.reshape(mask, [-1])
    indices = array_ops.squeeze(where(mask), axis=[1])
    return gather(tensor, indices, axis=axis)


def where(condition, x=None, y=None, name=None):
  """Positions of the true elements; or elements of x where the condition holds, else of y."""
  if x is None and y is None:
    with ops.name_scope(name, "Where", [condition]) as name:
      return _op("Where", name, (ops.convert_to_tensor(condition, preferred_dtype=dtypes.bool, name="condition"),))
  if x is not None and y is not None:
    return _op("Select", name, (condition, x, y))
  raise ValueError("x and y must both be non-None or both be None.")


def where_v2(condition, x=None, y=None, name=None):
  """x where the condition holds, else y, all three broadcast; without both the [number, rank] indices of true elements."""
  if x is None and y is None:
    return where(condition, name=name)
  if x is not None and y is not None:
    return _op("SelectV2", name, (condition, x, y))
  raise ValueError("x and y must both be non-None or both be None.")


def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
  """Slices of params along `axis`, those of `indices`, which may have any shape; the first `batch_dims` axes are shared."""
  if batch_dims != 0:
    return _batch_gather(params, indices, batch_dims, axis, name)
  if axis is None:
    axis = batch_dims
  if tensor_util.constant_value(axis) != 0 if isinstance(axis, Tensor) else axis != 0:
    return _op("GatherV2", name, (params, indices, axis))
  if hasattr(params, "sparse_read"):
    return params.sparse_read(indices, name=name)
  return _op("GatherV2", name, (params, indices, axis))


def _batch_gather(params, indices, batch_dims, axis, name):
  return _op("GatherV2", name, (params, indices, batch_dims if axis is None else axis), {"batch_dims": batch_dims})


def batch_gather(params, indices, name=None):
  """Slices of each batch of params: indices [*batch, ...] into params [*batch, size, ...]."""
  with ops.name_scope(name, "BatchGather", [params, indices]):
    indices = ops.convert_to_tensor(indices, name="indices")
    params = ops.convert_to_tensor(params, name="params")
    if indices.shape.ndims is None:
      raise ValueError("batch_gather does not allow indices with unknown shape.")
    return _batch_gather(params, indices, indices.shape.ndims - 1, None, None)


def gather_nd(params, indices, name=None, batch_dims=0):
  """[*outer, *rest]: the elements or slices of params at indices [*outer, depth]."""
  if batch_dims:
    raise ValueError("gather_nd: batch_dims = %s; only 0 is known" % batch_dims)
  if hasattr(params, "gather_nd"):
    return params.gather_nd(indices, name=name)
  return _op("GatherNd", name, (params, indices))


def scatter_nd(indices, updates, shape, name=None):  # noqa: A002
  """Zeros of a shape with `updates` added at `indices` [..., depth]; those of one place add up."""
  return _op("ScatterNd", name, (indices, updates, shape))
