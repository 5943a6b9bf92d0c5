"""Event files: FileWriter, and reading them back."""

import atexit
import os
import threading
import time
import weakref

from thalweg import _protos
from thalweg._c import borrowed, check, ffi, lib
from thalweg._c import text as _text
from thalweg.lib.io import tf_record

_open_writers = weakref.WeakSet()


@atexit.register
def _close_all():
  for writer in list(_open_writers):
    writer.close()


class EventFileWriter(object):
  """Appends Event messages to a new event file. Thread-safe.

  Events reach the file after `max_queue` of them, `flush_secs` after the first unwritten one, and on flush and close.
  """

  def __init__(self, logdir, max_queue=10, flush_secs=120, filename_suffix=None):
    self._logdir = os.fspath(logdir)
    self._suffix = filename_suffix or ""
    self._max_queue, self._flush_secs = max_queue, flush_secs
    self._lock = threading.RLock()
    self._handle, self._pending, self._timer = None, 0, None
    self.reopen()

  def get_logdir(self):
    return self._logdir

  def reopen(self):
    """Starts a new file after close(); nothing while one is open."""
    with self._lock:
      if self._handle is not None:
        return
      out = ffi.new("tw_record_writer**")
      check(lib.tw_event_writer_create(borrowed(os.fsencode(self._logdir)), borrowed(self._suffix.encode()), out))
      self._handle = ffi.gc(out[0], lib.tw_record_writer_release)
      _open_writers.add(self)

  @property
  def path(self):
    with self._lock:
      return None if self._handle is None else _text(lib.tw_record_writer_path(self._handle))

  def add_event(self, event):
    data = event if isinstance(event, bytes) else event.SerializeToString()
    with self._lock:
      if self._handle is None:
        return
      check(lib.tw_record_writer_write(self._handle, ffi.from_buffer("char[]", data), len(data)))
      self._pending += 1
      if self._pending >= self._max_queue:
        self._flush()
      elif self._timer is None:
        self._timer = threading.Timer(self._flush_secs, _flush_later, [weakref.ref(self)])
        self._timer.daemon = True
        self._timer.start()

  def _flush(self):
    if self._timer is not None:
      self._timer.cancel()
      self._timer = None
    self._pending = 0
    if self._handle is not None:
      check(lib.tw_record_writer_flush(self._handle, 0))

  def flush(self):
    with self._lock:
      self._flush()

  def close(self):
    with self._lock:
      if self._handle is None:
        return
      self._flush()
      handle, self._handle = self._handle, None
      _open_writers.discard(self)
      check(lib.tw_record_writer_close(handle))


def _flush_later(reference):
  writer = reference()
  if writer is not None:
    writer.flush()


class _SessionEventWriter(object):
  """An event writer that a session keeps for all who write to the same folder from within it."""

  _writers = weakref.WeakKeyDictionary()  # session -> folder -> EventFileWriter
  _lock = threading.Lock()

  def __init__(self, session, logdir, max_queue, flush_secs, filename_suffix):
    self._session, self._logdir = session, os.fspath(logdir)
    self._arguments = (max_queue, flush_secs, filename_suffix)
    self._closed = False
    self._shared()

  def _shared(self):
    if getattr(self._session, "_closed", False):
      raise RuntimeError("Attempted to use a closed Session.")
    with self._lock:
      folders = self._writers.setdefault(self._session, {})
      if self._logdir not in folders:
        folders[self._logdir] = EventFileWriter(self._logdir, *self._arguments)
      return folders[self._logdir]

  def get_logdir(self):
    return self._logdir

  def reopen(self):
    self._closed = False
    self._shared()

  def add_event(self, event):
    if not self._closed:
      self._shared().add_event(event)

  def flush(self):
    self._shared().flush()

  def close(self):
    if self._closed:
      return
    self._closed = True
    self._shared().close()
    with self._lock:
      self._writers[self._session].pop(self._logdir, None)


class FileWriter(object):
  """Writes summaries, graphs and run metadata to an event file in `logdir`. All writers of one `session` and folder
  write to one file, which one of them may close for all."""

  def __init__(self, logdir, graph=None, max_queue=10, flush_secs=120, graph_def=None, filename_suffix=None,
               session=None):
    if session is not None:
      self.event_writer = _SessionEventWriter(session, logdir, max_queue, flush_secs, filename_suffix)
    else:
      self.event_writer = EventFileWriter(logdir, max_queue, flush_secs, filename_suffix)
    self._seen_tags = set()
    self._closed = False
    if graph is not None or graph_def is not None:
      self.add_graph(graph=graph, graph_def=graph_def)
      if graph is not None:
        from thalweg.framework import meta_graph
        self.add_meta_graph(meta_graph.create_meta_graph_def(
            graph=graph, graph_def=graph_def or graph.as_graph_def(add_shapes=True)))

  def __enter__(self):
    return self

  def __exit__(self, unused_type, unused_value, unused_traceback):
    self.close()

  def get_logdir(self):
    return self.event_writer.get_logdir()

  def _add(self, event, step=None):
    if self._closed:
      import warnings
      warnings.warn("Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is "
                    "explicitly reopened.")
    event.wall_time = time.time()
    if step is not None:
      event.step = int(step)
    self.event_writer.add_event(event)

  def add_event(self, event):
    if self._closed:
      import warnings
      warnings.warn("Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is "
                    "explicitly reopened.")
    self.event_writer.add_event(event)

  def add_summary(self, summary, global_step=None):
    """Adds a Summary, as a message or as the bytes that a session gave."""
    if isinstance(summary, bytes):
      message = _protos.message("Summary")()
      message.ParseFromString(summary)
      summary = message
    # Metadata is written once per tag.
    for value in summary.value:
      if not value.HasField("metadata"):
        continue
      if value.tag in self._seen_tags:
        value.ClearField("metadata")
      else:
        self._seen_tags.add(value.tag)
    self._add(_protos.message("Event")(summary=summary), global_step)

  def add_session_log(self, session_log, global_step=None):
    self._add(_protos.message("Event")(session_log=session_log), global_step)

  def add_graph(self, graph, global_step=None, graph_def=None):
    """Adds a graph, for the board's picture of it."""
    if graph is not None and graph_def is not None:
      raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
    from thalweg.framework import ops
    if isinstance(graph, ops.Graph):
      data = graph.as_graph_def(add_shapes=True)
    elif graph is not None:
      data = graph
    elif graph_def is not None:
      data = graph_def
    else:
      raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")
    self._add(_protos.message("Event")(graph_def=data.SerializeToString()), global_step)

  def add_meta_graph(self, meta_graph_def, global_step=None):
    if not hasattr(meta_graph_def, "collection_def"):
      raise TypeError("meta_graph_def must be type MetaGraphDef, saw type: %s" % type(meta_graph_def))
    self._add(_protos.message("Event")(meta_graph_def=meta_graph_def.SerializeToString()), global_step)

  def add_run_metadata(self, run_metadata, tag, global_step=None):
    if tag in self._seen_tags:
      raise ValueError("The provided tag was already used for this event type")
    self._seen_tags.add(tag)
    tagged = _protos.message("TaggedRunMetadata")(tag=tag, run_metadata=run_metadata.SerializeToString())
    self._add(_protos.message("Event")(tagged_run_metadata=tagged), global_step)

  def flush(self):
    self.event_writer.flush()

  def close(self):
    self.event_writer.close()
    self._closed = True

  def reopen(self):
    self.event_writer.reopen()
    self._closed = False


class FileWriterCache(object):
  """One FileWriter per folder."""

  _cache = {}
  _lock = threading.RLock()

  @staticmethod
  def clear():
    with FileWriterCache._lock:
      for writer in FileWriterCache._cache.values():
        writer.close()
      FileWriterCache._cache = {}

  @staticmethod
  def get(logdir):
    from thalweg.framework import ops
    with FileWriterCache._lock:
      if logdir not in FileWriterCache._cache:
        FileWriterCache._cache[logdir] = FileWriter(logdir, graph=ops.get_default_graph())
      return FileWriterCache._cache[logdir]


def summary_iterator(path):
  """The Event messages of an event file."""
  for record in tf_record.tf_record_iterator(path):
    event = _protos.message("Event")()
    event.ParseFromString(record)
    yield event
