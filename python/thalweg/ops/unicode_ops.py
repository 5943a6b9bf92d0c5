"""Text in other encodings, and code points."""

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops


def unicode_transcode(input, input_encoding, output_encoding, errors="replace", replacement_char=65533,  # noqa: A002
                      replace_control_characters=False, name=None):
  """Text in another encoding; malformed characters are replaced, dropped ("ignore") or an error ("strict")."""
  return _op("UnicodeTranscode", name, (input,), {
      "input_encoding": input_encoding, "output_encoding": output_encoding, "errors": errors,
      "replacement_char": replacement_char, "replace_control_characters": replace_control_characters})


def unicode_encode(input, output_encoding, errors="replace", replacement_char=65533, name=None):  # noqa: A002
  """Strings of the code points along the last dimension of a tensor."""
  with ops.name_scope(name, "UnicodeEncode", [input]):
    input = ops.convert_to_tensor(input, dtype=dtypes.int32, name="input")  # noqa: A001
    if input.shape.ndims is None:
      raise ValueError("Rank of input_tensor must be statically known.")
    if input.shape.ndims == 0:
      raise ValueError("input_tensor's rank must be at least 1.")
    shape = array_ops.shape(input, out_type=dtypes.int64)
    rows = math_ops.reduce_prod(shape[:-1])
    splits = math_ops.range(rows + 1) * shape[-1]
    encoded = _op("UnicodeEncode", None, (array_ops.reshape(input, [-1]), splits), {
        "output_encoding": output_encoding, "errors": errors, "replacement_char": replacement_char})
    return array_ops.reshape(encoded, shape[:-1])
