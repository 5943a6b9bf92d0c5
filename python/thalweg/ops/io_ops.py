"""Readers: records out of files whose names come from a queue."""

from thalweg.framework.op_create import op as _op, operation as _operation
from thalweg.lib.io.tf_record import TFRecordOptions
from thalweg.ops.string_ops import matching_files, read_file, write_file  # noqa: F401


class ReaderBase(object):
  """What all readers have in common; made by the classes below."""

  def __init__(self, reader_ref, supports_serialize=False):
    self._reader_ref = reader_ref
    self._supports_serialize = supports_serialize

  @property
  def reader_ref(self):
    return self._reader_ref

  @staticmethod
  def _queue_ref(queue):
    return queue if not hasattr(queue, "queue_ref") else queue.queue_ref

  def read(self, queue, name=None):
    """(key, value), strings: the next record of the file at hand, or of the next one that `queue` names. When the queue
    is closed and empty, running it is an OutOfRangeError."""
    return _op("ReaderReadV2", name, (self._reader_ref, self._queue_ref(queue)))

  def read_up_to(self, queue, num_records, name=None):
    """(keys, values), vectors of at most `num_records` and at least one string, of one file."""
    return _op("ReaderReadUpToV2", name, (self._reader_ref, self._queue_ref(queue), num_records))

  def num_records_produced(self, name=None):
    return _op("ReaderNumRecordsProducedV2", name, (self._reader_ref,))

  def num_work_units_completed(self, name=None):
    """The number of files that were read to their end."""
    return _op("ReaderNumWorkUnitsCompletedV2", name, (self._reader_ref,))

  def serialize_state(self, name=None):
    """How far the reader is, as a string; only some readers can tell."""
    return _op("ReaderSerializeStateV2", name, (self._reader_ref,))

  def restore_state(self, state, name=None):
    return _operation("ReaderRestoreStateV2", name, (self._reader_ref, state))

  @property
  def supports_serialize(self):
    return self._supports_serialize

  def reset(self, name=None):
    return _operation("ReaderResetV2", name, (self._reader_ref,))


class WholeFileReader(ReaderBase):
  """Gives each file's name and contents."""

  def __init__(self, name=None):
    super().__init__(_op("WholeFileReaderV2", name, ()), supports_serialize=True)


class TextLineReader(ReaderBase):
  """Gives lines without their ends, under FILE:NUMBER from 1."""

  def __init__(self, skip_header_lines=None, name=None):
    super().__init__(_op("TextLineReaderV2", name, (), {"skip_header_lines": skip_header_lines or 0}))


class FixedLengthRecordReader(ReaderBase):
  """Gives records of `record_bytes` from behind a header on, under FILE:NUMBER from 0; `hop_bytes` from the beginning of
  one to that of the next, 0 for none between them. `encoding` may be "ZLIB" or "GZIP"."""

  def __init__(self, record_bytes, header_bytes=None, footer_bytes=None, hop_bytes=None, name=None, encoding=None):
    super().__init__(_op("FixedLengthRecordReaderV2", name, (), {
        "record_bytes": record_bytes, "header_bytes": header_bytes or 0, "footer_bytes": footer_bytes or 0,
        "hop_bytes": hop_bytes or 0, "encoding": encoding or ""}))


class TFRecordReader(ReaderBase):
  """Gives the records of TFRecord files, under FILE:OFFSET."""

  def __init__(self, name=None, options=None):
    compression = TFRecordOptions.get_compression_type_string(options)
    super().__init__(_op("TFRecordReaderV2", name, (), {"compression_type": compression}))


class IdentityReader(ReaderBase):
  """Gives what comes out of the queue, as key and value."""

  def __init__(self, name=None):
    super().__init__(_op("IdentityReaderV2", name, ()), supports_serialize=True)
