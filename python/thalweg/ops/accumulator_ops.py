"""Conditional accumulators: means of gradients that are taken out when enough have come.

A gradient carries the step in which it was computed; one that is behind the accumulator's is dropped without an error.
"""

from thalweg.framework import dtypes as _dtypes, ops, tensor_shape
from thalweg.framework.op_create import op as _op, operation as _operation
from thalweg.ops import math_ops


def _make(op_type, name, dtype, shape, shared_name, reduction_type):
  if reduction_type not in ("MEAN", "SUM"):
    raise ValueError("reduction_type must be MEAN or SUM, not %s" % (reduction_type,))
  return _op(op_type, name, (), {"dtype": dtype, "shape": shape, "shared_name": shared_name or "",
                                 "reduction_type": reduction_type})


class ConditionalAccumulatorBase(object):
  """What both kinds have in common."""

  def __init__(self, dtype, shape, accumulator_ref):
    self._dtype = _dtypes.as_dtype(dtype)
    self._shape = tensor_shape.as_shape(shape) if shape is not None else tensor_shape.unknown_shape()
    self._accumulator_ref = accumulator_ref
    self._name = accumulator_ref.op.name.split("/")[-1]

  @property
  def accumulator_ref(self):
    return self._accumulator_ref

  @property
  def name(self):
    return self._name

  @property
  def dtype(self):
    return self._dtype

  def num_accumulated(self, name=None):
    """The number of gradients since the last taking, an int32 tensor."""
    return _op("AccumulatorNumAccumulated", name or "%s_NumAccumulated" % self._name, (self._accumulator_ref,))

  def set_global_step(self, new_global_step, name=None):
    """The operation that sets the step that gradients have to be of."""
    return _operation("AccumulatorSetGlobalStep", name,
                      (self._accumulator_ref, math_ops.cast(ops.convert_to_tensor(new_global_step), _dtypes.int64)))


class ConditionalAccumulator(ConditionalAccumulatorBase):
  """Of dense gradients of one shape."""

  def __init__(self, dtype, shape=None, shared_name=None, name="conditional_accumulator", reduction_type="MEAN"):
    ref = _make("ConditionalAccumulator", name, dtype, tensor_shape.as_shape(shape) if shape is not None else
                tensor_shape.unknown_shape(), shared_name, reduction_type)
    super().__init__(dtype, shape, ref)

  def apply_grad(self, grad, local_step=0, name=None):
    """The operation that adds a gradient of the step `local_step`."""
    grad = ops.convert_to_tensor(grad, self._dtype)
    grad.shape.assert_is_compatible_with(self._shape)
    local_step = math_ops.cast(ops.convert_to_tensor(local_step), _dtypes.int64)
    return _operation("AccumulatorApplyGradient", name, (self._accumulator_ref, local_step, grad))

  def take_grad(self, num_required, name=None):
    """The mean (or sum) of the gradients, once there are `num_required`; the accumulator then begins anew, a step on."""
    found = _op("AccumulatorTakeGradient", name, (self._accumulator_ref, num_required), {"dtype": self._dtype})
    found.set_shape(self._shape)
    return found


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
  """Of IndexedSlices: the mean of a row is over the gradients that have it."""

  def __init__(self, dtype, shape=None, shared_name=None, name="sparse_conditional_accumulator", reduction_type="MEAN"):
    ref = _make("SparseConditionalAccumulator", name, dtype, tensor_shape.as_shape(shape) if shape is not None else
                tensor_shape.unknown_shape(), shared_name, reduction_type)
    super().__init__(dtype, shape, ref)

  def apply_indexed_slices_grad(self, grad, local_step=0, name=None):
    return self.apply_grad(grad_indices=grad.indices, grad_values=grad.values, grad_shape=grad.dense_shape,
                           local_step=local_step, name=name)

  def apply_grad(self, grad_indices, grad_values, grad_shape=None, local_step=0, name=None):
    """The operation that adds rows `grad_values` [n, ...] at `grad_indices` [n] of a gradient of `grad_shape`."""
    local_step = math_ops.cast(ops.convert_to_tensor(local_step), _dtypes.int64)
    shape = ops.convert_to_tensor([] if grad_shape is None else grad_shape, _dtypes.int64) if not isinstance(
        grad_shape, ops.Tensor) else math_ops.cast(grad_shape, _dtypes.int64)
    return _operation("SparseAccumulatorApplyGradient", name, (
        self._accumulator_ref, local_step, math_ops.cast(ops.convert_to_tensor(grad_indices), _dtypes.int64),
        ops.convert_to_tensor(grad_values, self._dtype), shape), {"has_known_shape": grad_shape is not None})

  def take_grad(self, num_required, name=None):
    """(indices, values, shape) once there are `num_required` gradients."""
    return _op("SparseAccumulatorTakeGradient", name, (self._accumulator_ref, num_required), {"dtype": self._dtype})

  def take_indexed_slices_grad(self, num_required, name=None):
    indices, values, shape = self.take_grad(num_required, name=name)
    return ops.IndexedSlices(indices=indices, values=values, dense_shape=shape)

  def num_accumulated(self, name=None):
    return super().num_accumulated(name)

  def set_global_step(self, new_global_step, name=None):
    return super().set_global_step(new_global_step, name)
