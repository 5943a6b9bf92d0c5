"""Gradients of the graph beside those by finite differences."""

import numpy as np

from thalweg.framework import constant_op, dtypes, ops
from thalweg.ops import array_ops, gradients_impl
from thalweg.platform import tf_logging as logging

_TYPES = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)


def _reals(array):
  """A flat view of an array's numbers; complex ones count as two."""
  flat = array.reshape(-1)
  return flat.view(flat.real.dtype) if np.iscomplexobj(flat) else flat


def _theoretical(x, x_data, dx, dy, dy_shape, feeds):
  """[elements of x, elements of y]: the graph's derivative, column by column."""
  session = ops.get_default_session()
  dy_data = np.zeros(dy_shape, dtype=dy.dtype.as_numpy_dtype)
  columns = []

  def column():
    if isinstance(dx, ops.IndexedSlices):
      made = np.zeros_like(x_data)
      indices, values = session.run([dx.indices, dx.values], {**feeds, x: x_data, dy: dy_data})
      np.add.at(made, indices, values)
      return made
    return session.run(dx, {**feeds, x: x_data, dy: dy_data})

  flat = _reals(dy_data)
  for i in range(flat.size):
    flat[i] = 1
    columns.append(_reals(np.ascontiguousarray(column())))
    flat[i] = 0
  if not columns:
    empty = column()
    if empty.shape != x_data.shape:
      raise ValueError("Empty gradient has wrong shape: expected %s, got %s" % (x_data.shape, empty.shape))
    if np.any(empty):
      raise ValueError("Empty tensor with nonzero gradients")
    return np.zeros((_reals(x_data).size, 0), dtype=_reals(x_data).dtype)
  return np.stack(columns, axis=1)


def _numeric(x, x_data, y, delta, feeds):
  """[elements of x, elements of y]: the derivative by central differences, row by row."""
  session, rows = ops.get_default_session(), []
  for i in range(_reals(x_data).size):
    ends = []
    for step in (delta, -delta):
      moved = x_data.copy()
      _reals(moved)[i] += step
      ends.append(np.asarray(session.run(y, {**feeds, x: moved})))
    rows.append(_reals((ends[0] - ends[1]) / np.asarray(2 * delta, dtype=ends[0].real.dtype)[()]))
  return np.stack(rows) if rows else np.zeros((0, 0), dtype=_reals(x_data).dtype)


def _check(x, x_shape, y, y_shape, x_init_value, delta, feeds, dx, dy):
  for name, tensor in (("x", x), ("y", y)):
    if tensor.dtype.base_dtype not in _TYPES:
      raise AssertionError("Don't support type %s for %s" % (tensor.dtype.name, name))
  if x_init_value is not None:
    x_data = np.array(x_init_value, dtype=x.dtype.as_numpy_dtype)
    if list(x_shape) != list(x_data.shape):
      raise AssertionError("x_shape = %s, init_data shape = %s" % (list(x_shape), list(x_data.shape)))
  else:
    x_data = np.asarray(np.random.random_sample(x_shape)).astype(x.dtype.as_numpy_dtype)
    if x.dtype.is_complex:
      x_data = x_data + 1j * np.random.random_sample(x_shape)
      x_data = x_data.astype(x.dtype.as_numpy_dtype)
  theoretical = _theoretical(x, x_data, dx, dy, y_shape, feeds)
  numeric = _numeric(x, x_data, y, delta, feeds).reshape(theoretical.shape)
  logging.vlog(1, "Theoretical Jacobian =\n%s", theoretical)
  logging.vlog(1, "Numeric Jacobian =\n%s", numeric)
  return theoretical, numeric


def compute_gradient(x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None):
  """(Jacobian by the graph, Jacobian by finite differences), each [elements of x, elements of y], in the default
  session; for a list of x with lists of shapes and values, a list of such pairs."""
  several = isinstance(x, list)
  xs, shapes = (x, x_shape) if several else ([x], [x_shape])
  values = x_init_value if several and x_init_value is not None else [x_init_value] * len(xs)
  made = []
  for one in xs:
    with one.graph.as_default():
      dy = constant_op.constant(1.0, shape=y_shape, dtype=y.dtype)
      # Behind an identity, so that it can be fed whatever was derived from its value.
      made.append((gradients_impl.gradients(y, one, array_ops.identity(dy))[0], dy))
  for target in init_targets or ():
    target.run()
  results = [_check(one, shape, y, y_shape, value, delta, extra_feed_dict or {}, dx, dy)
             for one, shape, value, (dx, dy) in zip(xs, shapes, values, made)]
  return results if several else results[0]


def compute_gradient_error(x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None,
                           extra_feed_dict=None):
  """The largest difference between the Jacobians of compute_gradient()."""
  grads = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict=extra_feed_dict)
  error = 0
  for theoretical, numeric in [grads] if isinstance(grads, tuple) else grads:
    if theoretical.size or numeric.size:
      error = np.maximum(error, np.fabs(theoretical - numeric).max())
  return error
