"""Initializers of orthogonal matrices, and of convolutions that keep the norm of what they are given (Saxe et al. 2014;
Xiao et al. 2018, algorithms 1 and 2)."""

import itertools

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, init_ops, linalg_ops, math_ops, random_ops


def _uniform_orthogonal(rows, columns, dtype, seed):
  """[rows, columns], rows >= columns: orthonormal columns, uniform over all such."""
  q, r = ops.op("Qr", None, [random_ops.random_normal([rows, columns], dtype=dtype, seed=seed)],
                {"full_matrices": False})
  # The signs make the factorisation unique, so that q is as uniform as the matrix was.
  return q * math_ops.sign(array_ops.diag_part(r))


class _Scaled(init_ops.Initializer):
  """What the initializers here share: a factor, a seed and a dtype."""

  def __init__(self, gain=1.0, seed=None, dtype=dtypes.float32):
    self.gain, self.seed, self.dtype = gain, seed, init_ops._assert_float_dtype(dtype)

  def get_config(self):
    return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


class Orthogonal(_Scaled):
  """A matrix with orthonormal rows or columns, whichever are fewer, times `gain`; all axes but the last are its rows."""

  def __call__(self, shape, dtype=None, partition_info=None):
    if len(shape) < 2:
      raise ValueError("The tensor to initialize must be at least two-dimensional")
    rows, columns = 1, int(shape[-1])
    for size in shape[:-1]:
      rows *= int(size)
    q = _uniform_orthogonal(max(rows, columns), min(rows, columns), self.dtype if dtype is None else dtype, self.seed)
    if rows < columns:
      q = array_ops.matrix_transpose(q)
    return self.gain * array_ops.reshape(q, shape)


orthogonal_initializer = Orthogonal


def _check_channels(shape):
  if shape[-2] > shape[-1]:
    raise ValueError("In_filters cannot be greater than out_filters.")


class ConvolutionDeltaOrthogonal(_Scaled):
  """A kernel over one to three axes that is an orthogonal matrix at its centre and zero elsewhere."""

  def __call__(self, shape, dtype=None, partition_info=None):
    dtype = self.dtype if dtype is None else dtype
    if not 3 <= len(shape) <= 5:
      raise ValueError("The tensor to initialize must be at least three-dimensional and at most five-dimensional")
    _check_channels(shape)
    q = _uniform_orthogonal(shape[-1], shape[-1], dtype, self.seed)[:shape[-2], :]
    q *= math_ops.cast(self.gain, dtype=dtype)
    centre = [(size - 1) // 2 for size in shape[:-2]]
    return array_ops.scatter_nd([centre], array_ops.expand_dims(q, 0), shape)


class ConvolutionOrthogonal(_Scaled):
  """A kernel whose convolution keeps norms exactly where inputs are padded circularly; as many output channels as input
  channels at least, and the same size along all axes.

  It is the product, as matrix polynomials in the shifts along the axes, of an orthogonal matrix and of factors
  `P + (1 - P) * shift`, P being projections: each factor is an isometry and adds one to the size.
  """

  _axes = None
  _rank_error = None
  # Which end the projections are at matters to the numbers only, which are TensorFlow's.
  _projection_last = False

  def __call__(self, shape, dtype=None, partition_info=None):
    dtype = self.dtype if dtype is None else dtype
    if len(shape) != self._axes + 2:
      raise ValueError(self._rank_error)
    _check_channels(shape)
    if any(size != shape[0] for size in shape[:-2]):
      raise ValueError("Kernel sizes must be equal.")
    kernel = self._kernel(int(shape[0]), int(shape[-2]), int(shape[-1]))
    return kernel * math_ops.cast(self.gain, dtype=dtype)

  def _next_seed(self):
    seed = self.seed
    if self.seed:
      self.seed += 1
    return seed

  def _projection(self, n):
    """A symmetric n x n matrix P with P * P = P."""
    q = _uniform_orthogonal(n, n, self.dtype, self._next_seed())
    mask = math_ops.cast(random_ops.random_normal([n], seed=self._next_seed()) > 0, self.dtype)
    kept = math_ops.multiply(q, mask)
    return math_ops.matmul(kept, array_ops.matrix_transpose(kept))

  def _factor(self, n):
    """Offsets -> matrices of a kernel of size 2: along each axis P at one end and 1 - P at the other."""
    eye = linalg_ops.eye(n, dtype=self.dtype)
    sides = [(p, eye - p) for p in [self._projection(n) for _ in range(self._axes)]]
    if self._projection_last:
      sides = [(rest, p) for p, rest in sides]
    made = {}
    for offsets in itertools.product((0, 1), repeat=self._axes):
      product = sides[0][offsets[0]]
      for side, offset in zip(sides[1:], offsets[1:]):
        product = math_ops.matmul(product, side[offset])
      made[offsets] = product
    return made

  def _kernel(self, size, channels, outputs):
    first = _uniform_orthogonal(outputs, outputs, self.dtype, self._next_seed())[:channels, :]
    kernel = {(0,) * self._axes: first}
    if size > 1:
      product = self._factor(outputs)
      for _ in range(size - 2):
        product = _convolve(product, self._factor(outputs))
      kernel = {offsets: math_ops.matmul(first, matrix) for offsets, matrix in product.items()}
    return _stacked(kernel, (), size, self._axes)


def _convolve(a, b):
  """The product of two polynomials with matrices as coefficients, offsets -> matrices."""
  terms = {}
  for (i, x), (j, y) in itertools.product(a.items(), b.items()):
    terms.setdefault(tuple(p + q for p, q in zip(i, j)), []).append(math_ops.matmul(x, y))
  return {offsets: math_ops.add_n(matrices) for offsets, matrices in terms.items()}


def _stacked(kernel, offsets, size, axes):
  """The matrices as one tensor [size, ..., rows, columns]."""
  if len(offsets) == axes:
    return kernel[offsets]
  return array_ops.stack([_stacked(kernel, offsets + (i,), size, axes) for i in range(size)])


class ConvolutionOrthogonal1D(ConvolutionOrthogonal):
  """ConvolutionOrthogonal for kernels [size, channels, outputs]."""

  _axes = 1
  _rank_error = "The tensor to initialize must be three-dimensional"


class ConvolutionOrthogonal2D(ConvolutionOrthogonal):
  """ConvolutionOrthogonal for kernels [size, size, channels, outputs]."""

  _axes = 2
  _rank_error = "The tensor to initialize must be four-dimensional"


class ConvolutionOrthogonal3D(ConvolutionOrthogonal):
  """ConvolutionOrthogonal for kernels [size, size, size, channels, outputs]."""

  _axes = 3
  _rank_error = "The tensor to initialize must be five-dimensional"
  _projection_last = True
