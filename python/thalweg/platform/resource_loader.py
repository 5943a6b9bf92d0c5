"""Files beside the program's own modules."""

import os
import sys


def get_path_to_datafile(path):
  """The path of a file named relative to the caller's module."""
  caller = sys._getframe(1).f_code.co_filename
  return os.path.join(os.path.dirname(os.path.abspath(caller)), path)


def get_data_files_path():
  return os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename))


def get_root_dir_with_all_resources():
  return get_data_files_path()


def load_resource(path):
  with open(get_path_to_datafile(path), "rb") as f:
    return f.read()


def readahead_file_path(path, readahead="128M"):
  return path
