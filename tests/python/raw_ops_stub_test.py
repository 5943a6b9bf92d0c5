"""raw_ops.pyi, which editors read, has the signatures of the ops."""

import ast
import pathlib

import pytest
import thalweg as tf
from thalweg.framework import op_table

PACKAGE = pathlib.Path(tf.__file__).parent


@pytest.fixture(scope="module")
def stub():
  tree = ast.parse((PACKAGE / "raw_ops.pyi").read_text(encoding="utf-8"))
  return {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def test_package_is_typed():
  assert (PACKAGE / "py.typed").exists()


def test_a_function_for_every_op(stub):
  assert {n for n, node in stub.items() if isinstance(node, ast.FunctionDef)} == set(dir(tf.raw_ops))


def test_signatures(stub):
  for name in op_table.rows():
    spec = op_table.spec(name)
    fn = stub[name]
    assert not fn.args.args and not fn.args.posonlyargs and fn.args.kwarg is None, name
    types = {a.arg: ast.unparse(a.annotation) for a in fn.args.kwonlyargs}
    assert set(types) == {a.name for a in spec.inputs} | set(spec.attrs) | {"name"}, name
    required = {a.arg for a, default in zip(fn.args.kwonlyargs, fn.args.kw_defaults) if default is None}
    assert required == {a.name for a in spec.inputs} | {a.name for a in spec.explicit if not a.has_default}, name
    lists = {a.name for a in spec.inputs if a.is_list} | {a.name for a in spec.attrs.values() if a.type.startswith("list(")}
    assert {n for n, t in types.items() if t.startswith("Sequence[")} == lists, name
    results = ["List[Tensor]" if a.is_list else "Tensor" for a in spec.outputs]
    if len(spec.outputs) > 1:
      fields = [n for n in stub[ast.unparse(fn.returns)].body if isinstance(n, ast.AnnAssign)]
      assert [f.target.id for f in fields] == list(spec.result._fields), name
      assert [ast.unparse(f.annotation) for f in fields] == results, name
    else:
      assert ast.unparse(fn.returns) == (results or ["Operation"])[0], name


def test_types_of_attributes(stub):
  types = {a.arg: ast.unparse(a.annotation) for a in stub["Conv2D"].args.kwonlyargs}
  assert types["strides"] == "Sequence[int]" and types["use_cudnn_on_gpu"] == "bool"
  assert types["padding"] == "Union[str, bytes]"
