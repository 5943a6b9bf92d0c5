"""The loss of batches of sequences, and batches with each example several times."""

from thalweg.framework import ops, tensor_shape
from thalweg.ops import array_ops, math_ops, nn_ops
from thalweg.util import nest


def sequence_loss(logits, targets, weights, average_across_timesteps=True, average_across_batch=True,
                  sum_over_timesteps=False, sum_over_batch=False, softmax_loss_function=None, name=None):
  """The weighted cross entropy of logits [batch, steps, classes] with targets [batch, steps].

  It is averaged over steps and batch by the sum of the weights, or summed and divided by the number of weights that are not
  zero, along the axes that are asked for; others stay. softmax_loss_function(labels, logits) takes the place of the cross
  entropy.
  """
  if len(logits.get_shape()) != 3:
    raise ValueError("Logits must be a [batch_size x sequence_length x logits] tensor")
  if len(targets.get_shape()) != 2:
    raise ValueError("Targets must be a [batch_size x sequence_length] tensor")
  if len(weights.get_shape()) != 2:
    raise ValueError("Weights must be a [batch_size x sequence_length] tensor")
  if average_across_timesteps and sum_over_timesteps:
    raise ValueError("average_across_timesteps and sum_over_timesteps cannot be set to True at same time.")
  if average_across_batch and sum_over_batch:
    raise ValueError("average_across_batch and sum_over_batch cannot be set to True at same time.")
  with ops.name_scope(name, "sequence_loss", [logits, targets, weights]):
    flat = array_ops.reshape(logits, [-1, array_ops.shape(logits)[2]])
    targets = array_ops.reshape(targets, [-1])
    loss = softmax_loss_function or nn_ops.sparse_softmax_cross_entropy_with_logits
    losses = loss(labels=targets, logits=flat)
    losses *= array_ops.reshape(weights, [-1])
    averaged = [axis for axis, asked in ((0, average_across_batch), (1, average_across_timesteps)) if asked]
    summed = [axis for axis, asked in ((0, sum_over_batch), (1, sum_over_timesteps)) if asked]
    if len(averaged) == 2:
      return math_ops.div_no_nan(math_ops.reduce_sum(losses), math_ops.reduce_sum(weights))
    if len(summed) == 2:
      count = math_ops.cast(math_ops.count_nonzero(weights), losses.dtype)
      return math_ops.div_no_nan(math_ops.reduce_sum(losses), count)
    losses = array_ops.reshape(losses, array_ops.shape(logits)[0:2])
    if averaged:
      return math_ops.div_no_nan(math_ops.reduce_sum(losses, axis=averaged),
                                 math_ops.reduce_sum(weights, axis=averaged))
    if summed:
      count = math_ops.cast(math_ops.count_nonzero(weights, axis=summed), dtype=losses.dtype)
      return math_ops.div_no_nan(math_ops.reduce_sum(losses, axis=summed), count)
    return losses


def _tiled(t, multiplier):
  t = ops.convert_to_tensor(t, name="t")
  shape = array_ops.shape(t)
  if t.shape.ndims is None or t.shape.ndims < 1:
    raise ValueError("t must have statically known rank")
  tiling = [1, multiplier] + [1] * (t.shape.ndims - 1)
  tiled = array_ops.tile(array_ops.expand_dims(t, 1), tiling)
  tiled = array_ops.reshape(tiled, array_ops.concat(([shape[0] * multiplier], shape[1:]), 0))
  batch = t.shape.dims[0].value
  tiled.set_shape(tensor_shape.TensorShape([None if batch is None else batch * multiplier]).concatenate(t.shape[1:]))
  return tiled


def tile_batch(t, multiplier, name=None):
  """Tensors [batch, ...] as [batch * multiplier, ...], each example `multiplier` times in a row."""
  with ops.name_scope(name, "tile_batch", nest.flatten(t) + [multiplier]):
    return nest.map_structure(lambda x: _tiled(x, multiplier), t)
