// The driver of every optimizer op: finds the op's inputs by name, checks shapes, locks the variables, and runs the
// rule's loop over all elements (dense) or over the rows that `indices` names (sparse).
#include "core/kernels/cpu/training/training.h"

#include "core/kernels/cpu/state/variable_access.h"

namespace tw {
namespace {

struct TrainingState : KernelState {
  const OpDef* op = nullptr;
  TrainingLoop loop = nullptr;
  DType dtype = DType::kInvalid;
  int slots = 0, scalars = 0;
  int scalar_inputs[kMaxScalars] = {};
  int grad = -1, indices = -1, global_step = -1;
  bool use_nesterov = false, update_slots = true;
};

template <TrainingRule kRule>
Status prepare_training(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<TrainingState>();
  state.op = &ctx.op();
  state.dtype = ctx.attrs().dtype("T");
  if (!is_floating(state.dtype)) {
    return unimplemented(ctx.op().name, " does not take variables of dtype ", dtype_name(state.dtype));
  }
  state.loop = find_training_loop(kRule, state.dtype);
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    const std::string_view name = ctx.op().inputs[static_cast<size_t>(i)].name;
    if (ctx.input_dtype(i) == DType::kResource) {
      ++state.slots;
    } else if (name == "grad" || name == "delta") {
      state.grad = i;
    } else if (name == "indices") {
      state.indices = i;
    } else if (name == "global_step") {
      state.global_step = i;
    } else {
      state.scalar_inputs[state.scalars++] = i;
    }
  }
  if (ctx.attrs().has("use_nesterov")) state.use_nesterov = ctx.attrs().boolean("use_nesterov");
  if (ctx.attrs().has("update_slots")) state.update_slots = ctx.attrs().boolean("update_slots");
  const Shape& grad = ctx.input_shape(state.grad);
  if (grad.fully_known()) {
    const double n = static_cast<double>(grad.num_elements());
    ctx.set_cost({6 * n * state.slots, n * static_cast<double>(dtype_size(state.dtype)) * (2 * state.slots + 1)});
  }
  return {};
}

std::string_view input_name(const TrainingState& state, int i) { return state.op->inputs[static_cast<size_t>(i)].name; }

Result<TrainingArgs> read_scalars(const RunContext& ctx, const TrainingState& state) {
  TrainingArgs args;
  args.use_nesterov = state.use_nesterov;
  args.update_slots = state.update_slots;
  for (int s = 0; s < state.scalars; ++s) {
    const int i = state.scalar_inputs[s];
    const Value& v = ctx.input(i);
    if (!v.shape->is_scalar()) return invalid_argument(input_name(state, i), " is not a scalar: ", *v.shape);
    visit_floating(state.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      args.scalars[s] = static_cast<double>(*static_cast<const T*>(v.data));
    });
  }
  if (state.global_step >= 0) {
    const Value& v = ctx.input(state.global_step);
    if (!v.shape->is_scalar()) return invalid_argument("global_step is not a scalar: ", *v.shape);
    args.global_step = *static_cast<const int64_t*>(v.data);
  }
  return args;
}

// 16-bit types go through float a block at a time; the block stays in L1.
template <typename T>
void run_16(const TrainingState& state, const TrainingArgs& args, void* const* slots, const void* grad, int64_t n) {
  constexpr int64_t kBlock = 256;
  float g[kBlock], values[kMaxSlots][kBlock];
  void* const pointers[kMaxSlots] = {values[0], values[1], values[2], values[3]};
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t count = std::min(n - begin, kBlock);
    for (int64_t i = 0; i < count; ++i) g[i] = static_cast<float>(static_cast<const T*>(grad)[begin + i]);
    for (int s = 0; s < state.slots; ++s) {
      const T* from = static_cast<const T*>(slots[s]) + begin;
      for (int64_t i = 0; i < count; ++i) values[s][i] = static_cast<float>(from[i]);
    }
    state.loop(pointers, g, args, count);
    for (int s = 0; s < state.slots; ++s) {
      T* to = static_cast<T*>(slots[s]) + begin;
      for (int64_t i = 0; i < count; ++i) to[i] = T(values[s][i]);
    }
  }
}

// Elements [to, to + n) of the slots from elements [from, from + n) of the gradient.
void run_range(const TrainingState& state, const TrainingArgs& args, const std::array<Tensor*, kMaxSlots>& tensors,
               int64_t to, const void* grad, int64_t from, int64_t n) {
  const size_t size = dtype_size(state.dtype);
  void* slots[kMaxSlots] = {};
  for (int s = 0; s < state.slots; ++s) {
    slots[s] = static_cast<char*>(tensors[static_cast<size_t>(s)]->raw()) + static_cast<size_t>(to) * size;
  }
  const void* g = static_cast<const char*>(grad) + static_cast<size_t>(from) * size;
  switch (state.dtype) {
    case DType::kHalf: return run_16<half>(state, args, slots, g, n);
    case DType::kBfloat16: return run_16<bfloat16>(state, args, slots, g, n);
    default: return state.loop(slots, g, args, n);
  }
}

// Checks that hold for both forms; fills `tensors` with storage that may be written.
Status open_slots(const TrainingState& state, std::span<Variable* const> variables,
                  std::array<Tensor*, kMaxSlots>* tensors) {
  for (Variable* v : variables) {
    if (!v->value_locked().valid()) return uninitialized(*v);
  }
  const Shape& shape = variables[0]->value_locked().shape();
  for (int s = 1; s < state.slots; ++s) {
    const Shape& other = variables[static_cast<size_t>(s)]->value_locked().shape();
    if (other != shape) {
      return invalid_argument("var and ", input_name(state, s), " do not have the same shape", shape, " ", other);
    }
  }
  for (size_t s = 0; s < variables.size(); ++s) {
    for (size_t r = 0; r < s; ++r) {
      if (variables[r] == variables[s]) {
        return invalid_argument(input_name(state, static_cast<int>(r)), " and ", input_name(state, static_cast<int>(s)),
                                " must be different variables, but both are ", variables[s]->name());
      }
    }
    TW_ASSIGN_OR_RETURN((*tensors)[s], variables[s]->writable_locked());
  }
  return {};
}

double ns_per_element(const TrainingState& state) {
  return 0.2 * (state.slots + 1) * static_cast<double>(dtype_size(state.dtype)) / 4;
}

Status run_dense(const RunContext& ctx, const TrainingState& state, const TrainingArgs& args,
                 const std::array<Tensor*, kMaxSlots>& tensors) {
  const Value& grad = ctx.input(state.grad);
  if (*grad.shape != tensors[0]->shape()) {
    return invalid_argument("var and ", input_name(state, state.grad), " do not have the same shape",
                            tensors[0]->shape(), " ", *grad.shape);
  }
  ctx.pool().parallel_for(
      tensors[0]->num_elements(), grain_for_ns(ns_per_element(state)),
      [&](int64_t begin, int64_t end) { run_range(state, args, tensors, begin, grad.data, begin, end - begin); });
  return {};
}

template <typename Index>
Status run_sparse(const RunContext& ctx, const TrainingState& state, const TrainingArgs& args,
                  const std::array<Tensor*, kMaxSlots>& tensors) {
  const Value& grad = ctx.input(state.grad);
  const Value& indices = ctx.input(state.indices);
  const Shape& shape = tensors[0]->shape();
  if (shape.rank() < 1) return invalid_argument("var must be at least 1 dimensional");
  if (indices.shape->rank() != 1) return invalid_argument("indices must be one-dimensional");
  if (grad.shape->rank() != shape.rank()) {
    return invalid_argument("var and grad must have the same rank, but have shapes ", shape, " and ", *grad.shape);
  }
  for (int d = 1; d < shape.rank(); ++d) {
    if ((*grad.shape)[d] != shape[d]) return invalid_argument("var and grad must match in dimension ", d);
  }
  const int64_t count = (*indices.shape)[0];
  if ((*grad.shape)[0] != count) {
    return invalid_argument("grad must be the same size as indices in the first dimension.");
  }
  const Index* rows = static_cast<const Index*>(indices.data);
  for (int64_t i = 0; i < count; ++i) {
    if (rows[i] < 0 || rows[i] >= shape[0]) {
      return invalid_argument("Index ", rows[i], " at offset ", i, " in indices is out of range");
    }
  }
  const int64_t row = shape.product(1, shape.rank());
  if (count == 0 || row == 0) return {};
  // Each range owns some of the variable's rows and goes through all indices, so that updates of one row happen in the
  // order given whatever the number of threads.
  const double ns_per_row = (ns_per_element(state) * static_cast<double>(row) + 5) * static_cast<double>(count) /
                            static_cast<double>(shape[0]);
  ctx.pool().parallel_for(shape[0], grain_for_ns(ns_per_row), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < count; ++i) {
      if (rows[i] < begin || rows[i] >= end) continue;
      run_range(state, args, tensors, static_cast<int64_t>(rows[i]) * row, grad.data, i * row, row);
    }
  });
  return {};
}

Status run_training(const RunContext& ctx) {
  const auto& state = ctx.state<TrainingState>();
  TW_ASSIGN_OR_RETURN(const TrainingArgs args, read_scalars(ctx, state));
  std::array<Variable*, kMaxSlots> variables{};
  for (int s = 0; s < state.slots; ++s) {
    TW_ASSIGN_OR_RETURN(variables[static_cast<size_t>(s)], variable_input(ctx, s, state.dtype));
  }
  const std::span<Variable* const> used(variables.data(), static_cast<size_t>(state.slots));
  VariableLocks<kMaxSlots> locks(used);
  std::array<Tensor*, kMaxSlots> tensors{};
  TW_RETURN_IF_ERROR(open_slots(state, used, &tensors));
  if (state.indices < 0) return run_dense(ctx, state, args, tensors);
  return ctx.input(state.indices).dtype == DType::kInt32 ? run_sparse<int32_t>(ctx, state, args, tensors)
                                                         : run_sparse<int64_t>(ctx, state, args, tensors);
}

}  // namespace

#define TW_DENSE(name) TW_KERNEL(ResourceApply##name, prepare_training<TrainingRule::k##name>, run_training);
#define TW_DENSE_AND_SPARSE(name) \
  TW_DENSE(name) TW_KERNEL(ResourceSparseApply##name, prepare_training<TrainingRule::k##name>, run_training);

TW_DENSE(GradientDescent)
TW_DENSE(Adam)
TW_DENSE(AdamWithAmsgrad)
TW_DENSE(AdaMax)
TW_DENSE(AddSign)
TW_DENSE(PowerSign)
TW_DENSE_AND_SPARSE(Momentum)
TW_DENSE_AND_SPARSE(KerasMomentum)
TW_DENSE_AND_SPARSE(Adagrad)
TW_DENSE_AND_SPARSE(AdagradV2)
TW_DENSE_AND_SPARSE(AdagradDA)
TW_DENSE_AND_SPARSE(Adadelta)
TW_DENSE_AND_SPARSE(RMSProp)
TW_DENSE_AND_SPARSE(CenteredRMSProp)
TW_DENSE_AND_SPARSE(Ftrl)
TW_DENSE_AND_SPARSE(FtrlV2)
TW_DENSE_AND_SPARSE(ProximalGradientDescent)
TW_DENSE_AND_SPARSE(ProximalAdagrad)

}  // namespace tw
