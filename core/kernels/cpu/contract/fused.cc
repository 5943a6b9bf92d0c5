// _FusedContract: a product or convolution with a tape over its result, made by the fuse pass.
#include "core/kernels/cpu/contract/contract_kernel.h"

namespace tw {
namespace {

constexpr int kMaxOperands = 62, kMaxOutputs = 16;

Status prepare_fused(PrepareContext& ctx) {
  const std::string kind = ctx.attrs().string("kind");
  Epilogue e;
  TW_ASSIGN_OR_RETURN(e.tape, Tape::parse(ctx.attrs().string("tape")));
  const int operands = ctx.num_inputs() - 2;
  if (operands > kMaxOperands || ctx.num_outputs() > kMaxOutputs) {
    return invalid_argument("_FusedContract has too many operands or outputs: ", operands, ", ", ctx.num_outputs());
  }
  if (static_cast<int>(e.tape.inputs.size()) != operands + 1 ||
      static_cast<int>(e.tape.outputs.size()) != ctx.num_outputs()) {
    return invalid_argument("_FusedContract has ", operands, " operands and ", ctx.num_outputs(),
                            " outputs, but its tape is ", e.tape.to_string());
  }
  for (int i = 0; i < ctx.num_outputs(); ++i) {
    const DType t = e.tape.value_dtype(e.tape.outputs[static_cast<size_t>(i)]);
    if (t != ctx.output_dtype(i)) {
      return invalid_argument("_FusedContract's output ", i, " is ", dtype_name(ctx.output_dtype(i)),
                              ", but its tape gives ", dtype_name(t));
    }
  }
  for (int i = 0; i < operands; ++i) {
    if (e.tape.inputs[static_cast<size_t>(i + 1)] != ctx.input_dtype(2 + i)) {
      return invalid_argument("_FusedContract's operand ", i, " is ", dtype_name(ctx.input_dtype(2 + i)),
                              ", but its tape is ", e.tape.to_string());
    }
    e.operand_shapes.push_back(ctx.input_shape(2 + i));
  }
  e.space = ctx.output_shape(0);
  if (kind == "MatMul" || kind == "BatchMatMul" || kind == "BatchMatMulV2") {
    TW_ASSIGN_OR_RETURN(GemmSpec s, kind == "MatMul" ? matmul_spec(ctx) : batch_matmul_spec(ctx));
    s.epilogue = std::move(e);
    return prepare_gemm(ctx, s, operands);
  }
  if (kind != "Conv2D" && kind != "DepthwiseConv2dNative")
    return invalid_argument("_FusedContract has no kind '", kind, "'");
  TW_ASSIGN_OR_RETURN(ConvSpec s, conv_spec(ctx, ConvSpec::Kind::kForward, kind != "Conv2D", ctx.input_shape(0),
                                            ctx.input_shape(1), ctx.output_shape(0)));
  s.epilogue = std::move(e);
  return prepare_conv(ctx, std::move(s), 0, 1, operands);
}

}  // namespace

TW_KERNEL(FusedContract, prepare_fused, run_contract);

}  // namespace tw
