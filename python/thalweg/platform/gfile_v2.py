"""tf.io.gfile: tf.gfile's functions under the argument names of TensorFlow 2."""

import os

from thalweg.platform import gfile
from thalweg.platform.gfile import GFile, exists  # noqa: F401


def copy(src, dst, overwrite=False):
  gfile.copy(src, dst, overwrite)


def glob(pattern):
  return gfile.glob(pattern)


def isdir(path):
  return gfile.isdir(path)


def listdir(path):
  return gfile.listdir(path)


def makedirs(path):
  gfile.makedirs(path)


def mkdir(path):
  gfile.mkdir(path)


def remove(path):
  gfile.remove(path)


def rename(src, dst, overwrite=False):
  gfile.rename(src, dst, overwrite)


def rmtree(path):
  gfile.rmtree(path)


def stat(path):
  return gfile.stat(path)


def walk(top, topdown=True, onerror=None):
  """(folder, its folders, its files) for the folder and all below it; onerror(error) hears of folders that cannot be
  read."""
  def report(e):
    if onerror is not None:
      onerror(gfile.translated(e, e.filename))

  for here, dirs, files in os.walk(gfile._path(top), topdown=topdown, onerror=report):
    yield here, sorted(dirs), sorted(files)
