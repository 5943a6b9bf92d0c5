"""Compiles the infix expressions of element-wise rows to tape text.

The text is the form of Tape::to_string with dtypes and constants possibly named after attributes:
    (T, T) { v2 = const T 1; v3 = sub v2 v0; v4 = mul v1 v3 } -> v4
An instruction whose result dtype does not follow from its operands states it after the name: v3 = cast DstT v2.
"""

from __future__ import annotations

import ast

ARITY = {}
for names, arity in (
        ("neg abs sign square reciprocal sqrt rsqrt floor ceil round rint exp expm1 log log1p sin cos tan asin acos atan "
         "sinh cosh tanh asinh acosh atanh erf erfc lgamma digamma sigmoid softplus isnan isinf isfinite logical_not "
         "bit_not cast real imag conj angle", 1),
        ("add sub mul div floordiv truncdiv mod floormod pow minimum maximum atan2 squared_difference div_no_nan "
         "mul_no_nan xdivy xlogy eq ne lt le gt ge logical_and logical_or bit_and bit_or bit_xor shift_left shift_right "
         "make_complex", 2),
        ("fma select", 3)):
    for name in names.split():
        ARITY[name] = arity

TO_BOOL = {"eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite"}
BOOL_OPERANDS = {"logical_and", "logical_or", "logical_not"}
# The result dtype does not follow from the operands: a last argument names it.
NAMED_RESULT = {"cast", "real", "imag", "angle", "make_complex"}

BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "floormod",
          ast.Pow: "pow", ast.BitAnd: "bit_and", ast.BitOr: "bit_or", ast.BitXor: "bit_xor", ast.LShift: "shift_left",
          ast.RShift: "shift_right"}
UNARY = {ast.USub: "neg", ast.Invert: "bit_not", ast.Not: "logical_not"}
COMPARE = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}


class MapError(Exception):
    """The expression breaks a rule."""


def _arg_dtype(arg) -> str:
    if arg.is_list or arg.is_ref:
        raise MapError(f"argument {arg.name} is a list or a ref")
    return arg.type_attr or arg.dtype


def _number(value: float) -> str:
    return repr(value) if isinstance(value, float) and not value.is_integer() else str(int(value))


class _Compiler:
    def __init__(self, inputs, attrs):
        self.values = {a.name: i for i, a in enumerate(inputs)}
        self.dtypes = [_arg_dtype(a) for a in inputs]
        self.attrs = attrs
        self.constants: list[tuple[str, str]] = []   # (dtype, text)
        self.insts: list[tuple[str, str, tuple]] = []  # (op, stated dtype or "", operands)
        self.inst_dtypes: list[str] = []
        self.known: dict[tuple, tuple] = {}

    # Values are ("in", i), ("const", i) or ("inst", i) until the end, when constants get their numbers.
    def dtype_of(self, value) -> str:
        kind, i = value
        return self.dtypes[i] if kind == "in" else self.constants[i][0] if kind == "const" else self.inst_dtypes[i]

    def constant(self, dtype: str, text: str):
        if (dtype, text) not in self.constants:
            self.constants.append((dtype, text))
        return ("const", self.constants.index((dtype, text)))

    def emit(self, op: str, operands: tuple, stated: str):
        key = (op, stated, operands)
        if key not in self.known:
            if stated:
                dtype = stated
            elif op in TO_BOOL:
                dtype = "bool"
            else:
                dtype = self.dtype_of(operands[1 if op == "select" else 0])
            self.insts.append(key)
            self.inst_dtypes.append(dtype)
            self.known[key] = ("inst", len(self.insts) - 1)
        return self.known[key]

    def literal(self, node) -> str | None:
        """The text of a constant: a number or attr(name)."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool):
                return str(int(node.value))
            if isinstance(node.value, (int, float)):
                return _number(node.value)
            raise MapError(f"constant {node.value!r} is not a number")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return _number(-node.operand.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "attr":
            name = node.args[0].id
            if name not in self.attrs or self.attrs[name].type not in ("float", "int"):
                raise MapError(f"attr({name}): not a float or int attribute")
            return f"attr({name})"
        return None

    def split(self, node) -> tuple[str, list, str]:
        """(micro-op, operand expressions, stated result dtype)."""
        if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
            return BINARY[type(node.op)], [node.left, node.right], ""
        if isinstance(node, ast.UnaryOp) and type(node.op) in UNARY:
            return UNARY[type(node.op)], [node.operand], ""
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return COMPARE[type(node.ops[0])], [node.left, node.comparators[0]], ""
        if isinstance(node, ast.BoolOp) and len(node.values) == 2:
            return "logical_and" if isinstance(node.op, ast.And) else "logical_or", node.values, ""
        if isinstance(node, ast.IfExp):
            return "select", [node.test, node.body, node.orelse], ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            op, args = node.func.id, list(node.args)
            if op not in ARITY:
                raise MapError(f"unknown micro-op {op}")
            stated = ""
            if len(args) == ARITY[op] + 1:
                last = args.pop()
                if not isinstance(last, ast.Name):
                    raise MapError(f"{op}: the last argument must name a dtype")
                stated = last.id
            if len(args) != ARITY[op]:
                raise MapError(f"{op} takes {ARITY[op]} operands, not {len(args)}")
            if op in NAMED_RESULT and not stated:
                raise MapError(f"{op} must name its result dtype")
            return op, args, stated
        raise MapError(f"cannot express {ast.unparse(node)}")

    def infer(self, node) -> str | None:
        """The dtype of an expression; None for constants, which take that of their context."""
        if self.literal(node) is not None:
            return None
        if isinstance(node, ast.Name):
            if node.id not in self.values:
                raise MapError(f"{node.id} is not an input")
            return self.dtypes[self.values[node.id]]
        op, args, stated = self.split(node)
        if stated:
            return stated
        if op in TO_BOOL or op in BOOL_OPERANDS:
            return "bool"
        for a in args[1:] if op == "select" else args:
            found = self.infer(a)
            if found:
                return found
        return None

    def compile(self, node, expected: str):
        text = self.literal(node)
        if text is not None:
            return self.constant(expected, text)
        if isinstance(node, ast.Name):
            self.infer(node)
            return ("in", self.values[node.id])
        op, args, stated = self.split(node)
        if op == "select":
            dtype = self.infer(node) or expected
            if (self.infer(args[0]) or "bool") != "bool":
                raise MapError("the condition is not a bool")
            operands = (self.compile(args[0], "bool"), self.compile(args[1], dtype), self.compile(args[2], dtype))
        else:
            found = [t for t in (self.infer(a) for a in args) if t]
            dtype = found[0] if found else expected
            operands = tuple(self.compile(a, dtype) for a in args)
            if any(self.dtype_of(o) != dtype for o in operands):
                raise MapError(f"operands of {op} differ: {', '.join(self.dtype_of(o) for o in operands)}")
        return self.emit(op, operands, stated)


def compile_map(source, inputs, outputs, attrs) -> str:
    """`source` is one expression, or a list of one per output."""
    sources = [source] if isinstance(source, str) else source
    if len(sources) != len(outputs):
        raise MapError(f"{len(sources)} expressions for {len(outputs)} outputs")
    c = _Compiler(inputs, attrs)
    results = []
    for text, out in zip(sources, outputs):
        try:
            tree = ast.parse(text, mode="eval").body
        except SyntaxError as e:
            raise MapError(f"{text}: {e.msg}") from None
        dtype = _arg_dtype(out)
        value = c.compile(tree, dtype)
        if c.dtype_of(value) != dtype:
            raise MapError(f"'{text}' gives {c.dtype_of(value)}, but output {out.name} is {dtype}")
        results.append(value)
    first = {"in": 0, "const": len(c.dtypes), "inst": len(c.dtypes) + len(c.constants)}
    v = lambda value: f"v{first[value[0]] + value[1]}"
    lines = [f"{v(('const', i))} = const {t} {text}" for i, (t, text) in enumerate(c.constants)]
    for i, (op, stated, operands) in enumerate(c.insts):
        lines.append(" ".join([f"{v(('inst', i))} = {op}"] + ([stated] if stated else []) + [v(o) for o in operands]))
    return f"({', '.join(c.dtypes)}) {{ {'; '.join(lines)} }} -> {', '.join(v(r) for r in results)}"
