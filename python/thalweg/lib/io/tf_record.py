"""TFRecord files, plain or compressed."""

import gzip
import io
import os
import struct
import zlib

from thalweg._c import borrowed, check, ffi, lib, take_buffer
from thalweg.framework import errors


class TFRecordCompressionType(object):
  NONE, ZLIB, GZIP = 0, 1, 2


class TFRecordOptions(object):
  """How a record file is compressed."""

  compression_type_map = {TFRecordCompressionType.ZLIB: "ZLIB", TFRecordCompressionType.GZIP: "GZIP",
                          TFRecordCompressionType.NONE: ""}

  def __init__(self, compression_type=None, flush_mode=None, input_buffer_size=None, output_buffer_size=None,
               window_bits=None, compression_level=None, compression_method=None, mem_level=None,
               compression_strategy=None):
    self.get_compression_type_string(compression_type)
    self.compression_type, self.compression_level = compression_type, compression_level
    self.window_bits, self.mem_level = window_bits, mem_level

  @classmethod
  def get_compression_type_string(cls, options):
    if not options:
      return ""
    if isinstance(options, TFRecordOptions):
      return cls.get_compression_type_string(options.compression_type)
    if options in cls.compression_type_map:
      return cls.compression_type_map[options]
    if options in cls.compression_type_map.values():
      return options
    raise ValueError('Not a valid compression_type: "{}"'.format(options))


def _masked_crc(data):
  crc = lib.tw_crc32c(ffi.from_buffer("char[]", data) if data else ffi.NULL, len(data))
  return (((crc >> 15) | (crc << 17)) + 0xa282ead8) & 0xffffffff


class TFRecordWriter(object):
  """Writes records to a file; a context manager."""

  def __init__(self, path, options=None):
    self._path = os.fspath(path)
    kind = TFRecordOptions.get_compression_type_string(options)
    level = getattr(options, "compression_level", None)
    level = -1 if level is None else level
    self._handle = self._file = None
    if not kind:
      out = ffi.new("tw_record_writer**")
      check(lib.tw_record_writer_create(borrowed(os.fsencode(self._path)), 0, out))
      self._handle = ffi.gc(out[0], lib.tw_record_writer_release)
    else:
      from thalweg.platform import gfile
      with gfile._Translated(self._path):
        self._file = open(self._path, "wb")
      self._deflate = zlib.compressobj(level, zlib.DEFLATED, 31 if kind == "GZIP" else 15)

  def write(self, record):
    if self._handle is not None:
      check(lib.tw_record_writer_write(self._handle, ffi.from_buffer("char[]", record), len(record)))
      return
    if self._file is None:
      raise errors.FailedPreconditionError(None, None, "Writer is closed.")
    length = struct.pack("<Q", len(record))
    framed = length + struct.pack("<I", _masked_crc(length)) + record + struct.pack("<I", _masked_crc(record))
    self._file.write(self._deflate.compress(framed))

  def flush(self):
    if self._handle is not None:
      check(lib.tw_record_writer_flush(self._handle, 0))
    elif self._file is not None:
      self._file.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
      self._file.flush()

  def close(self):
    if self._handle is not None:
      handle, self._handle = self._handle, None
      check(lib.tw_record_writer_close(handle))
    if self._file is not None:
      file, self._file = self._file, None
      with file:
        file.write(self._deflate.flush())

  def __enter__(self):
    return self

  def __exit__(self, unused_type, unused_value, unused_traceback):
    self.close()


def tf_record_iterator(path, options=None):
  """The records of a file, as bytes. DataLossError for one that is cut off or damaged."""
  path = os.fspath(path)
  kind = TFRecordOptions.get_compression_type_string(options)
  if kind:
    yield from _compressed(path, kind)
    return
  out = ffi.new("tw_record_reader**")
  check(lib.tw_record_reader_create(borrowed(os.fsencode(path)), 0, out))
  reader = ffi.gc(out[0], lib.tw_record_reader_release)
  record = ffi.new("tw_buffer**")
  while True:
    check(lib.tw_record_reader_next(reader, record))
    if record[0] == ffi.NULL:
      return
    yield take_buffer(record[0])


class _Inflate(io.RawIOBase):
  """A zlib stream as a file."""

  def __init__(self, file):
    self._file, self._inflate, self._ready = file, zlib.decompressobj(), b""

  def readable(self):
    return True

  def readinto(self, buffer):
    while not self._ready and not self._inflate.eof:
      data = self._file.read(1 << 16)
      if not data:
        raise EOFError("the compressed file ended too early")
      self._ready = self._inflate.decompress(data)
    n = min(len(buffer), len(self._ready))
    buffer[:n], self._ready = self._ready[:n], self._ready[n:]
    return n


def _compressed(path, kind):
  from thalweg.platform import gfile
  with gfile._Translated(path):
    raw = open(path, "rb")
  offset = 0
  with raw:
    stream = gzip.GzipFile(fileobj=raw) if kind == "GZIP" else io.BufferedReader(_Inflate(raw))
    while True:
      bad = lambda what, offset=offset: errors.DataLossError(None, None, "%s record at %d of %s" % (what, offset, path))
      try:
        header = stream.read(12)
        if not header:
          return
        if len(header) < 12:
          raise bad("truncated")
        length, crc = struct.unpack("<QI", header)
        if crc != _masked_crc(header[:8]):
          raise bad("corrupted")
        record, footer = stream.read(length), stream.read(4)
      except (EOFError, zlib.error, OSError) as e:
        raise bad("truncated" if isinstance(e, EOFError) else "corrupted") from e
      if len(record) < length or len(footer) < 4:
        raise bad("truncated")
      if struct.unpack("<I", footer)[0] != _masked_crc(record):
        raise bad("corrupted")
      offset += 16 + length
      yield record
