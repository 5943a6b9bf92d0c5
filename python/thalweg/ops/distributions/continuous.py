"""Distributions of a number in an interval, or above zero, or with heavier tails than the normal one."""

import math

import numpy as np

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, check_ops, math_ops, random_ops
from thalweg.ops.distributions import distribution, kullback_leibler


def _shapes_of(*names):
  def _param_shapes(sample_shape):
    return dict(zip(names, [ops.convert_to_tensor(sample_shape, dtype=dtypes.int32)] * len(names)))
  return staticmethod(_param_shapes)


class _Parameters(distribution.Broadcast):
  """Keeps the parameters of a distribution of these tensors, each a keyword argument, and checks them."""

  def _keep(self, tensors, checks, how, parameters, validate_args, allow_nan_stats, name):
    """`checks`: names of the parameters that must be positive, or pairs of which the first must be less."""
    with ops.name_scope(name, values=list(tensors.values())) as name:
      made = [ops.convert_to_tensor(t, name=k) for k, t in tensors.items()]
      given = dict(zip(tensors, made))
      required = [check_ops.assert_positive(given[c]) if isinstance(c, str) else check_ops.assert_less(
          given[c[0]], given[c[1]]) for c in checks] if validate_args else []
      with ops.control_dependencies(required):
        self._tensors = [array_ops.identity(t, name=k) for k, t in given.items()]
      dtype = distribution.same_floats(*self._tensors)
    parameters.pop("__class__", None)
    distribution.Distribution.__init__(
        self, dtype=dtype, reparameterization_type=how, validate_args=validate_args, allow_nan_stats=allow_nan_stats,
        parameters=parameters, graph_parents=self._tensors, name=name)

  def _filled(self, value):
    """The value as the batch has it."""
    return value + array_ops.zeros(self.batch_shape_tensor(), dtype=self.dtype)


class Uniform(_Parameters):
  """All numbers from low on and below high alike."""

  def __init__(self, low=0., high=1., validate_args=False, allow_nan_stats=True, name="Uniform"):
    self._keep({"low": low, "high": high}, [("low", "high")], distribution.FULLY_REPARAMETERIZED, dict(locals()),
               validate_args, allow_nan_stats, name)

  _param_shapes = _shapes_of("low", "high")
  low = property(lambda self: self._tensors[0])
  high = property(lambda self: self._tensors[1])

  def range(self, name="range"):
    """high - low."""
    with self._scope(name):
      return self.high - self.low

  def _sample_n(self, n, seed=None):
    drawn = random_ops.random_uniform(shape=self._shape_of(n), dtype=self.dtype, seed=seed)
    return self.low + self.range() * drawn

  def _prob(self, x):
    x = x * array_ops.ones(array_ops.shape(self.range()), dtype=x.dtype)
    outside = math_ops.logical_or(x < self.low, x >= self.high)
    density = array_ops.where_v2(outside, array_ops.zeros_like(x), array_ops.ones_like(x) / self.range())
    return array_ops.where_v2(math_ops.is_nan(x), x, density)

  def _cdf(self, x):
    inside = (x - self.low) / self.range()
    return math_ops.maximum(math_ops.minimum(inside, array_ops.ones([], self.dtype)), array_ops.zeros([], self.dtype))

  def _entropy(self):
    return math_ops.log(self.range())

  def _mean(self):
    return (self.low + self.high) / 2.

  def _variance(self):
    return math_ops.square(self.range()) / 12.

  def _stddev(self):
    return self.range() / math.sqrt(12.)


class Gamma(_Parameters):
  """Density proportional to x^(concentration - 1) exp(-rate x), above zero."""

  def __init__(self, concentration, rate, validate_args=False, allow_nan_stats=True, name="Gamma"):
    self._keep({"concentration": concentration, "rate": rate}, ["concentration", "rate"],
               distribution.FULLY_REPARAMETERIZED, dict(locals()), validate_args, allow_nan_stats, name)

  _param_shapes = _shapes_of("concentration", "rate")
  concentration = property(lambda self: self._tensors[0])
  rate = property(lambda self: self._tensors[1])

  def _sample_n(self, n, seed=None):
    return random_ops.random_gamma(shape=[n], alpha=self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

  def _log_prob(self, x):
    c, rate = self.concentration, self.rate
    return (c - 1.) * math_ops.log(x) - rate * x - (math_ops.lgamma(c) - c * math_ops.log(rate))

  def _cdf(self, x):
    shape = array_ops.broadcast_dynamic_shape(self.batch_shape_tensor(), array_ops.shape(x))
    whole = array_ops.ones(shape, dtype=self.dtype)
    return _op("Igamma", None, (self.concentration * whole, self.rate * x * whole))

  def _entropy(self):
    c = self.concentration
    return c - math_ops.log(self.rate) + math_ops.lgamma(c) + (1. - c) * math_ops.digamma(c)

  def _mean(self):
    return self.concentration / self.rate

  def _variance(self):
    return self.concentration / math_ops.square(self.rate)

  def _stddev(self):
    return math_ops.sqrt(self.concentration) / self.rate

  def _mode(self):
    return self._undefined_where(self.concentration > 1., (self.concentration - 1.) / self.rate)


@kullback_leibler.RegisterKL(Gamma, Gamma)
def _kl_gamma_gamma(g0, g1, name=None):
  with ops.name_scope(name, "kl_gamma_gamma", [g0.concentration, g1.concentration]):
    c0, c1, r0, r1 = g0.concentration, g1.concentration, g0.rate, g1.rate
    return ((c0 - c1) * math_ops.digamma(c0) + math_ops.lgamma(c1) - math_ops.lgamma(c0) + c1 * math_ops.log(r0) -
            c1 * math_ops.log(r1) + c0 * (r1 / r0 - 1.))


class Exponential(Gamma):
  """Density rate exp(-rate x), above zero: Gamma of concentration 1."""

  def __init__(self, rate, validate_args=False, allow_nan_stats=True, name="Exponential"):
    parameters = dict(locals())
    rate = ops.convert_to_tensor(rate, name="rate")
    self._keep({"concentration": array_ops.ones([], dtype=rate.dtype), "rate": rate}, ["rate"],
               distribution.FULLY_REPARAMETERIZED, parameters, validate_args, allow_nan_stats, name)

  _param_shapes = _shapes_of("rate")

  def _sample_n(self, n, seed=None):
    # Never the logarithm of zero.
    drawn = random_ops.random_uniform(self._shape_of(n), minval=np.finfo(self.dtype.as_numpy_dtype).tiny, maxval=1.,
                                      seed=seed, dtype=self.dtype)
    return -math_ops.log(drawn) / self.rate

  def _cdf(self, x):
    return -math_ops.expm1(-self.rate * math_ops.maximum(x, array_ops.zeros([], self.dtype)))


class Laplace(_Parameters):
  """Density exp(-|x - loc| / scale) / (2 scale)."""

  def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Laplace"):
    self._keep({"loc": loc, "scale": scale}, ["scale"], distribution.FULLY_REPARAMETERIZED, dict(locals()),
               validate_args, allow_nan_stats, name)

  _param_shapes = _shapes_of("loc", "scale")
  loc = property(lambda self: self._tensors[0])
  scale = property(lambda self: self._tensors[1])

  def _sample_n(self, n, seed=None):
    # Above -1, for the logarithm of 1 - |u|.
    kind = self.dtype.as_numpy_dtype
    u = random_ops.random_uniform(shape=self._shape_of(n), minval=np.nextafter(kind(-1.), kind(0.)), maxval=1.,
                                  dtype=self.dtype, seed=seed)
    return self.loc - self.scale * math_ops.sign(u) * math_ops.log1p(-math_ops.abs(u))

  def _z(self, x):
    return (x - self.loc) / self.scale

  def _log_prob(self, x):
    return -math_ops.abs(self._z(x)) - math.log(2.) - math_ops.log(self.scale)

  def _cdf(self, x):
    z = self._z(x)
    return 0.5 - 0.5 * math_ops.sign(z) * math_ops.expm1(-math_ops.abs(z))

  def _log_cdf(self, x):
    z = self._z(x)
    below, above = math_ops.minimum(z, 0.), math_ops.maximum(z, 0.)
    return array_ops.where_v2(z < 0., below - math.log(2.), math_ops.log1p(-0.5 * math_ops.exp(-above)))

  def _log_survival_function(self, x):
    z = -self._z(x)
    below, above = math_ops.minimum(z, 0.), math_ops.maximum(z, 0.)
    return array_ops.where_v2(z < 0., below - math.log(2.), math_ops.log1p(-0.5 * math_ops.exp(-above)))

  def _entropy(self):
    return math.log(2.) + 1. + math_ops.log(self._filled(self.scale))

  def _mean(self):
    return self._filled(self.loc)

  def _stddev(self):
    return math.sqrt(2.) * self._filled(self.scale)

  _mode = _mean


class StudentT(_Parameters):
  """Student's distribution of df degrees of freedom, moved by loc and stretched by scale."""

  def __init__(self, df, loc, scale, validate_args=False, allow_nan_stats=True, name="StudentT"):
    self._keep({"df": df, "loc": loc, "scale": scale}, ["df"], distribution.FULLY_REPARAMETERIZED, dict(locals()),
               validate_args, allow_nan_stats, name)

  _param_shapes = _shapes_of("df", "loc", "scale")
  df = property(lambda self: self._tensors[0])
  loc = property(lambda self: self._tensors[1])
  scale = property(lambda self: self._tensors[2])

  def _sample_n(self, n, seed=None):
    normal = random_ops.random_normal(self._shape_of(n), dtype=self.dtype, seed=seed)
    df = self.df * array_ops.ones(self.batch_shape_tensor(), dtype=self.dtype)
    gamma = random_ops.random_gamma([n], 0.5 * df, beta=0.5, dtype=self.dtype,
                                    seed=distribution.gen_new_seed(seed, salt="student_t"))
    return normal * math_ops.rsqrt(gamma / df) * self.scale + self.loc

  def _z(self, x):
    return (x - self.loc) / self.scale

  def _log_normalization(self):
    return (math_ops.log(math_ops.abs(self.scale)) + 0.5 * math_ops.log(self.df) + 0.5 * math.log(math.pi) +
            math_ops.lgamma(0.5 * self.df) - math_ops.lgamma(0.5 * (self.df + 1.)))

  def _log_prob(self, x):
    return -0.5 * (self.df + 1.) * math_ops.log1p(math_ops.square(self._z(x)) / self.df) - self._log_normalization()

  def _cdf(self, x):
    # Half a regularised incomplete beta function on either side of the middle.
    z = self._z(x)
    whole = array_ops.zeros_like(z) + self.df
    tail = 0.5 * _op("Betainc", None, (0.5 * whole, 0.5 * array_ops.ones_like(whole), whole / (whole + z * z)))
    return array_ops.where_v2(z < 0., tail, 1. - tail)

  def _entropy(self):
    half, more = 0.5 * self.df, 0.5 * (self.df + 1.)
    value = (math_ops.log(math_ops.abs(self.scale)) + 0.5 * math_ops.log(self.df) + math_ops.lgamma(half) +
             0.5 * math.log(math.pi) - math_ops.lgamma(more) + more * (math_ops.digamma(more) - math_ops.digamma(half)))
    return self._filled(value)

  def _mean(self):
    return self._undefined_where(self._filled(self.df) > 1., self._filled(self.loc))

  def _variance(self):
    df = self._filled(self.df)
    # df / (df - 2) only where it is wanted, so that gradients elsewhere stay finite.
    safe = array_ops.where_v2(df > 2., df - 2., array_ops.ones_like(df))
    value = math_ops.square(self._filled(self.scale)) * df / safe
    value = array_ops.where_v2(df > 2., value, array_ops.constant(np.inf, self.dtype))
    return self._undefined_where(df > 1., value)

  def _mode(self):
    return array_ops.identity(self.loc)


class Beta(_Parameters):
  """Density proportional to x^(concentration1 - 1) (1 - x)^(concentration0 - 1), between 0 and 1."""

  def __init__(self, concentration1=None, concentration0=None, validate_args=False, allow_nan_stats=True, name="Beta"):
    self._keep({"concentration1": concentration1, "concentration0": concentration0},
               ["concentration1", "concentration0"], distribution.FULLY_REPARAMETERIZED, dict(locals()), validate_args,
               allow_nan_stats, name)

  _param_shapes = _shapes_of("concentration1", "concentration0")
  concentration1 = property(lambda self: self._tensors[0])
  concentration0 = property(lambda self: self._tensors[1])

  @property
  def total_concentration(self):
    """concentration1 + concentration0."""
    return self.concentration1 + self.concentration0

  def _sample_n(self, n, seed=None):
    whole = array_ops.ones_like(self.total_concentration, dtype=self.dtype)
    one = random_ops.random_gamma([n], self.concentration1 * whole, dtype=self.dtype, seed=seed)
    zero = random_ops.random_gamma([n], self.concentration0 * whole, dtype=self.dtype,
                                   seed=distribution.gen_new_seed(seed, "beta"))
    return one / (one + zero)

  def _log_normalization(self):
    return (math_ops.lgamma(self.concentration1) + math_ops.lgamma(self.concentration0) -
            math_ops.lgamma(self.total_concentration))

  def _log_prob(self, x):
    return ((self.concentration1 - 1.) * math_ops.log(x) + (self.concentration0 - 1.) * math_ops.log1p(-x) -
            self._log_normalization())

  def _cdf(self, x):
    whole = array_ops.ones_like(self.total_concentration * x)
    return _op("Betainc", None, (self.concentration1 * whole, self.concentration0 * whole, x * whole))

  def _entropy(self):
    one, zero, total = self.concentration1, self.concentration0, self.total_concentration
    return (self._log_normalization() - (one - 1.) * math_ops.digamma(one) - (zero - 1.) * math_ops.digamma(zero) +
            (total - 2.) * math_ops.digamma(total))

  def _mean(self):
    return self.concentration1 / self.total_concentration

  def _variance(self):
    return self._mean() * (1. - self._mean()) / (1. + self.total_concentration)

  def _mode(self):
    defined = math_ops.logical_and(self.concentration1 > 1., self.concentration0 > 1.)
    return self._undefined_where(defined, (self.concentration1 - 1.) / (self.total_concentration - 2.))


@kullback_leibler.RegisterKL(Beta, Beta)
def _kl_beta_beta(d1, d2, name=None):
  with ops.name_scope(name, "kl_beta_beta", values=[d1.concentration1, d2.concentration1]):
    total = d2.total_concentration - d1.total_concentration
    return (d2._log_normalization() - d1._log_normalization() -
            math_ops.digamma(d1.concentration1) * (d2.concentration1 - d1.concentration1) -
            math_ops.digamma(d1.concentration0) * (d2.concentration0 - d1.concentration0) +
            math_ops.digamma(d1.total_concentration) * total)
