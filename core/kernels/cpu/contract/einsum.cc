// Einsum of one or two inputs: each is arranged as [batch, free, contracted] (the other way round for the second), with
// axes of its own summed over; then comes a product of matrices, whose axes go where the output wants them.
#include "core/framework/einsum.h"

#include <algorithm>

#include "core/framework/kernel.h"
#include "core/kernels/contract.h"
#include "core/kernels/move.h"
#include "core/kernels/move/fill.h"

namespace tw {
namespace {

// An axis of a strided view.
struct Axis {
  int label;
  int64_t size, stride;
};
using Axes = std::vector<Axis>;

const Axis* find(const Axes& axes, int label) {
  const auto it = std::find_if(axes.begin(), axes.end(), [&](const Axis& a) { return a.label == label; });
  return it == axes.end() ? nullptr : &*it;
}

// The axes of a dense tensor by label: a label that comes twice runs along the diagonal. What broadcasts is no axis.
Axes axes_of(const std::vector<int>& labels, const Shape& shape, const std::vector<int64_t>& sizes) {
  Axes axes;
  const auto strides = strides_of(shape);
  for (size_t d = 0; d < labels.size(); ++d) {
    const int64_t size = sizes[static_cast<size_t>(labels[d])];
    if (shape[static_cast<int>(d)] == 1 && size != 1) continue;
    if (const Axis* known = find(axes, labels[d])) {
      axes[static_cast<size_t>(known - axes.data())].stride += strides[d];
    } else {
      axes.push_back({labels[d], size, strides[d]});
    }
  }
  return axes;
}

int64_t count(const Axes& axes) {
  int64_t n = 1;
  for (const Axis& a : axes) n *= a.size;
  return n;
}

// A view made dense in the order of `kept`, and summed over `summed`.
struct Arrangement {
  Axes kept, summed;
  bool dense = false;  // it is so already
  StridedCopy copy;

  void plan(size_t element) {
    std::vector<int64_t> dims, from, to;
    int64_t stride = 1;
    for (size_t i = kept.size(); i-- > 0;) {
      dims.insert(dims.begin(), kept[i].size);
      from.insert(from.begin(), kept[i].stride);
      to.insert(to.begin(), stride);
      stride *= kept[i].size;
    }
    dense = summed.empty() && from == to;
    if (summed.empty() && !dense && stride > 0) copy = StridedCopy(dims, from, to, element);
  }
  int64_t size() const { return count(kept); }

  template <typename T>
  void sum(const T* from, T* to) const {
    std::vector<int64_t> outer(kept.size()), inner(summed.size());
    const auto advance = [](const Axes& axes, std::vector<int64_t>* at, int64_t* offset) {
      for (size_t d = axes.size(); d-- > 0;) {
        *offset += axes[d].stride;
        if (++(*at)[d] < axes[d].size) return;
        *offset -= axes[d].stride * axes[d].size;
        (*at)[d] = 0;
      }
    };
    const int64_t terms = count(summed);
    int64_t base = 0;
    for (int64_t i = 0; i < size(); ++i, advance(kept, &outer, &base)) {
      using Sum = std::conditional_t<std::is_same_v<T, half> || std::is_same_v<T, bfloat16>, float, T>;
      Sum total{};
      int64_t offset = base;
      for (int64_t k = 0; k < terms; ++k, advance(summed, &inner, &offset)) {
        total = static_cast<Sum>(total + static_cast<Sum>(from[offset]));
      }
      to[i] = static_cast<T>(total);
    }
  }

  // The arranged elements: `from` itself where it is dense, else in `to`.
  const void* run(DType dtype, const void* from, void* to, WorkerPool& pool) const {
    if (dense || size() == 0) return from;
    if (summed.empty()) {
      copy.run(static_cast<const char*>(from), static_cast<char*>(to), pool);
    } else {
      visit_number(dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        sum(static_cast<const T*>(from), static_cast<T*>(to));
      });
    }
    return to;
  }
};

struct EinsumState : KernelState {
  Arrangement inputs[2];
  std::unique_ptr<ContractPlan> product;  // null for one input
  // From the product, or the arranged input, to the output.
  bool result_dense = false, fill = false;
  StridedCopy result;
  int64_t result_size = 0;
  size_t offset[4] = {};  // in the workspace: arranged inputs, product, the plan's own
};

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

Status prepare(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<EinsumState>();
  const int n = ctx.num_inputs();
  if (n > 2) return invalid_argument("Einsum takes at most two inputs, but has ", n);
  const DType dtype = ctx.input_dtype(0);
  if (!visit_number(dtype, [](auto) {})) return unimplemented("There is no Einsum of ", dtype_name(dtype));
  std::vector<int> ranks;
  std::vector<Shape> shapes;
  for (int i = 0; i < n; ++i) {
    shapes.push_back(ctx.input_shape(i));
    ranks.push_back(shapes.back().rank());
  }
  TW_ASSIGN_OR_RETURN(const EinsumLabels labels, parse_einsum(ctx.attrs().string("equation"), ranks));
  std::vector<int64_t> sizes;
  TW_RETURN_IF_ERROR(einsum_sizes(labels, shapes, &sizes));
  std::vector<int64_t> dims;
  for (const int label : labels.output) dims.push_back(sizes[static_cast<size_t>(label)]);
  TW_ASSIGN_OR_RETURN(const Shape out_shape, Shape::make(dims));
  const Axes out = axes_of(labels.output, out_shape, sizes);

  Axes operand[2], batch, free_axes[2], shared;
  for (int i = 0; i < n; ++i) {
    operand[i] = axes_of(labels.inputs[static_cast<size_t>(i)], shapes[static_cast<size_t>(i)], sizes);
  }
  // Axes of the first operand decide the order within each group.
  for (int i = 0; i < n; ++i) {
    for (const Axis& a : operand[i]) {
      const bool other = n == 2 && find(operand[1 - i], a.label) != nullptr, kept = find(out, a.label) != nullptr;
      if (other && i == 0) (kept ? batch : shared).push_back(a);
      if (!other && kept) free_axes[i].push_back(a);
      if (!other && !kept) s.inputs[i].summed.push_back(a);
    }
  }
  const auto arrange = [&](int i, std::initializer_list<const Axes*> groups) {
    for (const Axes* group : groups) {
      for (const Axis& a : *group) s.inputs[i].kept.push_back(*find(operand[i], a.label));
    }
    s.inputs[i].plan(dtype_size(dtype));
  };
  arrange(0, {&batch, &free_axes[0], &shared});
  if (n == 2) arrange(1, {&batch, &shared, &free_axes[1]});

  Axes result = batch;
  for (int i = 0; i < n; ++i) result.insert(result.end(), free_axes[i].begin(), free_axes[i].end());
  std::vector<int64_t> result_dims, from(result.size()), to;
  s.result_size = 1;
  for (size_t d = result.size(); d-- > 0;) {
    from[d] = s.result_size;
    s.result_size *= result[d].size;
  }
  for (const Axis& a : result) {
    result_dims.push_back(a.size);
    to.push_back(find(out, a.label)->stride);
  }
  // A label that comes twice in the output leaves all but its diagonal zero.
  s.fill = out_shape.num_elements() != s.result_size;
  s.result_dense = !s.fill && from == to;
  if (!s.result_dense && s.result_size > 0) s.result = StridedCopy(result_dims, from, to, dtype_size(dtype));

  size_t workspace = 0;
  const auto reserve = [&](int slot, size_t bytes) {
    s.offset[slot] = workspace;
    workspace += aligned(bytes);
  };
  for (int i = 0; i < n; ++i) reserve(i, static_cast<size_t>(s.inputs[i].size()) * dtype_size(dtype));
  if (n == 2) {
    GemmSpec spec;
    spec.dtype = dtype;
    spec.m = count(free_axes[0]), spec.n = count(free_axes[1]), spec.k = count(shared);
    spec.batch = spec.batch_a = spec.batch_b = count(batch);
    TW_ASSIGN_OR_RETURN(s.product, plan_gemm(spec, ctx.threads()));
    reserve(2, static_cast<size_t>(s.result_size) * dtype_size(dtype));
    reserve(3, s.product->workspace_bytes());
    ctx.set_cost({s.product->flops(), 0});
  }
  ctx.set_workspace(workspace);
  return {};
}

Status run(const RunContext& ctx) {
  const auto& s = ctx.state<EinsumState>();
  const Value& out = ctx.output(0);
  char* const space = static_cast<char*>(ctx.workspace());
  const auto slot = [&](int i) -> void* { return space + s.offset[i]; };
  const bool into_output = s.result_dense;
  if (s.fill) fill_elements(out.dtype, nullptr, out.data, out.shape->num_elements(), ctx.pool());
  if (s.result_size == 0) return {};
  const void* from;
  if (s.product) {
    const void* a = s.inputs[0].run(out.dtype, ctx.input(0).data, slot(0), ctx.pool());
    const void* b = s.inputs[1].run(out.dtype, ctx.input(1).data, slot(1), ctx.pool());
    void* to[] = {into_output ? out.data : slot(2)};
    TW_RETURN_IF_ERROR(s.product->run(a, b, nullptr, to, slot(3), ctx.pool()));
    from = to[0];
  } else {
    from = s.inputs[0].run(out.dtype, ctx.input(0).data, slot(0), ctx.pool());
    if (into_output) {
      copy_elements(out.dtype, from, out.data, s.result_size);
      return {};
    }
  }
  if (!into_output) s.result.run(static_cast<const char*>(from), static_cast<char*>(out.data), ctx.pool());
  return {};
}

}  // namespace

TW_KERNEL(Einsum, prepare, run);

}  // namespace tw
