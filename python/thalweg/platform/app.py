"""tf.app: runs main() with the command line's flags parsed."""

import sys

from thalweg.platform import flags


def run(main=None, argv=None):
  """Parses the flags and ends the program with main(argv), where argv holds what is no flag."""
  main = main or sys.modules["__main__"].main
  sys.exit(main(flags.FLAGS(argv if argv is not None else sys.argv, known_only=True)))
