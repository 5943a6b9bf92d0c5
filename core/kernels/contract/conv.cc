// Which plan a convolution gets.
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/winograd_plan.h"

namespace tw {
namespace {

// A 1x1 filter at stride 1 is a matrix product over pixels.
bool is_product(const ConvSpec& s) {
  return s.filter_h == 1 && s.filter_w == 1 && s.filter_d == 1 && s.stride_h == 1 && s.stride_w == 1 &&
         s.stride_d == 1 && s.pad_top == 0 && s.pad_left == 0 && s.pad_front == 0 && s.out_h == s.in_h &&
         s.out_w == s.in_w && s.out_d == s.in_d;
}

Result<std::unique_ptr<ContractPlan>> plan_product(const ConvSpec& s, int threads) {
  GemmSpec g;
  g.dtype = s.dtype;
  g.epilogue = s.epilogue;
  const int64_t pixels = s.batch * s.in_d * s.in_h * s.in_w;
  switch (s.kind) {
    case ConvSpec::Kind::kForward:
      g.m = pixels, g.n = s.out_c, g.k = s.in_c;
      g.constant_b = s.constant_filter;
      if (!g.epilogue.space.rank_known()) g.epilogue.space = Shape{s.batch * s.out_d, s.out_h, s.out_w, s.out_c};
      break;
    case ConvSpec::Kind::kFilterGrad:
      g.m = s.in_c, g.n = s.out_c, g.k = pixels;
      g.transpose_a = true;
      if (!g.epilogue.space.rank_known()) g.epilogue.space = Shape{1, 1, s.in_c, s.out_c};
      break;
    case ConvSpec::Kind::kInputGrad:
      g.m = pixels, g.n = s.in_c, g.k = s.out_c;
      g.transpose_b = true;
      g.constant_b = s.constant_filter;
      if (!g.epilogue.space.rank_known()) g.epilogue.space = Shape{s.batch * s.in_d, s.in_h, s.in_w, s.in_c};
      break;
  }
  TW_ASSIGN_OR_RETURN(auto product, plan_gemm(g, threads));
  if (s.kind != ConvSpec::Kind::kInputGrad) return product;
  // Its operands come filter first.
  return std::unique_ptr<ContractPlan>(std::make_unique<contract::SwappedPlan>(std::move(product)));
}

}  // namespace

Result<std::unique_ptr<ContractPlan>> plan_conv(const ConvSpec& s, int threads) {
  for (int64_t size : {s.batch, s.in_h, s.in_w, s.in_c, s.out_h, s.out_w, s.out_c, s.filter_h, s.filter_w, s.pad_top,
                       s.pad_left, s.in_d, s.out_d, s.filter_d, s.pad_front}) {
    if (size < 0) return invalid_argument("A convolution has a negative size: ", size);
  }
  for (int64_t step : {s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, s.stride_d, s.dilation_d}) {
    if (step < 1) return invalid_argument("Strides and dilations of a convolution must be positive, not ", step);
  }
  if (s.depthwise) {
    if (s.in_d != 1 || s.out_d != 1 || s.filter_d != 1) {
      return unimplemented("A depthwise convolution of volumes");
    }
    if (s.in_c > 0 ? s.out_c % s.in_c != 0 : s.out_c != 0) {
      return invalid_argument("A depthwise convolution of ", s.in_c, " channels cannot give ", s.out_c);
    }
    return contract::plan_depthwise(s, threads);
  }
  if (s.groups != 1) {
    if (s.groups < 1 || s.in_c % s.groups != 0 || s.out_c % s.groups != 0) {
      return invalid_argument("A convolution of ", s.in_c, " to ", s.out_c, " channels cannot have ", s.groups,
                              " groups");
    }
    if (s.groups != s.in_c) return contract::plan_grouped_conv(s, threads);
    // One channel a group: the filter of a depthwise convolution, element for element.
    ConvSpec depthwise = s;
    depthwise.groups = 1;
    depthwise.depthwise = true;
    return contract::plan_depthwise(depthwise, threads);
  }
  if (is_product(s)) return plan_product(s, threads);
  if (contract::wants_winograd(s)) {
    return s.kind == ConvSpec::Kind::kFilterGrad ? contract::plan_winograd_filter_grad(s, threads)
                                                 : contract::plan_winograd(s, threads);
  }
  if (s.kind == ConvSpec::Kind::kFilterGrad) return contract::plan_filter_grad(s, threads);
  if (contract::wants_scatter(s)) return contract::plan_scatter_conv(s, threads);
  return contract::plan_image_conv(s, threads);
}

}  // namespace tw
