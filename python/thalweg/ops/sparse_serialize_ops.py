"""Sparse tensors as strings."""

from thalweg.framework import dtypes, sparse_tensor, tensor_shape, tensor_util
from thalweg.framework.op_create import op as _op


def _parts(sp_input):
  if not isinstance(sp_input, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
    raise TypeError("Input must be a SparseTensor.")
  return sp_input.indices, sp_input.values, sp_input.dense_shape


def serialize_sparse(sp_input, name=None, out_type=dtypes.string):
  """Three strings: the indices, values and dense shape of a SparseTensor."""
  return _op("SerializeSparse", name, _parts(sp_input), {"out_type": out_type})


def serialize_many_sparse(sp_input, name=None, out_type=dtypes.string):
  """[n, 3] strings: the SparseTensors along the first dimension of one."""
  return _op("SerializeManySparse", name, _parts(sp_input), {"out_type": out_type})


def deserialize_many_sparse(serialized_sparse, dtype, rank=None, name=None):
  """The SparseTensor of rank `rank` + 1 whose rows [n, 3] strings hold."""
  indices, values, shape = _op("DeserializeManySparse", name, (serialized_sparse,), {"dtype": dtype})
  if rank is not None:
    indices.set_shape([None, rank + 1])
    shape.set_shape([rank + 1])
  return sparse_tensor.SparseTensor(indices, values, shape)


def deserialize_sparse(serialized_sparse, dtype, rank=None, name=None):
  """The SparseTensors that [..., 3] strings hold, stacked along the leading dimensions."""
  indices, values, shape = _op("DeserializeSparse", name, (serialized_sparse,), {"dtype": dtype})
  lead = tensor_shape.as_shape(serialized_sparse.shape if hasattr(serialized_sparse, "shape")
                               else tensor_util.make_tensor_proto(serialized_sparse).tensor_shape).ndims
  if rank is not None and lead is not None:
    indices.set_shape([None, rank + lead - 1])
    shape.set_shape([rank + lead - 1])
  return sparse_tensor.SparseTensor(indices, values, shape)
