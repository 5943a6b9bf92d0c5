"""Making, shaping and indexing tensors."""

import builtins
import sys

import numpy as np

from thalweg.framework import dtypes, ops, sparse_tensor, tensor_shape, tensor_util
from thalweg.framework.constant_op import constant, filled
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import Tensor

newaxis = None
_SHAPE_CONSTANT_BELOW = 1000


def placeholder(dtype, shape=None, name=None):
  """A tensor whose value must be fed."""
  return _op("Placeholder", name, (), {"dtype": dtype, "shape": tensor_shape.as_shape(shape)
                                       if shape is None or not isinstance(shape, (list, tuple)) else shape})


def placeholder_with_default(input, shape, name=None):  # noqa: A002
  return _op("PlaceholderWithDefault", name, (input,), {"shape": tensor_shape.as_shape(shape)})


def sparse_placeholder(dtype, shape=None, name=None):
  if shape is None:
    dense_shape = placeholder(dtypes.int64, shape=[None], name=(name + "/shape") if name is not None else None)
    rank = None
  else:
    if isinstance(shape, Tensor):
      dense_shape, rank = shape, shape.shape[0]
    else:
      rank = len(shape)
      dense_shape = ops.convert_to_tensor(tuple(-1 if d is None else d for d in shape), dtype=dtypes.int64,
                                          name=(name + "/shape") if name is not None else None)
  return sparse_tensor.SparseTensor(
      values=placeholder(dtype, shape=[None], name=(name + "/values") if name is not None else None),
      indices=placeholder(dtypes.int64, shape=[None, rank], name=(name + "/indices") if name is not None else None),
      dense_shape=dense_shape)


def identity(input, name=None):  # noqa: A002
  return _op("Identity", name, (input,))


def identity_n(input, name=None):  # noqa: A002
  return _op("IdentityN", name, (input,))


def stop_gradient(input, name=None):  # noqa: A002
  return _op("StopGradient", name, (input,))


def prevent_gradient(input, message="", name=None):  # noqa: A002
  return _op("PreventGradient", name, (input,), {"message": message})


def check_numerics(tensor, message, name=None):
  return _op("CheckNumerics", name, (tensor,), {"message": message})


# --- filled tensors ---

def _constant_if_small(value, shape, dtype, name):
  try:
    if np.prod(shape) < _SHAPE_CONSTANT_BELOW:
      return constant(value, shape=shape, dtype=dtype, name=name)
  except (TypeError, NotImplementedError):
    # The shape holds tensors or unknown sizes.
    pass
  return None


def _filled(value, shape, dtype, name):
  if not isinstance(shape, Tensor):
    try:
      if shape.__class__ is tensor_shape.TensorShape and shape.is_fully_defined():
        shape = shape.as_list()
      if shape.__class__ is list or shape.__class__ is tuple:
        small = filled(value, shape, dtype, name)
        if small is not None:
          return small
      small = _constant_if_small(value, shape, dtype, name)
      if small is not None:
        return small
      shape = ops.convert_to_tensor(tensor_shape.TensorShape(shape))
    except (TypeError, ValueError):
      shape = ops.convert_to_tensor(shape, dtype=dtypes.int32)
  if not shape._shape_tuple():
    shape = reshape(shape, [-1])
  return fill(shape, constant(value, dtype=dtype), name=name)


def zeros(shape, dtype=dtypes.float32, name=None):
  dtype = dtypes.as_dtype(dtype).base_dtype
  with ops.name_scope(name, "zeros", [shape]) as name:
    value = False if dtype == dtypes.bool else "" if dtype == dtypes.string else 0
    return _filled(value, shape, dtype, name)


def ones(shape, dtype=dtypes.float32, name=None):
  dtype = dtypes.as_dtype(dtype).base_dtype
  with ops.name_scope(name, "ones", [shape]) as name:
    return _filled(True if dtype == dtypes.bool else 1, shape, dtype, name)


def fill(dims, value, name=None):
  return _op("Fill", name, (dims, value))


def zeros_like(tensor, dtype=None, name=None, optimize=True):
  with ops.name_scope(name, "zeros_like", [tensor]) as name:
    tensor = ops.convert_to_tensor(tensor, name="tensor")
    dtype = None if dtype is None else dtypes.as_dtype(dtype)
    if optimize and tensor.shape.is_fully_defined() and tensor.dtype != dtypes.variant:
      return zeros(tensor.shape, dtype=dtype or tensor.dtype, name=name)
    if dtype is not None and dtype != tensor.dtype and dtype != dtypes.variant:
      return zeros(shape_internal(tensor, optimize=optimize), dtype=dtype, name=name)
    return _op("ZerosLike", name, (tensor,))


def ones_like(tensor, dtype=None, name=None, optimize=True):
  with ops.name_scope(name, "ones_like", [tensor]) as name:
    tensor = ops.convert_to_tensor(tensor, name="tensor")
    result = ones(shape_internal(tensor, optimize=optimize), dtype=dtype or tensor.dtype, name=name)
    result.set_shape(tensor.shape)
    return result


# --- shapes ---

def shape(input, name=None, out_type=dtypes.int32):  # noqa: A002
  return shape_internal(input, name, optimize=True, out_type=out_type)


def shape_internal(input, name=None, optimize=True, out_type=dtypes.int32):  # noqa: A002
  with ops.name_scope(name, "Shape", [input]) as name:
    if isinstance(input, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
      from thalweg.ops import math_ops
      return math_ops.cast(input.dense_shape, out_type)
    input = ops.convert_to_tensor(input)  # noqa: A001
    if optimize and input.shape.is_fully_defined():
      return constant(input.shape.as_list(), out_type, name=name)
    return _op("Shape", name, (input,), {"out_type": out_type})


def shape_n(input, out_type=dtypes.int32, name=None):  # noqa: A002
  return _op("ShapeN", name, (input,), {"out_type": out_type})


def size(input, name=None, out_type=dtypes.int32):  # noqa: A002
  return size_internal(input, name, optimize=True, out_type=out_type)


def size_internal(input, name=None, optimize=True, out_type=dtypes.int32):  # noqa: A002
  with ops.name_scope(name, "Size", [input]) as name:
    if isinstance(input, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
      from thalweg.ops import math_ops
      return math_ops.reduce_prod(math_ops.cast(input.dense_shape, out_type), 0, name=name)
    input = ops.convert_to_tensor(input)  # noqa: A001
    if optimize and input.shape.is_fully_defined():
      return constant(input.shape.num_elements(), out_type, name=name)
    return _op("Size", name, (input,), {"out_type": out_type})


def rank(input, name=None):  # noqa: A002
  return rank_internal(input, name, optimize=True)


def rank_internal(input, name=None, optimize=True):  # noqa: A002
  with ops.name_scope(name, "Rank", [input]) as name:
    if isinstance(input, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
      return size_internal(input.dense_shape, name=name)
    input = ops.convert_to_tensor(input)  # noqa: A001
    if optimize and input.shape.ndims is not None:
      return constant(input.shape.ndims, dtypes.int32, name=name)
    return _op("Rank", name, (input,))


def reshape(tensor, shape, name=None):  # noqa: A002
  return _op("Reshape", name, (tensor, shape))


def expand_dims(input, axis=None, name=None, dim=None):  # noqa: A002
  if dim is not None:
    if axis is not None:
      raise ValueError("Cannot specify both 'axis' and 'dim'")
    axis = dim
  if axis is None:
    raise ValueError("Must specify an axis argument to tf.expand_dims()")
  return _op("ExpandDims", name, (input, axis))


def squeeze(input, axis=None, name=None, squeeze_dims=None):  # noqa: A002
  if squeeze_dims is not None:
    if axis is not None:
      raise ValueError("Cannot specify both 'axis' and 'squeeze_dims'")
    axis = squeeze_dims
  if axis is None:
    axis = []
  if np.isscalar(axis):
    axis = [axis]
  return _op("Squeeze", name, (input,), {"squeeze_dims": [int(a) for a in axis]})


def transpose(a, perm=None, name="transpose", conjugate=False):
  """The dimensions of `a` in the order `perm`; reversed when it is None."""
  with ops.name_scope(name, "transpose", [a]) as name:
    op_type = "ConjugateTranspose" if conjugate else "Transpose"
    if perm is not None:
      return _op(op_type, name, (a, perm))
    a = ops.convert_to_tensor(a, name="a")
    if a.shape.ndims is None:
      from thalweg.ops import math_ops
      rank_t = _op("Rank", None, (a,))
      perm = (rank_t - 1) - math_ops.range(0, rank_t, 1)
    else:
      perm = (a.shape.ndims - 1) - np.arange(0, a.shape.ndims, 1)
    result = _op(op_type, name, (a, perm))
    if a.shape.dims is not None:
      result.set_shape(a.shape.dims[::-1])
    return result


def matrix_transpose(a, name="matrix_transpose", conjugate=False):
  with ops.name_scope(name, values=[a]):
    a = ops.convert_to_tensor(a, name="a")
    n = a.shape.ndims
    if n is not None:
      if n < 2:
        raise ValueError("Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: %s" % a.shape)
      perm = list(builtins.range(n - 2)) + [n - 1, n - 2]
    else:
      from thalweg.ops import math_ops
      a_rank = rank(a)
      perm = concat((math_ops.range(a_rank - 2), [a_rank - 1, a_rank - 2]), 0)
    return transpose(a, perm=perm, conjugate=conjugate)


def broadcast_to(input, shape, name=None):  # noqa: A002
  return _op("BroadcastTo", name, (input, shape))


def broadcast_static_shape(shape_x, shape_y):
  x, y = tensor_shape.as_shape(shape_x), tensor_shape.as_shape(shape_y)
  if x.ndims is None or y.ndims is None:
    return tensor_shape.unknown_shape()
  dims = []
  xs, ys = list(reversed(x.dims)), list(reversed(y.dims))
  one = tensor_shape.Dimension(1)
  for i in builtins.range(max(len(xs), len(ys))):
    a = xs[i] if i < len(xs) else one
    b = ys[i] if i < len(ys) else one
    if a.value == 1:
      dims.append(b)
    elif b.value == 1:
      dims.append(a)
    elif a.value is None or b.value is None:
      known = a.value if b.value is None else b.value
      dims.append(tensor_shape.Dimension(known if known is not None and known > 1 else None))
    elif a.value == b.value:
      dims.append(a)
    else:
      raise ValueError("Incompatible shapes for broadcasting: %s and %s" % (shape_x, shape_y))
  return tensor_shape.TensorShape(list(reversed(dims)))


def broadcast_dynamic_shape(shape_x, shape_y):
  return _op("BroadcastArgs", None, (shape_x, shape_y))


# --- joining and parting ---

def concat(values, axis, name="concat"):
  if not isinstance(values, (list, tuple)):
    values = [values]
  if len(values) == 1:
    with ops.name_scope(name):
      ops.convert_to_tensor(axis, name="concat_dim", dtype=dtypes.int32).shape.assert_has_rank(0)
      return identity(values[0], name=name)
  return _op("ConcatV2", name, (list(values), axis))


def split(value, num_or_size_splits, axis=0, num=None, name="split"):
  size_splits = ops.convert_to_tensor(num_or_size_splits)
  if isinstance(num_or_size_splits, (int, np.integer, tensor_shape.Dimension)):
    return _op("Split", name, (axis, value), {"num_split": int(num_or_size_splits)})
  if size_splits.shape.ndims == 0:
    raise ValueError("Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument provided: "
                     "%s" % (num_or_size_splits,))
  if num is None:
    size_splits_shape = size_splits._shape_tuple()
    if size_splits_shape:
      num = size_splits_shape[0]
    if num is None:
      raise ValueError("Cannot infer num from shape %s" % (num_or_size_splits,))
  return _op("SplitV", name, (value, size_splits, axis), {"num_split": num})


def stack(values, axis=0, name="stack"):
  """Tensors of one shape as one tensor of a rank more."""
  if axis == 0:
    try:
      # A list of plain numbers becomes one constant; one with tensors in it is packed by the conversion.
      return ops.convert_to_tensor(values, name=name)
    except (TypeError, ValueError):
      pass
  value_shape = ops.convert_to_tensor(values[0], name=name)._shape_tuple()
  if value_shape is not None:
    expanded = len(value_shape) + 1
    if axis < -expanded or axis >= expanded:
      raise ValueError("axis = %d not in [%d, %d)" % (axis, -expanded, expanded))
  return _op("Pack", name, (list(values) if not isinstance(values, (list, tuple)) else values,), {"axis": axis})


def pack(values, axis=0, name="pack"):
  return stack(values, axis, name)


def unstack(value, num=None, axis=0, name="unstack"):
  if num is None:
    value = ops.convert_to_tensor(value)
    value_shape = value.shape
    if value_shape.ndims is not None:
      if axis < -value_shape.ndims or axis >= value_shape.ndims:
        raise ValueError("axis = %d not in [%d, %d)" % (axis, -value_shape.ndims, value_shape.ndims))
      num = value_shape.dims[axis].value
  if num is None:
    raise ValueError("Cannot infer num from shape %s" % value_shape)
  return _op("Unpack", name, (value,), {"num": num, "axis": axis})


unpack = unstack


def _autopack(list_or_tuple, dtype, name):
  """A tensor of nested lists some of whose leaves are tensors."""
  inferred = _leaf_dtype(list_or_tuple)
  if dtype is not None and inferred is not None and dtype != inferred:
    list_or_tuple = _cast_leaves(list_or_tuple, dtype)
  return _pack_level(list_or_tuple, dtype or inferred, name)


def _cast_leaves(values, dtype):
  from thalweg.ops import math_ops
  if isinstance(values, (list, tuple)):
    return [_cast_leaves(v, dtype) for v in values]
  if isinstance(values, Tensor) and values.dtype.base_dtype != dtype:
    return math_ops.cast(values, dtype)
  return values


def _first_tensor(values):
  for v in values:
    if isinstance(v, (list, tuple)):
      found = _first_tensor(v)
      if found is not None:
        return found
    elif isinstance(v, Tensor) or hasattr(v, "_as_graph_element"):
      return v
  return None


def _leaf_dtype(values):
  first = _first_tensor(values)
  return None if first is None else first.dtype.base_dtype


def _pack_level(values, dtype, name):
  must_pack, converted = False, []
  with ops.name_scope(name) as scope:
    for i, v in enumerate(values):
      if isinstance(v, Tensor) or hasattr(v, "_as_graph_element"):
        v = ops.convert_to_tensor(v)
        if dtype is not None and v.dtype.base_dtype != dtype:
          raise TypeError("Cannot convert a list containing a tensor of dtype %s to %s (Tensor is: %r)" % (
              v.dtype, dtype, v))
        converted.append(v)
        must_pack = True
      elif isinstance(v, (list, tuple)):
        part = _pack_level(v, dtype, str(i))
        must_pack = must_pack or isinstance(part, Tensor)
        converted.append(part)
      else:
        converted.append(v)
    if not must_pack:
      return converted
    parts = [v if isinstance(v, Tensor) else constant(v, dtype=dtype, name=str(i)) for i, v in enumerate(converted)]
    return _op("Pack", scope, (parts,))


# --- slices ---

def slice(input_, begin, size, name=None):  # noqa: A001
  return _op("Slice", name, (input_, begin, size))


def strided_slice(input_, begin, end, strides=None, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                  shrink_axis_mask=0, var=None, name=None):
  if strides is None:
    strides = ones_like(begin)
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
  if isinstance(slice_spec, builtins.bool) or (isinstance(slice_spec, Tensor) and slice_spec.dtype == dtypes.bool) or (
      isinstance(slice_spec, np.ndarray) and slice_spec.dtype == builtins.bool):
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
    elif s is newaxis:
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
      packed_begin, packed_end, packed_strides = stack(begin), stack(end), stack(strides)
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
    leading_size = math_ops.reduce_prod(shape(tensor)[axis:axis + ndims_mask], [0])
    tensor = reshape(tensor, concat([shape(tensor)[:axis], [leading_size], shape(tensor)[axis + ndims_mask:]], 0))
    first_dim = shape_tensor[axis:axis + ndims_mask].num_elements()
    tensor.set_shape(tensor_shape.as_shape(shape_tensor[:axis]).concatenate([first_dim]).concatenate(
        shape_tensor[axis + ndims_mask:]))
    mask = reshape(mask, [-1])
    indices = squeeze(where(mask), axis=[1])
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
  if x is None and y is None:
    return where(condition, name=name)
  if x is not None and y is not None:
    return _op("SelectV2", name, (condition, x, y))
  raise ValueError("x and y must both be non-None or both be None.")


def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
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
  with ops.name_scope(name, "BatchGather", [params, indices]):
    indices = ops.convert_to_tensor(indices, name="indices")
    params = ops.convert_to_tensor(params, name="params")
    if indices.shape.ndims is None:
      raise ValueError("batch_gather does not allow indices with unknown shape.")
    return _batch_gather(params, indices, indices.shape.ndims - 1, None, None)


def gather_nd(params, indices, name=None, batch_dims=0):
  if batch_dims:
    raise ValueError("gather_nd: batch_dims = %s; only 0 is known" % batch_dims)
  if hasattr(params, "gather_nd"):
    return params.gather_nd(indices, name=name)
  return _op("GatherNd", name, (params, indices))


def scatter_nd(indices, updates, shape, name=None):  # noqa: A002
  return _op("ScatterNd", name, (indices, updates, shape))


def tile(input, multiples, name=None):  # noqa: A002
  return _op("Tile", name, (input, multiples))


def pad(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
  mode = mode.upper()
  if mode == "CONSTANT":
    if isinstance(constant_values, Tensor) or constant_values != 0:
      result = _op("PadV2", name, (tensor, paddings, constant_values))
    else:
      result = _op("Pad", name, (tensor, paddings))
  elif mode in ("REFLECT", "SYMMETRIC"):
    result = _op("MirrorPad", name, (tensor, paddings), {"mode": mode})
  else:
    raise ValueError("Unknown padding mode: %s" % mode)
  return result


def reverse(tensor, axis, name=None):
  return _op("ReverseV2", name, (tensor, axis))


reverse_v2 = reverse


def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None,  # noqa: A002
                     batch_dim=None):
  seq_axis = seq_dim if seq_axis is None else seq_axis
  batch_axis = batch_dim if batch_axis is None else batch_axis
  return _op("ReverseSequence", name, (input, seq_lengths), {"seq_dim": seq_axis, "batch_dim": batch_axis or 0})


def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
  with ops.name_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as name:
    on_exists, off_exists = on_value is not None, off_value is not None
    on_dtype = ops.convert_to_tensor(on_value).dtype.base_dtype if on_exists else None
    off_dtype = ops.convert_to_tensor(off_value).dtype.base_dtype if off_exists else None
    if on_exists or off_exists:
      if dtype is not None:
        if on_exists and on_dtype != dtype:
          raise TypeError(f"dtype {on_dtype} of on_value does not match dtype parameter {dtype}")
        if off_exists and off_dtype != dtype:
          raise TypeError(f"dtype {off_dtype} of off_value does not match dtype parameter {dtype}")
      else:
        dtype = on_dtype if on_exists else off_dtype
    elif dtype is None:
      dtype = dtypes.float32
    if not on_exists:
      on_value, on_dtype = ops.convert_to_tensor(1, dtype, name="on_value"), dtype
    if not off_exists:
      off_value, off_dtype = ops.convert_to_tensor(0, dtype, name="off_value"), dtype
    if on_dtype != off_dtype:
      raise TypeError(f"dtype {on_dtype} of on_value does not match dtype {off_dtype} of off_value")
    return _op("OneHot", name, (indices, depth, on_value, off_value), {"axis": -1 if axis is None else axis})


def sequence_mask(lengths, maxlen=None, dtype=dtypes.bool, name=None):
  from thalweg.ops import math_ops
  with ops.name_scope(name, "SequenceMask", [lengths, maxlen]):
    lengths = ops.convert_to_tensor(lengths)
    if maxlen is None:
      maxlen = math_ops.reduce_max(lengths, _all_dimensions(lengths))
      maxlen = math_ops.maximum(constant(0, maxlen.dtype), maxlen)
    else:
      maxlen = ops.convert_to_tensor(maxlen)
    if maxlen.shape.ndims is not None and maxlen.shape.ndims != 0:
      raise ValueError("maxlen must be scalar for sequence_mask")
    row_vector = _op("Range", None, (constant(0, maxlen.dtype), maxlen, constant(1, maxlen.dtype)))
    matrix = _op("Cast", None, (expand_dims(lengths, -1),), {"DstT": maxlen.dtype})
    result = row_vector < matrix
    if dtype is None or result.dtype.base_dtype == dtypes.as_dtype(dtype).base_dtype:
      return result
    return math_ops.cast(result, dtype)


def _all_dimensions(x):
  if isinstance(x, Tensor) and x.shape.ndims is not None:
    return constant(np.arange(x.shape.ndims), dtype=dtypes.int32)
  from thalweg.ops import math_ops
  return math_ops.range(0, rank(x))


def meshgrid(*args, **kwargs):
  indexing, name = kwargs.pop("indexing", "xy"), kwargs.pop("name", "meshgrid")
  if kwargs:
    raise TypeError(f"'{list(kwargs)[0]}' is an invalid keyword argument for this function")
  if indexing not in ("xy", "ij"):
    raise ValueError("indexing parameter must be either 'xy' or 'ij'")
  with ops.name_scope(name, "meshgrid", args) as name:
    ndim = len(args)
    s0 = (1,) * ndim
    if not ndim:
      return []
    output = [reshape(stack(x), s0[:i] + (-1,) + s0[i + 1:]) for i, x in enumerate(args)]
    shapes = [size(x) for x in args]
    if indexing == "xy" and ndim > 1:
      output[0] = reshape(output[0], (1, -1) + (1,) * (ndim - 2))
      output[1] = reshape(output[1], (-1, 1) + (1,) * (ndim - 2))
      shapes[0], shapes[1] = shapes[1], shapes[0]
    mult_fact = ones(shapes, ops.convert_to_tensor(args[0]).dtype.base_dtype)
    return [x * mult_fact for x in output]


def unique(x, out_idx=dtypes.int32, name=None):
  return _op("Unique", name, (x,), {"out_idx": out_idx})


def unique_with_counts(x, out_idx=dtypes.int32, name=None):
  return _op("UniqueWithCounts", name, (x,), {"out_idx": out_idx})


def setdiff1d(x, y, index_dtype=dtypes.int32, name=None):
  return _op("ListDiff", name, (x, y), {"out_idx": index_dtype})


listdiff = setdiff1d


def invert_permutation(x, name=None):
  return _op("InvertPermutation", name, (x,))


def diag(diagonal, name=None):
  return _op("Diag", name, (diagonal,))


def diag_part(input, name=None):  # noqa: A002
  return _op("DiagPart", name, (input,))


def matrix_diag(diagonal, name="diag"):
  return _op("MatrixDiag", name, (diagonal,))


def matrix_diag_part(input, name="diag_part"):  # noqa: A002
  return _op("MatrixDiagPart", name, (input,))


def matrix_set_diag(input, diagonal, name="set_diag"):  # noqa: A002
  return _op("MatrixSetDiag", name, (input, diagonal))


def matrix_band_part(input, num_lower, num_upper, name=None):  # noqa: A002
  return _op("MatrixBandPart", name, (input, num_lower, num_upper))


def bitcast(input, type, name=None):  # noqa: A002
  return _op("Bitcast", name, (input,), {"type": type})


def depth_to_space(input, block_size, name=None, data_format="NHWC"):  # noqa: A002
  return _op("DepthToSpace", name, (input,), {"block_size": block_size, "data_format": data_format})


def space_to_depth(input, block_size, name=None, data_format="NHWC"):  # noqa: A002
  return _op("SpaceToDepth", name, (input,), {"block_size": block_size, "data_format": data_format})


def space_to_batch(input, paddings, block_size=None, name=None, block_shape=None):  # noqa: A002
  if block_shape is not None:
    return space_to_batch_nd(input, block_shape, paddings, name)
  result = space_to_batch_nd(input, paddings=paddings, block_shape=np.array([block_size, block_size], dtype=np.int64),
                             name=name)
  result.set_shape(result.shape.with_rank(4))
  return result


def batch_to_space(input, crops, block_size, name=None, block_shape=None):  # noqa: A002
  if block_shape is not None:
    block_size = block_shape
  result = batch_to_space_nd(input, crops=crops, block_shape=np.array([block_size, block_size], dtype=np.int64),
                             name=name)
  result.set_shape(result.shape.with_rank(4))
  return result


def space_to_batch_nd(input, block_shape, paddings, name=None):  # noqa: A002
  return _op("SpaceToBatchND", name, (input, block_shape, paddings))


def batch_to_space_nd(input, block_shape, crops, name=None):  # noqa: A002
  return _op("BatchToSpaceND", name, (input, block_shape, crops))


def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
  """Paddings and crops that make input_shape divisible by block_shape."""
  with ops.name_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
    input_shape = ops.convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
    block_shape = ops.convert_to_tensor(block_shape, dtype=dtypes.int32, name="block_shape")
    block_shape.shape.assert_is_fully_defined()
    block_shape.shape.assert_has_rank(1)
    num_block_dims = block_shape.shape.dims[0].value
    if num_block_dims == 0:
      return zeros([0, 2], dtypes.int32), zeros([0, 2], dtypes.int32)
    input_shape.shape.assert_is_compatible_with([num_block_dims])
    if base_paddings is not None:
      base_paddings = ops.convert_to_tensor(base_paddings, dtype=dtypes.int32, name="base_paddings")
      base_paddings.shape.assert_is_compatible_with([num_block_dims, 2])
    else:
      base_paddings = zeros([num_block_dims, 2], dtypes.int32)
    const_input, const_block, const_base = (tensor_util.constant_value(t)
                                            for t in (input_shape, block_shape, base_paddings))
    if const_input is not None and const_block is not None and const_base is not None:
      input_shape, block_shape, base_paddings = const_input, const_block, const_base
    pad_start, orig_pad_end = base_paddings[:, 0], base_paddings[:, 1]
    full_input = input_shape + pad_start + orig_pad_end
    extra = (block_shape - full_input % block_shape) % block_shape
    pad_end = orig_pad_end + extra
    paddings = stack([[pad_start[i], pad_end[i]] for i in builtins.range(num_block_dims)], name="paddings")
    crops = stack([[0, extra[i]] for i in builtins.range(num_block_dims)], name="crops")
    return paddings, crops


def guarantee_const(input, name=None):  # noqa: A002
  return _op("GuaranteeConst", name, (input,))


def repeat(input, repeats, axis=None, name=None):  # noqa: A002
  """Each element `repeats` times along an axis."""
  with ops.name_scope(name, "Repeat", [input, repeats]):
    data = ops.convert_to_tensor(input, name="input")
    if axis is None:
      data, axis = reshape(data, [-1]), 0
    repeats = ops.convert_to_tensor(repeats, dtype=dtypes.int32, name="repeats")
    if axis < 0:
      axis += data.shape.ndims
    from thalweg.ops import math_ops
    if repeats.shape.ndims == 0:
      expanded = expand_dims(data, axis + 1)
      multiples = stack([1] * (axis + 1) + [repeats] + [1] * (data.shape.ndims - axis - 1))
      old = shape(data)
      return reshape(tile(expanded, multiples), concat([old[:axis], [old[axis] * repeats], old[axis + 1:]], 0))
    most = math_ops.reduce_max(repeats)
    multiples = stack([1] * (axis + 1) + [most] + [1] * (data.shape.ndims - axis - 1))
    return boolean_mask(tile(expand_dims(data, axis + 1), multiples), sequence_mask(repeats, most), axis=axis)
