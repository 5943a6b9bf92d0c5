"""Dropout that keeps mean and variance, and a softplus of any sharpness."""

import numbers

from thalweg.framework import ops, tensor_util
from thalweg.ops import array_ops, math_ops, nn_ops, random_ops
from thalweg.ops.custom_gradient import custom_gradient

# What selu tends to at minus infinity.
_SELU_FLOOR = -1.7580993408473766


def alpha_dropout(x, keep_prob, noise_shape=None, seed=None, name=None):
  """Dropout for selu networks (Klambauer et al. 2017): what is dropped becomes selu's lowest value, and the result is
  scaled and shifted so that mean 0 and variance 1 stay."""
  with ops.name_scope(name, "alpha_dropout", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    if isinstance(keep_prob, numbers.Real) and not 0 < keep_prob <= 1:
      raise ValueError("keep_prob must be a scalar tensor or a float in the range (0, 1], got %g" % keep_prob)
    keep_prob = ops.convert_to_tensor(keep_prob, dtype=x.dtype, name="keep_prob")
    keep_prob.get_shape().assert_has_rank(0)
    if tensor_util.constant_value(keep_prob) == 1:
      return x
    noise_shape = array_ops.shape(x) if noise_shape is None else noise_shape
    drawn = random_ops.random_uniform(noise_shape, seed=seed, dtype=x.dtype)
    kept = math_ops.cast(math_ops.greater_equal(drawn, 1 - keep_prob), x.dtype)
    x = x * kept + _SELU_FLOOR * (1 - kept)
    scale = (keep_prob + keep_prob * (1 - keep_prob) * _SELU_FLOOR ** 2) ** -0.5
    shift = -scale * _SELU_FLOOR * (1 - keep_prob)
    return scale * x + shift


def _summed_like(gradient, tensor):
  """The gradient summed over the axes along which the tensor was broadcast."""
  shape = array_ops.shape(tensor)
  axes, _ = ops.op("BroadcastGradientArgs", None, [shape, array_ops.shape(gradient)])
  return array_ops.reshape(math_ops.reduce_sum(gradient, axes), shape)


def scaled_softplus(x, alpha, clip=None, name=None):
  """alpha * log(1 + exp(x / alpha)), at most `clip`; near relu for a small alpha. Gradients flow into all three and are
  computed from the result, which saves keeping what lies between."""
  bounds = [] if clip is None else [clip]
  with ops.name_scope(name, "scaled_softplus", [x, alpha] + bounds):
    x = ops.convert_to_tensor(x, name="x")
    alpha = ops.convert_to_tensor(alpha, dtype=x.dtype, name="alpha")
    bounds = [ops.convert_to_tensor(b, dtype=x.dtype, name="clip") for b in bounds]

    @custom_gradient
    def softplus(x, alpha, *bounds):
      y = alpha * nn_ops.softplus(x / alpha)
      for bound in bounds:
        y = math_ops.minimum(y, bound)

      def gradient(g):
        into_bounds = []
        for bound in bounds:
          below = math_ops.cast(y < bound, g.dtype)
          into_bounds.append(_summed_like(g * (1. - below), bound))
          g = g * below
        scaled = y / alpha
        decay = math_ops.exp(-scaled)
        slope = 1. - decay
        # The small number keeps the logarithm of zero away; t * log(t) tends to 0 with t.
        by_alpha = scaled * decay - slope * math_ops.log(slope + 1e-8)
        return [_summed_like(g * slope, x), _summed_like(g * by_alpha, alpha)] + into_bounds

      return y, gradient

    return softplus(x, alpha, *bounds)
