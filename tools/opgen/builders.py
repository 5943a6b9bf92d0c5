"""core/graph/ops.gen.h and ops.gen.cc: one C++ function per op that adds its node to a graph."""

from __future__ import annotations

from .rows import Attr, Op
from .text import CPP_DTYPES, HEADER, quote

CPP_KEYWORDS = {"and", "bool", "case", "char", "class", "const", "default", "delete", "do", "double", "else", "enum", "float",
                "for", "if", "int", "long", "new", "not", "operator", "or", "register", "return", "short", "signed",
                "static", "struct", "switch", "template", "this", "union", "unsigned", "using", "void", "while", "xor"}

CPP_TYPES = {"string": "std::string", "int": "int64_t", "float": "float", "bool": "bool", "type": "DType", "shape": "tw::Shape",
             "tensor": "Tensor", "func": "FuncRef"}


def _name(name: str, taken=()) -> str:
    return name + "_" if name in CPP_KEYWORDS or name in taken else name


def _cpp_type(kind: str) -> str:
    return f"std::vector<{CPP_TYPES[kind[5:-1]]}>" if kind.startswith("list(") else CPP_TYPES[kind]


def _initial(a: Attr) -> str:
    def one(value, kind):
        if kind == "string":
            return quote(value)
        if kind == "bool":
            return "true" if value else "false"
        if kind == "float":
            return f"{float(value)!r}f"
        if kind == "type":
            return f"DType::{CPP_DTYPES[value]}"
        if kind == "shape":
            if value == "<unknown>":
                return "tw::Shape::unknown()"
            return "tw::Shape{" + value[1:-1].replace("?", "kUnknownDim") + "}"
        return str(value)

    if a.type == "tensor" or a.type == "func":
        return ""
    if not a.has_default:
        return {"int": " = 0", "float": " = 0", "bool": " = false", "type": " = DType::kInvalid",
                "shape": " = tw::Shape::unknown()"}.get(a.type, "")
    if a.type.startswith("list("):
        return " = {" + ", ".join(one(v, a.type[5:-1]) for v in a.default) + "}" if a.default else ""
    return " = " + one(a.default, a.type)


def _explicit(op: Op) -> list[Attr]:
    inferred = op.inferred_attrs()
    return [a for a in op.attrs if a.name not in inferred]


def _result(op: Op) -> str:
    if not op.outputs:
        return "NodeId"
    if len(op.outputs) == 1:
        return "std::vector<Output>" if op.outputs[0].is_list else "Output"
    return f"{_ident(op)}Outputs"


def _ident(op: Op) -> str:
    return "Internal" + op.name[1:] if op.name.startswith("_") else op.name


def _signature(op: Op, with_default: bool) -> str:
    taken = {"b", "attrs"}
    params = ["Builder& b"]
    for a in op.inputs:
        params.append(f"std::span<const Output> {_name(a.name, taken)}" if a.is_list else f"Output {_name(a.name, taken)}")
    explicit = _explicit(op)
    if explicit:
        required = any(not a.has_default for a in explicit)
        default = " = {}" if with_default and not required else ""
        params.append(f"const {_ident(op)}Attrs& attrs{default}")
    return f"{_result(op)} {_ident(op)}({', '.join(params)})"


def header(ops: list[Op]) -> str:
    lines = [HEADER,
             "// Typed builders: each adds one node. Attributes that the inputs determine are not asked for; required ones have\n"
             "// no default here and are checked when the node is added.",
             "#pragma once\n", "#include <span>\n", '#include "core/graph/builder.h"\n', "namespace tw::ops {\n"]
    for op in ops:
        explicit = _explicit(op)
        if explicit:
            lines.append(f"struct {_ident(op)}Attrs {{")
            lines += [f"  {_cpp_type(a.type)} {_name(a.name)}{_initial(a)};" for a in explicit]
            lines.append("};")
        if len(op.outputs) > 1:
            lines.append(f"struct {_ident(op)}Outputs {{")
            for a in op.outputs:
                lines.append(f"  {'std::vector<Output>' if a.is_list else 'Output'} {_name(a.name)};")
            lines.append("};")
        lines.append(f"// {op.doc}")
        lines.append(_signature(op, True) + ";\n")
    lines.append("}  // namespace tw::ops\n")
    return "\n".join(lines)


def _body(op: Op) -> list[str]:
    taken = {"b", "attrs"}
    lines = []
    simple = all(not a.is_list for a in op.inputs)
    if simple:
        lines.append(f"  std::vector<Output> in{{{', '.join(_name(a.name, taken) for a in op.inputs)}}};")
    else:
        lines.append("  std::vector<Output> in;")
        for a in op.inputs:
            name = _name(a.name, taken)
            lines.append(f"  in.insert(in.end(), {name}.begin(), {name}.end());" if a.is_list else f"  in.push_back({name});")
    lines.append("  AttrMap map;")
    for a in _explicit(op):
        lines.append(f"  map.emplace({quote(a.name)}, AttrValue(attrs.{_name(a.name)}));")
    done = set()
    for a in op.inputs:
        name = _name(a.name, taken)
        if a.number_attr and a.number_attr not in done:
            lines.append(f"  map.emplace({quote(a.number_attr)}, AttrValue(static_cast<int64_t>({name}.size())));")
            done.add(a.number_attr)
        if a.type_list_attr and a.type_list_attr not in done:
            lines.append(f"  map.emplace({quote(a.type_list_attr)}, AttrValue(dtypes_of(b, {name})));")
            done.add(a.type_list_attr)
    lines.append(f"  const NodeId id = b.add({quote(op.name)}, std::move(in), map);")
    if not op.outputs:
        return lines + ["  return id;"]
    if len(op.outputs) == 1 and not op.outputs[0].is_list:
        return lines + ["  return {id, 0};"]
    # Where each output starts: a sum of the lengths before it.
    offset = "0"
    results = []
    for a in op.outputs:
        if not a.is_list:
            results.append(f"{{id, {offset}}}")
            offset = f"{offset} + 1" if not offset.isdigit() else str(int(offset) + 1)
            continue
        count = f"count_{a.name}"
        source = a.number_attr or a.type_list_attr
        by_input = next((x for x in op.inputs if source in (x.number_attr, x.type_list_attr)), None)
        if by_input:
            size = f"{_name(by_input.name, taken)}.size()"
        else:
            size = f"attrs.{_name(source)}" + (".size()" if a.type_list_attr else "")
        lines.append(f"  const int {count} = static_cast<int>({size});")
        results.append(f"outputs_of(id, {offset}, {count})")
        offset = f"{offset} + {count}" if offset != "0" else count
    if len(op.outputs) == 1:
        return lines + [f"  return {results[0]};"]
    return lines + [f"  return {{{', '.join(results)}}};"]


def source(ops: list[Op]) -> str:
    lines = [HEADER, '#include "core/graph/ops.gen.h"\n', "namespace tw::ops {", "namespace {\n",
             "[[maybe_unused]] std::vector<DType> dtypes_of(const Builder& b, std::span<const Output> outputs) {",
             "  std::vector<DType> types;", "  for (const Output o : outputs) types.push_back(b.dtype(o));",
             "  return types;", "}\n",
             "[[maybe_unused]] std::vector<Output> outputs_of(NodeId id, int first, int count) {",
             "  std::vector<Output> outputs;", "  for (int i = 0; i < count; ++i) outputs.push_back({id, first + i});",
             "  return outputs;", "}\n", "}  // namespace\n"]
    for op in ops:
        lines += [_signature(op, False) + " {", *_body(op), "}\n"]
    lines.append("}  // namespace tw::ops\n")
    return "\n".join(lines)
