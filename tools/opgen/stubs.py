"""raw_ops.pyi: the signature of every op of the table, for editors and type checkers."""

from __future__ import annotations

import keyword
import textwrap

from .rows import Arg, Attr, Op

HEAD = '''# Written by tools/opgen from core/ops/*.toml.
from typing import Any, List, NamedTuple, Optional, Sequence, Union

from thalweg.framework.dtypes import DType
from thalweg.framework.operation import Operation
from thalweg.framework.tensor import Tensor
from thalweg.framework.tensor_shape import TensorShape

# What converts to a tensor: tensors, variables, numpy arrays, numbers, strings, and nested lists of those.
_TensorLike = Any
_TypeLike = Union[DType, type, str, int]
_ShapeLike = Union[TensorShape, Sequence[Optional[int]], None]
'''

ATTR_TYPES = {"string": "Union[str, bytes]", "int": "int", "float": "float", "bool": "bool", "type": "_TypeLike",
              "shape": "_ShapeLike", "tensor": "Any", "func": "Any"}


def attr_type(attr: Attr) -> str:
    if attr.type.startswith("list("):
        return f"Sequence[{ATTR_TYPES[attr.type[5:-1]]}]"
    return ATTR_TYPES[attr.type]


def input_type(arg: Arg) -> str:
    return "Sequence[_TensorLike]" if arg.is_list else "_TensorLike"


def output_type(arg: Arg) -> str:
    return "List[Tensor]" if arg.is_list else "Tensor"


def field_names(outputs: list[Arg]) -> list[str]:
    """The fields of the namedtuple that the op returns, which renames what is no name."""
    names: list[str] = []
    for i, arg in enumerate(outputs):
        bad = keyword.iskeyword(arg.name) or arg.name.startswith("_") or arg.name in names
        names.append(f"_{i}" if bad else arg.name)
    return names


def parameters(op: Op) -> list[str]:
    """Inputs, then attributes, those without default first; all by keyword. Attributes that the inputs determine may
    be given too."""
    inferred = op.inferred_attrs()
    required = [a for a in op.attrs if a.name not in inferred and not a.has_default]
    optional = [a for a in op.attrs if a.name in inferred or a.has_default]
    return ([f"{a.name}: {input_type(a)}" for a in op.inputs] +
            [f"{a.name}: {attr_type(a)}" for a in required] +
            [f"{a.name}: {attr_type(a)} = ..." for a in optional] + ["name: Optional[str] = ..."])


def function(op: Op) -> str:
    lines = []
    if not op.outputs:
        result = "Operation"
    elif len(op.outputs) == 1:
        result = output_type(op.outputs[0])
    else:
        result = f"_{op.name}Result"
        lines.append(f"class {result}(NamedTuple):")
        lines += [f"    {name}: {output_type(arg)}" for name, arg in zip(field_names(op.outputs), op.outputs)]
        lines.append("")
    lines.append(f"def {op.name}(")
    lines.append("    *,")
    lines += [f"    {p}," for p in parameters(op)]
    lines.append(f") -> {result}:")
    doc = op.doc.replace("\\", "\\\\").replace('"""', "'''")
    lines += textwrap.wrap(f'"""{doc}"""', 110, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
    return "\n".join(lines) + "\n"


def raw_ops(ops: list[Op]) -> str:
    for op in ops:
        names = [a.name for a in op.inputs] + [a.name for a in op.attrs]
        for name in names:
            if keyword.iskeyword(name) or name == "name" or names.count(name) > 1:
                raise ValueError(f"{op.name}: {name} cannot be a parameter in Python")
    return HEAD + "".join("\n" + function(op) for op in ops)
