"""The base of distributions: what can be asked of each, and how a sample gets its shape."""

import hashlib

import numpy as np

from thalweg.framework import dtypes, ops, tensor_shape, tensor_util
from thalweg.ops import array_ops, math_ops
from thalweg.ops.distributions import kullback_leibler


class ReparameterizationType:
  """Whether gradients go through samples to the parameters."""

  def __init__(self, rep_type):
    self._rep_type = rep_type

  def __repr__(self):
    return "<Reparameterization Type: %s>" % self._rep_type

  def __eq__(self, other):
    return self is other

  __hash__ = object.__hash__


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")


def gen_new_seed(seed, salt):
  """Another seed for another part of one sample; None for None."""
  if seed is None:
    return None
  return int(hashlib.md5((str(seed) + salt).encode("utf-8")).hexdigest()[:8], 16) & 0x7FFFFFFF


class Distribution:
  """A batch of distributions of one kind.

  Samples have the shape sample_shape + batch_shape + event_shape: a distribution of vectors has an event shape of rank 1.
  A kind of distribution defines _sample_n(n, seed), _log_prob(value) or _prob, _batch_shape(), and what else it has in
  closed form; asking for something else raises NotImplementedError.
  """

  def __init__(self, dtype, reparameterization_type, validate_args, allow_nan_stats, parameters=None, graph_parents=None,
               name=None):
    for i, t in enumerate(graph_parents or ()):
      if t is None or not tensor_util.is_tensor(t):
        raise ValueError("Graph parent item %d is not a Tensor; %s." % (i, t))
    if not name or name[-1] != "/":
      name = ops.get_default_graph().unique_name(name or type(self).__name__) + "/"
    self._dtype = dtype
    self._reparameterization_type = reparameterization_type
    self._validate_args = validate_args
    self._allow_nan_stats = allow_nan_stats
    self._parameters = {k: v for k, v in (parameters or {}).items() if k != "self" and not k.startswith("__")}
    self._name = name

  # --- what it is ---

  @property
  def name(self):
    return self._name

  @property
  def dtype(self):
    """Of samples."""
    return self._dtype

  @property
  def parameters(self):
    """The arguments that it was made with."""
    return dict(self._parameters)

  @property
  def reparameterization_type(self):
    return self._reparameterization_type

  @property
  def allow_nan_stats(self):
    """Whether a statistic that is undefined is NaN, rather than an error."""
    return self._allow_nan_stats

  @property
  def validate_args(self):
    return self._validate_args

  def copy(self, **override_parameters_kwargs):
    """One of the same kind with some arguments changed."""
    return type(self)(**dict(self.parameters, **override_parameters_kwargs))

  @classmethod
  def param_shapes(cls, sample_shape, name="DistributionParamShapes"):
    """The shapes of the parameters for samples of a shape, by name."""
    with ops.name_scope(name, values=[sample_shape]):
      return cls._param_shapes(sample_shape)

  @classmethod
  def param_static_shapes(cls, sample_shape):
    """param_shapes() as TensorShapes."""
    if not isinstance(sample_shape, tensor_shape.TensorShape):
      found = tensor_util.constant_value(ops.convert_to_tensor(sample_shape, dtypes.int32))
      if found is None:
        raise ValueError("sample_shape must be a fully-defined TensorShape or list/tuple")
      sample_shape = tensor_shape.TensorShape(found.tolist())
    return {key: tensor_util.constant_value_as_shape(shape) for key, shape in cls.param_shapes(
        sample_shape.as_list()).items()}

  @classmethod
  def _param_shapes(cls, sample_shape):
    raise NotImplementedError("_param_shapes not implemented")

  @property
  def batch_shape(self):
    return tensor_shape.as_shape(self._batch_shape())

  def batch_shape_tensor(self, name="batch_shape_tensor"):
    with self._scope(name):
      if self.batch_shape.is_fully_defined():
        return ops.convert_to_tensor(self.batch_shape.as_list(), dtype=dtypes.int32, name="batch_shape")
      return self._batch_shape_tensor()

  @property
  def event_shape(self):
    return tensor_shape.as_shape(self._event_shape())

  def event_shape_tensor(self, name="event_shape_tensor"):
    with self._scope(name):
      if self.event_shape.is_fully_defined():
        return ops.convert_to_tensor(self.event_shape.as_list(), dtype=dtypes.int32, name="event_shape")
      return self._event_shape_tensor()

  def is_scalar_event(self, name="is_scalar_event"):
    with self._scope(name):
      return ops.convert_to_tensor(self.event_shape.ndims == 0, name="is_scalar_event")

  def is_scalar_batch(self, name="is_scalar_batch"):
    with self._scope(name):
      if self.batch_shape.ndims is not None:
        return ops.convert_to_tensor(self.batch_shape.ndims == 0, name="is_scalar_batch")
      return math_ops.equal(array_ops.shape(self.batch_shape_tensor())[0], 0)

  def _event_shape(self):
    return tensor_shape.scalar()

  def _scope(self, name, values=()):
    return _Scopes(self._name, name, values)

  # --- samples ---

  def sample(self, sample_shape=(), seed=None, name="sample"):
    """Numbers drawn from the distribution: sample_shape + batch_shape + event_shape."""
    with self._scope(name, [sample_shape]):
      sample_shape = ops.convert_to_tensor(sample_shape, dtype=dtypes.int32, name="sample_shape")
      known = tensor_util.constant_value(sample_shape)
      if known is None:
        sample_shape = array_ops.reshape(sample_shape, [-1])
        count = math_ops.reduce_prod(sample_shape)
      else:
        sample_shape = ops.convert_to_tensor(known.reshape(-1).tolist(), dtype=dtypes.int32)
        count = int(np.prod(known))
      drawn = self._sample_n(count, seed)
      drawn = array_ops.reshape(drawn, array_ops.concat([sample_shape, array_ops.shape(drawn)[1:]], 0))
      if known is not None:
        drawn.set_shape(tensor_shape.TensorShape(known.reshape(-1).tolist()).concatenate(self.batch_shape).concatenate(
            self.event_shape))
      return drawn

  # --- probabilities ---

  def _value(self, value):
    return ops.convert_to_tensor(value, dtype=self.dtype, name="value")

  def _try(self, names, value):
    """The first of the methods that this kind has, or a way to it from another: [(method, function of its result)]."""
    for method, change in names:
      found = getattr(self, method, None)
      if found is not None:
        result = found(value) if value is not None else found()
        return result if change is None else change(result)
    raise NotImplementedError("%s is not implemented: %s" % (names[0][0].lstrip("_"), type(self).__name__))

  def log_prob(self, value, name="log_prob"):
    """The logarithm of the density, or of the probability, of values."""
    with self._scope(name, [value]):
      return self._try([("_log_prob", None), ("_prob", math_ops.log)], self._value(value))

  def prob(self, value, name="prob"):
    """The density, or the probability, of values."""
    with self._scope(name, [value]):
      return self._try([("_prob", None), ("_log_prob", math_ops.exp)], self._value(value))

  def log_cdf(self, value, name="log_cdf"):
    """The logarithm of the probability of at most `value`."""
    with self._scope(name, [value]):
      return self._try([("_log_cdf", None), ("_cdf", math_ops.log)], self._value(value))

  def cdf(self, value, name="cdf"):
    """The probability of at most `value`."""
    with self._scope(name, [value]):
      return self._try([("_cdf", None), ("_log_cdf", math_ops.exp)], self._value(value))

  def log_survival_function(self, value, name="log_survival_function"):
    """The logarithm of the probability of more than `value`."""
    with self._scope(name, [value]):
      return self._try([("_log_survival_function", None), ("_cdf", lambda p: math_ops.log1p(-p)),
                        ("_log_cdf", lambda p: math_ops.log1p(-math_ops.exp(p)))], self._value(value))

  def survival_function(self, value, name="survival_function"):
    """The probability of more than `value`."""
    with self._scope(name, [value]):
      return self._try([("_survival_function", None), ("_cdf", lambda p: 1. - p),
                        ("_log_cdf", lambda p: 1. - math_ops.exp(p))], self._value(value))

  def quantile(self, value, name="quantile"):
    """The value that a probability `value` lies at or below."""
    with self._scope(name, [value]):
      return self._try([("_quantile", None)], self._value(value))

  # --- statistics ---

  def entropy(self, name="entropy"):
    """Shannon's entropy in nats."""
    with self._scope(name):
      return self._try([("_entropy", None)], None)

  def mean(self, name="mean"):
    with self._scope(name):
      return self._try([("_mean", None)], None)

  def mode(self, name="mode"):
    with self._scope(name):
      return self._try([("_mode", None)], None)

  def variance(self, name="variance"):
    with self._scope(name):
      return self._try([("_variance", None), ("_stddev", math_ops.square)], None)

  def stddev(self, name="stddev"):
    with self._scope(name):
      return self._try([("_stddev", None), ("_variance", math_ops.sqrt)], None)

  def covariance(self, name="covariance"):
    """Of the components of an event, [..., k, k]."""
    with self._scope(name):
      return self._try([("_covariance", None)], None)

  def cross_entropy(self, other, name="cross_entropy"):
    """The expected -log_prob of `other` under this distribution."""
    with self._scope(name):
      return kullback_leibler.cross_entropy(self, other, allow_nan_stats=self._allow_nan_stats, name=name)

  def kl_divergence(self, other, name="kl_divergence"):
    """The Kullback-Leibler divergence of `other` from this distribution."""
    with self._scope(name):
      return kullback_leibler.kl_divergence(self, other, allow_nan_stats=self._allow_nan_stats, name=name)

  def _undefined_where(self, defined, value):
    """`value` where it is defined; NaN elsewhere, or an error when NaN is not allowed."""
    if self._allow_nan_stats:
      return array_ops.where_v2(defined, value, array_ops.constant(np.nan, value.dtype))
    from thalweg.ops import control_flow_ops
    check = control_flow_ops.Assert(math_ops.reduce_all(defined), [
        "a statistic of %s is not defined for its parameters" % type(self).__name__])
    return control_flow_ops.with_dependencies([check], value)

  def __repr__(self):
    return "<tf.distributions.%s '%s' batch_shape=%s event_shape=%s dtype=%s>" % (
        type(self).__name__, self.name, self.batch_shape, self.event_shape, self.dtype.name)


class _Scopes:
  """The scope of a distribution, and one in it."""

  def __init__(self, outer, inner, values):
    self._outer, self._inner = ops.name_scope(outer), ops.name_scope(inner, values=values)

  def __enter__(self):
    self._outer.__enter__()
    return self._inner.__enter__()

  def __exit__(self, *error):
    self._inner.__exit__(*error)
    return self._outer.__exit__(*error)


def same_floats(*parameters):
  """Checks that the tensors are of one floating-point type, and gives it."""
  from thalweg.ops import check_ops
  return check_ops.assert_same_float_dtype(list(parameters))


class Broadcast(Distribution):
  """Distributions of single numbers whose batch is the broadcast of their parameters, which `_tensors` lists."""

  def _batch_shape(self):
    shape = self._tensors[0].shape
    for t in self._tensors[1:]:
      shape = array_ops.broadcast_static_shape(shape, t.shape)
    return shape

  def _batch_shape_tensor(self):
    shape = array_ops.shape(self._tensors[0])
    for t in self._tensors[1:]:
      shape = array_ops.broadcast_dynamic_shape(shape, array_ops.shape(t))
    return shape

  def _shape_of(self, n):
    """[n] + batch_shape."""
    return array_ops.concat([[n], self.batch_shape_tensor()], 0)
