"""Penalties on weights."""

import numbers

from thalweg.framework import constant_op, ops
from thalweg.ops import math_ops, nn_ops
from thalweg.platform import tf_logging as logging


def _disabled(scale, name):
  """Whether a scale of 0 makes the regulariser none at all; ValueError for one that is no scale."""
  if isinstance(scale, numbers.Integral):
    raise ValueError("%s cannot be an integer: %s" % (name, scale))
  if not isinstance(scale, numbers.Real):
    return False
  if scale < 0.:
    raise ValueError("Setting a scale less than 0 on a regularizer: %g" % scale)
  if scale == 0.:
    logging.info("Scale of 0 disables regularizer.")
  return scale == 0.


def _scaled(scale, penalty, scope, default_name, weights):
  with ops.name_scope(scope, default_name, [weights]) as name:
    factor = ops.convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")
    return math_ops.multiply(factor, penalty(weights), name=name)


def l1_regularizer(scale, scope=None):
  """scale * sum(|weights|)."""
  if _disabled(scale, "scale"):
    return lambda _: None

  def l1(weights, name=None):
    return _scaled(scale, lambda w: math_ops.reduce_sum(math_ops.abs(w)), scope, "l1_regularizer", weights)

  return l1


def l2_regularizer(scale, scope=None):
  """scale * sum(weights ** 2) / 2."""
  if _disabled(scale, "scale"):
    return lambda _: None

  def l2(weights):
    return _scaled(scale, nn_ops.l2_loss, scope, "l2_regularizer", weights)

  return l2


def l1_l2_regularizer(scale_l1=1.0, scale_l2=1.0, scope=None):
  """The sum of both."""
  for scale, name in ((scale_l1, "scale_l1"), (scale_l2, "scale_l2")):
    if isinstance(scale, numbers.Integral):
      raise ValueError("%s cannot be an integer: %s" % (name, scale))
  scope = scope or "l1_l2_regularizer"
  if scale_l1 == 0.:
    return l2_regularizer(scale_l2, scope)
  if scale_l2 == 0.:
    return l1_regularizer(scale_l1, scope)
  return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope=scope)


def sum_regularizer(regularizer_list, scope=None):
  """The sum of what regularisers give; None when there are none."""
  regularizer_list = [reg for reg in regularizer_list if reg is not None]
  if not regularizer_list:
    return None

  def sum_reg(weights):
    with ops.name_scope(scope, "sum_regularizer", [weights]) as name:
      penalties = [p for p in (reg(weights) for reg in regularizer_list) if p is not None]
      return math_ops.add_n(penalties, name=name) if penalties else None

  return sum_reg


def apply_regularization(regularizer, weights_list=None):
  """The sum of a regulariser over weights, those of the WEIGHTS collection by default; also put into a collection."""
  weights_list = weights_list or ops.get_collection(ops.GraphKeys.WEIGHTS)
  if not weights_list:
    raise ValueError("No weights to regularize.")
  with ops.name_scope("get_regularization_penalty", values=weights_list) as scope:
    penalties = [regularizer(w) for w in weights_list]
    penalties = [p if p is not None else constant_op.constant(0.0) for p in penalties]
    for p in penalties:
      if p.get_shape().ndims != 0:
        raise ValueError("regularizer must return a scalar Tensor instead of a Tensor with rank %d." %
                         p.get_shape().ndims)
    total = math_ops.add_n(penalties, name=scope)
    ops.add_to_collection(ops.GraphKeys.REGULARIZATION_LOSSES, total)
    return total
