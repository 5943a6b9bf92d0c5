"""Distributions of booleans and classes, and of how often each class comes up."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import array_ops, check_ops, math_ops, nn_impl, nn_ops, random_ops
from thalweg.ops.distributions import distribution, kullback_leibler


def _logits_and_probs(logits, probs, classes, validate_args):
  """Both forms of what is given in one: log odds and probabilities, or with `classes` vectors of them."""
  if (probs is None) == (logits is None):
    raise ValueError("Must pass probs or logits, but not both.")
  if probs is None:
    logits = ops.convert_to_tensor(logits, name="logits")
    if not logits.dtype.is_floating:
      raise TypeError("logits must having floating type.")
    return logits, (nn_ops.softmax(logits, name="probs") if classes else math_ops.sigmoid(logits, name="probs"))
  probs = ops.convert_to_tensor(probs, name="probs")
  if not probs.dtype.is_floating:
    raise TypeError("probs must having floating type.")
  if validate_args:
    checks = [check_ops.assert_non_negative(probs)]
    one = array_ops.constant(1., probs.dtype)
    checks.append(check_ops.assert_near(math_ops.reduce_sum(probs, -1), one, message="probs does not sum to 1.")
                  if classes else check_ops.assert_less_equal(probs, one, message="probs has components greater than 1."))
    with ops.control_dependencies(checks):
      probs = array_ops.identity(probs)
  return (math_ops.log(probs) if classes else math_ops.log(probs) - math_ops.log1p(-probs)), probs


class Bernoulli(distribution.Broadcast):
  """1 with probability `probs` = sigmoid(logits), else 0."""

  def __init__(self, logits=None, probs=None, dtype=dtypes.int32, validate_args=False, allow_nan_stats=True,
               name="Bernoulli"):
    parameters = dict(locals())
    parameters.pop("__class__", None)
    with ops.name_scope(name) as name:
      self._logits, self._probs = _logits_and_probs(logits, probs, False, validate_args)
    self._tensors = [self._logits]
    super().__init__(dtype=dtypes.as_dtype(dtype), reparameterization_type=distribution.NOT_REPARAMETERIZED,
                     validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters=parameters,
                     graph_parents=[self._logits, self._probs], name=name)

  @staticmethod
  def _param_shapes(sample_shape):
    return {"logits": ops.convert_to_tensor(sample_shape, dtypes.int32)}

  logits = property(lambda self: self._logits, doc="Log odds of a 1.")
  probs = property(lambda self: self._probs, doc="Probabilities of a 1.")

  def _sample_n(self, n, seed=None):
    drawn = random_ops.random_uniform(self._shape_of(n), seed=seed, dtype=self.probs.dtype)
    return math_ops.cast(math_ops.less(drawn, self.probs), self.dtype)

  def _log_prob(self, event):
    event = math_ops.cast(event, self.logits.dtype)
    # Cross entropy takes tensors of one shape.
    whole = array_ops.ones_like(event * self.logits)
    return -nn_impl.sigmoid_cross_entropy_with_logits(labels=event * whole, logits=self.logits * whole)

  def _entropy(self):
    return -self.logits * (math_ops.sigmoid(self.logits) - 1.) + nn_ops.softplus(-self.logits)

  def _mean(self):
    return array_ops.identity(self.probs)

  def _variance(self):
    return self.probs * (1. - self.probs)

  def _mode(self):
    return math_ops.cast(self.probs > 0.5, self.dtype)


@kullback_leibler.RegisterKL(Bernoulli, Bernoulli)
def _kl_bernoulli_bernoulli(a, b, name=None):
  with ops.name_scope(name, "kl_bernoulli_bernoulli", values=[a.logits, b.logits]):
    zero = nn_ops.softplus(b.logits) - nn_ops.softplus(a.logits)
    one = nn_ops.softplus(-b.logits) - nn_ops.softplus(-a.logits)
    return math_ops.sigmoid(a.logits) * one + math_ops.sigmoid(-a.logits) * zero


class _OfVectors(distribution.Distribution):
  """A batch whose parameter `_vectors` has one dimension more than the batch, over classes."""

  def _batch_shape(self):
    shape = self._vectors.shape
    return shape if shape.ndims is None else shape[:-1]

  def _batch_shape_tensor(self):
    return array_ops.shape(self._vectors)[:-1]

  def _classes(self):
    known = tensor_shape.dimension_value(self._vectors.shape[-1]) if self._vectors.shape.ndims else None
    return array_ops.shape(self._vectors)[-1] if known is None else known


class Categorical(_OfVectors):
  """The number of a class, with the probabilities `probs` = softmax(logits), [..., classes]."""

  def __init__(self, logits=None, probs=None, dtype=dtypes.int32, validate_args=False, allow_nan_stats=True,
               name="Categorical"):
    parameters = dict(locals())
    parameters.pop("__class__", None)
    with ops.name_scope(name, values=[logits, probs]) as name:
      self._logits, self._probs = _logits_and_probs(logits, probs, True, validate_args)
      self._vectors = self._logits
      if self._logits.shape.ndims == 0:
        raise ValueError("Argument `logits` must have rank at least 1.")
    super().__init__(dtype=dtypes.as_dtype(dtype), reparameterization_type=distribution.NOT_REPARAMETERIZED,
                     validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters=parameters,
                     graph_parents=[self._logits, self._probs], name=name)

  logits = property(lambda self: self._logits, doc="Logarithms of the probabilities, but for a constant.")
  probs = property(lambda self: self._probs, doc="Probabilities of the classes.")

  @property
  def event_size(self):
    """The number of classes, as a scalar tensor."""
    with ops.name_scope(self._name):
      return ops.convert_to_tensor(self._classes(), dtype=dtypes.int32, name="event_size")

  def _sample_n(self, n, seed=None):
    rows = self.logits if self.logits.shape.ndims == 2 else array_ops.reshape(self.logits, [-1, self._classes()])
    wide = dtypes.int64 if self.dtype.size > 4 else dtypes.int32
    drawn = random_ops.multinomial(rows, n, seed=seed, output_dtype=wide)
    drawn = array_ops.reshape(array_ops.transpose(drawn), array_ops.concat([[n], self.batch_shape_tensor()], 0))
    return math_ops.cast(drawn, self.dtype)

  def _of_class(self, k, table):
    """The entries of [..., classes] that k names, broadcast over one another."""
    k = math_ops.cast(k, dtypes.int32)
    shape = array_ops.broadcast_dynamic_shape(array_ops.shape(k), self.batch_shape_tensor())
    known = array_ops.broadcast_static_shape(k.shape, self.batch_shape)
    chosen = array_ops.one_hot(array_ops.broadcast_to(k, shape), self._classes(), dtype=table.dtype)
    # Not by a product: the logarithm of a probability of zero is infinite.
    found = math_ops.reduce_sum(array_ops.where_v2(chosen > 0, table, array_ops.zeros([], table.dtype)), -1)
    found.set_shape(known)
    return found

  def _log_prob(self, k):
    return self._of_class(k, nn_ops.log_softmax(self.logits))

  def _cdf(self, k):
    # Of less than k, as in TensorFlow 1.15.
    return self._of_class(k, math_ops.cumsum(self.probs, axis=-1, exclusive=True))

  def _entropy(self):
    return -math_ops.reduce_sum(nn_ops.log_softmax(self.logits) * self.probs, axis=-1)

  def _mode(self):
    return math_ops.cast(math_ops.argmax(self.logits, axis=-1), self.dtype)


@kullback_leibler.RegisterKL(Categorical, Categorical)
def _kl_categorical_categorical(a, b, name=None):
  with ops.name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
    difference = nn_ops.log_softmax(a.logits) - nn_ops.log_softmax(b.logits)
    return math_ops.reduce_sum(nn_ops.softmax(a.logits) * difference, axis=-1)


def _log_beta(x):
  """The logarithm of the multivariate beta function of the last dimension."""
  return math_ops.reduce_sum(math_ops.lgamma(x), -1) - math_ops.lgamma(math_ops.reduce_sum(x, -1))


def _log_combinations(total, counts):
  """The logarithm of the number of orders in which such counts can come up."""
  return math_ops.lgamma(total + 1.) - math_ops.reduce_sum(math_ops.lgamma(counts + 1.), axis=-1)


def _covariance_of(mean, scale, total):
  """scale (diag(total mean) - mean mean^T) of the last dimension."""
  outer = array_ops.expand_dims(mean, -1) * array_ops.expand_dims(mean, -2)
  return scale * (total * array_ops.matrix_diag(mean) - outer)


class _OfCounts(_OfVectors):
  """Distributions of vectors with an entry for each class."""

  def _event_shape(self):
    shape = self._vectors.shape
    return shape if shape.ndims is None else shape[-1:]

  def _event_shape_tensor(self):
    return array_ops.shape(self._vectors)[-1:]


class Multinomial(_OfCounts):
  """How often each class comes up among `total_count` that are drawn with the probabilities `probs` = softmax(logits)."""

  def __init__(self, total_count, logits=None, probs=None, validate_args=False, allow_nan_stats=True,
               name="Multinomial"):
    parameters = dict(locals())
    parameters.pop("__class__", None)
    with ops.name_scope(name, values=[total_count, logits, probs]) as name:
      self._total_count = ops.convert_to_tensor(total_count, name="total_count")
      if validate_args:
        with ops.control_dependencies([check_ops.assert_non_negative(self._total_count)]):
          self._total_count = array_ops.identity(self._total_count)
      self._logits, self._probs = _logits_and_probs(logits, probs, True, validate_args)
      distribution.same_floats(self._total_count, self._probs)
      # As the batch has it: total_count may be the larger.
      self._vectors = array_ops.expand_dims(self._total_count, -1) * self._probs
    super().__init__(dtype=self._probs.dtype, reparameterization_type=distribution.NOT_REPARAMETERIZED,
                     validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters=parameters,
                     graph_parents=[self._total_count, self._logits, self._probs], name=name)

  total_count = property(lambda self: self._total_count, doc="How many are drawn.")
  logits = property(lambda self: self._logits, doc="Logarithms of the probabilities, but for a constant.")
  probs = property(lambda self: self._probs, doc="Probabilities of the classes.")

  def _sample_n(self, n, seed=None):
    classes = self._classes()
    batch = self.batch_shape_tensor()
    counts = math_ops.cast(array_ops.broadcast_to(self.total_count, batch), dtypes.int32)
    logits = array_ops.broadcast_to(self.logits, array_ops.concat([batch, [classes]], 0))
    # As many for each row as the largest count asks for; those beyond its own are left out.
    most = math_ops.reduce_max(counts)
    drawn = random_ops.multinomial(array_ops.reshape(logits, [-1, classes]), n * most, seed=seed)
    drawn = array_ops.one_hot(array_ops.reshape(drawn, [-1, n, most]), classes, dtype=self.dtype)
    kept = array_ops.sequence_mask(array_ops.reshape(counts, [-1, 1]), most, dtype=self.dtype)
    sums = math_ops.reduce_sum(drawn * array_ops.expand_dims(kept, -1), axis=-2)
    return array_ops.reshape(array_ops.transpose(sums, [1, 0, 2]), array_ops.concat([[n], batch, [classes]], 0))

  def _log_prob(self, counts):
    return (math_ops.reduce_sum(counts * nn_ops.log_softmax(self.logits), -1) +
            _log_combinations(self.total_count, counts))

  def _mean(self):
    return array_ops.identity(self._vectors)

  def _covariance(self):
    probs = self.probs * array_ops.ones_like(array_ops.expand_dims(self.total_count, -1))
    return _covariance_of(probs, self.total_count[..., None, None], array_ops.ones([], self.dtype))

  def _variance(self):
    return self._mean() - self._mean() * self.probs


class Dirichlet(_OfCounts):
  """Vectors of positive numbers that sum to 1: density proportional to the product of x^(concentration - 1)."""

  def __init__(self, concentration, validate_args=False, allow_nan_stats=True, name="Dirichlet"):
    parameters = dict(locals())
    parameters.pop("__class__", None)
    with ops.name_scope(name, values=[concentration]) as name:
      self._vectors = _positive(concentration, validate_args)
    super().__init__(dtype=self._vectors.dtype, reparameterization_type=distribution.FULLY_REPARAMETERIZED,
                     validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters=parameters,
                     graph_parents=[self._vectors], name=name)

  concentration = property(lambda self: self._vectors, doc="[..., classes], positive.")

  @property
  def total_concentration(self):
    """The sum over the classes."""
    return math_ops.reduce_sum(self.concentration, -1)

  def _sample_n(self, n, seed=None):
    drawn = random_ops.random_gamma([n], self.concentration, dtype=self.dtype, seed=seed)
    return drawn / math_ops.reduce_sum(drawn, -1, keepdims=True)

  def _log_prob(self, x):
    return math_ops.reduce_sum((self.concentration - 1.) * math_ops.log(x), -1) - _log_beta(self.concentration)

  def _entropy(self):
    classes = math_ops.cast(self._classes(), self.dtype)
    return (_log_beta(self.concentration) + (self.total_concentration - classes) * math_ops.digamma(
        self.total_concentration) - math_ops.reduce_sum((self.concentration - 1.) * math_ops.digamma(
            self.concentration), axis=-1))

  def _mean(self):
    return self.concentration / self.total_concentration[..., None]

  def _covariance(self):
    scale = 1. / (1. + self.total_concentration)
    return _covariance_of(self._mean(), scale[..., None, None], array_ops.ones([], self.dtype))

  def _variance(self):
    mean = self._mean()
    return mean * (1. - mean) / (1. + self.total_concentration[..., None])

  def _mode(self):
    classes = math_ops.cast(self._classes(), self.dtype)
    mode = (self.concentration - 1.) / (self.total_concentration[..., None] - classes)
    defined = math_ops.reduce_all(self.concentration > 1., axis=-1, keepdims=True)
    return self._undefined_where(defined, mode)


@kullback_leibler.RegisterKL(Dirichlet, Dirichlet)
def _kl_dirichlet_dirichlet(d1, d2, name=None):
  with ops.name_scope(name, "kl_dirichlet_dirichlet", values=[d1.concentration, d2.concentration]):
    digamma_sum = math_ops.digamma(d1.total_concentration)[..., None]
    difference = d1.concentration - d2.concentration
    return (math_ops.reduce_sum(difference * (math_ops.digamma(d1.concentration) - digamma_sum), axis=-1) -
            _log_beta(d1.concentration) + _log_beta(d2.concentration))


class DirichletMultinomial(_OfCounts):
  """How often each class comes up among `total_count`, when their probabilities are drawn from a Dirichlet."""

  def __init__(self, total_count, concentration, validate_args=False, allow_nan_stats=True,
               name="DirichletMultinomial"):
    parameters = dict(locals())
    parameters.pop("__class__", None)
    with ops.name_scope(name, values=[total_count, concentration]) as name:
      self._total_count = ops.convert_to_tensor(total_count, name="total_count")
      self._concentration = _positive(concentration, validate_args)
      distribution.same_floats(self._total_count, self._concentration)
      self._vectors = self._concentration * array_ops.ones_like(array_ops.expand_dims(self._total_count, -1))
    super().__init__(dtype=self._concentration.dtype, reparameterization_type=distribution.NOT_REPARAMETERIZED,
                     validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters=parameters,
                     graph_parents=[self._total_count, self._concentration], name=name)

  total_count = property(lambda self: self._total_count, doc="How many are drawn.")
  concentration = property(lambda self: self._concentration, doc="[..., classes], positive.")

  @property
  def total_concentration(self):
    """The sum over the classes."""
    return math_ops.reduce_sum(self._concentration, -1)

  def _sample_n(self, n, seed=None):
    drawn = random_ops.random_gamma([n], self._vectors, dtype=self.dtype, seed=seed)
    # One draw each from the probabilities of each sample.
    counts = Multinomial(array_ops.broadcast_to(self.total_count, array_ops.shape(drawn)[:-1]),
                         logits=math_ops.log(drawn))
    return array_ops.squeeze(counts._sample_n(1, distribution.gen_new_seed(seed, salt="dirichlet_multinomial")), [0])

  def _log_prob(self, counts):
    return (_log_beta(self.concentration + counts) - _log_beta(self.concentration) +
            _log_combinations(self.total_count, counts))

  def _mean(self):
    return self.total_count[..., None] * (self._vectors / math_ops.reduce_sum(self._vectors, -1, keepdims=True))

  def _spread(self):
    """By how much the variance is larger than that of one draw from a Dirichlet, squared."""
    total = math_ops.reduce_sum(self._vectors, -1)
    return self.total_count * (total + self.total_count) / (1. + total)

  def _covariance(self):
    probs = self._vectors / math_ops.reduce_sum(self._vectors, -1, keepdims=True)
    return _covariance_of(probs, self._spread()[..., None, None], array_ops.ones([], self.dtype))

  def _variance(self):
    return array_ops.matrix_diag_part(self._covariance())


def _positive(concentration, validate_args):
  concentration = ops.convert_to_tensor(concentration, name="concentration")
  if validate_args:
    checks = [check_ops.assert_positive(concentration, message="Concentration parameter must be positive."),
              check_ops.assert_rank_at_least(concentration, 1),
              check_ops.assert_less(1, array_ops.shape(concentration)[-1],
                                    message="Concentration parameter must have event_size >= 2.")]
    with ops.control_dependencies(checks):
      concentration = array_ops.identity(concentration)
  return concentration
