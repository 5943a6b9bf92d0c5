"""The collections of losses."""

from thalweg.framework import constant_op, ops
from thalweg.ops import math_ops


def add_loss(loss, loss_collection=ops.GraphKeys.LOSSES):
  """Adds a loss of your own to those that get_total_loss() sums."""
  if loss_collection:
    ops.add_to_collection(loss_collection, loss)


def get_losses(scope=None, loss_collection=ops.GraphKeys.LOSSES):
  """The losses of a collection, as a list; with `scope`, those whose names begin with a match of it."""
  return ops.get_collection(loss_collection, scope)


def get_regularization_losses(scope=None):
  """The losses that regularizers have added, as a list."""
  return ops.get_collection(ops.GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope=None, name="total_regularization_loss"):
  """The sum of the regularisers' losses; a constant 0 when there are none."""
  losses = get_regularization_losses(scope)
  return math_ops.add_n(losses, name=name) if losses else constant_op.constant(0.0)


def get_total_loss(add_regularization_losses=True, name="total_loss", scope=None):
  """The sum of all losses; ValueError when there are none."""
  losses = get_losses(scope=scope)
  if add_regularization_losses:
    losses += get_regularization_losses(scope=scope)
  return math_ops.add_n(losses, name=name)
