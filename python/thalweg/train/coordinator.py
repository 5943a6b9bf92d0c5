"""Threads that stop together: Coordinator and LooperThread."""

import contextlib
import sys
import threading
import time

from thalweg.framework import errors
from thalweg.platform import tf_logging as logging


class Coordinator(object):
  """Tells a set of threads to stop, and passes the first exception of any of them to whoever joins them.

  Exceptions of `clean_stop_exception_types` (OutOfRangeError, the end of the data, by default) stop the threads and are
  not passed on. All methods may be called from any thread.
  """

  def __init__(self, clean_stop_exception_types=None):
    if clean_stop_exception_types is None:
      clean_stop_exception_types = (errors.OutOfRangeError,)
    self._clean_stop_exception_types = tuple(clean_stop_exception_types)
    self._lock = threading.Lock()
    self._stop_event = threading.Event()
    self._exc_info_to_raise = None
    self._joined = False
    self._registered_threads = set()

  def _exc_info(self, ex):
    """(type, value, traceback) of an exception or such a tuple; None for a clean stop."""
    value = ex[1] if isinstance(ex, tuple) else ex
    if value is None or isinstance(value, self._clean_stop_exception_types):
      return None
    if isinstance(ex, tuple) and len(ex) == 3:
      return ex
    if isinstance(ex, BaseException):
      return type(ex), ex, ex.__traceback__
    fault = ValueError("ex must be a tuple or sys.exc_info must return the current exception: %s" % (ex,))
    return type(fault), fault, None

  def request_stop(self, ex=None):
    """Asks all threads to stop; `ex`, an exception or sys.exc_info(), is raised by join(). After join() it is raised
    here, as nobody else would see it."""
    with self._lock:
      exc_info = self._exc_info(ex)
      if self._joined and exc_info is not None:
        raise exc_info[1].with_traceback(exc_info[2])
      if not self._stop_event.is_set():
        if exc_info is not None and self._exc_info_to_raise is None:
          logging.info("Error reported to Coordinator: %s", exc_info[1], exc_info=exc_info)
          self._exc_info_to_raise = exc_info
        self._stop_event.set()

  def clear_stop(self):
    """Ready for another use: should_stop() is False until the next request."""
    with self._lock:
      self._joined = False
      self._exc_info_to_raise = None
      self._stop_event.clear()

  def should_stop(self):
    return self._stop_event.is_set()

  @contextlib.contextmanager
  def stop_on_exception(self):
    """Requests a stop with any exception of the block, which is swallowed: join() raises it."""
    try:
      yield
    except:  # noqa: E722  (KeyboardInterrupt and SystemExit must stop the others too)
      self.request_stop(ex=sys.exc_info())

  def wait_for_stop(self, timeout=None):
    """Waits for a request, at most `timeout` seconds; True when there was one."""
    return self._stop_event.wait(timeout)

  def register_thread(self, thread):
    """Adds a thread to those that join() waits for."""
    with self._lock:
      self._registered_threads.add(thread)

  def join(self, threads=None, stop_grace_period_secs=120, ignore_live_threads=False):
    """Waits until the threads have ended, or a stop was requested and the grace period is over. Raises the exception of
    the request; RuntimeError when threads still run, unless they are to be ignored."""
    with self._lock:
      threads = list(self._registered_threads.union(threads or ()))
    while any(t.is_alive() for t in threads) and not self.wait_for_stop(1.0):
      pass
    deadline = time.monotonic() + stop_grace_period_secs
    for t in threads:
      t.join(max(0.0, deadline - time.monotonic()))
    stragglers = [t.name for t in threads if t.is_alive()]
    with self._lock:
      self._joined = True
      self._registered_threads = set()
      if self._exc_info_to_raise:
        raise self._exc_info_to_raise[1].with_traceback(self._exc_info_to_raise[2])
      if stragglers:
        if not ignore_live_threads:
          raise RuntimeError("Coordinator stopped with threads still running: %s" % " ".join(stragglers))
        logging.info("Coordinator stopped with threads still running: %s", " ".join(stragglers))

  @property
  def joined(self):
    return self._joined

  def raise_requested_exception(self):
    """Raises the exception of the request to stop, if it had one."""
    with self._lock:
      if self._exc_info_to_raise:
        raise self._exc_info_to_raise[1].with_traceback(self._exc_info_to_raise[2])


class LooperThread(threading.Thread):
  """A daemon thread that calls run_loop(), or `target`, every `timer_interval_secs` (without pause when None) until its
  coordinator stops. An exception in it stops the coordinator."""

  def __init__(self, coord, timer_interval_secs, target=None, args=None, kwargs=None):
    if not isinstance(coord, Coordinator):
      raise ValueError("'coord' argument must be a Coordinator: %s" % coord)
    super(LooperThread, self).__init__()
    self.daemon = True
    self._coord = coord
    self._timer_interval_secs = timer_interval_secs
    self._target = target
    if not target and (args or kwargs):
      raise ValueError("'args' and 'kwargs' argument require that you also pass 'target'")
    self._args = args or ()
    self._kwargs = kwargs or {}
    coord.register_thread(self)

  @staticmethod
  def loop(coord, timer_interval_secs, target, args=None, kwargs=None):
    """Starts a thread that calls target(*args, **kwargs)."""
    looper = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
    looper.start()
    return looper

  def run(self):
    with self._coord.stop_on_exception():
      self.start_loop()
      if self._timer_interval_secs is None:
        while not self._coord.should_stop():
          self.run_loop()
      else:
        # Times are counted from the start, so that a slow call does not shift the later ones.
        due = time.monotonic()
        while not self._coord.wait_for_stop(max(0.0, due - time.monotonic())):
          due += self._timer_interval_secs
          self.run_loop()
      self.stop_loop()

  def start_loop(self):
    """Called in the thread before the first run_loop()."""

  def stop_loop(self):
    """Called in the thread after the last run_loop()."""

  def run_loop(self):
    """Called in the thread again and again."""
    if self._target:
      self._target(*self._args, **self._kwargs)
