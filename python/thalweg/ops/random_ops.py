"""Random tensors, with TensorFlow's numbers for TensorFlow's seeds."""

from thalweg.framework import dtypes, ops, random_seed, tensor_util
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops


def _seeds(seed):
  seed1, seed2 = random_seed.get_seed(seed)
  return {"seed": seed1 or 0, "seed2": seed2 or 0}


def _normal(op_type, default_name, shape, mean, stddev, dtype, seed, name):
  """The op's numbers times `stddev`, plus `mean`."""
  with ops.name_scope(name, default_name, [shape, mean, stddev]) as name:
    shape = tensor_util.shape_tensor(shape)
    mean = ops.convert_to_tensor(mean, dtype=dtype, name="mean")
    stddev = ops.convert_to_tensor(stddev, dtype=dtype, name="stddev")
    numbers = _op(op_type, None, (shape,), dict(_seeds(seed), dtype=dtype))
    return math_ops.add(numbers * stddev, mean, name=name)


def random_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
  """Values of a normal distribution."""
  return _normal("RandomStandardNormal", "random_normal", shape, mean, stddev, dtype, seed, name)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
  """Values of a normal distribution within two deviations of its mean."""
  return _normal("TruncatedNormal", "truncated_normal", shape, mean, stddev, dtype, seed, name)


def uniform_range(dtype, maxval):
  """(dtype, maxval) of uniform numbers: floats end at 1 by default; integers need an end."""
  dtype = dtypes.as_dtype(dtype)
  if dtype not in (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64):
    raise ValueError("Invalid dtype %r" % dtype)
  if maxval is None and dtype.is_integer:
    raise ValueError("Must specify maxval for integer dtype %r" % dtype)
  return dtype, 1 if maxval is None else maxval


def random_uniform(shape, minval=0, maxval=None, dtype=dtypes.float32, seed=None, name=None):
  """Values in [minval, maxval); integers need maxval."""
  dtype, maxval = uniform_range(dtype, maxval)
  with ops.name_scope(name, "random_uniform", [shape, minval, maxval]) as name:
    shape = tensor_util.shape_tensor(shape)
    minval = ops.convert_to_tensor(minval, dtype=dtype, name="min")
    maxval = ops.convert_to_tensor(maxval, dtype=dtype, name="max")
    if dtype.is_integer:
      return _op("RandomUniformInt", name, (shape, minval, maxval), _seeds(seed))
    rnd = _op("RandomUniform", None, (shape,), dict(_seeds(seed), dtype=dtype))
    return math_ops.add(rnd * (maxval - minval), minval, name=name)


def random_shuffle(value, seed=None, name=None):
  """The slices of the first axis in a random order."""
  return _op("RandomShuffle", name, (value,), _seeds(seed))


def random_crop(value, size, seed=None, name=None):
  """A piece of `value` of the given size at a random place."""
  from thalweg.ops import control_flow_ops
  with ops.name_scope(name, "random_crop", [value, size]) as name:
    value = ops.convert_to_tensor(value, name="value")
    size = ops.convert_to_tensor(size, dtype=dtypes.int32, name="size")
    shape = array_ops.shape(value)
    check = control_flow_ops.Assert(math_ops.reduce_all(shape >= size),
                                    ["Need value.shape >= size, got ", shape, size], summarize=1000)
    shape = control_flow_ops.with_dependencies([check], shape)
    limit = shape - size + 1
    offset = random_uniform(array_ops.shape(shape), dtype=size.dtype, maxval=size.dtype.max, seed=seed) % limit
    return array_ops.slice(value, offset, size, name=name)


def multinomial(logits, num_samples, seed=None, name=None, output_dtype=None):
  """[batch, num_samples] classes drawn with unnormalised log probabilities [batch, classes]; int64 by default."""
  with ops.name_scope(name, "multinomial", [logits]):
    logits = ops.convert_to_tensor(logits, name="logits")
    return _op("Multinomial", None, (logits, num_samples), dict(_seeds(seed), output_dtype=output_dtype))


def categorical(logits, num_samples, dtype=None, seed=None, name=None):
  """multinomial, by its newer name."""
  with ops.name_scope(name, "categorical", [logits]):
    logits = ops.convert_to_tensor(logits, name="logits")
    return _op("Multinomial", None, (logits, num_samples), dict(_seeds(seed), output_dtype=dtype))


def random_gamma(shape, alpha, beta=None, dtype=dtypes.float32, seed=None, name=None):
  """[*shape, *shape of alpha and beta broadcast]: values of gamma distributions with shapes alpha and rates beta (1)."""
  import numpy as np
  with ops.name_scope(name, "random_gamma", [shape, alpha, beta]):
    shape = ops.convert_to_tensor(shape, name="shape", dtype=dtypes.int32)
    alpha = ops.convert_to_tensor(alpha, name="alpha", dtype=dtype)
    beta = ops.convert_to_tensor(beta if beta is not None else 1, name="beta", dtype=dtype)
    alpha_broadcast = alpha + array_ops.zeros_like(beta)
    return math_ops.maximum(np.finfo(dtypes.as_dtype(dtype).as_numpy_dtype).tiny,
                            _op("RandomGamma", None, (shape, alpha_broadcast), _seeds(seed)) / beta)


def random_poisson(lam, shape, dtype=dtypes.float32, seed=None, name=None):
  """[*shape, *shape of lam]: numbers of events of the rates `lam`."""
  with ops.name_scope(name, "random_poisson", [lam, shape]):
    shape = ops.convert_to_tensor(shape, name="shape", dtype=dtypes.int32)
    return _op("RandomPoissonV2", None, (shape, lam), dict(_seeds(seed), dtype=dtype))
