"""The cases of the sweeps over dtypes and shapes, of the runs on bad input, and of the speed mode.

A row's `sweep` is a list of patterns:

    { inputs = ["T[m,k]", "T[k,n] in 0..1", "Tidx = [0, m - 1]", "var T[m]"], attrs = { axis = 1 } }

The dtype of an input is fixed or names a type attribute, which then takes every dtype that the row has a kernel for; `types`
gives such an attribute a list of its own. Sizes, literals, ranges, and attributes written as strings are expressions over the
symbols, each of which takes a base size, 0, 1 and a size above every vector's length, one at a time, and all take 1 together.
`dims` gives a symbol its own sizes, base first; `speed` the sizes of the speed mode. `tol` and `outputs` as in `tests`. `exact`
says that each dtype has results of its own (bits, text, random numbers), which are not to be compared with a wider one's.
Element-wise rows need no pattern. `skip` holds, per mode, the reason why a row does not run in it. Single cases that differ from
TensorFlow stand in tests/conformance/differences.toml.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass, field

from .rows import Op

MODES = ("sweep", "bad_input", "speed")
BASE_SIZES = (3, 5, 2, 7, 4, 6)  # by order of appearance; those that meet differ
OTHER_SIZES = (1, 0, 33)
SPEED_ELEMENTS = 1 << 18         # of the largest tensor
RANDOM = re.compile(r"^(var )?(\w+)\[([^\]]*)\](?: in (.+?)\.\.(.+))?$")
LITERAL = re.compile(r"^(var )?(\w+) = (.*)$", re.S)
NAMES = {"inf": float("inf"), "nan": float("nan"), "true": True, "false": False, "range": range, "list": list, "min": min,
         "max": max, "sorted": sorted}


@dataclass
class Input:
    """Random values of a shape, or a literal's values."""
    dtype: str                # a dtype or the name of a type attribute
    shape: list[int]
    variable: bool = False    # the op gets a handle to a variable that holds the value
    values: list | None = None
    low: float | None = None
    high: float | None = None
    seed: int = 0


@dataclass
class Case:
    op: str
    mode: str
    number: int               # among the cases of this op and mode
    attrs: dict[str, str]     # in the text form of core/framework/attr.h
    inputs: list[Input]
    types: dict[str, list[str]] = field(default_factory=dict)
    tol: float = 0
    exact: bool = False
    outputs: int = -1         # only the first so many are defined; -1: all


def _evaluate(text: str, sizes: dict[str, int]):
    return eval(text, {"__builtins__": {}, **NAMES, **sizes})  # pylint: disable=eval-used


def _flatten(value) -> tuple[list[int], list]:
    if not isinstance(value, (list, tuple)):
        return [], [value]
    if not value:
        return [0], []
    parts = [_flatten(v) for v in value]
    if any(p[0] != parts[0][0] for p in parts):
        raise ValueError("a literal's rows have different lengths")
    return [len(value)] + parts[0][0], [v for p in parts for v in p[1]]


def _attr(kind: str, value, sizes: dict[str, int]) -> str:
    """An attribute's text; strings where numbers are wanted are expressions."""
    if kind.startswith("list("):
        if isinstance(value, str):
            value = _evaluate(value, sizes)
        return "[" + ",".join(_attr(kind[5:-1], v, sizes) for v in value) + "]"
    if kind == "string":
        return json.dumps(value, ensure_ascii=False)
    if kind == "bool":
        return "true" if value else "false"
    if kind == "shape":
        dims = [d.strip() for d in value[1:-1].split(",") if d.strip()]
        return "[" + ",".join("?" if d == "?" else str(_evaluate(d, sizes)) for d in dims) + "]"
    if kind in ("int", "float") and isinstance(value, str):
        value = _evaluate(value, sizes)
    return repr(float(value)) if kind == "float" else str(value)


def _input(text: str, sizes: dict[str, int], seed: int) -> Input | None:
    """None where no value is legal: indices into nothing."""
    if m := LITERAL.match(text):
        shape, values = _flatten(_evaluate(m[3], sizes))
        return Input(m[2], shape, bool(m[1]), values)
    m = RANDOM.match(text)
    if not m:
        raise ValueError(f"cannot read the input '{text}'")
    shape = _evaluate(f"[{m[3]}]", sizes)
    if any(d < 0 for d in shape):
        return None
    low, high = (_evaluate(m[4], sizes), _evaluate(m[5], sizes)) if m[4] else (None, None)
    if low is not None and high < low and 0 not in shape:
        return None
    return Input(m[2], shape, bool(m[1]), None, low, high, seed)


def _symbols(op: Op, pattern: dict) -> list[str]:
    """The single small letters of the sizes, in the order in which they appear."""
    text = " ".join(m[3] for t in pattern["inputs"] if (m := RANDOM.match(t)))
    text += " " + " ".join(m[3] for t in pattern["inputs"] if (m := LITERAL.match(t)) and m[2] != "string")
    text += " " + " ".join(pattern.get("dims", {}))
    attrs = {a.name: a.type for a in op.attrs}
    text += " " + " ".join(str(v) for k, v in pattern.get("attrs", {}).items()
                           if attrs[k] in ("int", "list(int)", "float", "shape") and isinstance(v, str))
    bound = set(re.findall(r"\bfor ([a-z])\b", text))
    return [s for s in dict.fromkeys(re.findall(r"\b[a-z]\b", text)) if s not in bound]


def _sizes(op: Op, pattern: dict) -> list[dict[str, int]]:
    symbols = _symbols(op, pattern)
    lists = {}
    for i, s in enumerate(symbols):
        base = BASE_SIZES[i % len(BASE_SIZES)]
        lists[s] = pattern.get("dims", {}).get(s) or [base, *(v for v in OTHER_SIZES if v != base)]
    base = {s: values[0] for s, values in lists.items()}
    all_sizes = [base]
    all_sizes += [{**base, s: v} for s, values in lists.items() for v in values[1:]]
    all_sizes.append({s: 1 if 1 in values else values[0] for s, values in lists.items()})
    unique = []
    for sizes in all_sizes:
        if sizes not in unique:
            unique.append(sizes)
    return unique


def _case(op: Op, mode: str, number: int, pattern: dict, sizes: dict[str, int]) -> Case | None:
    kinds = {a.name: a.type for a in op.attrs}
    inputs = []
    for i, text in enumerate(pattern["inputs"]):
        seed = zlib.crc32(f"{op.name}/{number}/{i}".encode()) & 0x7FFFFFFF
        one = _input(text, sizes, seed)
        if one is None:
            return None
        inputs.append(one)
    attrs = {k: _attr(kinds[k], v, sizes) for k, v in pattern.get("attrs", {}).items()}
    return Case(op.name, mode, number, attrs, inputs, pattern.get("types", {}), pattern.get("tol", 0),
                pattern.get("exact", False), pattern.get("outputs", -1))


def _default_pattern(op: Op) -> dict:
    """An element-wise row: equal shapes in the ranges that its first test names."""
    named = op.tests[0]["inputs"] if op.tests and len(op.tests[0]["inputs"]) == len(op.inputs) else []
    inputs = []
    for i, arg in enumerate(op.inputs):
        m = RANDOM.match(named[i]) if named else None
        inputs.append((arg.type_attr or arg.dtype) + "[m,n]" + (f" in {m[4]}..{m[5]}" if m and m[4] else ""))
    # Attributes that set dtypes stay free; the others keep what the test says.
    attrs = {k: v for k, v in (op.tests[0].get("attrs", {}) if op.tests else {}).items() if op.attr(k).type != "type"}
    return {"inputs": inputs, "attrs": attrs}


def patterns(op: Op) -> list[dict]:
    return op.sweep or ([_default_pattern(op)] if op.map else [])


def _speed_sizes(op: Op, pattern: dict) -> dict[str, int]:
    symbols = _symbols(op, pattern)
    given = pattern.get("speed", {})
    free = [s for s in symbols if s not in given and s not in pattern.get("dims", {})]
    base = {s: values[0] for s, values in pattern.get("dims", {}).items()}
    n = 1
    while True:  # the largest even size at which no tensor has too many elements
        sizes = {**base, **{s: n for s in free}, **given}
        nxt = {**sizes, **{s: 2 * n for s in free}}
        case = _case(op, "speed", 0, pattern, nxt)
        # A literal may spell the shape of the result.
        largest = max((_count([abs(v) for v in i.values if isinstance(v, int)] if i.values else i.shape)
                       for i in case.inputs), default=0) if case else 0
        if not free or largest > SPEED_ELEMENTS or n >= SPEED_ELEMENTS:
            return sizes
        n *= 2


def _count(shape: list[int]) -> int:
    n = 1
    for d in shape:
        n *= d
    return n


def _bad(op: Op, good: Case) -> list[Case]:
    """A good case with one input bent: a dimension more or less, another size, literals out of range."""
    cases = []

    def add(i: int, **change) -> None:
        inputs = [Input(**{**vars(x)}) for x in good.inputs]
        for key, value in change.items():
            setattr(inputs[i], key, value)
        cases.append(Case(op.name, "bad_input", len(cases), dict(good.attrs), inputs, good.types))

    for i, one in enumerate(good.inputs):
        if one.values is None:
            add(i, shape=one.shape + [2])
            if one.shape:
                add(i, shape=one.shape[:-1])
                add(i, shape=[])
            for d in range(len(one.shape)):
                add(i, shape=one.shape[:d] + [one.shape[d] + 1] + one.shape[d + 1:])
                if one.shape[d] > 0:
                    add(i, shape=one.shape[:d] + [0] + one.shape[d + 1:])
            continue
        add(i, shape=one.shape + [1])
        add(i, shape=[len(one.values)] if len(one.shape) != 1 else [1, len(one.values)])
        add(i, shape=[0], values=[])
        if one.values and all(isinstance(v, int) and not isinstance(v, bool) for v in one.values):
            for v in (-100, 100):
                add(i, values=[v] + one.values[1:])
            if len(one.values) > 1:
                add(i, values=one.values[:-1] + [one.values[0]])
            if len(one.shape) == 1:
                add(i, values=one.values + [1], shape=[len(one.values) + 1])
                if len(one.values) > 1:
                    add(i, values=one.values[:-1], shape=[len(one.values) - 1])
    return cases


def cases(op: Op) -> list[Case]:
    if op.untested:
        return []
    out: list[Case] = []
    number = 0
    for pattern in patterns(op):
        for sizes in _sizes(op, pattern):
            case = _case(op, "sweep", number, pattern, sizes)
            if case and "sweep" not in op.skip:
                out.append(case)
            number += 1
    if out and "bad_input" not in op.skip:
        out += _bad(op, out[0])
    if patterns(op) and "speed" not in op.skip:
        pattern = patterns(op)[0]
        out.append(_case(op, "speed", 0, pattern, _speed_sizes(op, pattern)))
    return out


def _value(v) -> str:
    if isinstance(v, str):
        return '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else f"\\x{b:02x}" for b in v.encode()) + '"'
    return str(int(v)) if isinstance(v, bool) else repr(v)


def _input_line(one: Input) -> str:
    shape = "[" + ",".join(str(d) for d in one.shape) + "]"
    word = "var" if one.variable else "in"
    if one.values is not None:
        return " ".join([word, one.dtype, shape, "="] + [_value(v) for v in one.values])
    bounds = "" if one.low is None else f" in {one.low!r} {one.high!r}"
    return f"{word} {one.dtype} {shape} {one.seed}{bounds}"


def text(ops: list[Op]) -> str:
    """All cases, in the form that tests/ops/sweep_support.cc reads."""
    lines = []
    for op in ops:
        lines += [f"skip {op.name} {mode} {reason}" for mode, reason in reasons(op).items()]
        for case in cases(op):
            lines.append(f"{case.mode} {case.op} {case.number}")
            lines += [f"attr {k} {v}" for k, v in case.attrs.items()]
            lines += [f"types {k} {' '.join(v)}" for k, v in case.types.items()]
            if case.exact:
                lines.append("exact")
            if case.outputs >= 0:
                lines.append(f"outputs {case.outputs}")
            if case.tol:
                lines.append(f"tol {case.tol!r}")
            lines += [_input_line(i) for i in case.inputs]
            lines.append("")
    return "\n".join(lines)


def reasons(op: Op) -> dict[str, str]:
    """Per mode in which the row does not run, why."""
    every = op.untested or op.no_kernel or (f"It runs as {op.lowers_to}." if op.lowers_to else None)
    if every:
        return {mode: every for mode in (*MODES, "values", "gradient")}
    out = dict(op.skip)
    if not op.grad:
        out["gradient"] = op.grad_none or "No gradient is defined."
    return out
