// Reading, assigning and asking about variables.
#include <cstring>

#include "core/kernels/cpu/state/variable_access.h"

namespace tw {
namespace {

struct VariableState : KernelState {
  DType dtype = DType::kInvalid;
  bool validate_shape = false;
  bool ignore_lookup_error = true;
};

Status prepare_variable(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<VariableState>();
  state.dtype = ctx.attrs().dtype("dtype");
  // Set by the lowering of Assign with validate_shape=true; a resource assignment may change the shape.
  if (ctx.attrs().has("_validate_shape")) state.validate_shape = ctx.attrs().boolean("_validate_shape");
  if (ctx.attrs().has("ignore_lookup_error")) state.ignore_lookup_error = ctx.attrs().boolean("ignore_lookup_error");
  return {};
}

struct HandleState : KernelState {
  std::string container, name;
  DType dtype = DType::kInvalid;
  Shape shape;
};

Status prepare_handle(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<HandleState>();
  const AttrReader& attrs = ctx.attrs();
  state.container = attrs.string("container");
  state.name = attrs.string("shared_name").empty() ? attrs.string("_node") : attrs.string("shared_name");
  state.dtype = attrs.dtype("dtype");
  state.shape = attrs.must<Shape>("shape");
  return {};
}

Status run_handle(const RunContext& ctx) {
  const auto& state = ctx.state<HandleState>();
  TW_ASSIGN_OR_RETURN(
      const ResourceHandle found,
      ctx.step().resources().find_or_create(state.container, state.name, [&]() -> Result<ResourceHandle> {
        return ResourceHandle(make_ref<Variable>(state.name, state.dtype, state.shape));
      }));
  const auto* variable = dynamic_cast<const Variable*>(found.get());
  if (variable == nullptr || variable->dtype() != state.dtype) {
    return invalid_argument("'", state.name, "' is ", found->describe(), ", and cannot be a variable of ",
                            dtype_name(state.dtype));
  }
  Tensor handle = Tensor::make_or_die(DType::kResource, Shape{});
  handle.data<ResourceHandle>()[0] = found;
  ctx.set_output(0, std::move(handle));
  return {};
}

Status run_read(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, ctx.state<VariableState>().dtype));
  TW_ASSIGN_OR_RETURN(Tensor value, variable->read());
  ctx.set_output(0, std::move(value));
  return {};
}

// Copies bytes with as many threads as a copy of that size pays for.
void copy_bytes(const void* from, void* to, size_t bytes, WorkerPool& pool) {
  pool.parallel_for(static_cast<int64_t>(bytes), int64_t{1} << 20, [&](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                static_cast<size_t>(end - begin));
  });
}

Status run_assign(const RunContext& ctx) {
  const auto& state = ctx.state<VariableState>();
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, state.dtype));
  const Value& from = ctx.input(1);
  std::unique_lock lock(variable->mutex());
  if (state.validate_shape) {
    const Tensor& old = variable->value_locked();
    const Shape& want = old.valid() ? old.shape() : variable->static_shape();
    if (!compatible(want, *from.shape)) {
      return invalid_argument("Assign requires shapes of both tensors to match. lhs shape= ", want,
                              " rhs shape= ", *from.shape);
    }
  }
  // A value that the step can give away becomes the variable's; otherwise its bytes go into the storage the variable
  // has, so that a steady training loop allocates nothing.
  if (!(from.owner && from.owner->unique() && ctx.may_consume(1)) && is_plain(state.dtype)) {
    Tensor* own = variable->exclusive_locked();
    if (own && own->shape() == *from.shape && own->dtype() == state.dtype) {
      copy_bytes(from.data, own->raw(), own->bytes(), ctx.pool());
      return {};
    }
  }
  lock.unlock();
  TW_ASSIGN_OR_RETURN(Tensor value, ctx.input_tensor(1, true));
  variable->assign(std::move(value));
  return {};
}

template <typename T, bool kAdd>
void accumulate(T* to, const T* from, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    if constexpr (kAdd) {
      to[i] = static_cast<T>(to[i] + from[i]);
    } else {
      to[i] = static_cast<T>(to[i] - from[i]);
    }
  }
}

template <bool kAdd>
Status run_accumulate(const RunContext& ctx) {
  const DType dtype = ctx.state<VariableState>().dtype;
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, dtype));
  const Value& delta = ctx.input(1);
  std::lock_guard lock(variable->mutex());
  TW_ASSIGN_OR_RETURN(Tensor * value, variable->writable_locked());
  if (value->shape() != *delta.shape) {
    return invalid_argument("Cannot update variable with shape ", value->shape(), " using a Tensor with shape ",
                            *delta.shape, ", shapes must be equal.");
  }
  const bool known = visit_number(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = value->data<T>();
    const T* from = static_cast<const T*>(delta.data);
    ctx.pool().parallel_for(value->num_elements(), grain_for_ns(0.3),
                            [&](int64_t begin, int64_t end) { accumulate<T, kAdd>(to, from, begin, end); });
  });
  if (!known) return unimplemented("AssignAdd and AssignSub do not take variables of dtype ", dtype_name(dtype));
  return {};
}

Status run_is_initialized(const RunContext& ctx) {
  auto* variable = dynamic_cast<Variable*>(ctx.in<ResourceHandle>(0)->get());
  *ctx.out<bool>(0) = variable && variable->initialized();
  return {};
}

Status run_shape(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0));
  Shape shape;
  {
    std::lock_guard lock(variable->mutex());
    if (!variable->value_locked().valid()) return uninitialized(*variable);
    shape = variable->value_locked().shape();
  }
  TW_ASSIGN_OR_RETURN(void* out, ctx.allocate_output(0, Shape{shape.rank()}));
  for (int i = 0; i < shape.rank(); ++i) {
    if (ctx.output(0).dtype == DType::kInt64) {
      static_cast<int64_t*>(out)[i] = shape[i];
      continue;
    }
    if (shape[i] > INT32_MAX) {
      return invalid_argument("Dimension ", i, " of ", variable->name(), " is ", shape[i],
                              ", too large for int32 output");
    }
    static_cast<int32_t*>(out)[i] = static_cast<int32_t>(shape[i]);
  }
  return {};
}

Status run_destroy(const RunContext& ctx) {
  auto* variable = dynamic_cast<Variable*>(ctx.in<ResourceHandle>(0)->get());
  if (!variable) return invalid_argument("DestroyResourceOp: the handle holds no variable");
  if (!variable->initialized() && !ctx.state<VariableState>().ignore_lookup_error) {
    return not_found("Resource ", variable->name(), " does not exist.");
  }
  variable->clear();
  return {};
}

struct CountState : KernelState {
  int64_t limit = 0;
  DType dtype = DType::kInt32;
};

Status prepare_count(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<CountState>();
  state.limit = ctx.attrs().integer("limit");
  state.dtype = ctx.attrs().dtype("T");
  return {};
}

Status run_count_up_to(const RunContext& ctx) {
  const auto& state = ctx.state<CountState>();
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0, state.dtype));
  std::lock_guard lock(variable->mutex());
  TW_ASSIGN_OR_RETURN(Tensor * value, variable->writable_locked());
  if (!value->shape().is_scalar()) return invalid_argument("input is not a scalar: ", value->shape());
  const int64_t before = index_value(*value, 0);
  if (before >= state.limit) return out_of_range("Reached limit of ", state.limit);
  if (state.dtype == DType::kInt32) {
    *ctx.out<int32_t>(0) = static_cast<int32_t>(before);
    *value->data<int32_t>() = static_cast<int32_t>(before + 1);
  } else {
    *ctx.out<int64_t>(0) = before;
    *value->data<int64_t>() = before + 1;
  }
  return {};
}

}  // namespace

TW_KERNEL(VarHandleOp, prepare_handle, run_handle);
TW_KERNEL(ReadVariableOp, prepare_variable, run_read);
TW_KERNEL(AssignVariableOp, prepare_variable, run_assign);
TW_KERNEL(AssignAddVariableOp, prepare_variable, run_accumulate<true>);
TW_KERNEL(AssignSubVariableOp, prepare_variable, run_accumulate<false>);
TW_KERNEL(VarIsInitializedOp, prepare_nothing, run_is_initialized);
TW_KERNEL(VariableShape, prepare_nothing, run_shape);
TW_KERNEL(DestroyResourceOp, prepare_variable, run_destroy);
TW_KERNEL(ResourceCountUpTo, prepare_count, run_count_up_to);

}  // namespace tw
