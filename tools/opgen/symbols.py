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


def drop_undefined(ops: list[Op], core: Path) -> dict[str, list[str]]:
    """Clears the symbols that no file below `core` defines; returns their names by kind."""
    missing = {}
    for kind, (folder, pattern) in PATTERNS.items():
        text = "\n".join(p.read_text(encoding="utf-8") for p in sorted((core / folder).rglob("*.cc")))
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
