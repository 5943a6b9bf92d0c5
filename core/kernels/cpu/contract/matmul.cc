// MatMul, BatchMatMul, BatchMatMulV2.
#include "core/kernels/cpu/contract/contract_kernel.h"

namespace tw {

Result<GemmSpec> matmul_spec(const PrepareContext& ctx) {
  const Shape &a = ctx.input_shape(0), &b = ctx.input_shape(1);
  if (a.rank() != 2 || b.rank() != 2) return invalid_argument("In[0] and In[1] are not matrices: ", a, " and ", b);
  GemmSpec s;
  s.dtype = ctx.input_dtype(0);
  s.transpose_a = ctx.attrs().boolean("transpose_a");
  s.transpose_b = ctx.attrs().boolean("transpose_b");
  s.m = a[s.transpose_a ? 1 : 0];
  s.k = a[s.transpose_a ? 0 : 1];
  s.n = b[s.transpose_b ? 0 : 1];
  if (b[s.transpose_b ? 1 : 0] != s.k) {
    return invalid_argument("Matrix size-incompatible: In[0]: ", a, ", In[1]: ", b);
  }
  return s;
}

Result<GemmSpec> batch_matmul_spec(const PrepareContext& ctx) {
  const Shape &a = ctx.input_shape(0), &b = ctx.input_shape(1);
  const int ra = a.rank(), rb = b.rank();
  if (ra < 2 || rb < 2) return invalid_argument("In[0] and In[1] must have rank 2 or more: ", a, " and ", b);
  GemmSpec s;
  s.dtype = ctx.input_dtype(0);
  s.adjoint_a = ctx.attrs().boolean("adj_x");
  s.adjoint_b = ctx.attrs().boolean("adj_y");
  s.m = a[s.adjoint_a ? ra - 1 : ra - 2];
  s.k = a[s.adjoint_a ? ra - 2 : ra - 1];
  s.n = b[s.adjoint_b ? rb - 2 : rb - 1];
  if (b[s.adjoint_b ? rb - 1 : rb - 2] != s.k) {
    return invalid_argument("Matrix size-incompatible: In[0]: ", a, ", In[1]: ", b);
  }
  const Shape batch_a(a.dims().subspan(0, static_cast<size_t>(ra - 2)));
  const Shape batch_b(b.dims().subspan(0, static_cast<size_t>(rb - 2)));
  TW_ASSIGN_OR_RETURN(const Shape batch, broadcast(batch_a, batch_b));
  s.batch = batch.num_elements();
  s.batch_a = batch_a.num_elements();
  s.batch_b = batch_b.num_elements();
  // Which matrix a result uses, counted through the broadcast dimensions. Plain cases need no list.
  const auto index = [&](const Shape& part, int64_t count, std::vector<int64_t>* list) {
    if (count == s.batch || count == 1) return;
    const auto strides = strides_of(part);
    for (int64_t i = 0; i < s.batch; ++i) {
      int64_t rest = i, at = 0;
      for (int d = batch.rank() - 1; d >= 0; --d) {
        const int64_t position = rest % batch[d];
        rest /= batch[d];
        const int p = d - (batch.rank() - part.rank());
        if (p >= 0 && part[p] != 1) at += position * strides[static_cast<size_t>(p)];
      }
      list->push_back(at);
    }
  };
  index(batch_a, s.batch_a, &s.index_a);
  index(batch_b, s.batch_b, &s.index_b);
  return s;
}

namespace {

Status prepare_matmul(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(const GemmSpec spec, matmul_spec(ctx));
  return prepare_gemm(ctx, spec, 0);
}

Status prepare_batch_matmul(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(const GemmSpec spec, batch_matmul_spec(ctx));
  return prepare_gemm(ctx, spec, 0);
}

}  // namespace

TW_KERNEL(MatMul, prepare_matmul, run_contract);
TW_KERNEL(BatchMatMul, prepare_batch_matmul, run_contract);

}  // namespace tw
