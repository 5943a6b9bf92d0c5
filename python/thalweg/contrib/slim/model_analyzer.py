"""The sizes of a model's variables and operations."""


def tensor_description(var):
  """A type and sizes, like "(float32 3x4)"."""
  sizes = var.get_shape()
  return "(%s %s)" % (var.dtype.name, "x".join(str(size) for size in (sizes if sizes.ndims is not None else ())))


def analyze_ops(graph, print_info=False):
  """The number of elements of all outputs, as far as they are known."""
  total = 0
  if print_info:
    print("---------\nOperations: name -> (type shapes) [size]\n---------")
  for op in graph.get_operations():
    size = sum(t.get_shape().num_elements() or 0 for t in op.outputs)
    if print_info:
      shapes = ", ".join(tensor_description(t) for t in op.outputs if t.get_shape().ndims)
      print("%s \t-> %s [%d]" % (op.name, shapes, size))
    total += size
  return total


def analyze_vars(variables, print_info=False):
  """(elements, bytes) of variables, printed one by one on request."""
  total_size = total_bytes = 0
  if print_info:
    print("---------\nVariables: name (type shape) [size]\n---------")
  for var in variables:
    size = var.get_shape().num_elements() or 0
    total_size += size
    total_bytes += size * var.dtype.size
    if print_info:
      print("%s %s [%d, bytes: %d]" % (var.name, tensor_description(var), size, size * var.dtype.size))
  if print_info:
    print("Total size of variables: %d\nTotal bytes of variables: %d" % (total_size, total_bytes))
  return total_size, total_bytes
