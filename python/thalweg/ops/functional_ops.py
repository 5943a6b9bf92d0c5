"""map_fn, scan, foldl and foldr: functions of one element, over the first dimension of tensors."""

import contextlib

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.framework.sparse_tensor import SparseTensor
from thalweg.ops import array_ops, variable_scope
from thalweg.ops.tensor_array_ops import TensorArray
from thalweg.ops.while_loop import while_loop
from thalweg.util import nest


@contextlib.contextmanager
def _cached_reads():
  """Variables that the function makes are read once, outside of the loop."""
  scope = variable_scope.get_variable_scope()
  if scope.caching_device is not None:
    yield
    return
  scope.set_caching_device(lambda op: op.device)
  try:
    yield
  finally:
    scope.set_caching_device(None)


def _elements(elems):
  """The tensors in `elems`, and the size of their first dimensions."""
  flat = [ops.convert_to_tensor(e, name="elem") for e in nest.flatten(elems)]
  first = flat[0].shape
  if first.ndims == 0:
    raise ValueError("elems must be a 1+ dimensional Tensor, not a scalar")
  static = tensor_shape.Dimension(None if first.ndims is None else first.as_list()[0])
  for e in flat[1:]:
    static.merge_with(tensor_shape.Dimension(None if e.shape.ndims is None else e.shape.with_rank_at_least(1)[0]))
  return flat, static.value if static.value is not None else array_ops.shape(flat[0])[0]


def _arrays(flat, n):
  return [TensorArray(dtype=e.dtype.base_dtype, size=n, dynamic_size=False, infer_shape=True).unstack(e) for e in flat]


def _static_first(flat):
  """The first dimension that all of the tensors have, as far as it is known."""
  size = tensor_shape.Dimension(None)
  for e in flat:
    if e.shape.ndims is not None:
      size = size.merge_with(e.shape[0])
  return size


def _check(fn, elems):
  if not callable(fn):
    raise TypeError("fn must be callable.")
  for e in nest.flatten(elems):
    if isinstance(e, SparseTensor):
      raise TypeError("To perform a map on the values of a sparse tensor use either  SparseTensor(input.indices, "
                      "fn(input.values), input.dense_shape) or  SparseTensor(input.indices, map_fn(fn, input.values), "
                      "input.dense_shape)")


def map_fn(fn, elems, dtype=None, parallel_iterations=None, back_prop=True, swap_memory=False, infer_shape=True,
           name=None):
  """`fn` of each element of `elems`, stacked. `dtype` tells the structure and types of its results where those are not
  those of `elems`."""
  _check(fn, elems)
  if dtype is not None:
    for d in nest.flatten(dtype):
      dtypes.as_dtype(d)
  with ops.name_scope(name, "map", nest.flatten(elems)), _cached_reads():
    flat, n = _elements(elems)
    inputs = _arrays(flat, n)
    structure = elems if dtype is None else dtype
    types = [e.dtype for e in flat] if dtype is None else [dtypes.as_dtype(d) for d in nest.flatten(dtype)]
    counter = array_ops.constant(0)
    outputs = [TensorArray(dtype=t, size=n, dynamic_size=False, infer_shape=infer_shape) for t in types]

    def body(i, arrays):
      results = fn(nest.pack_sequence_as(elems, [a.read(i) for a in inputs]))
      nest.assert_same_structure(structure, results)
      return i + 1, [a.write(i, r) for a, r in zip(arrays, nest.flatten(results))]

    _, arrays = while_loop(lambda i, _: i < n, body, (counter, outputs),
                           parallel_iterations=parallel_iterations or 10, back_prop=back_prop, swap_memory=swap_memory,
                           maximum_iterations=n)
    return nest.pack_sequence_as(structure, _stacked(arrays, flat))


def _stacked(arrays, flat):
  results = [a.stack() for a in arrays]
  size = _static_first(flat)
  for r in results:
    r.set_shape(tensor_shape.TensorShape([size]).concatenate(r.shape[1:] if r.shape.ndims is not None else None))
  return results


def scan(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, infer_shape=True,
         reverse=False, name=None):
  """The stacked results of `a = fn(a, element)` over the elements of `elems`, beginning with `a = initializer`, or with
  the first element, which then is the first result."""
  _check(fn, elems)
  with ops.name_scope(name, "scan", nest.flatten(elems)), _cached_reads():
    flat, n = _elements(elems)
    inputs = _arrays(flat, n)
    if initializer is None:
      structure = elems
      start = [a.read(n - 1 if reverse else 0) for a in inputs]
      i = 1
    else:
      structure = initializer
      start = [ops.convert_to_tensor(v) for v in nest.flatten(initializer)]
      i = 0
    outputs = [TensorArray(dtype=a.dtype, size=n, element_shape=a.shape if infer_shape else None, dynamic_size=False,
                           infer_shape=infer_shape) for a in start]
    if initializer is None:
      outputs = [t.write(n - 1 if reverse else 0, a) for t, a in zip(outputs, start)]
    if reverse:
      i = n - 1 - i
      condition = lambda i, *_: i >= 0
    else:
      condition = lambda i, *_: i < n

    def body(i, state, arrays):
      element = nest.pack_sequence_as(elems, [a.read(i) for a in inputs])
      results = fn(nest.pack_sequence_as(structure, state), element)
      nest.assert_same_structure(structure, results)
      flat_results = nest.flatten(results)
      arrays = [a.write(i, r) for a, r in zip(arrays, flat_results)]
      return i - 1 if reverse else i + 1, flat_results, arrays

    _, _, arrays = while_loop(condition, body, (i, start, outputs), parallel_iterations=parallel_iterations,
                              back_prop=back_prop, swap_memory=swap_memory, maximum_iterations=n)
    return nest.pack_sequence_as(structure, _stacked(arrays, flat))


def foldl(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
  """The last `a` of `a = fn(a, element)` over the elements of `elems`, beginning with `initializer` or the first."""
  return _fold("foldl", True, fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name)


def foldr(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
  """As foldl, from the last element to the first."""
  return _fold("foldr", False, fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name)


def _fold(default_name, forwards, fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name):
  _check(fn, elems)
  with ops.name_scope(name, default_name, nest.flatten(elems)), _cached_reads():
    flat, n = _elements(elems)
    inputs = _arrays(flat, n)
    element = lambda i: nest.pack_sequence_as(elems, [a.read(i) for a in inputs])
    if forwards:
      i = array_ops.constant(0 if initializer is not None else 1)
      start = element(0) if initializer is None else initializer
      condition = lambda i, a: i < n
    else:
      i = n if initializer is not None else n - 1
      start = element(i) if initializer is None else initializer
      condition = lambda i, a: i > 0

    def body(i, a):
      if forwards:
        a = fn(a, element(i))
        return [i + 1, a]
      i -= 1
      return [i, fn(a, element(i))]

    _, result = while_loop(condition, body, [i, start], parallel_iterations=parallel_iterations, back_prop=back_prop,
                           swap_memory=swap_memory, maximum_iterations=n)
    return result
