"""`python -m thalweg run script.py [arguments]`: runs a program that imports tensorflow on thalweg."""

import os
import runpy
import sys

from thalweg._alias import install_alias


def main(argv=None):
  argv = list(sys.argv[1:] if argv is None else argv)
  if len(argv) < 2 or argv[0] != "run":
    print("usage: thalweg run script.py [arguments]", file=sys.stderr)
    return 2
  script = argv[1]
  if not os.path.exists(script):
    print("thalweg: no file %s" % script, file=sys.stderr)
    return 2
  install_alias()
  sys.argv = argv[1:]
  sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
  runpy.run_path(script, run_name="__main__")
  return 0


if __name__ == "__main__":
  sys.exit(main())
