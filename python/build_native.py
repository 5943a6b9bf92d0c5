"""Writes the C source of thalweg._native: `python build_native.py OUT.c HEADER`.

cffi reads the declarations out of thalweg.h itself, so that nothing is declared twice.
"""

import os
import re
import sys

import cffi


def declarations(header):
  """thalweg.h as cffi's parser takes it: no directives, no attributes."""
  with open(header, encoding="utf-8") as f:
    text = f.read()
  text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
  text = text[text.index("typedef struct tw_status tw_status;"):text.rindex("#ifdef __cplusplus")]
  text = re.sub(r"^#define TW_INIT.*$", "", text, flags=re.M)
  text = re.sub(r"^#define (TW_\w+) (\d+)$", r"#define \1 \2", text, flags=re.M)
  return re.sub(r"\bTW_(?:FROZEN|TRIAL)\b ", "", text)


def main(out, header):
  here = os.path.dirname(os.path.abspath(__file__))
  with open(os.path.join(here, "native_glue.c"), encoding="utf-8") as f:
    glue = f.read()
  with open(os.path.join(here, "native_glue.cdef"), encoding="utf-8") as f:
    glue_declarations = f.read()
  ffi = cffi.FFI()
  ffi.cdef(declarations(header))
  ffi.cdef(glue_declarations)
  ffi.set_source("thalweg._native", glue, py_limited_api=True)
  ffi.emit_c_code(out)


if __name__ == "__main__":
  main(*sys.argv[1:])
