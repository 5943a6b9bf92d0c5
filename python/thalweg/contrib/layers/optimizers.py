"""optimize_loss: gradients, clipping, decay, summaries and the update in one operation."""

from thalweg import summary, train
from thalweg.framework import ops
from thalweg.framework.tensor import IndexedSlices
from thalweg.ops import (array_ops, check_ops, clip_ops, control_flow_ops, init_ops, math_ops, random_ops,
                         variable_scope as vs, variables as tf_variables)
from thalweg.train import moving_averages

OPTIMIZER_CLS_NAMES = {
    "Adagrad": train.AdagradOptimizer,
    "Adam": train.AdamOptimizer,
    "Ftrl": train.FtrlOptimizer,
    "Momentum": lambda learning_rate: train.MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": train.RMSPropOptimizer,
    "SGD": train.GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]


def optimize_loss(loss, global_step, learning_rate, optimizer, gradient_noise_scale=None, gradient_multipliers=None,
                  clip_gradients=None, learning_rate_decay_fn=None, update_ops=None, variables=None, name=None,
                  summaries=None, colocate_gradients_with_ops=False, increment_global_step=True):
  """The loss, as a tensor whose value is there after one step of an optimizer. `optimizer` is a name of
  OPTIMIZER_CLS_NAMES, a class, an instance, or a function of the rate; `clip_gradients` a norm or a function of
  (gradient, variable) pairs."""
  loss = ops.convert_to_tensor(loss)
  check_ops.assert_scalar(loss)
  if global_step is None:
    global_step = train.get_global_step()
  else:
    train.assert_global_step(global_step)
  with vs.variable_scope(name, "OptimizeLoss", [loss, global_step]):
    if update_ops is None:
      update_ops = ops.get_collection(ops.GraphKeys.UPDATE_OPS)
    if update_ops:
      loss = control_flow_ops.with_dependencies(list(update_ops), loss)
    rate = _learning_rate(learning_rate)
    if summaries is None:
      summaries = ["loss", "learning_rate", "global_gradient_norm"]
    for wanted in summaries:
      if wanted not in OPTIMIZER_SUMMARIES:
        raise ValueError("Summaries should be one of [%s], you provided %s." % (", ".join(OPTIMIZER_SUMMARIES), wanted))
    if learning_rate is not None and learning_rate_decay_fn is not None:
      if global_step is None:
        raise ValueError("global_step is required for learning_rate_decay_fn.")
      rate = learning_rate_decay_fn(rate, global_step)
      if "learning_rate" in summaries:
        summary.scalar("learning_rate", rate)
    opt = _optimizer(optimizer, learning_rate, rate)
    gradients = opt.compute_gradients(loss, tf_variables.trainable_variables() if variables is None else variables,
                                      colocate_gradients_with_ops=colocate_gradients_with_ops)
    if gradient_noise_scale is not None:
      gradients = _add_noise(gradients, gradient_noise_scale)
    if gradient_multipliers is not None:
      gradients = _multiply(gradients, gradient_multipliers)
    norms = "global_gradient_norm" in summaries or "gradient_norm" in summaries
    if norms:
      summary.scalar("global_norm/gradient_norm", clip_ops.global_norm([g for g, _ in gradients]))
    if isinstance(clip_gradients, float):
      clipped, _ = clip_ops.clip_by_global_norm([g for g, _ in gradients], clip_gradients)
      gradients = list(zip(clipped, [v for _, v in gradients]))
    elif callable(clip_gradients):
      gradients = clip_gradients(gradients)
    elif clip_gradients is not None:
      raise ValueError("Unknown type %s for clip_gradients" % type(clip_gradients))
    if "loss" in summaries:
      summary.scalar("loss", loss)
    for gradient, variable in gradients:
      values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
      if values is None:
        continue
      var_name = variable.name.replace(":", "_")
      if "gradients" in summaries:
        summary.histogram("gradients/%s" % var_name, values)
      if "gradient_norm" in summaries:
        summary.scalar("gradient_norm/%s" % var_name, clip_ops.global_norm([values]))
    if clip_gradients is not None and norms:
      summary.scalar("global_norm/clipped_gradient_norm", clip_ops.global_norm([g for g, _ in gradients]))
    updates = opt.apply_gradients(gradients, global_step=global_step if increment_global_step else None, name="train")
    return control_flow_ops.with_dependencies([updates], loss)


def _learning_rate(learning_rate):
  if learning_rate is None:
    return None
  if isinstance(learning_rate, ops.Tensor) and learning_rate.get_shape().ndims == 0:
    return learning_rate
  if isinstance(learning_rate, float):
    if learning_rate < 0.0:
      raise ValueError("Invalid learning_rate %s." % learning_rate)
    return vs.get_variable("learning_rate", [], trainable=False,
                           initializer=init_ops.constant_initializer(learning_rate))
  raise ValueError("Learning rate should be 0d Tensor or float. Got %s of type %s" % (
      learning_rate, type(learning_rate)))


def _optimizer(optimizer, learning_rate, rate):
  if isinstance(optimizer, str):
    if rate is None:
      raise ValueError("Learning rate is None, but should be specified if optimizer is string (%s)." % optimizer)
    if optimizer not in OPTIMIZER_CLS_NAMES:
      raise ValueError("Optimizer name should be one of [%s], you provided %s." % (
          ", ".join(OPTIMIZER_CLS_NAMES), optimizer))
    return OPTIMIZER_CLS_NAMES[optimizer](learning_rate=rate)
  if isinstance(optimizer, type) and issubclass(optimizer, train.Optimizer):
    if rate is None:
      raise ValueError("Learning rate is None, but should be specified if optimizer is class (%s)." % optimizer)
    return optimizer(learning_rate=rate)
  if isinstance(optimizer, train.Optimizer):
    return optimizer
  if callable(optimizer):
    made = optimizer(rate) if learning_rate is not None else optimizer()
    if isinstance(made, train.Optimizer):
      return made
    raise ValueError("Unrecognized optimizer: function should return subclass of Optimizer. Got %s." % made)
  raise ValueError("Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of Optimizer or "
                   "function with one argument. Got %s." % optimizer)


def _add_noise(grads_and_vars, scale):
  made = []
  for gradient, variable in grads_and_vars:
    if gradient is not None:
      shape = gradient.dense_shape if isinstance(gradient, IndexedSlices) else gradient.get_shape()
      gradient = gradient + random_ops.truncated_normal(shape) * scale
    made.append((gradient, variable))
  return made


def _multiply(grads_and_vars, multipliers):
  """Gradients times the factors given for variables or their names."""
  made = []
  for gradient, variable in grads_and_vars:
    if gradient is not None and (variable in multipliers or variable.name in multipliers):
      factor = multipliers[variable if variable in multipliers else variable.name]
      if isinstance(gradient, IndexedSlices):
        gradient = IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
      else:
        gradient = gradient * math_ops.cast(factor, gradient.dtype)
    made.append((gradient, variable))
  if not made:
    raise ValueError("Empty list of (gradient, var) pairs encountered. This is most likely to be caused by an improper "
                     "value of gradient_multipliers.")
  return made


def adaptive_clipping_fn(std_factor=2.0, decay=0.95, static_max_norm=None, global_step=None, report_summary=False,
                         epsilon=1e-8, name=None):
  """A clip_gradients function: gradients whose norm is more than std_factor deviations above its average, in logarithms,
  are scaled down to that average."""

  def average(name, value, decay):
    kept = vs.get_variable(name, shape=value.get_shape(), dtype=value.dtype, initializer=init_ops.zeros_initializer(),
                           trainable=False)
    return moving_averages.assign_moving_average(kept, value, decay, zero_debias=False)

  def clip(grads_and_vars):
    grads, variables = zip(*grads_and_vars)
    norm = clip_ops.global_norm(grads)
    with vs.variable_scope(name, "AdaptiveMaxNorm", [norm]):
      log_norm = math_ops.log(norm + epsilon)
      effective = decay
      if global_step is not None:
        n = math_ops.cast(global_step, "float32")
        effective = math_ops.minimum(decay, n / (n + 1.))
      mean = average("mean", log_norm, effective)
      variance = average("sq_mean", math_ops.square(log_norm), effective) - math_ops.square(mean)
      max_norm = math_ops.exp(mean + std_factor * math_ops.sqrt(math_ops.maximum(epsilon, variance)))
    if report_summary:
      summary.scalar("global_norm/adaptive_max_gradient_norm", max_norm)
    factor = array_ops.where(norm < max_norm, array_ops.ones_like(norm), math_ops.exp(mean) / norm)
    if static_max_norm is not None:
      factor = math_ops.minimum(static_max_norm / norm, factor)
    clipped = []
    for grad in grads:
      if isinstance(grad, IndexedSlices):
        grad = IndexedSlices(grad.values * factor, grad.indices, grad.dense_shape)
      elif grad is not None:
        grad = grad * factor
      clipped.append(grad)
    return list(zip(clipped, variables))

  return clip
