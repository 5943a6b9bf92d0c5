#include "core/framework/shape_context.h"
#include "core/passes/pass.h"

namespace tw {

Result<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor> inputs, StepContext& step) {
  const KernelDef* kernel = find_kernel(*node.op, node.attrs);
  if (kernel == nullptr) return unimplemented("op ", node.op->name, " has no kernel for these dtypes");
  const size_t n_in = inputs.size(), n_out = node.output_dtypes.size();

  std::vector<Shape> in_shapes;
  std::vector<DType> in_dtypes, out_dtypes;
  std::vector<const Tensor*> values;
  for (const Tensor& t : inputs) {
    in_shapes.push_back(t.shape());
    in_dtypes.push_back(t.dtype());
    values.push_back(&t);
  }
  for (DType t : node.output_dtypes) out_dtypes.push_back(base_dtype(t));
  ShapeContext shapes(*node.op, node.attrs, in_shapes, in_dtypes, values, {}, n_out);
  TW_RETURN_IF_ERROR(node.op->shape(shapes));
  PrepareContext prepare(*node.op, node.attrs, in_shapes, in_dtypes, values, shapes.outputs(), out_dtypes,
                         step.pool().threads());
  TW_RETURN_IF_ERROR(kernel->prepare(prepare));
  const std::unique_ptr<KernelState> state = prepare.take_state();

  std::vector<Value> registers(n_in + n_out);
  std::vector<Shape> shape_slots(n_in + n_out);
  std::vector<uint32_t> args(n_in + n_out);
  for (uint32_t i = 0; i < args.size(); ++i) args[i] = i;
  for (size_t i = 0; i < n_in; ++i) {
    registers[i] = Value{inputs[i].raw(), &inputs[i].shape(), nullptr, inputs[i].dtype()};
  }
  for (size_t i = 0; i < n_out; ++i) {
    Value& v = registers[n_in + i];
    v.dtype = out_dtypes[i];
    shape_slots[n_in + i] = shapes.outputs()[i];
    v.shape = &shape_slots[n_in + i];
    if (!v.shape->fully_known()) continue;
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(out_dtypes[i], *v.shape));
    v.data = t.raw();
    v.owner = Ref<Buffer>(t.buffer()).release();
  }
  TW_ASSIGN_OR_RETURN(Tensor workspace, Tensor::make(DType::kUint8, Shape{static_cast<int64_t>(prepare.workspace())}));

  RunContext run;
  run.values_ = registers.data();
  run.dynamic_shapes_ = shape_slots.data();
  run.args_ = args.data();
  run.state_ = state.get();
  run.workspace_ = workspace.raw();
  run.step_ = &step;
  run.num_in_ = static_cast<uint16_t>(n_in);
  run.num_out_ = static_cast<uint16_t>(n_out);
  const Status status = kernel->run(run);

  std::vector<Tensor> results(n_out);
  for (size_t i = 0; i < n_out; ++i) {
    Value& v = registers[n_in + i];
    if (v.owner == nullptr) continue;
    Ref<Buffer> owner = Ref<Buffer>::adopt(v.owner);
    const size_t offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(owner->data()));
    if (status.ok()) results[i] = Tensor(v.dtype, *v.shape, std::move(owner), offset);
  }
  if (!status.ok()) return status;
  for (const Tensor& t : results) {
    if (!t.valid()) return internal_error("op ", node.op->name, " left an output unset");
  }
  return results;
}

}  // namespace tw
