"""The structures that Session.run takes as fetches: what to run for them, and how to put the results back in."""

import collections.abc

import numpy as np

from thalweg.framework import errors, sparse_tensor
from thalweg.framework.operation import Operation
from thalweg.framework.tensor import IndexedSlices, IndexedSlicesValue, Tensor


def _sparse_fetch(fetch):
  return ([fetch.indices, fetch.values, fetch.dense_shape],
          lambda values: sparse_tensor.SparseTensorValue(*values))


def _sparse_feed(feed, value):
  return list(zip([feed.indices, feed.values, feed.dense_shape], value))


def _slices_fetch(fetch):
  if fetch.dense_shape is None:
    return [fetch.values, fetch.indices], lambda v: IndexedSlicesValue(v[0], v[1], None)
  return [fetch.values, fetch.indices, fetch.dense_shape], lambda v: IndexedSlicesValue(*v)


def _slices_feed(feed, value):
  parts = [feed.values, feed.indices] + ([feed.dense_shape] if feed.dense_shape is not None else [])
  return list(zip(parts, value))


# (type, fetch -> (elements, contraction), feed -> pairs, feed -> elements); the first that fits is taken.
registry = [
    (sparse_tensor.SparseTensor, _sparse_fetch, _sparse_feed,
     lambda feed: [feed.indices, feed.values, feed.dense_shape]),
    (IndexedSlices, _slices_fetch, _slices_feed, lambda feed: [t for t, _ in _slices_feed(feed, (0, 0, 0))]),
    (object, lambda fetch: ([fetch], _only), lambda feed, value: [(feed, value)],
     lambda feed: [feed]),
]


def register_session_run_conversion_functions(tensor_type, fetch_function, feed_function=None,
                                              feed_function_for_partial_run=None):
  """Teaches run() a type of its user's: how to fetch it and how to feed it."""
  for entry in registry:
    if issubclass(tensor_type, entry[0]) and entry[0] is not object and tensor_type is entry[0]:
      raise ValueError("%s has already been registered so ignore it." % tensor_type)
  registry.insert(0, (tensor_type, fetch_function, feed_function, feed_function_for_partial_run))


class FetchMapper:
  """A structure of fetches: its distinct elements, and the way back from their values."""

  def unique_fetches(self):
    raise NotImplementedError

  def build_results(self, values):
    raise NotImplementedError

  @staticmethod
  def for_fetch(fetch):
    if fetch is None:
      raise TypeError("Fetch argument %r has invalid type %r" % (fetch, type(fetch)))
    if fetch.__class__ is Tensor or fetch.__class__ is Operation:
      return _ElementFetchMapper([fetch], _only)
    if isinstance(fetch, (list, tuple)):
      return _ListFetchMapper(fetch)
    if isinstance(fetch, collections.abc.Mapping):
      return _DictFetchMapper(fetch)
    if hasattr(type(fetch), "__attrs_attrs__"):
      return _AttrsFetchMapper(fetch)
    for tensor_type, fetch_fn, _, _ in registry:
      if isinstance(fetch, tensor_type):
        elements, contraction = fetch_fn(fetch)
        return _ElementFetchMapper(elements, contraction)
    raise TypeError("Fetch argument %r has invalid type %r" % (fetch, type(fetch)))


class _ElementFetchMapper(FetchMapper):

  def __init__(self, fetches, contraction):
    self._fetches = fetches
    self._contraction = contraction

  def resolve(self, graph):
    resolved = []
    for fetch in self._fetches:
      try:
        resolved.append(graph.as_graph_element(fetch, allow_tensor=True, allow_operation=True))
      except TypeError as e:
        raise TypeError("Fetch argument %r has invalid type %r, must be a string or Tensor. (%s)" % (
            fetch, type(fetch), str(e))) from None
      except ValueError as e:
        raise ValueError("Fetch argument %r cannot be interpreted as a Tensor. (%s)" % (fetch, str(e))) from None
      except KeyError as e:
        raise ValueError("Fetch argument %r cannot be interpreted as a Tensor. (%s)" % (fetch, str(e))) from None
    self._fetches = resolved
    return resolved

  def unique_fetches(self):
    return self._fetches

  def is_plain(self):
    """Whether the result is the value of the one element."""
    return self._contraction is _only

  def build_results(self, values):
    if not values:
      return None
    if values[0] is None and isinstance(self._fetches[0], Operation):
      return None
    return self._contraction(values)


class _CompositeMapper(FetchMapper):

  def resolve(self, graph):
    # One value per distinct element, whatever the number of places it is wanted at.
    unique, seen, self._indices = [], {}, []
    for mapper in self._mappers:
      places = []
      for element in mapper.resolve(graph):
        if element not in seen:
          seen[element] = len(unique)
          unique.append(element)
        places.append(seen[element])
      self._indices.append(places)
    self._unique = unique
    return unique

  def unique_fetches(self):
    return self._unique

  def _parts(self, values):
    return [m.build_results([values[i] for i in places]) for m, places in zip(self._mappers, self._indices)]


class _ListFetchMapper(_CompositeMapper):

  def __init__(self, fetches):
    self._type = type(fetches)
    self._mappers = [FetchMapper.for_fetch(f) for f in fetches]
    self.container = {list: list, tuple: tuple}.get(self._type)

  def is_plain(self):
    """Whether the result is a list or tuple of the distinct elements' values in their order."""
    return (self.container is not None and len(self._unique) == len(self._mappers) and
            all(isinstance(m, _ElementFetchMapper) and m.is_plain() for m in self._mappers))

  def build_results(self, values):
    parts = self._parts(values)
    if self._type is list:
      return parts
    if self._type is tuple:
      return tuple(parts)
    if hasattr(self._type, "_fields"):
      return self._type(*parts)
    return self._type(parts)


class _DictFetchMapper(_CompositeMapper):

  def __init__(self, fetches):
    self._type = type(fetches)
    self._factory = getattr(fetches, "default_factory", None)
    self._keys = list(fetches.keys())
    self._mappers = [FetchMapper.for_fetch(fetches[k]) for k in self._keys]

  def build_results(self, values):
    import collections
    is_default = issubclass(self._type, collections.defaultdict)
    results = collections.defaultdict(self._factory) if is_default else self._type()
    for key, part in zip(self._keys, self._parts(values)):
      results[key] = part
    return results


class _AttrsFetchMapper(_CompositeMapper):

  def __init__(self, fetches):
    self._type = type(fetches)
    self._mappers = [FetchMapper.for_fetch(getattr(fetches, a.name)) for a in self._type.__attrs_attrs__]

  def build_results(self, values):
    return self._type(*self._parts(values))


def _only(values):
  return values[0]


def _nothing(values):
  return None


class FetchHandler:
  """Splits fetches into tensors to compute and operations to run. A tensor that is also fed gives the fed value."""

  def __init__(self, graph, mapper, feeds):
    self.tensors, self.targets = [], []
    self._mapper = mapper
    self._plan = []  # per element: ("r", number of result) or ("f", number of feed) or None for operations
    resolved = mapper.resolve(graph)
    for element in resolved:
      if not graph.is_fetchable(element):
        op = element.op if isinstance(element, Tensor) else element
        if op._context is not None:
          raise errors.InaccessibleTensorError(
              "Operation %r has been marked as not fetchable: it lies in the body of %s '%s'. Return its value from "
              "the body to fetch it." % (op.name, op._context.kind, op._context.name))
        raise ValueError("Operation %r has been marked as not fetchable." % op.name)
      if isinstance(element, Operation):
        self.targets.append(element)
        self._plan.append(None)
      elif element in feeds:
        self._plan.append((1, feeds[element], element))
      else:
        self._plan.append((0, len(self.tensors), element))
        self.tensors.append(element)
    # The common cases: one operation, one tensor, or a list of tensors none of which is fed or repeated.
    straight = all(p is not None and p[0] == 0 for p in self._plan)
    if straight and isinstance(mapper, _ElementFetchMapper) and len(self._plan) == 1 and mapper.is_plain():
      self._finish = _only
    elif straight and isinstance(mapper, _ListFetchMapper) and mapper.is_plain():
      self._finish = mapper.container
    elif self._plan == [None] and isinstance(mapper, _ElementFetchMapper) and mapper.is_plain():
      self._finish = _nothing
    else:
      self._finish = None

  def build(self, results, fed):
    """The value of the fetches from those of `tensors` and, for fetches that are fed, those of the feeds."""
    if self._finish is not None:
      return self._finish(results)
    fed = list(fed)
    values = []
    for step in self._plan:
      if step is None:
        values.append(None)
      elif step[0] == 0:
        values.append(results[step[1]])
      else:
        dtype = step[2].dtype.base_dtype
        value = fed[step[1]]
        if dtype.is_numpy_compatible:
          array = np.asarray(value, dtype=dtype.as_numpy_dtype)
          value = array if array.ndim else array[()]
        values.append(value)
    return self._mapper.build_results(values)
