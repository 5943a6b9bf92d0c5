"""tf.einsum: sums of products of tensors, written with a letter per axis."""

from thalweg.framework import ops
from thalweg.ops import array_ops, linalg_ops, math_ops


def _parse(equation, shapes):
  """The letters of each input and of the output. Without "->" the output has those that occur once, in order."""
  if "..." in equation:
    raise ValueError("Subscripts with ellipses are not yet supported.")
  left, arrow, output = equation.replace(" ", "").partition("->")
  inputs = left.split(",")
  if not all(part.isalpha() or not part for part in inputs) or not (output.isalpha() or not output):
    raise ValueError("Indices have incorrect format: %s" % equation)
  if len(inputs) != len(shapes):
    raise ValueError('Got %d arguments for equation "%s", expecting %d' % (len(shapes), equation, len(inputs)))
  for labels, shape in zip(inputs, shapes):
    if shape.ndims is not None and shape.ndims != len(labels):
      raise ValueError("The subscripts %s do not fit a tensor of shape %s in %s" % (labels, shape, equation))
  every = "".join(inputs)
  if not arrow:
    output = "".join(sorted(a for a in set(every) if every.count(a) == 1))
  for a in output:
    if a not in every or output.count(a) > 1:
      raise ValueError("Invalid equation: %s" % equation)
  return inputs, output


def _arranged(tensor, labels, wanted):
  """The tensor with its axes in another order."""
  order = [labels.index(a) for a in wanted]
  return tensor if order == list(range(len(order))) else array_ops.transpose(tensor, order)


def _without(tensor, labels, kept):
  """The tensor summed over the axes that are not kept, and the letters of the others."""
  axes = [i for i, a in enumerate(labels) if a not in kept]
  if not axes:
    return tensor, labels
  return math_ops.reduce_sum(tensor, axis=axes), "".join(a for a in labels if a in kept)


def _sizes(tensor, labels):
  """letter -> size, known or a tensor."""
  known, dynamic = tensor.get_shape().as_list(), None
  sizes = {}
  for i, a in enumerate(labels):
    if known[i] is None and dynamic is None:
      dynamic = array_ops.shape(tensor)
    sizes[a] = dynamic[i] if known[i] is None else known[i]
  return sizes


def _count(letters, sizes):
  total = 1
  for a in letters:
    total = total * sizes[a]
  return total


def _contract(x, x_labels, y, y_labels, needed):
  """The product of two tensors, summed over the letters that nothing needs later; its letters. Letters that stay and are
  in both are batches of one product of matrices."""
  x, x_labels = _without(x, x_labels, set(needed) | set(y_labels))
  y, y_labels = _without(y, y_labels, set(needed) | set(x_labels))
  shared = [a for a in x_labels if a in y_labels]
  batch, summed = [a for a in shared if a in needed], [a for a in shared if a not in needed]
  rows, columns = [a for a in x_labels if a not in shared], [a for a in y_labels if a not in shared]
  sizes = dict(_sizes(y, y_labels), **_sizes(x, x_labels))
  for a in shared:
    x.get_shape().dims[x_labels.index(a)].assert_is_compatible_with(y.get_shape().dims[y_labels.index(a)])
  x = _arranged(x, x_labels, batch + rows + summed)
  y = _arranged(y, y_labels, batch + summed + columns)
  lead = [sizes[a] for a in batch]
  x = array_ops.reshape(x, lead + [_count(rows, sizes), _count(summed, sizes)])
  y = array_ops.reshape(y, lead + [_count(summed, sizes), _count(columns, sizes)])
  labels = "".join(batch + rows + columns)
  made = array_ops.reshape(math_ops.matmul(x, y), [sizes[a] for a in labels])
  made.set_shape([sizes[a] if isinstance(sizes[a], int) else None for a in labels])
  return made, labels


def einsum(equation, *inputs, **kwargs):
  """einsum("ij,jk->ik", a, b): letters that the output lacks are summed over."""
  name = kwargs.pop("name", None)
  if kwargs:
    raise TypeError("invalid keyword arguments for this function: " + ", ".join(sorted(kwargs)))
  with ops.name_scope(name, "einsum", [equation, inputs]) as name:
    inputs = [ops.convert_to_tensor(x) for x in inputs]
    labels, output = _parse(equation, [x.get_shape() for x in inputs])
    if len(labels) == 1 and "->" not in equation and len(labels[0]) == 2 and labels[0][0] == labels[0][1]:
      return linalg_ops.trace(inputs[0])
    for part in labels:
      if len(set(part)) != len(part):
        raise ValueError("Subscript not supported: an axis appears more than once: %s" % part)
    result, left = inputs[0], labels[0]
    for i in range(1, len(inputs)):
      needed = set(output).union(*labels[i + 1:])
      result, left = _contract(result, left, inputs[i], labels[i], needed)
    result, left = _without(result, left, set(output))
    return _arranged(result, left, output)
