"""Lays out an importable package of links: `assemble_dev.py SOURCE TARGET NATIVE DESCRIPTORS GENERATED...`."""

import os
import shutil
import sys


def link(source, target):
  if os.path.lexists(target):
    os.remove(target)
  os.symlink(source, target)


def main(*paths):
  source, target, native, descriptors, *generated = (os.path.abspath(p) for p in paths)
  if os.path.isdir(target):
    shutil.rmtree(target)
  os.makedirs(os.path.join(target, "protos"))
  for entry in os.listdir(source):
    if entry not in ("protos", "__pycache__"):
      link(os.path.join(source, entry), os.path.join(target, entry))
  link(descriptors, os.path.join(target, "protos", "thalweg.desc"))
  for file in [native, *generated]:
    link(file, os.path.join(target, os.path.basename(file)))


if __name__ == "__main__":
  main(*sys.argv[1:])
