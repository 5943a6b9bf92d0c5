"""Distributions: samples for seeds, probabilities, statistics, divergences."""

import numpy as np

X = np.linspace(-3.0, 3.0, 7).astype(np.float32)
POSITIVE = np.linspace(0.1, 4.0, 6).astype(np.float32)
INSIDE = np.linspace(0.05, 0.95, 6).astype(np.float32)


def _all(d, x, names, seed=True):
  found = []
  for name in names.split():
    f = getattr(d, name)
    found.append(f(x) if name in ("prob", "log_prob", "cdf", "log_cdf", "survival_function", "log_survival_function",
                                  "quantile") else f())
  if seed:
    found += [d.sample(seed=3), d.sample([4], seed=5), d.sample([2, 3], seed=6)]
  return found


_PROBABILITIES = "prob log_prob cdf log_cdf survival_function log_survival_function "
_STATISTICS = "mean variance stddev entropy mode "


def normal(tf):
  d = tf.distributions
  one, two = d.Normal([0.5], 2.0), d.Normal([1.0, 2.0], [[1.0], [3.0]], name="grid")
  far = tf.constant([-40.0, -12.0, -8.0, 6.0, 20.0])
  std = d.Normal(tf.constant(0.0, tf.float64), tf.constant(1.0, tf.float64))
  return [_all(one, X, _PROBABILITIES + _STATISTICS), one.quantile(INSIDE), _all(two, [1.5, 0.5], "log_prob " + _STATISTICS),
          d.Normal(0.0, 1.0).log_cdf(far), std.quantile(tf.constant([1e-12, 1e-3, 0.5, 0.999, 1.0], tf.float64)),
          d.kl_divergence(one, two), one.cross_entropy(two), two.batch_shape_tensor(), two.event_shape_tensor(),
          one.is_scalar_event(), two.is_scalar_batch(), two.copy(loc=[0.0, 1.0]).mean(),
          tf.gradients(two.log_prob([0.3, 0.2]), [two.loc, two.scale]),
          tf.gradients(one.sample([3], seed=2), [one.loc, one.scale])]


def uniform(tf):
  u = tf.distributions.Uniform([0.0, -1.0], [1.0, 3.0])
  return [_all(u, [[0.5, -2.0], [0.2, 2.5]], _PROBABILITIES + "mean variance stddev entropy"), u.range()]


def above_zero(tf):
  d = tf.distributions
  g, h, e = d.Gamma([0.7, 2.5], 1.5), d.Gamma(1.2, [0.5, 3.0]), d.Exponential([0.5, 2.0])
  return [_all(g, [0.4, 2.0], _PROBABILITIES + "mean variance stddev entropy"), h.mode(), d.Gamma([2.0, 3.0], 2.0).mode(),
          d.kl_divergence(g, h), _all(e, [0.3, 1.5], _PROBABILITIES + _STATISTICS)]


def wider(tf):
  d = tf.distributions
  laplace, t = d.Laplace([0.0, 1.0], 2.0), d.StudentT([1.5, 3.0, 0.5], 1.0, 2.0)
  return [_all(laplace, [[-3.0, 0.5], [2.0, 9.0]], _PROBABILITIES + _STATISTICS),
          _all(t, [-1.0, 0.5, 4.0], "prob log_prob cdf mean variance stddev entropy mode")]


def between(tf):
  d = tf.distributions
  b = d.Beta([0.7, 2.0, 3.0], 1.5)
  return [_all(b, [0.2, 0.5, 0.9], "prob log_prob cdf mean variance stddev entropy mode"), b.total_concentration,
          d.kl_divergence(b, d.Beta(2.0, 3.0))]


def booleans(tf):
  d = tf.distributions
  a, b = d.Bernoulli(logits=[-1.0, 0.5, 2.0]), d.Bernoulli(probs=[0.2, 0.9, 0.5], dtype=tf.float32)
  return [_all(a, [0, 1, 1], "prob log_prob " + _STATISTICS), _all(b, [1.0, 1.0, 0.0], "prob mean variance entropy"),
          a.probs, b.logits, d.kl_divergence(a, b), a.log_prob([[0, 1, 0], [1, 1, 0]])]


def classes(tf):
  d = tf.distributions
  a = d.Categorical(logits=[[0.1, 1.0, -2.0], [2.0, 0.0, 0.3]])
  b = d.Categorical(probs=[0.2, 0.3, 0.5], dtype=tf.int64)
  return [_all(a, [1, 2], "prob log_prob cdf entropy mode"), _all(b, 2, "prob entropy mode"), b.log_prob([0, 1, 2]),
          d.kl_divergence(a, d.Categorical(probs=[0.2, 0.3, 0.5])), a.event_size, a.batch_shape_tensor(),
          tf.gradients(a.log_prob([1, 2]), a.logits)]


def vectors(tf):
  d = tf.distributions
  a, b = d.Dirichlet([[0.5, 1.5, 2.0], [3.0, 2.0, 4.0]]), d.Dirichlet([1.0, 2.0, 3.0])
  m = d.Multinomial([4.0, 6.0], probs=[0.2, 0.3, 0.5])
  n = d.DirichletMultinomial(4.0, [[1.0, 2.0, 0.5], [3.0, 0.7, 1.0]])
  return [_all(a, [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], "prob log_prob mean variance stddev entropy covariance"),
          b.mode(), d.Dirichlet([2.0, 3.0, 4.0]).mode(),
          a.total_concentration, d.kl_divergence(a, b),
          _all(m, [[1.0, 2.0, 1.0], [3.0, 2.0, 1.0]], "prob log_prob mean variance covariance", False),
          _all(n, [[1.0, 2.0, 1.0], [3.0, 0.0, 1.0]], "prob log_prob mean variance covariance", False),
          m.event_shape_tensor(), m.batch_shape_tensor()]


def scopes(tf):
  d = tf.distributions.Normal(0.0, 1.0)
  other = tf.distributions.Normal(0.0, 1.0)
  with tf.name_scope("outer"):
    third = tf.distributions.Uniform(name="u")
  return [tf.constant([d.name, other.name, third.name, d.mean().op.name.rsplit("/", 1)[0],
                       d.sample(seed=1).op.name.rsplit("/", 1)[0], str(d.dtype), str(d.batch_shape),
                       str(sorted(d.parameters)), str(d.allow_nan_stats)])]


def both(tf):
  tf.distributions.Bernoulli(logits=[1.0], probs=[0.5])


def neither(tf):
  tf.distributions.Categorical()


def mixed_types(tf):
  tf.distributions.Normal(tf.constant(0.0), tf.constant(1.0, tf.float64))


def negative_scale(tf):
  return [tf.distributions.Normal(0.0, tf.placeholder_with_default(-1.0, []), validate_args=True).mean()]


def no_median(tf):
  tf.distributions.Dirichlet([1.0, 2.0]).cdf([0.5, 0.5])


def undefined_mode(tf):
  return [tf.distributions.Gamma(0.5, 1.0, allow_nan_stats=False).mode()]


def no_formula(tf):
  tf.distributions.kl_divergence(tf.distributions.Normal(0.0, 1.0), tf.distributions.Uniform())


VALUES_ONLY = [normal, uniform, above_zero, wider, between, booleans, classes, vectors, scopes]
ERRORS = [both, neither, mixed_types, negative_scale, no_median, undefined_mode, no_formula]
