"""Files and folders under the names of tensorflow.python.lib.io.file_io; see tf.gfile."""

import uuid

from thalweg.framework import errors
from thalweg.platform.gfile import (  # noqa: F401
    GFile as FileIO, copy, exists as file_exists, glob as get_matching_files, isdir as is_directory,
    listdir as list_directory, makedirs as recursive_create_dir, mkdir as create_dir, remove as delete_file, rename,
    rmtree as delete_recursively, stat, walk)


def read_file_to_string(filename, binary_mode=False):
  """All of a file, as text or as bytes."""
  with FileIO(filename, "rb" if binary_mode else "r") as f:
    return f.read()


def write_string_to_file(filename, file_content):
  """Makes `file_content` the whole of a file."""
  with FileIO(filename, "w") as f:
    f.write(file_content)


def atomic_write_string_to_file(filename, contents, overwrite=True):
  """write_string_to_file() that leaves either the old file or the whole of the new one."""
  temporary = "%s.tmp%s" % (filename, uuid.uuid4().hex)
  write_string_to_file(temporary, contents)
  try:
    rename(temporary, filename, overwrite)
  except errors.OpError:
    delete_file(temporary)
    raise
