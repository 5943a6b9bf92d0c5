"""Reads and checks the op rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python < 3.11
    import tomli as tomllib

from .mapexpr import MapError, compile_map

DTYPES = ["float", "double", "int32", "uint8", "int16", "int8", "string", "complex64", "int64", "bool", "qint8", "quint8",
          "qint32", "bfloat16", "qint16", "quint16", "uint16", "complex128", "half", "resource", "variant", "uint32",
          "uint64"]
DTYPE_NUMBERS = {name: number for number, name in enumerate(DTYPES, 1)}

SCALAR_ATTR_TYPES = ["string", "int", "float", "bool", "type", "shape", "tensor", "func"]
ATTR_TYPES = SCALAR_ATTR_TYPES + [f"list({t})" for t in SCALAR_ATTR_TYPES]

TRAITS = ["stateful", "random", "blocking", "data_dependent", "commutative", "aggregate", "allow_uninitialized", "aliases",
          "control_flow", "writes_resource", "internal", "makes_handle"]

ROW_KEYS = {"name", "inputs", "outputs", "attrs", "doc", "shape", "grad", "not_differentiable", "map", "kernel",
            "kernel_types", "traits", "value_inputs", "lowers_to", "no_kernel", "tests", "untested", "sweep", "skip"}
SKIPPABLE = {"sweep", "bad_input", "speed", "gradient", "second_order"}
PATTERN_KEYS = {"inputs", "attrs", "dims", "types", "tol", "outputs", "exact", "speed"}
ATTR_KEYS = {"type", "default", "min", "allowed"}


class RowError(Exception):
    """A row breaks a rule; the text names file, op and rule."""


@dataclass
class Arg:
    name: str
    dtype: str = ""        # a fixed dtype
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""
    is_ref: bool = False

    @property
    def is_list(self) -> bool:
        return bool(self.number_attr or self.type_list_attr)

    def attrs(self) -> list[str]:
        return [a for a in (self.type_attr, self.number_attr, self.type_list_attr) if a]


@dataclass
class Attr:
    name: str
    type: str
    default: object = None
    has_default: bool = False
    min: int | None = None
    allowed: list[str] = field(default_factory=list)


@dataclass
class Op:
    name: str
    file: str
    signature: dict          # inputs, outputs and attrs as the row spells them
    inputs: list[Arg]
    outputs: list[Arg]
    attrs: list[Attr]
    doc: str
    shape: str
    grad: str | None         # symbol
    grad_none: str | None    # the reason why there is none
    not_differentiable: list[str]
    map_source: object
    map: str                 # compiled
    kernel: str | None
    kernel_types: dict[str, list[str]]
    traits: list[str]
    value_inputs: list[str]
    lowers_to: str | None
    no_kernel: str | None
    tests: list[dict]
    untested: str | None
    sweep: list[dict]        # patterns of the sweeps: see sweep.py
    skip: dict[str, str]     # mode -> why the row does not run in it

    def attr(self, name: str) -> Attr:
        return next(a for a in self.attrs if a.name == name)

    def inferred_attrs(self) -> set[str]:
        """Attributes that the dtypes and counts of the inputs determine."""
        return {a for arg in self.inputs for a in arg.attrs()}


ARG = re.compile(r"^(?P<name>[a-zA-Z_]\w*): (?P<ref>ref\()?(?:(?P<number>\w+)\*)?(?P<type>\w+)(?(ref)\))$")


def parse_arg(text: str, attrs: dict[str, Attr]) -> Arg:
    m = ARG.match(text)
    if not m:
        raise ValueError(f"argument '{text}' is not of the form 'name: [ref(][N*]type[)]'")
    arg = Arg(m["name"], is_ref=bool(m["ref"]))
    if m["number"]:
        if m["number"] not in attrs or attrs[m["number"]].type != "int":
            raise ValueError(f"argument '{text}': {m['number']} is not an int attribute")
        arg.number_attr = m["number"]
    kind = m["type"]
    if kind in attrs:
        declared = attrs[kind].type
        if declared == "type":
            arg.type_attr = kind
        elif declared == "list(type)" and not arg.number_attr:
            arg.type_list_attr = kind
        else:
            raise ValueError(f"argument '{text}': attribute {kind} has type {declared}")
    elif kind in DTYPE_NUMBERS:
        arg.dtype = kind
    else:
        raise ValueError(f"argument '{text}': {kind} is neither a dtype nor an attribute")
    return arg


def parse_attr(name: str, spec: dict) -> Attr:
    unknown = set(spec) - ATTR_KEYS
    if unknown:
        raise ValueError(f"attribute {name}: unknown key {sorted(unknown)[0]}")
    kind = spec.get("type")
    if kind not in ATTR_TYPES:
        raise ValueError(f"attribute {name}: unknown type {kind}")
    attr = Attr(name, kind, spec.get("default"), "default" in spec, spec.get("min"), spec.get("allowed", []))
    if attr.allowed and kind not in ("type", "string", "list(type)", "list(string)"):
        raise ValueError(f"attribute {name}: 'allowed' does not go with {kind}")
    if kind in ("type", "list(type)"):
        bad = [t for t in attr.allowed if t not in DTYPE_NUMBERS]
        if bad:
            raise ValueError(f"attribute {name}: unknown dtype {bad[0]}")
    if attr.min is not None and kind != "int" and not kind.startswith("list("):
        raise ValueError(f"attribute {name}: 'min' does not go with {kind}")
    if attr.has_default:
        check_default(attr)
    return attr


def check_default(attr: Attr) -> None:
    value = attr.default
    if attr.type.startswith("list("):
        if not isinstance(value, list):
            raise ValueError(f"attribute {attr.name}: the default of a list must be a list")
        values, kind = value, attr.type[5:-1]
    else:
        values, kind = [value], attr.type
    for v in values:
        good = {"string": isinstance(v, str), "int": isinstance(v, int) and not isinstance(v, bool),
                "float": isinstance(v, (int, float)) and not isinstance(v, bool), "bool": isinstance(v, bool),
                "type": v in DTYPE_NUMBERS if isinstance(v, str) else False, "shape": isinstance(v, str),
                "tensor": isinstance(v, str), "func": isinstance(v, str)}[kind]
        if not good:
            raise ValueError(f"attribute {attr.name}: default {v!r} is not of type {kind}")
        if attr.allowed and v not in attr.allowed:
            raise ValueError(f"attribute {attr.name}: default {v!r} is not allowed")


def parse_row(row: dict, file: str) -> Op:
    unknown = set(row) - ROW_KEYS
    if unknown:
        raise ValueError(f"unknown key '{sorted(unknown)[0]}'")
    for key in ("inputs", "outputs", "doc", "shape"):
        if key not in row:
            raise ValueError(f"'{key}' is missing")
    attrs = {name: parse_attr(name, spec) for name, spec in row.get("attrs", {}).items()}
    inputs = [parse_arg(t, attrs) for t in row["inputs"]]
    outputs = [parse_arg(t, attrs) for t in row["outputs"]]
    input_names = [a.name for a in inputs]
    for key in ("value_inputs", "not_differentiable"):
        for name in row.get(key, []):
            if name not in input_names:
                raise ValueError(f"'{key}' names {name}, which is not an input")
    for trait in row.get("traits", []):
        if trait not in TRAITS:
            raise ValueError(f"unknown trait '{trait}'")
    grad = row.get("grad")
    grad_none = None
    if isinstance(grad, dict):
        grad_none = grad.get("none")
        if set(grad) != {"none"} or not grad_none:
            raise ValueError("'grad' must be a symbol or { none = \"why\" }")
        grad = None
    ways = [k for k in ("map", "kernel", "lowers_to", "no_kernel") if k in row]
    control_flow = "control_flow" in row.get("traits", [])
    if ways == ["map", "kernel"] and row.get("kernel_types"):
        ways = ["map"]  # the kernel serves the dtypes that the map engine does not
    if len(ways) + control_flow != 1:
        raise ValueError("exactly one of 'map', 'kernel', 'lowers_to', 'no_kernel' or trait control_flow must say how it runs")
    for name, types in row.get("kernel_types", {}).items():
        if name not in attrs or attrs[name].type != "type":
            raise ValueError(f"'kernel_types' names {name}, which is not a type attribute")
        for t in types:
            if t not in DTYPE_NUMBERS:
                raise ValueError(f"'kernel_types': unknown dtype {t}")
            if attrs[name].allowed and t not in attrs[name].allowed:
                raise ValueError(f"'kernel_types': {t} is not allowed for {name}")
    for pattern in row.get("sweep", []):
        if "inputs" not in pattern or set(pattern) - PATTERN_KEYS:
            raise ValueError(f"'sweep' takes {', '.join(sorted(PATTERN_KEYS))}, and inputs always")
    for mode, reason in row.get("skip", {}).items():
        if mode not in SKIPPABLE or not isinstance(reason, str) or not reason:
            raise ValueError(f"'skip' gives a reason for one of {', '.join(sorted(SKIPPABLE))}, not for {mode}")
    compiled = ""
    if "map" in row:
        try:
            compiled = compile_map(row["map"], inputs, outputs, attrs)
        except MapError as e:
            raise ValueError(f"map: {e}") from None
    return Op(name=row["name"], file=file,
              signature={"inputs": row["inputs"], "outputs": row["outputs"], "attrs": row.get("attrs", {})},
              inputs=inputs, outputs=outputs, attrs=list(attrs.values()), doc=" ".join(row["doc"].split()),
              shape=row["shape"], grad=grad, grad_none=grad_none, not_differentiable=row.get("not_differentiable", []),
              map_source=row.get("map"), map=compiled, kernel=row.get("kernel", "Map" if "map" in row else None),
              kernel_types=row.get("kernel_types", {}),
              traits=row.get("traits", []), value_inputs=row.get("value_inputs", []), lowers_to=row.get("lowers_to"),
              no_kernel=row.get("no_kernel"), tests=row.get("tests", []), untested=row.get("untested"),
              sweep=row.get("sweep", []), skip=row.get("skip", {}))


def load_rows(folder: Path) -> list[Op]:
    """All rows, sorted by name."""
    ops: dict[str, Op] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            rows = tomllib.loads(path.read_text(encoding="utf-8")).get("op", [])
        except tomllib.TOMLDecodeError as e:
            raise RowError(f"{path.name}: {e}") from None
        for row in rows:
            name = row.get("name", "<no name>")
            try:
                if not re.match(r"^_?[A-Z]\w*$", name):
                    raise ValueError("'name' must be a CamelCase word")
                if name in ops:
                    raise ValueError(f"already in {ops[name].file}")
                ops[name] = parse_row(row, path.name)
            except ValueError as e:
                raise RowError(f"{path.name}: op {name}: {e}") from None
    for op in ops.values():
        if op.lowers_to and op.lowers_to not in ops:
            raise RowError(f"{op.file}: op {op.name}: 'lowers_to' names {op.lowers_to}, which has no row")
    return [ops[name] for name in sorted(ops)]
