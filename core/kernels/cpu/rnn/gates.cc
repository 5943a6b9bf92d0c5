#include "core/kernels/cpu/rnn/gates.h"

#include "core/kernels/cpu/map/tape_writer.h"

namespace tw::rnn {

Status Product::prepare(DType t, const Spec& spec, int threads, Layout* layout) {
  GemmSpec g;
  g.dtype = t;
  g.m = spec.m, g.n = spec.n, g.k = spec.k;
  g.transpose_a = spec.transpose_a, g.transpose_b = spec.transpose_b;
  g.constant_b = spec.constant_b;
  if (spec.add != Spec::Add::kNothing) {
    TapeWriter w({t, t});
    g.epilogue.tape = w.finish({w.in(0) + w.in(1)});
    g.epilogue.operand_shapes.push_back(spec.add == Spec::Add::kRow ? Shape{spec.n} : Shape{spec.m, spec.n});
  }
  TW_ASSIGN_OR_RETURN(plan, plan_gemm(g, threads));
  scratch = layout->add(static_cast<int64_t>(plan->workspace_bytes()), 1);
  return {};
}

GateCopy::GateCopy(int64_t batch, int64_t gates, int64_t cell, size_t element_size) {
  const std::array<int64_t, 3> dims{gates, batch, cell};
  const std::array<int64_t, 3> rows{cell, gates * cell, 1}, planes{batch * cell, cell, 1};
  apart = StridedCopy(dims, rows, planes, element_size);
  together = StridedCopy(dims, planes, rows, element_size);
}

void add_column_sums(DType t, const void* a, const void* b, int64_t rows, int64_t columns, float* to) {
  visit_floating(t, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T *x = static_cast<const T*>(a), *y = static_cast<const T*>(b);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        const float v = static_cast<float>(x[i * columns + j]);
        to[j] += y == nullptr ? v : v * static_cast<float>(y[i * columns + j]);
      }
    }
  });
}

void store_sums(DType t, const float* sums, int64_t count, void* out) {
  visit_floating(t, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < count; ++i) static_cast<T*>(out)[i] = static_cast<T>(sums[i]);
  });
}

Status check_shape(const PrepareContext& ctx, int i, const Shape& want) {
  if (ctx.input_shape(i) == want) return {};
  return invalid_argument(ctx.op().name, ": ", ctx.op().inputs[static_cast<size_t>(i)].name, " must have shape ", want,
                          ", but has ", ctx.input_shape(i));
}

}  // namespace tw::rnn
