"""op_ids.gen.h, op_table.gen.cc and op_table.json."""

from __future__ import annotations

import json

from .rows import Op
from .text import HEADER, attr_text, dtype, op_id, quote

TRAIT_NAMES = {"stateful": "kStateful", "random": "kRandom", "blocking": "kBlocking", "data_dependent": "kDataDependent",
               "commutative": "kCommutative", "aggregate": "kAggregate", "allow_uninitialized": "kAllowUninitialized",
               "aliases": "kAliases", "control_flow": "kControlFlow", "writes_resource": "kWritesResource",
               "internal": "kInternal", "makes_handle": "kMakesHandle"}

ATTR_TYPE_NAMES = {"string": "kString", "int": "kInt", "float": "kFloat", "bool": "kBool", "type": "kType",
                   "shape": "kShape", "tensor": "kTensor", "func": "kFunc", "list(string)": "kListString",
                   "list(int)": "kListInt", "list(float)": "kListFloat", "list(bool)": "kListBool",
                   "list(type)": "kListType", "list(shape)": "kListShape", "list(tensor)": "kListTensor",
                   "list(func)": "kListFunc"}


def op_ids(ops: list[Op]) -> str:
    lines = [HEADER, "#pragma once\n", '#include "core/framework/op_def.h"\n', "namespace tw {\n",
             "enum class OpId : uint16_t {"]
    lines += [f"  {op_id(op.name)}," for op in ops]
    lines += ["};", f"inline constexpr int kNumOps = {len(ops)};\n", "}  // namespace tw\n"]
    return "\n".join(lines)


class _Pool:
    """Arrays that several rows share."""

    def __init__(self, ctype: str, prefix: str):
        self.ctype, self.prefix, self.names = ctype, prefix, {}

    def add(self, items: list[str]) -> str:
        if not items:
            return "{}"
        return self.names.setdefault(tuple(items), f"{self.prefix}{len(self.names)}")

    def lines(self) -> list[str]:
        return [f"constexpr {self.ctype} {name}[] = {{{', '.join(items)}}};" for items, name in self.names.items()]


def _arg(a) -> str:
    fields = [f".name = {quote(a.name)}"]
    if a.dtype:
        fields.append(f".dtype = {dtype(a.dtype)}")
    for key in ("type_attr", "number_attr", "type_list_attr"):
        if getattr(a, key):
            fields.append(f".{key} = {quote(getattr(a, key))}")
    if a.is_ref:
        fields.append(".is_ref = true")
    return "{" + ", ".join(fields) + "}"


def op_table(ops: list[Op]) -> str:
    types, strings = _Pool("DType", "kTypes"), _Pool("std::string_view", "kStrings")
    args, attr_lists = _Pool("ArgDef", "kArgs"), _Pool("AttrDef", "kAttrs")

    def attr(a) -> str:
        fields = [f".name = {quote(a.name)}", f".type = AttrType::{ATTR_TYPE_NAMES[a.type]}"]
        if a.has_default:
            fields.append(f".has_default = true, .default_text = {quote(attr_text(a))}")
        if a.min is not None:
            fields.append(f".has_minimum = true, .minimum = {a.min}")
        if a.allowed and a.type in ("type", "list(type)"):
            fields.append(f".allowed_types = {types.add([dtype(t) for t in a.allowed])}")
        elif a.allowed:
            fields.append(f".allowed_strings = {strings.add([quote(s) for s in a.allowed])}")
        return "{" + ", ".join(fields) + "}"

    rows = []
    for op in ops:
        traits = " | ".join(TRAIT_NAMES[t] for t in op.traits) or "0"
        mask = sum(1 << i for i, a in enumerate(op.inputs) if a.name in op.value_inputs)
        rows.append(f"  {{OpId::{op_id(op.name)}, {quote(op.name)}, {args.add([_arg(a) for a in op.inputs])}, "
                    f"{args.add([_arg(a) for a in op.outputs])}, {attr_lists.add([attr(a) for a in op.attrs])}, "
                    f"{traits}, &shape_{op.shape}, {mask:#x}, {quote(op.map)},\n   {quote(op.doc)}, {quote(op.lowers_to or '')}}},")
    lines = [HEADER, '#include "core/framework/op_ids.gen.h"\n', "namespace tw {\n"]
    lines += [f"Status shape_{s}(ShapeContext&);" for s in sorted({op.shape for op in ops})]
    lines += ["", "namespace {\n"]
    lines += types.lines() + strings.lines() + args.lines() + attr_lists.lines()
    lines += ["", "constexpr OpDef kOps[] = {", *rows, "};\n", "}  // namespace\n",
              "std::span<const OpDef> all_ops() { return kOps; }\n", "}  // namespace tw\n"]
    return "\n".join(lines)


def as_json(ops: list[Op]) -> str:
    """One object, a row a line: the front-end reads single lines."""
    rows = []
    for op in ops:
        row = {"file": op.file, **op.signature, "doc": op.doc, "traits": op.traits, "inferred": sorted(op.inferred_attrs())}
        if op.map_source:
            row["map"] = op.map_source
        for key in ("shape", "kernel", "lowers_to", "no_kernel", "grad", "grad_none", "value_inputs", "not_differentiable", "tests",
                    "untested"):
            if getattr(op, key):
                row[key] = getattr(op, key)
        rows.append(f"{json.dumps(op.name)}: {json.dumps(row)}")
    return "{\n" + ",\n".join(rows) + "\n}\n"
