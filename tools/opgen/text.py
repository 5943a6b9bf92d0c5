"""Spelling of values in generated C++."""

from __future__ import annotations

from .rows import Attr

CPP_DTYPES = {
    "float": "kFloat", "double": "kDouble", "int32": "kInt32", "uint8": "kUint8", "int16": "kInt16", "int8": "kInt8",
    "string": "kString", "complex64": "kComplex64", "int64": "kInt64", "bool": "kBool", "qint8": "kQint8",
    "quint8": "kQuint8", "qint32": "kQint32", "bfloat16": "kBfloat16", "qint16": "kQint16", "quint16": "kQuint16",
    "uint16": "kUint16", "complex128": "kComplex128", "half": "kHalf", "resource": "kResource", "variant": "kVariant",
    "uint32": "kUint32", "uint64": "kUint64"}

HEADER = "// Written by tools/opgen from core/ops/*.toml.\n"


def quote(text: str) -> str:
    """A C++ string literal."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def dtype(name: str) -> str:
    return f"DType::{CPP_DTYPES[name]}"


def attr_text(attr: Attr) -> str:
    """The default in the text form of core/framework/attr.h."""

    def one(value, kind: str) -> str:
        if kind == "string":
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if kind == "bool":
            return "true" if value else "false"
        if kind == "float":
            return repr(float(value))
        return str(value)

    if attr.type.startswith("list("):
        return "[" + ",".join(one(v, attr.type[5:-1]) for v in attr.default) + "]"
    return one(attr.default, attr.type)


def op_id(name: str) -> str:
    return "k" + name.lstrip("_") if not name.startswith("_") else "k_" + name[1:]
