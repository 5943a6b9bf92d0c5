"""Sessions: running parts of a graph.

A run is compiled once per (fetches, keys of the feed dict) and kept, so that a step in a loop costs one dictionary
lookup, the conversion of the fed values, and one native call.
"""

import itertools
import threading

from thalweg import _protos
from thalweg._c import NULL, StatusError, buffer_call, check, ffi, lib, to_error
from thalweg.client import fetches as fetch_lib
from thalweg.client.feeds import Feeder, feed_targets
from thalweg.client.results import Results
from thalweg.framework import errors, ops
from thalweg.framework.operation import Operation
from thalweg.framework.tensor import Tensor
from thalweg.ops import script_ops

_MAX_PREPARED = 512


class SessionInterface:
  """What a session offers."""

  @property
  def graph(self):
    raise NotImplementedError("graph")

  @property
  def sess_str(self):
    raise NotImplementedError("sess_str")

  def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
    raise NotImplementedError("run")


class _Prepared:
  """A compiled signature with all that a run of it needs."""

  __slots__ = ("callable", "feeders", "mapper", "results", "keep")

  def __init__(self, callable_, feeders, mapper, num_fetches):
    self.callable = callable_
    self.feeders = feeders
    self.mapper = mapper
    self.results = Results(num_fetches) if num_fetches else None


class BaseSession(SessionInterface):
  """Runs operations and evaluates tensors of one graph."""

  def __init__(self, target="", graph=None, config=None):
    self._handle = None
    if graph is None:
      self._graph = ops.get_default_graph()
    else:
      if not isinstance(graph, ops.Graph):
        raise TypeError("graph must be a tf.Graph, but got %s" % type(graph))
      self._graph = graph
    if target is None:
      target = ""
    if not isinstance(target, (str, bytes)):
      raise TypeError("target must be a string, but got %s" % type(target))
    self._target = target if isinstance(target, bytes) else target.encode()
    if self._target:
      raise errors.NotFoundError(None, None, "No session factory takes the target '%s'" % self._target.decode())
    if config is not None and not hasattr(config, "SerializeToString"):
      raise TypeError("config must be a tf.ConfigProto, but got %s" % type(config))
    self._config = config
    self._add_shapes = bool(config and config.graph_options.infer_shapes)
    self._prepared = {}
    self._lock = threading.Lock()
    self._closed = False
    self._is_open = True
    options = ffi.new("tw_session_options*")
    options.struct_size = ffi.sizeof("tw_session_options")
    if config is not None:
      options.intra_op_threads = config.intra_op_parallelism_threads
      options.inter_op_lanes = config.inter_op_parallelism_threads
      options.timeout_ms = config.operation_timeout_in_ms
      if config.graph_options.optimizer_options.opt_level == -1:
        options.no_optimize = 1
      options.direct_convolutions = config.direct_convolutions
    self._host = script_ops.Host()
    options.host_fn = ffi.cast("tw_host_fn", lib.twpy_host_call)
    options.host_user = self._host.handle
    out = ffi.new("tw_session**")
    check(lib.tw_session_create(self._graph._handle, options, out))
    self._handle = ffi.gc(out[0], lib.tw_session_release)

  @property
  def graph(self):
    return self._graph

  @property
  def graph_def(self):
    return self._graph.as_graph_def(add_shapes=self._add_shapes)

  @property
  def sess_str(self):
    return self._target

  def list_devices(self):
    """The devices of this session."""
    return [_DeviceAttributes("/job:localhost/replica:0/task:0/device:CPU:0", "CPU", 268435456, 1)]

  def close(self):
    """Ends steps in flight and gives the variables back."""
    with self._lock:
      if self._closed:
        return
      self._closed = True
      self._prepared = {}
    check(lib.tw_session_close(self._handle))

  def __del__(self):
    # Freed by the handle's own finaliser.
    self._prepared = None

  def as_default(self):
    return ops.default_session(self)

  def reset(self):
    self._prepared = {}

  # --- run ---

  def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
    """Runs one step and returns the values of `fetches`, in its structure."""
    if options is None and run_metadata is None:
      key = _simple_key(fetches, feed_dict)
      prepared = self._prepared.get(key) if key is not None and not self._closed else None
      if prepared is not None:
        return self._run_prepared(prepared, feed_dict.values() if feed_dict else (), NULL, NULL)
    else:
      key = None
    self._check_open()
    prepared, values = self._prepare(fetches, feed_dict, key)
    c_options, metadata = self._run_options(options, run_metadata)
    try:
      return self._run_prepared(prepared, values, c_options, metadata)
    finally:
      if metadata != NULL:
        self._fill_metadata(run_metadata, metadata)

  def _check_open(self):
    if self._closed:
      raise RuntimeError("Attempted to use a closed Session.")
    if self._graph.version == 0:
      raise RuntimeError("The Session graph is empty.  Add operations to the graph before calling run().")

  def _prepare(self, fetches, feed_dict, key):
    feeders, values = [], []
    if feed_dict is not None and not isinstance(feed_dict, dict):
      feed_dict = _flatten_feed_dict(feed_dict)
    for feed, value in (feed_dict.items() if feed_dict else ()):
      for target, part in feed_targets(self._graph, feed, value):
        feeders.append(Feeder(self._graph, target))
        values.append(part)
    mapper = fetch_lib.FetchMapper.for_fetch(fetches)
    handler = fetch_lib.FetchHandler(self._graph, mapper, {f.tensor: i for i, f in enumerate(feeders)})
    callable_ = self._compile([f.tensor for f in feeders], handler.tensors, handler.targets)
    prepared = _Prepared(callable_, feeders, handler, len(handler.tensors))
    prepared.keep = key
    if key is not None and (not feed_dict or len(values) == len(feed_dict)):
      with self._lock:
        if len(self._prepared) >= _MAX_PREPARED:
          self._prepared.pop(next(iter(self._prepared)))
        self._prepared[key] = prepared
    return prepared, values

  def _compile(self, feeds, tensors, targets):
    out = ffi.new("tw_callable**")
    status = lib.tw_session_prepare(
        self._handle, [t._c_output() for t in feeds], len(feeds), [t._c_output() for t in tensors], len(tensors),
        [op._id for op in targets], len(targets), out)
    if status != NULL:
      raise self._run_error(StatusError(status))
    return ffi.gc(out[0], lib.tw_callable_release)

  def _run_prepared(self, prepared, values, options, metadata):
    packed = b""
    if values:
      held = []
      try:
        packed = b"".join(map(Feeder.pack, prepared.feeders, values, itertools.repeat(held)))
      except BaseException:
        for t in held:
          lib.tw_tensor_release(t)
        raise
    results = prepared.results
    if results is None:
      if not values and options is NULL and metadata is NULL:
        status = lib.twpy_run_targets(prepared.callable)
      else:
        status = lib.twpy_run(prepared.callable, options, packed, len(prepared.feeders), NULL, metadata)
      if status:
        raise self._run_error(StatusError(status))
      return prepared.mapper.build((), values)
    places = results.take_places()
    status = lib.twpy_run(prepared.callable, options, packed, len(prepared.feeders), places.c, metadata)
    if status:
      raise self._run_error(StatusError(status))
    fetched = results.values(places)
    results.give_back(places)
    return prepared.mapper.build(fetched, values)

  def _run_error(self, error):
    raised = self._host.exception_of(error)
    if raised is not None:
      return raised
    if self._closed and error.code in (errors.CANCELLED, errors.FAILED_PRECONDITION):
      return errors.CancelledError(None, None, error.message) if error.code == errors.CANCELLED else RuntimeError(
          "Attempted to use a closed Session.")
    return to_error(error, self._graph)

  def _run_options(self, options, run_metadata):
    c_options, metadata = NULL, NULL
    if options is not None:
      c_options = ffi.new("tw_run_options*")
      c_options.struct_size = ffi.sizeof("tw_run_options")
      c_options.timeout_ms = options.timeout_in_ms
      c_options.trace = 1 if options.trace_level > 0 and run_metadata is not None else 0
    if run_metadata is not None:
      metadata = ffi.gc(lib.tw_run_metadata_create(), lib.tw_run_metadata_release)
    return c_options, metadata

  def _fill_metadata(self, run_metadata, metadata):
    run_metadata.Clear()
    data = buffer_call(lib.tw_run_metadata_to_proto, metadata)
    parsed = _protos.message("RunMetadata").FromString(data)
    if parsed.step_stats.dev_stats and parsed.step_stats.dev_stats[0].node_stats:
      run_metadata.CopyFrom(parsed)

  def partial_run_setup(self, fetches, feeds=None):
    """Prepares a step whose feeds arrive in parts."""
    from thalweg.client.partial_run import PartialRun
    self._check_open()
    return PartialRun(self, fetches, feeds)

  def partial_run(self, handle, fetches, feed_dict=None):
    """Gives a partial step more feeds, and returns the fetches that they allow."""
    return handle.run(fetches, feed_dict)

  def make_callable(self, fetches, feed_list=None, accept_options=False):
    """A function of the values of `feed_list` that runs a step and returns `fetches`."""
    self._check_open()
    if feed_list is not None and not isinstance(feed_list, (list, tuple)):
      raise TypeError("`feed_list` must be a list or tuple.")
    feeders = []
    for feed in feed_list or ():
      feeders.append(Feeder(self._graph, self._graph.as_graph_element(feed, allow_operation=False)))
    mapper = fetch_lib.FetchMapper.for_fetch(fetches)
    handler = fetch_lib.FetchHandler(self._graph, mapper, {f.tensor: i for i, f in enumerate(feeders)})
    callable_ = self._compile([f.tensor for f in feeders], handler.tensors, handler.targets)
    prepared = _Prepared(callable_, feeders, handler, len(handler.tensors))
    count = len(feeders)

    def run(*feed_args, options=None, run_metadata=None):
      if len(feed_args) != count:
        raise TypeError("this callable takes %d values to feed, but was given %d" % (count, len(feed_args)))
      if self._closed:
        raise RuntimeError("Attempted to use a closed Session.")
      if options is None and run_metadata is None:
        return self._run_prepared(prepared, feed_args, NULL, NULL)
      c_options, c_metadata = self._run_options(options, run_metadata)
      try:
        return self._run_prepared(prepared, feed_args, c_options, c_metadata)
      finally:
        if c_metadata != NULL:
          self._fill_metadata(run_metadata, c_metadata)

    if feeders or handler.tensors:
      return run
    step, build = lib.twpy_run_targets, handler.build

    def run_targets(*feed_args, options=None, run_metadata=None):
      if feed_args or options is not None or run_metadata is not None or self._closed:
        return run(*feed_args, options=options, run_metadata=run_metadata)
      status = step(callable_)
      if status:
        raise self._run_error(StatusError(status))
      return build((), ())

    return run_targets


_SIMPLE = (Tensor, Operation)


def _simple_key(fetches, feed_dict):
  """A dictionary key for fetches and feeds that need no look at the graph; None for others."""
  if feed_dict:
    if feed_dict.__class__ is not dict:
      return None
    for k in feed_dict:
      if k.__class__ is not Tensor:
        return None
    feeds = tuple(feed_dict)
  else:
    feeds = ()
  if fetches.__class__ in _SIMPLE:
    return (fetches, feeds)
  if fetches.__class__ is list or fetches.__class__ is tuple:
    for f in fetches:
      if f.__class__ not in _SIMPLE:
        return None
    return (fetches.__class__, tuple(fetches), feeds)
  return None


def _flatten_feed_dict(feed_dict):
  from thalweg.util import nest
  return nest.flatten_dict_items(feed_dict)


class _DeviceAttributes:

  def __init__(self, name, device_type, memory_limit_bytes, incarnation):
    self._name, self._device_type = name, device_type
    self._memory_limit_bytes, self._incarnation = memory_limit_bytes, incarnation

  @property
  def name(self):
    return self._name

  @property
  def device_type(self):
    return self._device_type

  @property
  def memory_limit_bytes(self):
    return self._memory_limit_bytes

  @property
  def incarnation(self):
    return self._incarnation

  def __repr__(self):
    return "_DeviceAttributes(%s, %s, %d, %d)" % (
        self._name, self._device_type, self._memory_limit_bytes, self._incarnation)


class Session(BaseSession):
  """A session usable in a `with` block, which makes it and its graph the default and closes it at the end."""

  def __init__(self, target="", graph=None, config=None):
    super().__init__(target, graph, config=config)
    self._contexts = threading.local()

  def _context_stack(self):
    if not hasattr(self._contexts, "stack"):
      self._contexts.stack = []
    return self._contexts.stack

  def __enter__(self):
    graph_context = self.graph.as_default()
    session_context = self.as_default()
    session_context.enforce_nesting = False
    graph_context.__enter__()
    session_context.__enter__()
    self._context_stack().append((graph_context, session_context))
    return self

  def __exit__(self, exec_type, exec_value, exec_tb):
    if exec_type is errors.OpError:
      import logging
      logging.getLogger("thalweg").error("Session closing due to error %s", exec_value)
    graph_context, session_context = self._context_stack().pop()
    try:
      session_context.__exit__(exec_type, exec_value, exec_tb)
    finally:
      graph_context.__exit__(exec_type, exec_value, exec_tb)
    self.close()

  @staticmethod
  def reset(target, containers=None, config=None):
    """Resource containers of a remote target; local sessions keep theirs to themselves."""
    raise errors.UnimplementedError(None, None, "Session.reset() needs a remote target")


class InteractiveSession(BaseSession):
  """A session that makes itself the default when it is built, for shells."""

  _active = 0

  def __init__(self, target="", graph=None, config=None):
    super().__init__(target, graph, config)
    self._explicit_graph = graph
    self._default_graph = None
    if InteractiveSession._active > 0:
      import warnings
      warnings.warn("An interactive session is already active. You must explicitly call `InteractiveSession.close()` "
                    "to release resources held by the other session(s).")
    InteractiveSession._active += 1
    if graph is not None:
      self._default_graph = graph.as_default()
      self._default_graph.__enter__()
    ops._default_session_stack.enforce_nesting = False
    self._default_session = self.as_default()
    self._default_session.__enter__()

  def close(self):
    if self._closed:
      return
    super().close()
    InteractiveSession._active -= 1
    stack = ops._default_session_stack.stack
    if self in stack:
      stack.remove(self)
    if self._default_graph is not None and self._graph in ops._default_graph_stack.stack:
      ops._default_graph_stack.stack.remove(self._graph)


register_session_run_conversion_functions = fetch_lib.register_session_run_conversion_functions
