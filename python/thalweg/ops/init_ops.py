"""Initializers: functions of shape and dtype that give a variable its first value."""

import math

from thalweg.framework import dtypes
from thalweg.framework.constant_op import constant
from thalweg.ops import array_ops, random_ops


class Initializer:
  """`initializer(shape, dtype=None)` returns the value."""

  def __call__(self, shape, dtype=None, partition_info=None):
    raise NotImplementedError

  def get_config(self):
    return {}

  @classmethod
  def from_config(cls, config):
    return cls(**config)


def _assert_float_dtype(dtype):
  dtype = dtypes.as_dtype(dtype)
  if not dtype.is_floating:
    raise ValueError("Expected floating point type, got %s." % dtype)
  return dtype


class Zeros(Initializer):

  def __init__(self, dtype=dtypes.float32):
    self.dtype = dtypes.as_dtype(dtype)

  def __call__(self, shape, dtype=None, partition_info=None):
    return array_ops.zeros(shape, self.dtype if dtype is None else dtype)

  def get_config(self):
    return {"dtype": self.dtype.name}


class Ones(Initializer):

  def __init__(self, dtype=dtypes.float32):
    self.dtype = dtypes.as_dtype(dtype)

  def __call__(self, shape, dtype=None, partition_info=None):
    return array_ops.ones(shape, self.dtype if dtype is None else dtype)

  def get_config(self):
    return {"dtype": self.dtype.name}


class Constant(Initializer):

  def __init__(self, value=0, dtype=dtypes.float32, verify_shape=False):
    import numpy as np
    if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
      raise TypeError("Invalid type for initial value: %s (expected Python scalar, list or tuple of values, or "
                      "numpy.ndarray)." % type(value))
    self.value, self.dtype, self._verify_shape = value, dtypes.as_dtype(dtype), verify_shape

  def __call__(self, shape, dtype=None, partition_info=None, verify_shape=None):
    return constant(self.value, dtype=self.dtype if dtype is None else dtype, shape=shape,
                    verify_shape=self._verify_shape if verify_shape is None else verify_shape)

  def get_config(self):
    return {"value": self.value, "dtype": self.dtype.name}


class RandomUniform(Initializer):

  def __init__(self, minval=0, maxval=None, seed=None, dtype=dtypes.float32):
    self.minval, self.maxval, self.seed, self.dtype = minval, maxval, seed, dtypes.as_dtype(dtype)

  def __call__(self, shape, dtype=None, partition_info=None):
    return random_ops.random_uniform(shape, self.minval, self.maxval, self.dtype if dtype is None else dtype,
                                     seed=self.seed)

  def get_config(self):
    return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed, "dtype": self.dtype.name}


class RandomNormal(Initializer):

  def __init__(self, mean=0.0, stddev=1.0, seed=None, dtype=dtypes.float32):
    self.mean, self.stddev, self.seed, self.dtype = mean, stddev, seed, _assert_float_dtype(dtype)

  def __call__(self, shape, dtype=None, partition_info=None):
    return random_ops.random_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype,
                                    seed=self.seed)

  def get_config(self):
    return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed, "dtype": self.dtype.name}


class TruncatedNormal(RandomNormal):

  def __call__(self, shape, dtype=None, partition_info=None):
    return random_ops.truncated_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype,
                                       seed=self.seed)


class UniformUnitScaling(Initializer):

  def __init__(self, factor=1.0, seed=None, dtype=dtypes.float32):
    self.factor, self.seed, self.dtype = factor, seed, _assert_float_dtype(dtype)

  def __call__(self, shape, dtype=None, partition_info=None):
    scale_shape = shape if partition_info is None else partition_info.full_shape
    input_size = 1.0
    for dim in scale_shape[:-1]:
      input_size *= float(dim)
    max_val = math.sqrt(3 / max(input_size, 1.0)) * self.factor
    return random_ops.random_uniform(shape, -max_val, max_val, self.dtype if dtype is None else dtype, seed=self.seed)

  def get_config(self):
    return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


def _compute_fans(shape):
  if len(shape) < 1:
    return 1, 1
  if len(shape) == 1:
    return shape[0], shape[0]
  if len(shape) == 2:
    return shape[0], shape[1]
  receptive = 1
  for dim in shape[:-2]:
    receptive *= dim
  return shape[-2] * receptive, shape[-1] * receptive


class VarianceScaling(Initializer):
  """Values whose variance is scale / fan."""

  def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, dtype=dtypes.float32):
    if scale <= 0.:
      raise ValueError("`scale` must be positive float.")
    if mode not in {"fan_in", "fan_out", "fan_avg"}:
      raise ValueError("Invalid `mode` argument:", mode)
    distribution = distribution.lower()
    if distribution not in {"normal", "uniform", "truncated_normal", "untruncated_normal"}:
      raise ValueError("Invalid `distribution` argument:", distribution)
    self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
    self.dtype = _assert_float_dtype(dtype)

  def __call__(self, shape, dtype=None, partition_info=None):
    dtype = self.dtype if dtype is None else dtype
    scale_shape = shape if partition_info is None else partition_info.full_shape
    fan_in, fan_out = _compute_fans([int(d) for d in scale_shape])
    n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.}[self.mode]
    scale = self.scale / max(1., n)
    if self.distribution in ("normal", "truncated_normal"):
      # The constant undoes what cutting the tails takes from the deviation.
      return random_ops.truncated_normal(shape, 0.0, math.sqrt(scale) / .87962566103423978, dtype, seed=self.seed)
    if self.distribution == "untruncated_normal":
      return random_ops.random_normal(shape, 0.0, math.sqrt(scale), dtype, seed=self.seed)
    limit = math.sqrt(3.0 * scale)
    return random_ops.random_uniform(shape, -limit, limit, dtype, seed=self.seed)

  def get_config(self):
    return {"scale": self.scale, "mode": self.mode, "distribution": self.distribution, "seed": self.seed,
            "dtype": self.dtype.name}


class Identity(Initializer):

  def __init__(self, gain=1.0, dtype=dtypes.float32):
    self.gain, self.dtype = gain, _assert_float_dtype(dtype)

  def __call__(self, shape, dtype=None, partition_info=None):
    from thalweg.ops import linalg_ops
    full_shape = shape if partition_info is None else partition_info.full_shape
    if len(full_shape) != 2:
      raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
    dtype = self.dtype if dtype is None else dtype
    initializer = linalg_ops.eye(*full_shape, dtype=dtype)
    if partition_info is not None:
      initializer = array_ops.slice(initializer, partition_info.var_offset, shape)
    return self.gain * initializer

  def get_config(self):
    return {"gain": self.gain, "dtype": self.dtype.name}


class GlorotUniform(VarianceScaling):

  def __init__(self, seed=None, dtype=dtypes.float32):
    super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

  def get_config(self):
    return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotNormal(VarianceScaling):

  def __init__(self, seed=None, dtype=dtypes.float32):
    super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

  def get_config(self):
    return {"seed": self.seed, "dtype": self.dtype.name}


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
identity_initializer = Identity
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal


def lecun_normal(seed=None):
  return VarianceScaling(scale=1., mode="fan_in", distribution="truncated_normal", seed=seed)


def lecun_uniform(seed=None):
  return VarianceScaling(scale=1., mode="fan_in", distribution="uniform", seed=seed)


def he_normal(seed=None):
  return VarianceScaling(scale=2., mode="fan_in", distribution="truncated_normal", seed=seed)


def he_uniform(seed=None):
  return VarianceScaling(scale=2., mode="fan_in", distribution="uniform", seed=seed)


