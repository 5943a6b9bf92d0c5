"""docs/ops: a page per family of rows, and an index."""

from __future__ import annotations

from . import sweep
from .rows import Attr, Op
from .text import attr_text

# Columns of the support matrix. Quantised dtypes, resources and variants are no numbers.
COLUMNS = ["float", "double", "half", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
           "bool", "complex64", "complex128", "string"]
MODE_NAMES = {"values": "values", "gradient": "gradient", "second_order": "second derivative", "sweep": "dtypes and shapes",
              "bad_input": "bad input", "speed": "speed"}


def _attr_line(a: Attr) -> str:
    parts = [f"- `{a.name}`: {a.type}"]
    if a.has_default:
        parts.append(f"default `{attr_text(a)}`")
    if a.min is not None:
        parts.append(f"at least {a.min}")
    if a.allowed:
        parts.append("one of " + ", ".join(a.allowed))
    return ", ".join(parts) + "."


def _runs(op: Op) -> str:
    if op.map_source:
        source = op.map_source if isinstance(op.map_source, str) else ", ".join(op.map_source)
        return f"Element-wise: `{source}`."
    if op.lowers_to:
        return f"Runs as `{op.lowers_to}`."
    if op.no_kernel:
        return op.no_kernel
    if op.kernel:
        types = "; ".join(f"{name} in {', '.join(types)}" for name, types in op.kernel_types.items())
        return f"Kernel `{op.kernel}`{' for ' + types if types else ''}."
    return "Executed by the runtime itself."


def _gradient(op: Op) -> str:
    if op.grad:
        without = f" None flows to {', '.join(op.not_differentiable)}." if op.not_differentiable else ""
        return "Differentiable." + without
    return f"No gradient: {op.grad_none}" if op.grad_none else "No gradient."


def _section(op: Op) -> str:
    lines = [f"## {op.name}", "", op.doc, "",
             f"({', '.join(op.signature['inputs'])}) -> ({', '.join(op.signature['outputs'])})", ""]
    lines += [_attr_line(a) for a in op.attrs]
    if op.attrs:
        lines.append("")
    lines.append(" ".join([_runs(op), _gradient(op)] + (["Traits: " + ", ".join(op.traits) + "."] if op.traits else [])))
    return "\n".join(lines) + "\n"


def served(op: Op) -> tuple[str, list[str]]:
    """What the matrix says of a row: the argument or attribute that varies, and the dtypes it has kernels for."""
    for arg in [*op.inputs, *op.outputs]:
        if arg.type_attr and not op.attr(arg.type_attr).allowed == ["int32", "int64"]:
            allowed = op.kernel_types.get(arg.type_attr) if not op.map or op.kernel == "Map" else None
            return arg.type_attr, allowed or op.attr(arg.type_attr).allowed or COLUMNS
    fixed = next((a.dtype for a in [*op.inputs, *op.outputs] if a.dtype and a.dtype not in ("resource", "variant")), "")
    return "", [fixed] if fixed else []


def support(ops: list[Op]) -> str:
    """The matrix of ops and dtypes, and the modes of the generated tests that a row stays out of."""
    lines = ["# Which dtypes an op takes", "",
             "By the type attribute named behind the op, or by the one dtype that it has. tests/ops runs each of these over the",
             "shapes that the row names. Rows on reference variables, of control flow and of function bodies run as others do",
             "and are left out.",
             "", "| op | by | " + " | ".join(COLUMNS) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    for op in ops:
        if not op.kernel:
            continue
        attr, types = served(op)
        lines.append(f"| {op.name} | {attr} | " + " | ".join("x" if t in types else "" for t in COLUMNS) + " |")
    lines += ["", "# Modes of the tests that a row does not run in", "", "| op | mode | why |", "|---|---|---|"]
    for op in ops:
        why: dict[str, list[str]] = {}
        for mode, reason in sweep.reasons(op).items():
            why.setdefault(reason, []).append(MODE_NAMES[mode])
        lines += [f"| {op.name} | {', '.join(modes)} | {reason} |" for reason, modes in why.items()]
    return "\n".join(lines) + "\n"


def pages(ops: list[Op]) -> dict[str, str]:
    """File name -> text."""
    public = [op for op in ops if "internal" not in op.traits]
    families: dict[str, list[Op]] = {}
    for op in public:
        families.setdefault(op.file[:-len(".toml")], []).append(op)
    files = {}
    index = ["# Ops", "", f"{len(public)} ops, with TensorFlow 1.15's names and signatures. Written by tools/opgen from core/ops.", "",
             "[Which dtypes each takes, and how each is tested](support.md)", ""]
    for family in sorted(families):
        rows = families[family]
        files[f"{family}.md"] = f"# {family}\n\n" + "\n".join(_section(op) for op in rows)
        links = ", ".join(f"[{op.name}]({family}.md#{op.name.lower()})" for op in rows)
        index += [f"**[{family}]({family}.md)**: {links}", ""]
    files["README.md"] = "\n".join(index)
    files["support.md"] = support(public)
    return files
