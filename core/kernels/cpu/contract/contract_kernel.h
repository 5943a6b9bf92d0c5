// Kernels that are one plan of the contract engine.
#pragma once

#include "core/framework/kernel.h"
#include "core/framework/window.h"
#include "core/kernels/contract.h"
#include "core/kernels/map.h"
#include "core/kernels/move.h"

namespace tw {

struct ContractKernel : KernelState {
  std::unique_ptr<ContractPlan> plan;
  int a = 0, b = 1;                         // inputs of the plan
  int first_operand = 2, num_operands = 0;  // inputs of the epilogue
  // The engine computes on NHWC. For NCHW the image operands are turned into the workspace, the result is turned back,
  // and the epilogue runs over the whole of it afterwards.
  bool turned = false, turn_a = false, turn_b = false, turn_out = false;
  StridedCopy copy_a, copy_b, copy_out;
  size_t a_bytes = 0, b_bytes = 0, out_bytes = 0, turned_bytes = 0;  // pieces of the workspace
  std::shared_ptr<const MapPlan> epilogue;
};

// The products that MatMul and BatchMatMul(V2) ask for, from the shapes of inputs 0 and 1.
Result<GemmSpec> matmul_spec(const PrepareContext& ctx);
Result<GemmSpec> batch_matmul_spec(const PrepareContext& ctx);
Status prepare_gemm(PrepareContext& ctx, const GemmSpec& spec, int num_operands);

// Where a tensor of images (rank 4) or volumes (rank 5, with d) keeps its dimensions.
struct ImageFormat {
  int n = 0, h = 1, w = 2, c = 3, d = -1;
  bool nchw() const { return c == 1; }  // channels come before the pixels
};
// Of the attribute data_format, or channels last where the op has none.
Result<ImageFormat> image_format(const AttrReader& attrs, int rank = 4);

// A convolution of the op's attributes over tensors of these shapes (of the op's data format): checks that they fit.
Result<ConvSpec> conv_spec(const PrepareContext& ctx, ConvSpec::Kind kind, bool depthwise, const Shape& image,
                           const Shape& filter, const Shape& result);
// a and b are the inputs that ConvSpec's kind takes, in the engine's order.
Status prepare_conv(PrepareContext& ctx, ConvSpec spec, int a, int b, int num_operands);

Status run_contract(const RunContext& ctx);

}  // namespace tw
