"""create_train_op and train: a training loop in two calls."""

from thalweg import summary
from thalweg.framework import ops
from thalweg.framework.tensor import IndexedSlices
from thalweg.ops import array_ops, clip_ops, control_flow_ops, variables
from thalweg.platform import tf_logging as logging
from thalweg.train import monitored_session, training_util
from thalweg.train.optimizer import Optimizer

_USE_GLOBAL_STEP = 0


def _map_values(function, gradient):
  """A function of a gradient's values, dense or not."""
  if isinstance(gradient, IndexedSlices):
    return IndexedSlices(function(gradient.values), gradient.indices, gradient.dense_shape)
  return function(gradient)


def add_gradients_summaries(grads_and_vars):
  """Summaries of each gradient and its norm."""
  made = []
  for grad, var in grads_and_vars:
    if grad is None:
      logging.info("Var %s has no gradient", var.op.name)
      continue
    values = grad.values if isinstance(grad, IndexedSlices) else grad
    made.append(summary.histogram(var.op.name + "_gradient", values))
    made.append(summary.scalar(var.op.name + "_gradient_norm", clip_ops.global_norm([values])))
  return made


def clip_gradient_norms(gradients_to_variables, max_norm):
  """Each gradient by itself scaled down to the norm."""
  return [(None if g is None else _map_values(lambda v: clip_ops.clip_by_norm(v, max_norm), g), var)
          for g, var in gradients_to_variables]


def clip_gradient_norms_fn(max_norm):
  return lambda gradients_to_variables: clip_gradient_norms(gradients_to_variables, max_norm)


def multiply_gradients(grads_and_vars, gradient_multipliers):
  """Gradients times the factors given for variables or their names."""
  if not isinstance(grads_and_vars, list):
    raise ValueError("`grads_and_vars` must be a list.")
  if not gradient_multipliers:
    raise ValueError("`gradient_multipliers` is empty.")
  if not isinstance(gradient_multipliers, dict):
    raise ValueError("`gradient_multipliers` must be a dict.")
  made = []
  for grad, var in grads_and_vars:
    if var in gradient_multipliers or var.op.name in gradient_multipliers:
      if grad is None:
        raise ValueError("Requested multiple of `None` gradient.")
      factor = gradient_multipliers[var if var in gradient_multipliers else var.op.name]
      factor = ops.convert_to_tensor(factor, dtype=grad.dtype)
      grad = _map_values(lambda v, factor=factor: v * factor, grad)
    made.append((grad, var))
  return made


def create_train_op(total_loss, optimizer, global_step=_USE_GLOBAL_STEP, update_ops=None, variables_to_train=None,
                    transform_grads_fn=None, summarize_gradients=False, gate_gradients=Optimizer.GATE_OP,
                    aggregation_method=None, colocate_gradients_with_ops=False, check_numerics=True):
  """The loss, as a tensor whose value is there after the update operations and one step of the optimizer."""
  if global_step is _USE_GLOBAL_STEP:
    global_step = training_util.get_or_create_global_step()
  collected = ops.get_collection(ops.GraphKeys.UPDATE_OPS)
  update_ops = collected if update_ops is None else list(update_ops)
  if not set(collected) <= set(update_ops):
    logging.warning("update_ops in create_train_op does not contain all the update_ops in GraphKeys.UPDATE_OPS")
  if update_ops:
    with ops.control_dependencies(update_ops):
      barrier = control_flow_ops.no_op(name="update_barrier")
    total_loss = control_flow_ops.with_dependencies([barrier], total_loss)
  if variables_to_train is None:
    variables_to_train = variables.trainable_variables()
  if not variables_to_train:
    raise ValueError("There are no variables to train.")
  grads = optimizer.compute_gradients(total_loss, variables_to_train, gate_gradients=gate_gradients,
                                      aggregation_method=aggregation_method,
                                      colocate_gradients_with_ops=colocate_gradients_with_ops)
  if transform_grads_fn:
    grads = transform_grads_fn(grads)
  if summarize_gradients:
    with ops.name_scope("summarize_grads"):
      add_gradients_summaries(grads)
  updates = optimizer.apply_gradients(grads, global_step=global_step)
  with ops.name_scope("train_op"):
    if check_numerics:
      total_loss = array_ops.check_numerics(total_loss, "LossTensor is inf or nan")
    train_op = control_flow_ops.with_dependencies([updates], total_loss)
  train_ops = ops.get_collection_ref(ops.GraphKeys.TRAIN_OP)
  if not any(train_op is t for t in train_ops):
    train_ops.append(train_op)
  return train_op


def train(train_op, logdir, master="", is_chief=True, scaffold=None, hooks=None, chief_only_hooks=None,
          save_checkpoint_secs=600, save_summaries_steps=100, config=None, max_wait_secs=7200, run_metadata=None):
  """Runs the operation in a MonitoredTrainingSession until a hook stops it; the last loss."""
  if logdir is None and is_chief:
    if save_summaries_steps:
      raise ValueError("logdir cannot be None when save_summaries_steps is not None")
    if save_checkpoint_secs:
      raise ValueError("logdir cannot be None when save_checkpoint_secs is not None")
  loss = None
  with monitored_session.MonitoredTrainingSession(
      master=master, is_chief=is_chief, checkpoint_dir=logdir, scaffold=scaffold, hooks=hooks,
      chief_only_hooks=chief_only_hooks, save_checkpoint_secs=save_checkpoint_secs,
      save_summaries_steps=save_summaries_steps, config=config, max_wait_secs=max_wait_secs) as session:
    while not session.should_stop():
      loss = session.run(train_op, run_metadata=run_metadata)
  return loss
