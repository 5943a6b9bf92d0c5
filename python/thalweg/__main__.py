"""The command `thalweg`: runs programs that import tensorflow, or thalweg, on thalweg.

  thalweg run script.py [arguments]
  thalweg profile [--trace FILE] [--top N] script.py [arguments]
"""

import argparse
import os
import runpy
import sys

from thalweg._alias import install_alias


def _run_script(script, arguments):
  """Runs a script as Python would, with `import tensorflow` meaning thalweg. What it raises goes through, SystemExit
  with its exit code among it."""
  install_alias()
  sys.argv = [script] + arguments
  sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
  runpy.run_path(script, run_name="__main__")


def _parser():
  parser = argparse.ArgumentParser(prog="thalweg", description="Runs programs that import tensorflow on thalweg.")
  commands = parser.add_subparsers(dest="command", required=True, metavar="command")
  run = commands.add_parser("run", help="run a script")
  profile = commands.add_parser("profile", help="run a script, and tell where its steps spent their time",
                                description="Runs a script with every instruction of its steps timed, prints where the "
                                "time went, and writes a timeline for chrome://tracing or ui.perfetto.dev.")
  profile.add_argument("--trace", metavar="FILE", default="thalweg_trace.json",
                       help="where the timeline goes (default: %(default)s)")
  profile.add_argument("--top", metavar="N", type=int, default=20, help="rows of each table (default: %(default)s)")
  for command in (run, profile):
    command.add_argument("script")
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="given to the script")
  return parser


def main(argv=None):
  parser = _parser()
  options = parser.parse_args(argv)
  if not os.path.isfile(options.script):
    parser.exit(2, "thalweg: no file %s\n" % options.script)
  if options.command == "run":
    _run_script(options.script, options.arguments)
    return 0
  from thalweg import _profile
  try:
    profiler = _profile.Profiler(options.trace)
  except OSError as error:
    parser.exit(2, "thalweg: cannot write the trace %s: %s\n" % (options.trace, error.strerror))
  try:
    with profiler:
      _run_script(options.script, options.arguments)
  finally:
    print(profiler.report(options.top), flush=True)
  return 0


if __name__ == "__main__":
  sys.exit(main())
