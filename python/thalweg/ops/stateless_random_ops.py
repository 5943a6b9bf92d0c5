"""Random numbers that depend on nothing but their seed, two integers."""

from thalweg.framework import dtypes, ops, tensor_util
from thalweg.framework.op_create import op as _op
from thalweg.ops import math_ops, random_ops


def stateless_random_uniform(shape, seed, minval=0, maxval=None, dtype=dtypes.float32, name=None):
  """Values in [minval, maxval); maxval is 1 for floats and must be given for integers."""
  dtype, maxval = random_ops.uniform_range(dtype, maxval)
  with ops.name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]) as name:
    shape = tensor_util.shape_tensor(shape)
    minval = ops.convert_to_tensor(minval, dtype=dtype, name="min")
    maxval = ops.convert_to_tensor(maxval, dtype=dtype, name="max")
    if dtype.is_integer:
      return _op("StatelessRandomUniformInt", name, (shape, seed, minval, maxval))
    numbers = _op("StatelessRandomUniform", None, (shape, seed), {"dtype": dtype})
    return math_ops.add(numbers * (maxval - minval), minval, name=name)


def _scaled(op_type, default_name, shape, seed, mean, stddev, dtype, name):
  with ops.name_scope(name, default_name, [shape, seed, mean, stddev]) as name:
    shape = tensor_util.shape_tensor(shape)
    mean = ops.convert_to_tensor(mean, dtype=dtype, name="mean")
    stddev = ops.convert_to_tensor(stddev, dtype=dtype, name="stddev")
    numbers = _op(op_type, None, (shape, seed), {"dtype": dtype})
    return math_ops.add(numbers * stddev, mean, name=name)


def stateless_random_normal(shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
  """Values of a normal distribution."""
  return _scaled("StatelessRandomNormal", "stateless_random_normal", shape, seed, mean, stddev, dtype, name)


def stateless_truncated_normal(shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
  """Values of a normal distribution within two deviations of its mean."""
  return _scaled("StatelessTruncatedNormal", "stateless_truncated_normal", shape, seed, mean, stddev, dtype, name)


def _drawn(default_name, logits, num_samples, seed, dtype, name):
  with ops.name_scope(name, default_name, [logits, seed]):
    logits = ops.convert_to_tensor(logits, name="logits")
    return _op("StatelessMultinomial", None, (logits, num_samples, seed), {"output_dtype": dtype})


def stateless_multinomial(logits, num_samples, seed, output_dtype=dtypes.int64, name=None):
  """[batch, num_samples] classes drawn with unnormalised log probabilities [batch, classes]."""
  return _drawn("stateless_multinomial", logits, num_samples, seed, output_dtype, name)


def stateless_categorical(logits, num_samples, seed, dtype=dtypes.int64, name=None):
  """stateless_multinomial, by its newer name."""
  return _drawn("stateless_categorical", logits, num_samples, seed, dtype, name)
