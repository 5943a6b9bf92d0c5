"""QueueRunner: threads that keep a queue filled."""

import threading
import weakref

from thalweg import _protos
from thalweg.client import session as session_lib
from thalweg.framework import errors, ops
from thalweg.platform import tf_logging as logging


class QueueRunner:
  """A queue, and the operations that fill it, each to be run over and over in a thread of its own.

  A thread ends when its coordinator stops, or with an exception; one of `queue_closed_exception_types` is the end of the
  input, and the last thread to meet it closes the queue. Any other exception stops the coordinator.
  """

  def __init__(self, queue=None, enqueue_ops=None, close_op=None, cancel_op=None, queue_closed_exception_types=None,
               queue_runner_def=None, import_scope=None):
    if queue_runner_def:
      if queue or enqueue_ops:
        raise ValueError("queue_runner_def and queue are mutually exclusive.")
      self._init_from_proto(queue_runner_def, import_scope=import_scope)
    else:
      self._init_from_args(queue, enqueue_ops, close_op, cancel_op, queue_closed_exception_types)
    self._lock = threading.Lock()
    self._runs_per_session = weakref.WeakKeyDictionary()
    self._exceptions_raised = []

  def _init_from_args(self, queue, enqueue_ops, close_op, cancel_op, closed_types):
    if not queue or not enqueue_ops:
      raise ValueError("Must provide queue and enqueue_ops.")
    self._queue = queue
    self._enqueue_ops = enqueue_ops
    self._close_op = close_op if close_op is not None else queue.close()
    self._cancel_op = cancel_op if cancel_op is not None else queue.close(cancel_pending_enqueues=True)
    if closed_types is not None:
      if (not isinstance(closed_types, tuple) or not closed_types or
          not all(isinstance(t, type) and issubclass(t, errors.OpError) for t in closed_types)):
        raise TypeError("queue_closed_exception_types, when provided, must be a tuple of tf.error types, but saw: %s" %
                        (closed_types,))
    self._queue_closed_exception_types = closed_types or (errors.OutOfRangeError,)

  def _init_from_proto(self, definition, import_scope=None):
    graph = ops.get_default_graph()

    def element(name):
      return graph.as_graph_element(ops.prepend_name_scope(name, import_scope))

    self._queue = element(definition.queue_name)
    self._enqueue_ops = [element(n) for n in definition.enqueue_op_name]
    self._close_op = element(definition.close_op_name)
    self._cancel_op = element(definition.cancel_op_name)
    self._queue_closed_exception_types = tuple(
        errors.exception_type_from_error_code(c) for c in definition.queue_closed_exception_types) or (
            errors.OutOfRangeError,)

  @property
  def queue(self):
    return self._queue

  @property
  def enqueue_ops(self):
    return self._enqueue_ops

  @property
  def close_op(self):
    return self._close_op

  @property
  def cancel_op(self):
    return self._cancel_op

  @property
  def queue_closed_exception_types(self):
    return self._queue_closed_exception_types

  @property
  def exceptions_raised(self):
    """What ended threads that had no coordinator to tell."""
    return self._exceptions_raised

  @property
  def name(self):
    return self._queue.name

  def _run(self, sess, enqueue_op, coord=None):
    decremented = False
    try:
      enqueue = sess.make_callable(enqueue_op)
      while not (coord and coord.should_stop()):
        try:
          enqueue()
        except self._queue_closed_exception_types:
          with self._lock:
            self._runs_per_session[sess] -= 1
            decremented = True
            last = self._runs_per_session[sess] == 0
          if last:
            try:
              sess.run(self._close_op)
            except errors.OpError as e:
              # Somebody else may have closed it, or the session.
              logging.vlog(1, "Ignored exception: %s", str(e))
          return
    except Exception as e:
      if coord:
        coord.request_stop(e)
      else:
        logging.error("Exception in QueueRunner: %s", str(e))
        with self._lock:
          self._exceptions_raised.append(e)
        raise
    finally:
      if not decremented:
        with self._lock:
          self._runs_per_session[sess] -= 1

  def _close_on_stop(self, sess, cancel_op, coord):
    """Ends enqueues that wait when the coordinator stops."""
    coord.wait_for_stop()
    try:
      sess.run(cancel_op)
    except (errors.OpError, RuntimeError) as e:
      # The queue, or the session, is closed already.
      logging.vlog(1, "Ignored exception: %s", str(e))

  def create_threads(self, sess, coord=None, daemon=False, start=False):
    """The threads that fill the queue in this session; none while those of an earlier call still run.

    Args:
      sess: the Session that runs the operations.
      coord: a Coordinator that hears of exceptions and stops the threads, or None.
      daemon: whether the program may end before the threads do.
      start: whether to start them, or leave that to the caller.
    """
    with self._lock:
      if self._runs_per_session.get(sess, 0) > 0:
        return []
      self._runs_per_session[sess] = len(self._enqueue_ops)
      self._exceptions_raised = []
    threads = [threading.Thread(target=self._run, args=(sess, op, coord),
                                name="QueueRunnerThread-%s-%s" % (self.name, op.name)) for op in self._enqueue_ops]
    if coord:
      threads.append(threading.Thread(target=self._close_on_stop, args=(sess, self._cancel_op, coord),
                                      name="QueueRunnerThread-%s-close_on_stop" % self.name))
    for thread in threads:
      if coord:
        coord.register_thread(thread)
      if daemon:
        thread.daemon = True
      if start:
        thread.start()
    return threads

  def to_proto(self, export_scope=None):
    """A QueueRunnerDef; None when the queue lies outside `export_scope`."""
    if export_scope is not None and not self._queue.name.startswith(export_scope):
      return None
    definition = _protos.message("QueueRunnerDef")()
    definition.queue_name = ops.strip_name_scope(self._queue.name, export_scope)
    for op in self._enqueue_ops:
      definition.enqueue_op_name.append(ops.strip_name_scope(op.name, export_scope))
    definition.close_op_name = ops.strip_name_scope(self._close_op.name, export_scope)
    definition.cancel_op_name = ops.strip_name_scope(self._cancel_op.name, export_scope)
    definition.queue_closed_exception_types.extend(
        errors.error_code_from_exception_type(t) for t in self._queue_closed_exception_types)
    return definition

  @staticmethod
  def from_proto(queue_runner_def, import_scope=None):
    return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def add_queue_runner(qr, collection=ops.GraphKeys.QUEUE_RUNNERS):
  """Has start_queue_runners() start the runner."""
  ops.add_to_collection(collection, qr)


def start_queue_runners(sess=None, coord=None, daemon=True, start=True, collection=ops.GraphKeys.QUEUE_RUNNERS):
  """The threads of all queue runners of the session's graph, started unless told otherwise."""
  if sess is None:
    sess = ops.get_default_session()
    if not sess:
      raise ValueError("Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or "
                       "pass an explicit session to tf.start_queue_runners(sess=sess)")
  if not isinstance(sess, session_lib.SessionInterface):
    # Sessions that start their runners themselves.
    if sess.__class__.__name__ in ("MonitoredSession", "SingularMonitoredSession"):
      return []
    raise TypeError("sess must be a `tf.Session` object. Given class: %s" % sess.__class__)
  runners = ops.get_collection(collection)
  if not runners:
    logging.warning("`tf.train.start_queue_runners()` was called when no queue runners were defined. You can safely "
                    "remove the call to this deprecated function.")
  with sess.graph.as_default():
    threads = []
    for runner in ops.get_collection(collection):
      threads.extend(runner.create_threads(sess, coord=coord, daemon=daemon, start=start))
  return threads


def _queue_runner_def(*args, **kwargs):
  return _protos.message("QueueRunnerDef")(*args, **kwargs)


ops.register_proto_function(ops.GraphKeys.QUEUE_RUNNERS, proto_type=_queue_runner_def, to_proto=QueueRunner.to_proto,
                            from_proto=QueueRunner.from_proto)
