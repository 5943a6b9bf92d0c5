#include "core/framework/kernel.h"

#include "core/platform/alloc.h"

namespace tw {

double operand_bytes(const PrepareContext& ctx) {
  double bytes = 0;
  const auto add = [&bytes](const Shape& s, DType t) {
    if (s.fully_known()) bytes += static_cast<double>(s.num_elements()) * static_cast<double>(dtype_size(t));
  };
  for (int i = 0; i < ctx.num_inputs(); ++i) add(ctx.input_shape(i), ctx.input_dtype(i));
  for (int i = 0; i < ctx.num_outputs(); ++i) add(ctx.output_shape(i), ctx.output_dtype(i));
  return bytes;
}

Status StepContext::call_host(std::string_view token, std::span<const Tensor>, std::vector<Tensor>*) {
  return failed_precondition("function '", token, "' of the host language was called, and there is no way to it here");
}

Result<Tensor> RunContext::input_tensor(int i, bool keep) const {
  const Value& v = input(i);
  if (v.owner != nullptr) {
    const size_t offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(v.owner->data()));
    const Tensor shared(v.dtype, *v.shape, Ref<Buffer>(v.owner), offset);
    // A buffer that is not writable may only lend memory, such as a caller's arena to a function's arguments.
    return keep && !v.owner->writable() ? shared.clone() : Result<Tensor>(shared);
  }
  const size_t bytes = static_cast<size_t>(v.shape->num_elements()) * dtype_size(v.dtype);
  const Tensor view(v.dtype, *v.shape, wrap_memory(v.data, bytes, false, nullptr, nullptr));
  return keep ? view.clone() : Result<Tensor>(view);
}

void RunContext::set_output(int i, Tensor t) const {
  const uint32_t number = args_[num_in_ + i];
  Value& v = values_[number];
  Buffer* const old = v.owner;
  dynamic_shapes_[number] = t.shape();
  v.shape = &dynamic_shapes_[number];
  v.data = t.raw();
  v.dtype = t.dtype();
  v.owner = t.buffer().get();
  if (v.owner != nullptr) v.owner->ref();
  if (old != nullptr) old->unref();
}

Result<void*> RunContext::allocate_output(int i, const Shape& shape) const {
  TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(output(i).dtype, shape));
  void* const data = t.raw();
  set_output(i, std::move(t));
  return data;
}

}  // namespace tw
