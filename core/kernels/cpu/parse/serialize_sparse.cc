// SerializeSparse, SerializeManySparse, DeserializeSparse and DeserializeManySparse: sparse tensors as three
// TensorProto messages each (indices, values, dense shape).
#include <algorithm>

#include "core/formats/tensor_proto.h"
#include "core/kernels/cpu/sparse/coo.h"

namespace tw {
namespace {

Status encode_parts(const Tensor& indices, const Tensor& values, const Tensor& shape, std::string* to) {
  TW_ASSIGN_OR_RETURN(to[0], encode_tensor(indices));
  TW_ASSIGN_OR_RETURN(to[1], encode_tensor(values));
  TW_ASSIGN_OR_RETURN(to[2], encode_tensor(shape));
  return {};
}

Status run_serialize(const RunContext& ctx) {
  TW_RETURN_IF_ERROR(Coo::read(ctx, 0).status());
  return encode_parts(value_view(ctx.input(0)), value_view(ctx.input(1)), value_view(ctx.input(2)),
                      ctx.out<std::string>(0));
}

// A row of three strings for each index of the first dimension.
Status run_serialize_many(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo t, Coo::read(ctx, 0));
  if (t.rank < 2) return invalid_argument("Rank of input SparseTensor should be > 1, but saw rank: ", t.rank);
  const int64_t rows = t.shape[0];
  std::vector<std::vector<int64_t>> entries(static_cast<size_t>(std::max<int64_t>(rows, 0)));
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, Shape{rows, 3}));
  for (int64_t i = 0; i < t.count; ++i) {
    const int64_t row = t.index(i, 0);
    if (row < 0 || row >= rows) {
      return invalid_argument("Received unexpected column 0 value in input SparseTensor: ", row,
                              " < 0 or >= N (= ", rows, ")");
    }
    entries[static_cast<size_t>(row)].push_back(i);
  }
  const Tensor shape = Tensor::vector<int64_t>(std::span<const int64_t>(t.shape).subspan(1));
  for (int64_t row = 0; row < rows; ++row) {
    const auto& own = entries[static_cast<size_t>(row)];
    const auto count = static_cast<int64_t>(own.size());
    TW_ASSIGN_OR_RETURN(const Tensor indices, Tensor::make(DType::kInt64, Shape{count, t.rank - 1}));
    TW_ASSIGN_OR_RETURN(const Tensor values, Tensor::make(t.values->dtype, Shape{count}));
    int64_t* index = indices.data<int64_t>();
    for (int64_t i = 0; i < count; ++i) {
      for (int d = 1; d < t.rank; ++d) *index++ = t.index(own[static_cast<size_t>(i)], d);
      copy_value(t.values->dtype, t.values->data, own[static_cast<size_t>(i)], values.raw(), i);
    }
    TW_RETURN_IF_ERROR(encode_parts(indices, values, shape, static_cast<std::string*>(out) + 3 * row));
  }
  return {};
}

struct Parts {
  Tensor indices, values, shape;
};

Result<Parts> decode_parts(const std::string* from, DType dtype, int64_t number) {
  Parts p;
  TW_ASSIGN_OR_RETURN(p.indices, decode_tensor(from[0]));
  TW_ASSIGN_OR_RETURN(p.values, decode_tensor(from[1]));
  TW_ASSIGN_OR_RETURN(p.shape, decode_tensor(from[2]));
  if (p.indices.dtype() != DType::kInt64 || p.shape.dtype() != DType::kInt64 || p.indices.shape().rank() != 2 ||
      p.values.shape().rank() != 1 || p.shape.shape().rank() != 1 || p.indices.shape()[0] != p.values.shape()[0] ||
      p.indices.shape()[1] != p.shape.shape()[0]) {
    return invalid_argument("Serialized sparse tensor ", number, " has indices ", p.indices.summary(), ", values ",
                            p.values.summary(), " and shape ", p.shape.summary(), ", which do not fit");
  }
  if (p.values.dtype() != dtype) {
    return invalid_argument("Requested SparseTensor of type ", dtype_name(dtype), " but SparseTensor[", number,
                            "].values.dtype() == ", dtype_name(p.values.dtype()));
  }
  return p;
}

// The tensors of [..., 3] strings, stacked along the leading dimensions; their shape is the largest of each.
Status run_deserialize(const RunContext& ctx) {
  const Shape& s = *ctx.input(0).shape;
  if (s.rank() < 1 || s[s.rank() - 1] != 3) {
    return invalid_argument("Serialized sparse should have 3 as the last dimension: ", s);
  }
  const int lead = s.rank() - 1;
  const int64_t count = s.product(0, lead);
  if (count == 0) return invalid_argument("Serialized sparse should have non-zero values, but has shape ", s);
  std::vector<Parts> all;
  int64_t entries = 0;
  for (int64_t k = 0; k < count; ++k) {
    TW_ASSIGN_OR_RETURN(Parts p, decode_parts(ctx.in<std::string>(0) + 3 * k, ctx.output(1).dtype, k));
    entries += p.values.num_elements();
    all.push_back(std::move(p));
  }
  const auto rank = static_cast<int>(all[0].shape.num_elements());
  std::vector<int64_t> dims(s.dims().begin(), s.dims().begin() + lead);
  dims.resize(static_cast<size_t>(lead + rank));
  for (size_t k = 0; k < all.size(); ++k) {
    if (all[k].shape.num_elements() != rank) {
      return invalid_argument("Inconsistent rank across SparseTensors: rank prior to SparseTensor[", k, "] was: ", rank,
                              " but rank of SparseTensor[", k, "] is: ", all[k].shape.num_elements());
    }
    for (int d = 0; d < rank; ++d) {
      int64_t& dim = dims[static_cast<size_t>(lead + d)];
      dim = std::max(dim, all[k].shape.data<int64_t>()[d]);
    }
  }
  TW_ASSIGN_OR_RETURN(const CooOut out, allocate_coo(ctx, 0, 1, 2, entries, dims));
  int64_t* index = out.indices;
  int64_t at = 0;
  for (size_t k = 0; k < all.size(); ++k) {
    const Parts& p = all[k];
    const int64_t n = p.values.num_elements();
    copy_elements(p.values.dtype(), p.values.raw(),
                  static_cast<char*>(out.values) + static_cast<size_t>(at) * dtype_size(p.values.dtype()), n);
    for (int64_t i = 0; i < n; ++i) {
      auto rest = static_cast<int64_t>(k);
      for (int d = lead - 1; d >= 0; --d) {
        index[d] = rest % s[d];
        rest /= s[d];
      }
      index = std::copy_n(p.indices.data<int64_t>() + i * rank, rank, index + lead);
    }
    at += n;
  }
  return {};
}

Status run_deserialize_many(const RunContext& ctx) {
  const Shape& s = *ctx.input(0).shape;
  if (s.rank() != 2) return invalid_argument("Serialized sparse should be a matrix but received shape ", s);
  return run_deserialize(ctx);
}

}  // namespace

TW_KERNEL(SerializeSparse, prepare_nothing, run_serialize);
TW_KERNEL(SerializeManySparse, prepare_nothing, run_serialize_many);
TW_KERNEL(DeserializeSparse, prepare_nothing, run_deserialize);
TW_KERNEL(DeserializeManySparse, prepare_nothing, run_deserialize_many);

}  // namespace tw
