// Shapes of convolution and pooling.
#include "core/framework/window.h"
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// Which dimension of a rank-4 tensor is what.
struct Format {
  int n, h, w, c;
};

Result<Format> format_of(const ShapeContext& c) {
  if (!c.attrs().has("data_format")) return Format{0, 1, 2, 3};
  const std::string name = c.attrs().string("data_format");
  if (name == "NHWC") return Format{0, 1, 2, 3};
  if (name == "NCHW") return Format{0, 2, 3, 1};
  return unimplemented(c.op().name, " does not take data_format ", name);
}

Result<std::vector<int64_t>> four(const ShapeContext& c, std::string_view attr, std::string_view what) {
  std::vector<int64_t> v = c.attrs().ints(attr);
  if (v.size() != 4) {
    return invalid_argument(c.op().name, " requires the ", what, " attribute to contain 4 values, but got: ", v.size());
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

Status conv2d(ShapeContext& c, bool depthwise) {
  Shape in, filter;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &in));
  TW_RETURN_IF_ERROR(c.with_rank(1, 4, &filter));
  TW_ASSIGN_OR_RETURN(const Format f, format_of(c));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, four(c, "strides", "stride"));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> dilations, four(c, "dilations", "dilation"));
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(c.attrs().string("padding")));
  int64_t pads[4] = {};
  if (padding == Padding::kExplicit) {
    const std::vector<int64_t> p = c.attrs().ints("explicit_paddings");
    if (p.size() != 8) {
      return invalid_argument(c.op().name, " requires explicit_paddings to contain 8 values, but got: ", p.size());
    }
    pads[0] = p[static_cast<size_t>(2 * f.h)];
    pads[1] = p[static_cast<size_t>(2 * f.h + 1)];
    pads[2] = p[static_cast<size_t>(2 * f.w)];
    pads[3] = p[static_cast<size_t>(2 * f.w + 1)];
  }
  const int64_t in_c = in[f.c];
  int64_t out_c = filter[3];
  if (depthwise) {
    TW_ASSIGN_OR_RETURN(const int64_t channels, merge_dim(in_c, filter[2]));
    out_c = multiply_dims(channels, filter[3]);
  } else if (in_c >= 0 && filter[2] >= 0 && (filter[2] == 0 ? in_c != 0 : in_c % filter[2] != 0)) {
    return invalid_argument("Depth of input (", in_c, ") is not a multiple of input depth of filter (", filter[2], ")");
  }
  const auto at = [](const std::vector<int64_t>& v, int i) { return v[static_cast<size_t>(i)]; };
  TW_ASSIGN_OR_RETURN(const Window h,
                      window_of(in[f.h], filter[0], at(dilations, f.h), at(strides, f.h), padding, pads[0], pads[1]));
  TW_ASSIGN_OR_RETURN(const Window w,
                      window_of(in[f.w], filter[1], at(dilations, f.w), at(strides, f.w), padding, pads[2], pads[3]));
  c.set_output(0, image_shape(f, in[f.n], h.out, w.out, out_c));
  return {};
}

// Windows of a pool from its four sizes and strides.
Status pool(ShapeContext& c, const std::vector<int64_t>& size, const std::vector<int64_t>& strides) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &in));
  TW_ASSIGN_OR_RETURN(const Format f, format_of(c));
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(c.attrs().string("padding")));
  Shape out = in;
  for (const int i : {f.h, f.w, f.c}) {
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

Status shape_conv2d(ShapeContext& c) { return conv2d(c, false); }
Status shape_depthwise_conv2d(ShapeContext& c) { return conv2d(c, true); }

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

Status shape_conv2d_filter_grad(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 4));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 4));
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(1));
  TW_ASSIGN_OR_RETURN(const Shape out, merge(s, Shape::unknown_of_rank(4)));
  c.set_output(0, out);
  return {};
}

Status shape_pool(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> size, four(c, "ksize", "ksize"));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, four(c, "strides", "stride"));
  return pool(c, size, strides);
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

Status shape_pool_grad(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &s));
  TW_RETURN_IF_ERROR(merge(c.input(1), c.input(2)).status());
  c.set_output(0, s);
  return {};
}

Status shape_pool_grad_grad(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(1, 4, &s));
  TW_RETURN_IF_ERROR(merge(c.input(0), c.input(2)).status());
  c.set_output(0, s);
  return {};
}

Status shape_pool_grad_grad_argmax(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(2, 4, &s));
  TW_RETURN_IF_ERROR(merge(c.input(0), c.input(1)).status());
  c.set_output(0, s);
  return {};
}

Status shape_avg_pool_grad(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 4));
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(0));
  TW_ASSIGN_OR_RETURN(const Shape out, merge(s, Shape::unknown_of_rank(4)));
  c.set_output(0, out);
  return {};
}

}  // namespace tw
