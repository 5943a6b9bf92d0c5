"""Compares the op rows with TensorFlow 1.15's signatures (tf115_signatures.json), and checks opgen's own rules."""

import json
import struct
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "conformance")]

import differences  # noqa: E402
from opgen import docs, sweep  # noqa: E402
from opgen.mapexpr import MapError, compile_map  # noqa: E402
from opgen.rows import Arg, Attr, RowError, load_rows  # noqa: E402

DIFFERENCES = differences.cases()
OPS = {op.name: op for op in load_rows(ROOT / "core" / "ops")}
FACTS = json.loads((ROOT / "tests" / "ops" / "tf115_signatures.json").read_text(encoding="utf-8"))

def allowed(text):
    return FACTS["sets"][text[1:]].split() if text.startswith("@") else text.split()


def same_default(kind, ours, theirs):
    if kind == "float":
        return struct.pack("f", ours) == struct.pack("f", theirs)
    if kind == "shape":
        return theirs == ("shape:?" if ours == "<unknown>" else "shape:" + ours)
    if kind == "tensor":
        return theirs == "tensor"
    return ours == theirs


def test_every_public_row_is_an_op_of_tensorflow():
    public = {name for name, op in OPS.items() if "internal" not in op.traits}
    assert public == set(FACTS["ops"])


@pytest.mark.parametrize("name", sorted(FACTS["ops"]))
def test_signature(name, record_property):
    op, fact = OPS[name], FACTS["ops"][name]
    assert op.signature["inputs"] == fact["in"]
    assert op.signature["outputs"] == fact["out"]
    attrs = fact.get("attr", {})
    assert {a.name for a in op.attrs} == set(attrs)
    for attr in op.attrs:
        want = attrs[attr.name]
        assert attr.type == want["type"], attr.name
        assert set(attr.allowed) == set(allowed(want.get("allowed", ""))), attr.name
        assert attr.min == want.get("min"), attr.name
        assert attr.has_default == ("default" in want), attr.name
        if attr.has_default:
            assert same_default(attr.type, attr.default, want["default"]), attr.name
    same = all((trait in op.traits) == fact.get("is_" + trait, False) for trait in ("stateful", "commutative"))
    assert same == ("op signature " + name not in DIFFERENCES)
    record_property("passed", int(same))
    record_property("differs", int(not same))
    assert ("aggregate" in op.traits) == fact.get("is_aggregate", False)
    if fact.get("allows_uninitialized_input"):
        assert "allow_uninitialized" in op.traits


def test_every_kernel_is_covered_or_says_why_not():
    """golden_test.cc runs the cases in goldens/; a row without one gives its reason."""
    tested = set()
    for path in (ROOT / "tests" / "ops" / "goldens").glob("*.txt"):
        tested |= {line[3:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("op ")}
    assert tested <= set(OPS)
    for op in OPS.values():
        if op.kernel:
            assert (op.name in tested) != bool(op.untested), op.name


def test_every_row_names_its_sizes_or_says_why_not():
    """tests/ops counts at run time too: Modes.EveryRowRunsOrSaysWhyNot."""
    for op in OPS.values():
        modes = {case.mode for case in sweep.cases(op)}
        reasons = sweep.reasons(op)
        for mode in sweep.MODES:
            assert (mode in modes) != (mode in reasons), (op.name, mode)
        assert not (op.sweep and op.untested), op.name


def test_every_case_of_a_sweep_has_a_golden():
    lines = (ROOT / "tests" / "ops" / "sweep_goldens.txt").read_text(encoding="utf-8").splitlines()
    known = {tuple(line.split()[:3]) for line in lines}
    for op in OPS.values():
        if "internal" in op.traits:
            continue
        for case in sweep.cases(op):
            assert case.mode == "speed" or (case.mode, op.name, str(case.number)) in known, (op.name, case.mode, case.number)


def test_sizes_of_a_pattern(tmp_path):
    text = """
[[op]]
name = "X"
inputs = ["a: T", "i: int32"]
outputs = []
attrs.T = { type = "type", allowed = ["float", "int32"] }
attrs.n = { type = "int", default = 0 }
doc = "d"
shape = "s"
kernel = "K"
sweep = [
  { inputs = ["T[m,2*k] in 0..1", "int32[k] in 0..m-1"], attrs = { n = "m + 1" }, dims = { k = [4, 9] } },
]
"""
    op, = row(text, tmp_path)
    swept = [c for c in sweep.cases(op) if c.mode == "sweep"]
    assert [[i.shape for i in c.inputs] for c in swept] == [[[3, 8], [4]], [[1, 8], [4]], [[33, 8], [4]], [[3, 18], [9]]]
    assert [c.attrs["n"] for c in swept] == ["4", "2", "34", "4"]  # none for m = 0: there is no index below it
    assert all(c.inputs[0].seed != c.inputs[1].seed for c in swept)
    bad = [c for c in sweep.cases(op) if c.mode == "bad_input"]
    assert [3, 8, 2] in [c.inputs[0].shape for c in bad] and [0] in [c.inputs[1].shape for c in bad]
    assert max(c.inputs[0].shape[0] for c in sweep.cases(op) if c.mode == "speed") > 1000
    assert "| X | T | x |" in docs.support([op])


@pytest.mark.parametrize("line, error", [
    ('sweep = [{ attrs = {} }]', "inputs"), ('skip = { nothing = "x" }', "'skip'"), ('skip = { sweep = "" }', "'skip'")])
def test_patterns_that_break_a_rule(line, error, tmp_path):
    text = f'[[op]]\nname = "X"\ninputs = []\noutputs = []\ndoc = "d"\nshape = "s"\nkernel = "K"\n{line}\n'
    with pytest.raises(RowError, match=error):
        row(text, tmp_path)


def row(text, tmp_path):
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    return load_rows(tmp_path)


GOOD = """
[[op]]
name = "Twice"
inputs = ["x: T"]
outputs = ["y: T"]
attrs.T = { type = "type", allowed = ["float", "int32"] }
doc = "Two times x."
shape = "same"
map = "x * 2"
"""


def test_a_good_row(tmp_path):
    (op,) = row(GOOD, tmp_path)
    assert op.map == "(T) { v1 = const T 2; v2 = mul v0 v1 } -> v2"
    assert op.inferred_attrs() == {"T"}


@pytest.mark.parametrize("change, message", [
    (('"x: T"', '"x: U"'), "neither a dtype nor an attribute"),
    (('"x: T"', '"x T"'), "not of the form"),
    (("doc = ", "documentation = "), "unknown key 'documentation'"),
    (('shape = "same"\n', ""), "'shape' is missing"),
    (('"int32"', '"int33"'), "unknown dtype int33"),
    (('"x * 2"', '"x * z"'), "z is not an input"),
    (('"x * 2"', '"x < 2"'), "gives bool, but output y is T"),
    (('"x * 2"', '"twice(x)"'), "unknown micro-op twice"),
    (('map = "x * 2"', 'map = "x * 2"\nkernel = "Twice"'), "exactly one"),
    (('map = "x * 2"', 'map = "x * 2"\ntraits = ["statefull"]'), "unknown trait"),
    (('map = "x * 2"', 'map = "x * 2"\nvalue_inputs = ["shape"]'), "names shape, which is not an input"),
    (('map = "x * 2"', 'map = "x * 2"\ngrad = { none = "" }'), "'grad' must be"),
    (('map = "x * 2"', 'lowers_to = "Thrice"'), "names Thrice, which has no row"),
    (('type = "type",', 'type = "type", default = "half",'), "is not allowed"),
])
def test_a_bad_row_names_file_op_and_rule(tmp_path, change, message):
    with pytest.raises(RowError) as error:
        row(GOOD.replace(*change), tmp_path)
    assert message in str(error.value)
    assert "x.toml: op Twice: " in str(error.value)


def test_a_name_may_occur_once(tmp_path):
    with pytest.raises(RowError, match="x.toml: op Twice: already in x.toml"):
        row(GOOD + GOOD, tmp_path)


def expression(text, inputs="xyc"):
    attrs = {"T": Attr("T", "type"), "alpha": Attr("alpha", "float"), "D": Attr("D", "type")}
    args = [Arg(n, type_attr="" if n == "c" else "T", dtype="bool" if n == "c" else "") for n in inputs]
    return compile_map(text, args, [Arg("z", type_attr="T")], attrs)


@pytest.mark.parametrize("text, tape", [
    ("x + y * x", "(T, T, bool) { v3 = mul v1 v0; v4 = add v0 v3 } -> v4"),
    ("x * y + x * y", "(T, T, bool) { v3 = mul v0 v1; v4 = add v3 v3 } -> v4"),
    ("x if c else 0", "(T, T, bool) { v3 = const T 0; v4 = select v2 v0 v3 } -> v4"),
    ("1 if x > 0 and not c else attr(alpha) * y",
     "(T, T, bool) { v3 = const T 0; v4 = const T 1; v5 = const T attr(alpha); v6 = gt v0 v3; v7 = logical_not v2; "
     "v8 = logical_and v6 v7; v9 = mul v5 v1; v10 = select v8 v4 v9 } -> v10"),
    ("cast(c, T)", "(T, T, bool) { v3 = cast T v2 } -> v3"),
    ("fma(x, 0.5, -2)", "(T, T, bool) { v3 = const T 0.5; v4 = const T -2; v5 = fma v0 v3 v4 } -> v5"),
    ("y", "(T, T, bool) {  } -> v1"),
])
def test_expression(text, tape):
    assert expression(text) == tape


@pytest.mark.parametrize("text", ["x +", "x + c", "x if y else x", "fma(x, y)", "'a'", "attr(T)", "x < y < x", "cast(x)"])
def test_bad_expression(text):
    with pytest.raises(MapError):
        expression(text)
