"""tf.gfile: files and folders by path, with TensorFlow's errors."""

import errno
import glob as _glob
import os
import shutil

from thalweg.framework import errors

_CODES = {errno.ENOENT: errors.NotFoundError, errno.EEXIST: errors.AlreadyExistsError,
          errno.EACCES: errors.PermissionDeniedError, errno.EPERM: errors.PermissionDeniedError,
          errno.ENOSPC: errors.ResourceExhaustedError, errno.EISDIR: errors.FailedPreconditionError,
          errno.ENOTDIR: errors.FailedPreconditionError, errno.ENOTEMPTY: errors.FailedPreconditionError}


def _path(p):
  p = os.fspath(p)
  p = p.decode() if isinstance(p, bytes) else p
  return p[7:] if p.startswith("file://") else p


def translated(e, path):
  """TensorFlow's error for an OSError about `path`."""
  return _CODES.get(e.errno, errors.UnknownError)(None, None, "%s; %s" % (path, e.strerror))


class _Translated:
  """Turns OSError into TensorFlow's errors."""

  def __init__(self, path):
    self._of = path

  def __enter__(self):
    return self

  def __exit__(self, kind, value, tb):
    if isinstance(value, OSError):
      raise translated(value, self._of) from None


class GFile:
  """A file, opened when it is first used."""

  def __init__(self, name, mode="r"):
    self.__name, self.__mode = name, mode
    self._file = None
    if mode.replace("b", "") not in ("r", "w", "a", "r+", "w+", "a+"):
      raise errors.InvalidArgumentError(None, None, "mode is not 'r' or 'w' or 'a'")

  @property
  def name(self):
    return self.__name

  @property
  def mode(self):
    return self.__mode

  def _open(self):
    if self._file is None:
      binary = "b" in self.__mode
      with _Translated(self.__name):
        self._file = open(_path(self.__name), self.__mode, **({} if binary else {"encoding": "utf-8", "newline": ""}))
    return self._file

  def _readable(self):
    if "r" not in self.__mode and "+" not in self.__mode:
      raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
    return self._open()

  def _writable(self):
    if "r" in self.__mode and "+" not in self.__mode:
      raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
    return self._open()

  def read(self, n=-1):
    with _Translated(self.__name):
      return self._readable().read(n)

  def readline(self):
    return self._readable().readline()

  def readlines(self):
    return self._readable().readlines()

  def write(self, file_content):
    with _Translated(self.__name):
      self._writable().write(file_content)

  def seek(self, offset=None, whence=0, position=None):
    self._open().seek(position if offset is None else offset, whence)

  def tell(self):
    return self._open().tell()

  def size(self):
    return stat(self.__name).length

  def flush(self):
    if self._file is not None:
      with _Translated(self.__name):
        self._file.flush()

  def close(self):
    if self._file is not None:
      with _Translated(self.__name):
        self._file.close()
      self._file = None

  def seekable(self):
    return True

  def __iter__(self):
    return self

  def __next__(self):
    line = self.readline()
    if not line:
      raise StopIteration
    return line

  next = __next__

  def __enter__(self):
    self._open()
    return self

  def __exit__(self, *unused):
    self.close()


Open = FastGFile = GFile


def exists(path):
  """Whether there is a file or folder of this name."""
  return os.path.exists(_path(path))


def isdir(dirname):
  """Whether there is a folder of this name."""
  return os.path.isdir(_path(dirname))


def listdir(dirname):
  """The names in a folder, without it; NotFoundError when there is none."""
  with _Translated(dirname):
    return os.listdir(_path(dirname))


def glob(filename):
  """The files that match a shell pattern, or one of several."""
  patterns = filename if isinstance(filename, (list, tuple)) else [filename]
  return sorted(m for p in patterns for m in _glob.glob(_path(p)))


def mkdir(dirname):
  """Makes a folder in one that exists."""
  with _Translated(dirname):
    os.mkdir(_path(dirname))


def makedirs(dirname):
  """Makes a folder and those above it; one that exists stays."""
  with _Translated(dirname):
    os.makedirs(_path(dirname), exist_ok=True)


def remove(filename):
  """Deletes a file; NotFoundError when there is none."""
  with _Translated(filename):
    os.remove(_path(filename))


def rmtree(dirname):
  """Deletes a folder with all that is in it."""
  with _Translated(dirname):
    shutil.rmtree(_path(dirname))


def rename(oldname, newname, overwrite=False):
  """Moves a file; AlreadyExistsError when there is one of the new name and not `overwrite`."""
  if not overwrite and os.path.exists(_path(newname)):
    raise errors.AlreadyExistsError(None, None, "file already exists: %s" % newname)
  with _Translated(oldname):
    os.replace(_path(oldname), _path(newname))


def copy(oldpath, newpath, overwrite=False):
  """Copies a file; AlreadyExistsError when there is one of the new name and not `overwrite`."""
  if not overwrite and os.path.exists(_path(newpath)):
    raise errors.AlreadyExistsError(None, None, "file already exists: %s" % newpath)
  with _Translated(oldpath):
    shutil.copyfile(_path(oldpath), _path(newpath))


class _Stat:

  def __init__(self, s):
    import stat as stat_lib
    self.length, self.mtime_nsec, self.is_directory = s.st_size, s.st_mtime_ns, stat_lib.S_ISDIR(s.st_mode)


def stat(filename):
  """The length, time of change and kind of a file; NotFoundError when there is none."""
  with _Translated(filename):
    return _Stat(os.stat(_path(filename)))


def walk(top, in_order=True):
  """(folder, its folders, its files) for the folder and all below it."""
  for here, dirs, files in os.walk(_path(top), topdown=in_order):
    yield here, sorted(dirs), sorted(files)


def Exists(filename):
  """exists(), with the argument's old name."""
  return exists(filename)


IsDirectory, ListDirectory, Glob = isdir, listdir, glob
MkDir, MakeDirs, Remove, DeleteRecursively = mkdir, makedirs, remove, rmtree
Rename, Copy, Stat, Walk = rename, copy, stat, walk
