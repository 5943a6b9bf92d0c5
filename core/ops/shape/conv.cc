// Shapes of convolution and pooling.
#include "core/framework/window.h"
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// Which dimension of a tensor of images (rank 4) or volumes (rank 5, with d) is what.
struct Format {
  int n, h, w, c, d = -1;
  int rank() const { return d < 0 ? 4 : 5; }
};

Result<Format> format_of(const ShapeContext& c, int rank = 4) {
  const Format last = rank == 5 ? Format{0, 2, 3, 4, 1} : Format{0, 1, 2, 3};
  if (!c.attrs().has("data_format")) return last;
  const std::string name = c.attrs().string("data_format");
  if (name == (rank == 5 ? "NDHWC" : "NHWC")) return last;
  if (rank == 5 && name == "NCDHW") return Format{0, 3, 4, 1, 2};
  if (rank == 4 && name == "NCHW") return Format{0, 2, 3, 1};
  return unimplemented(c.op().name, " does not take data_format ", name);
}

// An attribute with a value for each dimension.
Result<std::vector<int64_t>> per_dimension(const ShapeContext& c, std::string_view attr, std::string_view what,
                                           int rank = 4) {
  std::vector<int64_t> v = c.attrs().ints(attr);
  if (static_cast<int>(v.size()) != rank) {
    return invalid_argument(c.op().name, " requires the ", what, " attribute to contain ", rank,
                            " values, but got: ", v.size());
  }
  return v;
}

Shape image_shape(const Format& f, int64_t n, int64_t h, int64_t w, int64_t channels) {
  Shape s = Shape::unknown_of_rank(4);
  s.set_dim(f.n, n);
  s.set_dim(f.h, h);
  s.set_dim(f.w, w);
  s.set_dim(f.c, channels);
  return s;
}

Status conv(ShapeContext& c, bool depthwise, int rank = 4) {
  Shape in, filter;
  TW_RETURN_IF_ERROR(c.with_rank(0, rank, &in));
  TW_RETURN_IF_ERROR(c.with_rank(1, rank, &filter));
  TW_ASSIGN_OR_RETURN(const Format f, format_of(c, rank));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, per_dimension(c, "strides", "stride", rank));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> dilations, per_dimension(c, "dilations", "dilation", rank));
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(c.attrs().string("padding")));
  std::vector<int64_t> pads(static_cast<size_t>(2 * rank), 0);
  if (padding == Padding::kExplicit) {
    pads = c.attrs().ints("explicit_paddings");
    if (static_cast<int>(pads.size()) != 2 * rank) {
      return invalid_argument(c.op().name, " requires explicit_paddings to contain ", 2 * rank,
                              " values, but got: ", pads.size());
    }
  }
  const int64_t in_c = in[f.c], filter_in = filter[rank - 2];
  int64_t out_c = filter[rank - 1];
  if (depthwise) {
    TW_ASSIGN_OR_RETURN(const int64_t channels, merge_dim(in_c, filter_in));
    out_c = multiply_dims(channels, out_c);
  } else if (in_c >= 0 && filter_in >= 0 && (filter_in == 0 ? in_c != 0 : in_c % filter_in != 0)) {
    return invalid_argument("Depth of input (", in_c, ") is not a multiple of input depth of filter (", filter_in, ")");
  }
  Shape out = in;
  out.set_dim(f.c, out_c);
  int spatial = 0;
  for (const int dim : {f.d, f.h, f.w}) {
    if (dim < 0) continue;
    const size_t u = static_cast<size_t>(dim);
    TW_ASSIGN_OR_RETURN(const Window w, window_of(in[dim], filter[spatial++], dilations[u], strides[u], padding,
                                                  pads[2 * u], pads[2 * u + 1]));
    out.set_dim(dim, w.out);
  }
  c.set_output(0, out);
  return {};
}

// Windows of a pool from a size and stride for each dimension.
Status pool(ShapeContext& c, const std::vector<int64_t>& size, const std::vector<int64_t>& strides, int rank = 4) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank(0, rank, &in));
  TW_ASSIGN_OR_RETURN(const Format f, format_of(c, rank));
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(c.attrs().string("padding")));
  Shape out = in;
  for (const int i : {f.d, f.h, f.w, f.c}) {
    if (i < 0) continue;
    const size_t k = static_cast<size_t>(i);
    if (size[k] <= 0) return invalid_argument("Sliding window ksize must be > 0, but got ", size[k]);
    if (size[k] == 1 && strides[k] == 1) continue;  // even of no elements
    TW_ASSIGN_OR_RETURN(const Window w, window_of(in[i], size[k], 1, strides[k], padding));
    out.set_dim(i, w.out);
  }
  all_outputs(c, out);
  return {};
}

}  // namespace

Status shape_conv2d(ShapeContext& c) { return conv(c, false); }
Status shape_depthwise_conv2d(ShapeContext& c) { return conv(c, true); }
Status shape_conv3d(ShapeContext& c) { return conv(c, false, 5); }

Status shape_conv2d_input_grad(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(Shape s, c.value_as_shape(0));
  Shape filter, dy;
  TW_RETURN_IF_ERROR(c.with_rank(1, 4, &filter));
  TW_RETURN_IF_ERROR(c.with_rank(2, 4, &dy));
  if (s.rank() == 2) {
    // Only height and width are given; the rest is that of dy and the filter.
    TW_ASSIGN_OR_RETURN(const Format f, format_of(c));
    s = image_shape(f, dy[f.n], s[0], s[1], filter[2]);
  }
  TW_ASSIGN_OR_RETURN(const Shape out, merge(s, Shape::unknown_of_rank(4)));
  c.set_output(0, out);
  return {};
}

// The result has the shape that input `sizes` lists.
static Status listed_shape(ShapeContext& c, int sizes, int rank) {
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(sizes));
  TW_ASSIGN_OR_RETURN(const Shape out, merge(s, Shape::unknown_of_rank(rank)));
  c.set_output(0, out);
  return {};
}

static Status filter_grad(ShapeContext& c, int rank) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, rank));
  TW_RETURN_IF_ERROR(check_rank(c, 2, rank));
  return listed_shape(c, 1, rank);
}
Status shape_conv2d_filter_grad(ShapeContext& c) { return filter_grad(c, 4); }
Status shape_conv3d_filter_grad(ShapeContext& c) { return filter_grad(c, 5); }

Status shape_conv3d_input_grad(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 5));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 5));
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(0));
  TW_ASSIGN_OR_RETURN(const Shape out, merge(s, Shape::unknown_of_rank(5)));
  c.set_output(0, out);
  return {};
}

// The first versions take a tensor of the result's shape: input `like`.
static Status conv3d_grad_like(ShapeContext& c, int like) {
  for (int i = 0; i < 3; ++i) TW_RETURN_IF_ERROR(check_rank(c, i, 5));
  TW_ASSIGN_OR_RETURN(const Shape out, merge(c.input(like), Shape::unknown_of_rank(5)));
  c.set_output(0, out);
  return {};
}
Status shape_conv3d_input_grad_like(ShapeContext& c) { return conv3d_grad_like(c, 0); }
Status shape_conv3d_filter_grad_like(ShapeContext& c) { return conv3d_grad_like(c, 1); }

Status shape_pool(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> size, per_dimension(c, "ksize", "ksize"));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, per_dimension(c, "strides", "stride"));
  return pool(c, size, strides);
}

Status shape_pool3d(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> size, per_dimension(c, "ksize", "ksize", 5));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, per_dimension(c, "strides", "stride", 5));
  return pool(c, size, strides, 5);
}

Status shape_pool_argmax(ShapeContext& c) { return shape_pool(c); }

Status shape_pool_v2(ShapeContext& c) {
  const auto size = values_of(c, 1), strides = values_of(c, 2);
  if (!size || !strides) {
    TW_RETURN_IF_ERROR(check_rank(c, 0, 4));
    c.set_output(0, Shape::unknown_of_rank(4));
    return {};
  }
  if (size->size() != 4 || strides->size() != 4) {
    return invalid_argument(c.op().name, " requires ksize and strides to contain 4 values, but got: ", size->size(),
                            " and ", strides->size());
  }
  return pool(c, *size, *strides);
}

// orig_input, orig_output, grad: the result is like one of the first two, and grad like the other.
static Status pool_grad(ShapeContext& c, int like, int rank) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(like, rank, &s));
  TW_RETURN_IF_ERROR(merge(c.input(1 - like), c.input(2)).status());
  c.set_output(0, s);
  return {};
}
Status shape_pool_grad(ShapeContext& c) { return pool_grad(c, 0, 4); }
Status shape_pool_grad_grad(ShapeContext& c) { return pool_grad(c, 1, 4); }
Status shape_pool3d_grad(ShapeContext& c) { return pool_grad(c, 0, 5); }
Status shape_pool3d_grad_grad(ShapeContext& c) { return pool_grad(c, 1, 5); }

Status shape_pool_grad_grad_argmax(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(2, 4, &s));
  TW_RETURN_IF_ERROR(merge(c.input(0), c.input(1)).status());
  c.set_output(0, s);
  return {};
}

// images, grad, argmax: the result is like the images.
Status shape_pool_grad_argmax(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &s));
  c.set_output(0, s);
  return {};
}

static Status avg_pool_grad(ShapeContext& c, int rank) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, rank));
  return listed_shape(c, 0, rank);
}
Status shape_avg_pool_grad(ShapeContext& c) { return avg_pool_grad(c, 4); }
Status shape_avg_pool3d_grad(ShapeContext& c) { return avg_pool_grad(c, 5); }

// Rows and columns of regions; the sequences list where they begin and end.
Status shape_fractional_pool(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &in));
  TW_ASSIGN_OR_RETURN(const std::vector<float> ratio, c.attrs().get<std::vector<float>>("pooling_ratio"));
  if (ratio.size() != 4) return invalid_argument("pooling_ratio field must specify 4 dimensions");
  Shape out = in;
  for (int i = 0; i < 4; ++i) {
    const float r = ratio[static_cast<size_t>(i)];
    if (!(r >= 1)) return invalid_argument("pooling_ratio cannot be smaller than 1, got: ", r);
    if (in[i] >= 0) out.set_dim(i, static_cast<int64_t>(static_cast<float>(in[i]) / r));
  }
  c.set_output(0, out);
  c.set_output(1, Shape{out[1] < 0 ? kUnknownDim : out[1] + 1});
  c.set_output(2, Shape{out[2] < 0 ? kUnknownDim : out[2] + 1});
  return {};
}

Status shape_dilation2d(ShapeContext& c) {
  Shape in, filter;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &in));
  TW_RETURN_IF_ERROR(c.with_rank(1, 3, &filter));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, per_dimension(c, "strides", "stride"));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> rates, per_dimension(c, "rates", "rates"));
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(c.attrs().string("padding")));
  Shape out = in;
  TW_ASSIGN_OR_RETURN(const int64_t channels, merge_dim(in[3], filter[2]));
  out.set_dim(3, channels);
  for (int i = 1; i < 3; ++i) {
    const size_t u = static_cast<size_t>(i);
    TW_ASSIGN_OR_RETURN(const Window w, window_of(in[i], filter[i - 1], rates[u], strides[u], padding));
    out.set_dim(i, w.out);
  }
  c.set_output(0, out);
  return {};
}

Status shape_second(ShapeContext& c) {
  all_outputs(c, c.input(1));
  return {};
}

}  // namespace tw
