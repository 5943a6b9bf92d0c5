// Conv2D, Conv3D, DepthwiseConv2dNative and their gradients.
#include "core/kernels/cpu/contract/contract_kernel.h"

namespace tw {

Result<ImageFormat> image_format(const AttrReader& attrs, int rank) {
  const ImageFormat last = rank == 5 ? ImageFormat{0, 2, 3, 4, 1} : ImageFormat{};
  if (!attrs.has("data_format")) return last;
  const std::string name = attrs.string("data_format");
  if (name == (rank == 5 ? "NDHWC" : "NHWC")) return last;
  if (rank == 5 && name == "NCDHW") return ImageFormat{0, 3, 4, 1, 2};
  if (rank == 4 && name == "NCHW") return ImageFormat{0, 2, 3, 1};
  return unimplemented("There is no CPU kernel for data_format ", name);
}

namespace {

// An attribute with a value per dimension of the images; those of batch and channels must be 1.
Result<std::vector<int64_t>> per_dimension(const PrepareContext& ctx, std::string_view attr, const ImageFormat& f,
                                           int rank) {
  std::vector<int64_t> v = ctx.attrs().ints(attr);
  if (static_cast<int>(v.size()) != rank) {
    return invalid_argument("Sliding window ", attr, " field must specify ", rank, " dimensions, but has ", v.size());
  }
  if (v[static_cast<size_t>(f.n)] != 1 || v[static_cast<size_t>(f.c)] != 1) {
    return invalid_argument("Current implementation does not yet support ", attr,
                            " in the batch and depth dimensions.");
  }
  return v;
}

}  // namespace

Result<ConvSpec> conv_spec(const PrepareContext& ctx, ConvSpec::Kind kind, bool depthwise, const Shape& image,
                           const Shape& filter, const Shape& result) {
  const std::string_view op = ctx.op().name;
  const int rank = ctx.attrs().ints("strides").size() == 5 ? 5 : 4;
  for (const Shape* s : {&image, &filter, &result}) {
    if (s->rank() != rank || !s->fully_known()) {
      return invalid_argument(op, ": tensors must be ", rank, "-dimensional, but one is ", *s);
    }
  }
  TW_ASSIGN_OR_RETURN(const ImageFormat f, image_format(ctx.attrs(), rank));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, per_dimension(ctx, "strides", f, rank));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> dilations, per_dimension(ctx, "dilations", f, rank));
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(ctx.attrs().string("padding")));
  std::vector<int64_t> pads(static_cast<size_t>(2 * rank), 0);
  if (padding == Padding::kExplicit) {
    pads = ctx.attrs().ints("explicit_paddings");
    if (static_cast<int>(pads.size()) != 2 * rank) {
      return invalid_argument(op, ": explicit_paddings must hold ", 2 * rank, " values, but holds ", pads.size());
    }
  }
  const int64_t filter_in = filter[rank - 2], filter_out = filter[rank - 1];
  ConvSpec s;
  s.kind = kind;
  s.winograd = !ctx.direct_convolutions();
  s.dtype = ctx.attrs().dtype("T");
  s.depthwise = depthwise;
  s.batch = image[f.n];
  s.in_c = image[f.c];
  s.out_c = depthwise ? filter_in * filter_out : filter_out;
  if (s.in_c != filter_in) {
    if (depthwise || filter_in == 0 || s.in_c % filter_in != 0) {
      return invalid_argument(op, ": input depth must be ", depthwise ? "equal to" : "a multiple of",
                              " filter depth, but they are ", s.in_c, " and ", filter_in);
    }
    s.groups = s.in_c / filter_in;
    if (s.groups == 0 || rank == 5) {
      return unimplemented(op, ": a convolution in ", s.groups, " groups: input depth is ", s.in_c,
                           ", and filter depth ", filter_in);
    }
    if (s.out_c % s.groups != 0) {
      return invalid_argument(op, ": output depth must be a multiple of the number of groups, but they are ", s.out_c,
                              " and ", s.groups);
    }
  }
  if (result[f.n] != s.batch) {
    return invalid_argument(op, ": input and out_backprop must have the same batch size: input batch: ", s.batch,
                            " outbackprop batch: ", result[f.n]);
  }
  if (result[f.c] != s.out_c) {
    return invalid_argument(op, ": filter and out_backprop must have the same out_depth: ", s.out_c, " and ",
                            result[f.c]);
  }
  const auto axis = [&](int dim, int64_t size, int64_t* in, int64_t* out, int64_t* window, int64_t* stride,
                        int64_t* dilation, int64_t* pad) -> Status {
    const size_t u = static_cast<size_t>(dim);
    *in = image[dim];
    *out = result[dim];
    *window = size;
    *stride = strides[u];
    *dilation = dilations[u];
    TW_ASSIGN_OR_RETURN(const Window w,
                        window_of(*in, size, *dilation, *stride, padding, pads[2 * u], pads[2 * u + 1]));
    *pad = w.pad_before;
    if (w.out == *out) return {};
    return invalid_argument(op, ": Size of out_backprop doesn't match computed: actual = ", *out,
                            ", computed = ", w.out, " spatial_dim: ", dim, " input: ", *in, " filter: ", size,
                            " output: ", *out, " stride: ", *stride, " dilation: ", *dilation);
  };
  if (f.d >= 0) {
    TW_RETURN_IF_ERROR(axis(f.d, filter[0], &s.in_d, &s.out_d, &s.filter_d, &s.stride_d, &s.dilation_d, &s.pad_front));
  }
  TW_RETURN_IF_ERROR(
      axis(f.h, filter[rank - 4], &s.in_h, &s.out_h, &s.filter_h, &s.stride_h, &s.dilation_h, &s.pad_top));
  TW_RETURN_IF_ERROR(
      axis(f.w, filter[rank - 3], &s.in_w, &s.out_w, &s.filter_w, &s.stride_w, &s.dilation_w, &s.pad_left));
  return s;
}

namespace {

template <bool kDepthwise>
Status prepare_forward(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(const ConvSpec s, conv_spec(ctx, ConvSpec::Kind::kForward, kDepthwise, ctx.input_shape(0),
                                                  ctx.input_shape(1), ctx.output_shape(0)));
  return prepare_conv(ctx, s, 0, 1, 0);
}

template <bool kDepthwise>
Status prepare_input_grad(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(const ConvSpec s, conv_spec(ctx, ConvSpec::Kind::kInputGrad, kDepthwise, ctx.output_shape(0),
                                                  ctx.input_shape(1), ctx.input_shape(2)));
  return prepare_conv(ctx, s, 1, 2, 0);
}

template <bool kDepthwise>
Status prepare_filter_grad(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(const ConvSpec s, conv_spec(ctx, ConvSpec::Kind::kFilterGrad, kDepthwise, ctx.input_shape(0),
                                                  ctx.output_shape(0), ctx.input_shape(2)));
  return prepare_conv(ctx, s, 0, 2, 0);
}

}  // namespace

TW_KERNEL(Conv2D, prepare_forward<false>, run_contract);
TW_KERNEL(Conv2DBackpropInput, prepare_input_grad<false>, run_contract);
TW_KERNEL(Conv2DBackpropFilter, prepare_filter_grad<false>, run_contract);
TW_KERNEL(Conv3D, prepare_forward<false>, run_contract);
TW_KERNEL(Conv3DBackpropInput, prepare_input_grad<false>, run_contract);
TW_KERNEL(Conv3DBackpropFilter, prepare_filter_grad<false>, run_contract);
TW_KERNEL(DepthwiseConv2dNative, prepare_forward<true>, run_contract);
TW_KERNEL(DepthwiseConv2dNativeBackpropInput, prepare_input_grad<true>, run_contract);
TW_KERNEL(DepthwiseConv2dNativeBackpropFilter, prepare_filter_grad<true>, run_contract);

}  // namespace tw
