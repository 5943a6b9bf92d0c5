"""docs/ops: a page per family of rows, and an index."""

from __future__ import annotations

from .rows import Attr, Op
from .text import attr_text


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


def pages(ops: list[Op]) -> dict[str, str]:
    """File name -> text."""
    public = [op for op in ops if "internal" not in op.traits]
    families: dict[str, list[Op]] = {}
    for op in public:
        families.setdefault(op.file[:-len(".toml")], []).append(op)
    files = {}
    index = ["# Ops", "", f"{len(public)} ops, with TensorFlow 1.15's names and signatures. Written by tools/opgen from core/ops.", ""]
    for family in sorted(families):
        rows = families[family]
        files[f"{family}.md"] = f"# {family}\n\n" + "\n".join(_section(op) for op in rows)
        links = ", ".join(f"[{op.name}]({family}.md#{op.name.lower()})" for op in rows)
        index += [f"**[{family}]({family}.md)**: {links}", ""]
    files["README.md"] = "\n".join(index)
    return files
