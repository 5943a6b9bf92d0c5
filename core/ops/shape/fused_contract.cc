// The shape of fused products and convolutions.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_matmul(ShapeContext& c);
Status shape_batch_matmul(ShapeContext& c);
Status shape_batch_matmul_v2(ShapeContext& c);
Status shape_conv2d(ShapeContext& c);
Status shape_depthwise_conv2d(ShapeContext& c);

Status shape_fused_contract(ShapeContext& c) {
  const std::string kind = c.attrs().string("kind");
  ShapeFn shape = nullptr;
  if (kind == "MatMul") shape = shape_matmul;
  if (kind == "BatchMatMul") shape = shape_batch_matmul;
  if (kind == "BatchMatMulV2") shape = shape_batch_matmul_v2;
  if (kind == "Conv2D") shape = shape_conv2d;
  if (kind == "DepthwiseConv2dNative") shape = shape_depthwise_conv2d;
  if (shape == nullptr) return invalid_argument("_FusedContract has no kind '", kind, "'");
  TW_RETURN_IF_ERROR(shape(c));
  all_outputs(c, c.outputs()[0]);
  return {};
}

}  // namespace tw
