"""Finds the C++ symbols that rows name, so that a row may come before its kernel, gradient or shape function."""

from __future__ import annotations

import re
from pathlib import Path

from .rows import Op

PATTERNS = {
    "kernel": ("kernels", re.compile(r"^(?:extern )?const KernelDef kernel_(\w+)\s*(?:=|\{)", re.M)),
    "grad": ("autodiff", re.compile(r"^Status grad_(\w+)\([^;{]*\{", re.M)),
    "shape": ("ops", re.compile(r"^Status shape_(\w+)\([^;{]*\{", re.M)),
}
# A definition made by a macro: MACRO(Name, ...) at the start of a line.
MACRO = re.compile(r"^[A-Z][A-Z0-9_]+\((\w+)", re.M)


# A macro of one parameter, and what it stands for.
DEFINE = re.compile(r"^#define (\w+)\((\w+)\)((?:.*\\\n)*.*)$", re.M)


def expand(text: str) -> str:
    """The text with the results of its own one-parameter macros appended."""
    for _ in range(2):
        for macro, param, body in DEFINE.findall(text):
            body = body.replace("\\\n", "\n")
            for arg in set(re.findall(rf"^\s*{macro}\((\w+)\)", text, re.M)):
                line = re.sub(rf"\s*##\s*{param}\b|\b{param}\b\s*##\s*", arg, body)
                line = re.sub(rf"\b{param}\b", arg, line)
                text += "\n" + re.sub(r"^\s+|(?<=;)\s+|\s+(?=[A-Z][A-Z0-9_]+\()", "\n", line)
    return text


def drop_undefined(ops: list[Op], core: Path) -> dict[str, list[str]]:
    """Clears the symbols that no file below `core` defines; returns their names by kind."""
    missing = {}
    for kind, (folder, pattern) in PATTERNS.items():
        text = "\n".join(expand(p.read_text(encoding="utf-8")) for p in sorted((core / folder).rglob("*.cc")))
        defined = set(pattern.findall(text))
        defined |= set(MACRO.findall(text))
        lost = set()
        for op in ops:
            name = getattr(op, kind)
            if name and name not in defined:
                lost.add(name)
                setattr(op, kind, "" if kind == "shape" else None)
        missing[kind] = sorted(lost)
    return missing
