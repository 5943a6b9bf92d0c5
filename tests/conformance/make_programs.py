"""Writes tests/python/goldens/programs/*.json with TensorFlow 1.15: `python make_programs.py [family ...]`. The tests
need only the files."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import program_goldens  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.logging.set_verbosity(tf.logging.ERROR)
for family in sys.argv[1:] or program_goldens.FAMILIES:
  source = program_goldens.module(family)
  made = {}
  for program in getattr(source, "PROGRAMS", []):
    made[program.__name__] = program_goldens.run(tf, program, True)
  for program in getattr(source, "VALUES_ONLY", []):
    made[program.__name__] = program_goldens.run(tf, program, False)
  for program in getattr(source, "ERRORS", []):
    made[program.__name__] = program_goldens.error_name(tf, program)
    assert made[program.__name__], "%s raises nothing" % program.__name__
  with open(program_goldens.golden_path(family), "w", encoding="utf-8") as f:
    text = []
    for name, value in made.items():
      if isinstance(value, dict):
        parts = []
        for key, part in value.items():
          if key in ("nodes", "values"):
            parts.append('"%s": [\n%s]' % (key, ",\n".join(json.dumps(p) for p in part)))
          else:
            parts.append('"%s": %s' % (key, json.dumps(part, sort_keys=True)))
        value = "{%s}" % ",\n".join(parts)
      else:
        value = json.dumps(value)
      text.append('"%s": %s' % (name, value))
    f.write("{%s}\n" % ",\n".join(text))
