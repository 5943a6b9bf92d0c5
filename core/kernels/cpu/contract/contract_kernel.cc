#include "core/kernels/cpu/contract/contract_kernel.h"

#include <array>

namespace tw {
namespace {

constexpr size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

// An NCHW (or NCDHW) tensor's elements in NHWC order, and the way back.
StridedCopy turn(const Shape& nchw, size_t element_size, bool back) {
  const int64_t c = nchw[1], pixels = nchw.product(2, nchw.rank());
  const std::array<int64_t, 3> dims{nchw[0], pixels, c};
  const std::array<int64_t, 3> outer{c * pixels, 1, pixels}, inner{pixels * c, c, 1};
  return back ? StridedCopy(dims, inner, outer, element_size) : StridedCopy(dims, outer, inner, element_size);
}

Constant constant_operand(const PrepareContext& ctx, int input) {
  const Tensor* t = ctx.constant(input);
  return t == nullptr ? Constant() : Constant(t->raw(), std::make_shared<const Tensor>(*t));
}

}  // namespace

Status prepare_gemm(PrepareContext& ctx, const GemmSpec& spec, int num_operands) {
  GemmSpec s = spec;
  s.constant_a = constant_operand(ctx, 0);
  s.constant_b = constant_operand(ctx, 1);
  ContractKernel& k = ctx.emplace_state<ContractKernel>();
  TW_ASSIGN_OR_RETURN(k.plan, plan_gemm(s, ctx.threads()));
  k.num_operands = num_operands;
  ctx.set_workspace(k.plan->workspace_bytes());
  ctx.set_cost({k.plan->flops()});
  ctx.set_algorithm(k.plan->algorithm());
  return {};
}

Status prepare_conv(PrepareContext& ctx, ConvSpec spec, int a, int b, int num_operands) {
  using Kind = ConvSpec::Kind;
  ContractKernel& k = ctx.emplace_state<ContractKernel>();
  TW_ASSIGN_OR_RETURN(const ImageFormat format, image_format(ctx.attrs(), ctx.output_shape(0).rank()));
  k.a = a, k.b = b;
  k.num_operands = num_operands;
  const int filter = spec.kind == Kind::kForward ? b : spec.kind == Kind::kInputGrad ? a : -1;
  if (filter >= 0) spec.constant_filter = constant_operand(ctx, filter);
  const Epilogue epilogue = spec.epilogue;
  size_t turned_bytes = 0;
  if (format.nchw()) {
    const size_t size = dtype_size(spec.dtype);
    k.turned = true;
    k.turn_a = spec.kind != Kind::kInputGrad;
    k.turn_b = spec.kind != Kind::kForward;
    k.turn_out = spec.kind != Kind::kFilterGrad;
    const auto bytes = [size](const Shape& s) { return round_up(static_cast<size_t>(s.num_elements()) * size); };
    if (k.turn_a) k.copy_a = turn(ctx.input_shape(a), size, false), k.a_bytes = bytes(ctx.input_shape(a));
    if (k.turn_b) k.copy_b = turn(ctx.input_shape(b), size, false), k.b_bytes = bytes(ctx.input_shape(b));
    const Shape& out = ctx.output_shape(0);
    if (k.turn_out) k.copy_out = turn(out, size, true), k.out_bytes = bytes(out);
    if (!epilogue.tape.inputs.empty()) {
      std::vector<Shape> shapes{out};
      shapes.insert(shapes.end(), epilogue.operand_shapes.begin(), epilogue.operand_shapes.end());
      TW_ASSIGN_OR_RETURN(k.epilogue, plan_map(epilogue.tape, shapes, out));
      k.turned_bytes = bytes(out);
      spec.epilogue = Epilogue();
    }
    turned_bytes = k.a_bytes + k.b_bytes + k.out_bytes + k.turned_bytes;
  }
  TW_ASSIGN_OR_RETURN(k.plan, plan_conv(spec, ctx.threads()));
  ctx.set_workspace(turned_bytes + k.plan->workspace_bytes());
  ctx.set_cost({k.plan->flops()});
  ctx.set_algorithm(k.plan->algorithm());
  return {};
}

Status run_contract(const RunContext& ctx) {
  const ContractKernel& k = ctx.state<ContractKernel>();
  std::array<const void*, 64> operands;
  std::array<void*, 16> outputs;
  for (int i = 0; i < k.num_operands; ++i) operands[static_cast<size_t>(i)] = ctx.input(k.first_operand + i).data;
  for (int i = 0; i < ctx.num_outputs(); ++i) outputs[static_cast<size_t>(i)] = ctx.output(i).data;
  const void* a = ctx.input(k.a).data;
  const void* b = ctx.input(k.b).data;
  char* workspace = static_cast<char*>(ctx.workspace());
  if (!k.turned) return k.plan->run(a, b, operands.data(), outputs.data(), workspace, ctx.pool());

  if (k.turn_a) {
    k.copy_a.run(a, workspace, ctx.pool());
    a = workspace;
    workspace += k.a_bytes;
  }
  if (k.turn_b) {
    k.copy_b.run(b, workspace, ctx.pool());
    b = workspace;
    workspace += k.b_bytes;
  }
  void* result = k.epilogue != nullptr && !k.turn_out ? static_cast<void*>(workspace + k.out_bytes) : outputs[0];
  void* inner = result;
  if (k.turn_out) {
    inner = workspace;
    workspace += k.out_bytes;
    if (k.epilogue != nullptr) result = workspace;
  }
  if (k.epilogue != nullptr) workspace += k.turned_bytes;
  TW_RETURN_IF_ERROR(k.plan->run(a, b, nullptr, &inner, workspace, ctx.pool()));
  if (k.turn_out) k.copy_out.run(inner, result, ctx.pool());
  if (k.epilogue == nullptr) return {};
  std::array<const void*, 65> inputs;
  inputs[0] = result;
  std::copy(operands.begin(), operands.begin() + k.num_operands, inputs.begin() + 1);
  return k.epilogue->run(inputs.data(), outputs.data(), ctx.pool());
}

}  // namespace tw
