// Shapes of biases, losses, normalisation and ranking.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// Where the channels of a tensor of this rank lie.
int channel_dim(const ShapeContext& c, int rank) {
  const bool first = c.attrs().has("data_format") && c.attrs().string("data_format") == "NCHW";
  return first ? 1 : rank - 1;
}

}  // namespace

Status shape_bias_add(ShapeContext& c) {
  const bool first = c.attrs().has("data_format") && c.attrs().string("data_format") == "NCHW";
  Shape value, bias;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, first ? 3 : 2, &value));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &bias));
  if (value.rank_known()) {
    const int d = channel_dim(c, value.rank());
    TW_ASSIGN_OR_RETURN(const int64_t channels, merge_dim(value[d], bias[0]));
    value.set_dim(d, channels);
  }
  c.set_output(0, value);
  return {};
}

Status shape_bias_add_grad(ShapeContext& c) {
  const bool first = c.attrs().string("data_format") == "NCHW";
  Shape dy;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, first ? 3 : 2, &dy));
  c.set_output(0, Shape{dy.rank_known() ? dy[channel_dim(c, dy.rank())] : kUnknownDim});
  return {};
}

Status shape_softmax_xent(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape both, broadcast(c.input(0), c.input(1)));
  if (both.rank_known() && both.rank() != 2) {
    return invalid_argument("Shape must be rank 2 but is rank ", both.rank(), ": ", both);
  }
  TW_ASSIGN_OR_RETURN(const Shape s, merge(both, Shape::unknown_of_rank(2)));
  c.set_output(0, Shape{s[0]});
  c.set_output(1, s);
  return {};
}

Status shape_sparse_softmax_xent(ShapeContext& c) {
  Shape features, labels;
  TW_RETURN_IF_ERROR(c.with_rank(0, 2, &features));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &labels));
  TW_ASSIGN_OR_RETURN(const int64_t batch, merge_dim(features[0], labels[0]));
  features.set_dim(0, batch);
  c.set_output(0, Shape{batch});
  c.set_output(1, features);
  return {};
}

Status shape_batch_norm(ShapeContext& c) {
  Shape x;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &x));
  const int d = channel_dim(c, 4);
  int64_t channels = x[d];
  // In training the given statistics are not used and may be empty.
  for (int i = 1; i < (c.attrs().boolean("is_training") ? 3 : 5); ++i) {
    Shape v;
    TW_RETURN_IF_ERROR(c.with_rank(i, 1, &v));
    TW_ASSIGN_OR_RETURN(channels, merge_dim(channels, v[0]));
  }
  x.set_dim(d, channels);
  c.set_output(0, x);
  for (int i = 1; i < 5; ++i) c.set_output(i, Shape{channels});
  if (c.num_outputs() > 5) c.set_output(5, Shape{});
  return {};
}

Status shape_batch_norm_grad(ShapeContext& c) {
  Shape dy, x;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &dy));
  TW_RETURN_IF_ERROR(c.with_rank(1, 4, &x));
  const int d = channel_dim(c, 4);
  TW_ASSIGN_OR_RETURN(int64_t channels, merge_dim(dy[d], x[d]));
  for (int i = 2; i < 5; ++i) {
    Shape v;
    TW_RETURN_IF_ERROR(c.with_rank(i, 1, &v));
    TW_ASSIGN_OR_RETURN(channels, merge_dim(channels, v[0]));
  }
  x.set_dim(d, channels);
  c.set_output(0, x);
  c.set_output(1, Shape{channels});
  c.set_output(2, Shape{channels});
  c.set_output(3, Shape{0});
  c.set_output(4, Shape{0});
  return {};
}

Status shape_lrn_grad(ShapeContext& c) {
  Shape s = Shape::unknown_of_rank(4);
  for (int i = 0; i < 3; ++i) {
    TW_ASSIGN_OR_RETURN(s, merge(s, c.input(i)));
  }
  c.set_output(0, s);
  return {};
}

Status shape_in_top_k(ShapeContext& c) {
  Shape predictions, targets;
  TW_RETURN_IF_ERROR(c.with_rank(0, 2, &predictions));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &targets));
  TW_ASSIGN_OR_RETURN(const int64_t batch, merge_dim(predictions[0], targets[0]));
  c.set_output(0, Shape{batch});
  return {};
}

Status shape_top_k(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &in));
  int64_t k = kUnknownDim;
  if (c.num_inputs() > 1) {
    TW_ASSIGN_OR_RETURN(k, scalar_value(c, 1));
    if (c.value(1) && k < 0) return invalid_argument("Need k >= 0, got ", k);
  } else {
    k = c.attrs().integer("k");
  }
  if (!in.rank_known()) return {};
  const int last = in.rank() - 1;
  if (k >= 0 && in[last] >= 0 && in[last] < k) {
    return invalid_argument("input must have last dimension >= k = ", k, " but is ", in[last]);
  }
  in.set_dim(last, k);
  all_outputs(c, in);
  return {};
}

// Of logits [time, batch, classes] and lengths [batch], inputs 0 and `lengths`.
static Result<int64_t> ctc_batch(const ShapeContext& c, int lengths) {
  Shape x, n;
  TW_RETURN_IF_ERROR(c.with_rank(0, 3, &x));
  TW_RETURN_IF_ERROR(c.with_rank(lengths, 1, &n));
  return merge_dim(x[1], n[0]);
}

Status shape_ctc_loss(ShapeContext& c) {
  Shape x, indices, values;
  TW_RETURN_IF_ERROR(c.with_rank(0, 3, &x));
  TW_RETURN_IF_ERROR(c.with_rank(1, 2, &indices));
  TW_RETURN_IF_ERROR(c.with_rank(2, 1, &values));
  TW_RETURN_IF_ERROR(merge_dim(indices[0], values[0]).status());
  TW_ASSIGN_OR_RETURN(const int64_t batch, ctc_batch(c, 3));
  c.set_output(0, Shape{batch});
  c.set_output(1, Shape{x[0], batch, x[2]});
  return {};
}

Status shape_ctc_decode(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const int64_t batch, ctc_batch(c, 1));
  const int paths = (c.num_outputs() - 1) / 3;
  for (int p = 0; p < paths; ++p) {
    c.set_output(p, Shape{kUnknownDim, 2});
    c.set_output(paths + p, Shape{kUnknownDim});
    c.set_output(2 * paths + p, Shape{2});
  }
  c.set_output(3 * paths, Shape{batch, paths});
  return {};
}

}  // namespace tw
