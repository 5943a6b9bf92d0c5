"""The normal distribution."""

import math

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, check_ops, math_ops, random_ops
from thalweg.ops.distributions import distribution, kullback_leibler, special_math


class Normal(distribution.Broadcast):
  """Density exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi)); scale is positive."""

  def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Normal"):
    parameters = dict(locals())
    parameters.pop("__class__", None)
    with ops.name_scope(name, values=[loc, scale]) as name:
      with ops.control_dependencies([check_ops.assert_positive(scale)] if validate_args else []):
        self._loc = array_ops.identity(loc, name="loc")
        self._scale = array_ops.identity(scale, name="scale")
        distribution.same_floats(self._loc, self._scale)
    self._tensors = [self._loc, self._scale]
    super().__init__(dtype=self._scale.dtype, reparameterization_type=distribution.FULLY_REPARAMETERIZED,
                     validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters=parameters,
                     graph_parents=self._tensors, name=name)

  @staticmethod
  def _param_shapes(sample_shape):
    return dict(zip(("loc", "scale"), [ops.convert_to_tensor(sample_shape, dtype=dtypes.int32)] * 2))

  @property
  def loc(self):
    return self._loc

  @property
  def scale(self):
    return self._scale

  def _z(self, x):
    with ops.name_scope("standardize", values=[x]):
      return (x - self.loc) / self.scale

  def _sample_n(self, n, seed=None):
    drawn = random_ops.random_normal(shape=self._shape_of(n), mean=0., stddev=1., dtype=self.loc.dtype, seed=seed)
    return drawn * self.scale + self.loc

  def _log_prob(self, x):
    return -0.5 * math_ops.square(self._z(x)) - (0.5 * math.log(2. * math.pi) + math_ops.log(self.scale))

  def _log_cdf(self, x):
    return special_math.log_ndtr(self._z(x))

  def _cdf(self, x):
    return special_math.ndtr(self._z(x))

  def _log_survival_function(self, x):
    return special_math.log_ndtr(-self._z(x))

  def _survival_function(self, x):
    return special_math.ndtr(-self._z(x))

  def _quantile(self, p):
    return special_math.ndtri(p) * self.scale + self.loc

  def _entropy(self):
    # The scale as the batch has it.
    scale = self.scale * array_ops.ones_like(self.loc)
    return 0.5 * math.log(2. * math.pi * math.e) + math_ops.log(scale)

  def _mean(self):
    return self.loc * array_ops.ones_like(self.scale)

  def _stddev(self):
    return self.scale * array_ops.ones_like(self.loc)

  _mode = _mean


@kullback_leibler.RegisterKL(Normal, Normal)
def _kl_normal_normal(n_a, n_b, name=None):
  with ops.name_scope(name, "kl_normal_normal", [n_a.loc, n_b.loc]):
    var_a, var_b = math_ops.square(n_a.scale), math_ops.square(n_b.scale)
    ratio = var_a / var_b
    return math_ops.squared_difference(n_a.loc, n_b.loc) / (2. * var_b) + 0.5 * (ratio - 1. - math_ops.log(ratio))
