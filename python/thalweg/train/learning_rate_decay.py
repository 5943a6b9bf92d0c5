"""Learning rates that fall as the global step rises."""

import math

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, math_ops, random_ops


def _need_step(global_step, function):
  if global_step is None:
    raise ValueError("global_step is required for %s." % function)


def _fraction(learning_rate, global_step, decay_steps):
  """The rate as a tensor, and step / decay_steps in its type."""
  rate = ops.convert_to_tensor(learning_rate, name="learning_rate")
  return rate, math_ops.cast(global_step, rate.dtype) / math_ops.cast(decay_steps, rate.dtype)


def exponential_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
  """learning_rate * decay_rate ^ (step / decay_steps); in whole steps with `staircase`."""
  _need_step(global_step, "exponential_decay")
  with ops.name_scope(name, "ExponentialDecay", [learning_rate, global_step, decay_steps, decay_rate]) as name:
    rate = ops.convert_to_tensor(learning_rate, name="initial_learning_rate")
    decay_steps, decay_rate = math_ops.cast(decay_steps, rate.dtype), math_ops.cast(decay_rate, rate.dtype)
    p = math_ops.cast(global_step, rate.dtype) / decay_steps
    if staircase:
      p = math_ops.floor(p)
    return math_ops.multiply(rate, math_ops.pow(decay_rate, p), name=name)


def natural_exp_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
  """learning_rate * exp(-decay_rate * step / decay_steps)."""
  _need_step(global_step, "natural_exp_decay")
  natural_exp_rate = math_ops.exp(math_ops.negative(decay_rate))
  return exponential_decay(learning_rate, global_step, decay_steps, natural_exp_rate, staircase=staircase,
                           name=name or "NaturalExpDecay")


def inverse_time_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
  """learning_rate / (1 + decay_rate * step / decay_steps)."""
  _need_step(global_step, "inverse_time_decay")
  with ops.name_scope(name, "InverseTimeDecay", [learning_rate, global_step, decay_rate]) as name:
    rate, p = _fraction(learning_rate, global_step, decay_steps)
    if staircase:
      p = math_ops.floor(p)
    one = math_ops.cast(1, rate.dtype)
    return math_ops.divide(rate, math_ops.add(one, math_ops.multiply(math_ops.cast(decay_rate, rate.dtype), p)),
                           name=name)


def polynomial_decay(learning_rate, global_step, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
                     name=None):
  """From learning_rate to end_learning_rate along (1 - step / decay_steps) ^ power; starts over with `cycle`."""
  _need_step(global_step, "polynomial_decay")
  with ops.name_scope(name, "PolynomialDecay",
                      [learning_rate, global_step, decay_steps, end_learning_rate, power]) as name:
    rate = ops.convert_to_tensor(learning_rate, name="learning_rate")
    dtype = rate.dtype
    end, power = math_ops.cast(end_learning_rate, dtype), math_ops.cast(power, dtype)
    step, steps = math_ops.cast(global_step, dtype), math_ops.cast(decay_steps, dtype)
    if cycle:
      # The first step of a cycle is its full rate, so a zero multiplier becomes one.
      multiplier = array_ops.where(math_ops.equal(step, 0), array_ops.ones_like(step), math_ops.ceil(step / steps))
      steps = math_ops.multiply(steps, multiplier)
    else:
      step = math_ops.minimum(step, steps)
    p = math_ops.divide(step, steps)
    return math_ops.add(math_ops.multiply(rate - end, math_ops.pow(1 - p, power)), end, name=name)


def piecewise_constant(x, boundaries, values, name=None):
  """values[i] while x is in (boundaries[i-1], boundaries[i]]."""
  boundaries = [ops.convert_to_tensor(b) for b in boundaries]
  values = [ops.convert_to_tensor(v) for v in values]
  if len(boundaries) != len(values) - 1:
    raise ValueError("The length of boundaries should be 1 less than the length of values")
  with ops.name_scope(name, "PiecewiseConstant", [x, boundaries, values, name]):
    x = ops.convert_to_tensor(x)
    for i, b in enumerate(boundaries):
      if b.dtype.base_dtype == x.dtype.base_dtype:
        continue
      if b.dtype.base_dtype == dtypes.int32 and x.dtype.base_dtype == dtypes.int64:
        boundaries[i] = math_ops.cast(b, x.dtype.base_dtype)
      else:
        raise ValueError("Boundaries (%s) must have the same dtype as x (%s)." % (b.dtype.base_dtype,
                                                                                x.dtype.base_dtype))
    for v in values[1:]:
      if v.dtype.base_dtype != values[0].dtype.base_dtype:
        raise ValueError("Values must have elements all with the same dtype (%s vs %s)." % (
            values[0].dtype.base_dtype, v.dtype.base_dtype))
    result = values[-1]
    for boundary, value in zip(reversed(boundaries), reversed(values[:-1])):
      result = array_ops.where(x <= boundary, value, result)
    return result


piecewise_constant_decay = piecewise_constant


def _cosine(fraction):
  return 0.5 * (1.0 + math_ops.cos(math_ops.cast(math.pi, fraction.dtype) * fraction))


def cosine_decay(learning_rate, global_step, decay_steps, alpha=0.0, name=None):
  """Half a cosine from learning_rate to alpha * learning_rate (Loshchilov and Hutter 2017)."""
  _need_step(global_step, "cosine_decay")
  with ops.name_scope(name, "CosineDecay", [learning_rate, global_step]):
    rate = ops.convert_to_tensor(learning_rate, name="learning_rate")
    step, steps = math_ops.cast(global_step, rate.dtype), math_ops.cast(decay_steps, rate.dtype)
    fraction = math_ops.minimum(step, steps) / steps
    return math_ops.multiply(rate, (1 - alpha) * _cosine(fraction) + alpha)


def cosine_decay_restarts(learning_rate, global_step, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name=None):
  """Cosine decays, each `t_mul` times as long as the last and starting at `m_mul` times its rate."""
  _need_step(global_step, "cosine decay restarts")
  with ops.name_scope(name, "SGDRDecay", [learning_rate, global_step]) as name:
    rate = ops.convert_to_tensor(learning_rate, name="initial_learning_rate")
    dtype = rate.dtype
    step, first = math_ops.cast(global_step, dtype), math_ops.cast(first_decay_steps, dtype)
    alpha, t_mul, m_mul = (math_ops.cast(v, dtype) for v in (alpha, t_mul, m_mul))
    completed = step / first
    one = math_ops.cast(1, dtype)
    # Restart i begins after 1 + t + t^2 + ... first periods; for t = 1 they are equally long.
    equal = math_ops.equal(t_mul, one)
    safe_t = array_ops.where(equal, t_mul + one, t_mul)
    geometric_i = math_ops.floor(math_ops.log(one - completed * (one - safe_t)) / math_ops.log(safe_t))
    sum_r = (one - safe_t ** geometric_i) / (one - safe_t)
    geometric_fraction = (completed - sum_r) / safe_t ** geometric_i
    i_restart = array_ops.where(equal, math_ops.floor(completed), geometric_i)
    fraction = array_ops.where(equal, completed - math_ops.floor(completed), geometric_fraction)
    decayed = (one - alpha) * (m_mul ** i_restart) * _cosine(fraction) + alpha
    return math_ops.multiply(rate, decayed, name=name)


def linear_cosine_decay(learning_rate, global_step, decay_steps, num_periods=0.5, alpha=0.0, beta=0.001, name=None):
  """A linear decay times a cosine (Bello et al. 2017)."""
  _need_step(global_step, "linear cosine decay")
  with ops.name_scope(name, "LinearCosineDecay", [learning_rate, global_step]) as name:
    return _linear_cosine(learning_rate, global_step, decay_steps, num_periods, alpha, beta, None, name)


def noisy_linear_cosine_decay(learning_rate, global_step, decay_steps, initial_variance=1.0, variance_decay=0.55,
                              num_periods=0.5, alpha=0.0, beta=0.001, name=None):
  """As linear_cosine_decay, with noise of a variance that falls as (1 + step) ^ -variance_decay."""
  _need_step(global_step, "noisy linear cosine decay")
  with ops.name_scope(name, "NoisyLinearCosineDecay", [learning_rate, global_step]) as name:
    def noise(step, dtype):
      variance = math_ops.cast(initial_variance, dtype) / math_ops.pow(1.0 + step, math_ops.cast(variance_decay, dtype))
      return random_ops.random_normal(step.shape, stddev=math_ops.sqrt(variance))
    return _linear_cosine(learning_rate, global_step, decay_steps, num_periods, alpha, beta, noise, name)


def _linear_cosine(learning_rate, global_step, decay_steps, num_periods, alpha, beta, noise, name):
  rate = ops.convert_to_tensor(learning_rate, name="learning_rate")
  dtype = rate.dtype
  steps = math_ops.cast(decay_steps, dtype)
  step = math_ops.minimum(math_ops.cast(global_step, dtype), steps)
  alpha, beta = math_ops.cast(alpha, dtype), math_ops.cast(beta, dtype)
  linear = (steps - step) / steps
  if noise is not None:
    linear += noise(step, dtype)
  fraction = step * math_ops.cast(2.0 * num_periods, dtype) / steps
  return math_ops.multiply(rate, (alpha + linear) * _cosine(fraction) + beta, name=name)
