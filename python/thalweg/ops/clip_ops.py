"""Clipping."""

from thalweg.framework import dtypes, ops
from thalweg.framework.constant_op import constant
from thalweg.framework.tensor import IndexedSlices
from thalweg.ops import array_ops, math_ops, nn_ops


def clip_by_value(t, clip_value_min, clip_value_max, name=None):
  """min(max(t, clip_value_min), clip_value_max), element by element; bounds broadcast to the shape of t."""
  with ops.name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as name:
    values = ops.convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
    t_min = math_ops.minimum(values, clip_value_max)
    values.shape.merge_with(t_min.shape)
    t_max = math_ops.maximum(t_min, clip_value_min, name=name)
    values.shape.merge_with(t_max.shape)
    return IndexedSlices(t_max, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else t_max


def clip_by_norm(t, clip_norm, axes=None, name=None):
  """t scaled down so that its Euclidean norm, over `axes` or all, is at most clip_norm."""
  with ops.name_scope(name, "clip_by_norm", [t, clip_norm]) as name:
    values = ops.convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
    l2sum = math_ops.reduce_sum(values * values, axes, keepdims=True)
    positive = l2sum > 0
    # Twice, so that neither branch of the gradient sees the root of zero.
    l2sum_safe = array_ops.where(positive, l2sum, array_ops.ones_like(l2sum))
    l2norm = array_ops.where(positive, math_ops.sqrt(l2sum_safe), l2sum)
    intermediate = values * clip_norm
    values.shape.merge_with(intermediate.shape)
    clipped = array_ops.identity(intermediate / math_ops.maximum(l2norm, clip_norm), name=name)
    return IndexedSlices(clipped, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else clipped


def global_norm(t_list, name=None):
  """The norm of all tensors of a list taken as one vector."""
  _check_list(t_list)
  t_list = list(t_list)
  with ops.name_scope(name, "global_norm", t_list) as name:
    values = [ops.convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t_%d" % i)
              if t is not None else t for i, t in enumerate(t_list)]
    half_squared = []
    for v in values:
      if v is not None:
        with ops.colocate_with(v):
          half_squared.append(nn_ops.l2_loss(v))
    half_norm = math_ops.reduce_sum(array_ops.stack(half_squared))
    return math_ops.sqrt(half_norm * constant(2.0, dtype=half_norm.dtype), name="global_norm")


def _check_list(t_list):
  import collections.abc
  if not isinstance(t_list, collections.abc.Sequence) or isinstance(t_list, str):
    raise TypeError("t_list should be a sequence")


def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
  """The tensors scaled down together when their global norm is above clip_norm; also gives that norm."""
  _check_list(t_list)
  t_list = list(t_list)
  if use_norm is None:
    use_norm = global_norm(t_list, name)
  with ops.name_scope(name, "clip_by_global_norm", t_list + [clip_norm]) as name:
    scale_for_finite = clip_norm * math_ops.minimum(1.0 / use_norm, constant(1.0, dtype=use_norm.dtype) / clip_norm)
    # A norm that is not finite must show: every result becomes NaN.
    scale = array_ops.where(math_ops.is_finite(use_norm), scale_for_finite,
                            constant(float("nan"), dtype=use_norm.dtype))
    values = [ops.convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t_%d" % i)
              if t is not None else t for i, t in enumerate(t_list)]
    clipped = []
    for i, v in enumerate(values):
      if v is None:
        clipped.append(None)
        continue
      with ops.colocate_with(v):
        clipped.append(array_ops.identity(v * scale, name="%s_%d" % (name, i)))
    return [IndexedSlices(c, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else c
            for c, t in zip(clipped, t_list)], use_norm


def clip_by_average_norm(t, clip_norm, name=None):
  """t scaled down so that its Euclidean norm divided by its number of elements is at most clip_norm."""
  with ops.name_scope(name, "clip_by_average_norm", [t, clip_norm]) as name:
    t = ops.convert_to_tensor(t, name="t")
    n_element = math_ops.cast(array_ops.size(t), dtypes.float32)
    l2norm_inv = math_ops.rsqrt(math_ops.reduce_sum(t * t, math_ops.range(array_ops.rank(t))))
    return array_ops.identity(t * clip_norm * math_ops.minimum(
        l2norm_inv * n_element, constant(1.0) / clip_norm), name=name)


