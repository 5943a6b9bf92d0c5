// Convolutions and pooling. A convolution is linear in input and in filter, so that the derivatives of each of its
// three forms are the other two.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

struct ConvForms {
  const char *forward, *to_input, *to_filter;
};
constexpr ConvForms kConv2D{"Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"};
constexpr ConvForms kDepthwise{"DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput",
                               "DepthwiseConv2dNativeBackpropFilter"};
constexpr ConvForms kConv3D{"Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"};

AttrMap window(Vjp& v) {
  return v.attrs({"strides", "padding", "explicit_paddings", "use_cudnn_on_gpu", "data_format", "dilations"});
}

// forward(input, filter)
void conv(Vjp& v, const ConvForms& f) {
  v.give(0, call(f.to_input, {shape_of(v.x(0)), v.x(1), v.dy()}, window(v)));
  v.give(1, call(f.to_filter, {v.x(0), shape_of(v.x(1)), v.dy()}, window(v)));
}
// to_input(input sizes, filter, output)
void conv_to_input(Vjp& v, const ConvForms& f) {
  v.give(1, call(f.to_filter, {v.dy(), shape_of(v.x(1)), v.x(2)}, window(v)));
  v.give(2, call(f.forward, {v.dy(), v.x(1)}, window(v)));
}
// to_filter(input, filter sizes, output)
void conv_to_filter(Vjp& v, const ConvForms& f) {
  v.give(0, call(f.to_input, {shape_of(v.x(0)), v.dy(), v.x(2)}, window(v)));
  v.give(2, call(f.forward, {v.x(0), v.dy()}, window(v)));
}

}  // namespace

TW_GRADIENT(Conv2D) { conv(v, kConv2D); }
TW_GRADIENT(Conv2DBackpropInput) { conv_to_input(v, kConv2D); }
TW_GRADIENT(Conv2DBackpropFilter) { conv_to_filter(v, kConv2D); }
TW_GRADIENT(DepthwiseConv2dNative) { conv(v, kDepthwise); }
TW_GRADIENT(DepthwiseConv2dNativeBackpropInput) { conv_to_input(v, kDepthwise); }
TW_GRADIENT(DepthwiseConv2dNativeBackpropFilter) { conv_to_filter(v, kDepthwise); }
TW_GRADIENT(Conv3D) { conv(v, kConv3D); }
TW_GRADIENT(Conv3DBackpropInputV2) { conv_to_input(v, kConv3D); }
TW_GRADIENT(Conv3DBackpropFilterV2) { conv_to_filter(v, kConv3D); }
// Their first versions take tensors of which only the shapes matter.
TW_GRADIENT(Conv3DBackpropInput) {
  conv_to_input(v, kConv3D);
  v.give(0, zeros_like(v.x(0)));
}
TW_GRADIENT(Conv3DBackpropFilter) {
  conv_to_filter(v, kConv3D);
  v.give(1, zeros_like(v.x(1)));
}

TW_GRADIENT(Dilation2D) {
  const AttrMap attrs = v.attrs({"strides", "rates", "padding"});
  v.give(0, call("Dilation2DBackpropInput", {v.x(0), v.x(1), v.dy()}, attrs));
  v.give(1, call("Dilation2DBackpropFilter", {v.x(0), v.x(1), v.dy()}, attrs));
}

// --- pooling ---
static AttrMap pool_attrs(Vjp& v) { return v.attrs({"ksize", "strides", "padding", "data_format"}); }

TW_GRADIENT(AvgPool) { v.give(0, call("AvgPoolGrad", {shape_of(v.x()), v.dy()}, pool_attrs(v))); }
TW_GRADIENT(AvgPoolGrad) { v.give(1, call("AvgPool", {v.dy()}, pool_attrs(v))); }

TW_GRADIENT(MaxPool) { v.give(0, call("MaxPoolGrad", {v.x(), v.y(), v.dy()}, pool_attrs(v))); }
TW_GRADIENT(MaxPoolV2) { v.give(0, call("MaxPoolGradV2", {v.x(0), v.y(), v.dy(), v.x(1), v.x(2)}, pool_attrs(v))); }
TW_GRADIENT(MaxPoolWithArgmax) {
  if (!v.has_dy(0)) return;
  v.give(0, call("MaxPoolGradWithArgmax", {v.x(), v.dy(0), v.y(1)},
                 v.attrs({"ksize", "strides", "padding", "include_batch_in_index"})));
}
TW_GRADIENT(MaxPool3D) { v.give(0, call("MaxPool3DGrad", {v.x(), v.y(), v.dy()}, pool_attrs(v))); }
TW_GRADIENT(AvgPool3D) { v.give(0, call("AvgPool3DGrad", {shape_of(v.x()), v.dy()}, pool_attrs(v))); }
TW_GRADIENT(AvgPool3DGrad) { v.give(1, call("AvgPool3D", {v.dy()}, pool_attrs(v))); }
TW_GRADIENT(FractionalMaxPool) {
  if (!v.has_dy(0)) return;
  v.give(0, call("FractionalMaxPoolGrad", {v.x(), v.y(0), v.dy(0), v.y(1), v.y(2)}, v.attrs({"overlapping"})));
}
TW_GRADIENT(FractionalAvgPool) {
  if (!v.has_dy(0)) return;
  v.give(0, call("FractionalAvgPoolGrad", {shape_of(v.x(), DType::kInt64), v.dy(0), v.y(1), v.y(2)},
                 v.attrs({"overlapping"})));
}
// f(input, output, dy): linear in dy, constant in the others but at ties.
static void selected_by_pool(Vjp& v, const char* op) {
  v.give(0, zeros_like(v.x(0)));
  v.give(1, zeros_like(v.x(1)));
  v.give(2, call(op, {v.x(0), v.x(1), v.dy()}, pool_attrs(v)));
}
TW_GRADIENT(MaxPoolGrad) { selected_by_pool(v, "MaxPoolGradGrad"); }
TW_GRADIENT(MaxPoolGradGrad) { selected_by_pool(v, "MaxPoolGrad"); }
TW_GRADIENT(MaxPool3DGrad) { selected_by_pool(v, "MaxPool3DGradGrad"); }
TW_GRADIENT(MaxPool3DGradGrad) { selected_by_pool(v, "MaxPool3DGrad"); }
static void selected_by_pool_v2(Vjp& v, const char* op) {
  v.give(0, zeros_like(v.x(0)));
  v.give(1, zeros_like(v.x(1)));
  v.give(2, call(op, {v.x(0), v.x(1), v.dy(), v.x(3), v.x(4)}, pool_attrs(v)));
}
TW_GRADIENT(MaxPoolGradV2) { selected_by_pool_v2(v, "MaxPoolGradGradV2"); }
TW_GRADIENT(MaxPoolGradGradV2) { selected_by_pool_v2(v, "MaxPoolGradV2"); }

}  // namespace tw
