// Softmax, LogSoftmax and the cross entropies upon them.
#include <algorithm>

#include "core/kernels/cpu/map/map_kernel.h"
#include "core/kernels/cpu/nn/float_view.h"
#include "core/kernels/cpu/nn/softmax_rows.h"

namespace tw {
namespace {

struct SoftmaxState : KernelState {
  SoftmaxFns fns;
  int64_t rows = 0, classes = 0, grain = 1;
  int64_t element = 4;
  FloatView x, labels, out, back;
  std::shared_ptr<const MapPlan> expand_x, expand_labels;  // operands that repeat along the classes
  size_t wide_x = 0, wide_labels = 0, label_ids = 0;       // workspace offsets
  int64_t x_row = 0, label_row = 0;

  // Of row r on, for the forms whose third input it is.
  const void* factor(const RunContext& ctx, int64_t r) const {
    return ctx.num_inputs() < 3 ? nullptr : ctx.in<char>(2) + r * element;
  }
};

Status check_factor(const PrepareContext& ctx, int64_t rows) {
  if (ctx.num_inputs() < 3 || ctx.input_shape(2) == Shape{rows, 1}) return {};
  return invalid_argument("scale must be one number for each of ", rows, " rows, not of shape ", ctx.input_shape(2));
}

void size_rows(SoftmaxState* s, const Shape& shape) {
  s->classes = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
  s->rows = s->classes == 0 ? 0 : shape.num_elements() / s->classes;
  s->grain = grain_for_ns(15 + 1.2 * static_cast<double>(s->classes));
}

template <bool kLog>
Status prepare_softmax(PrepareContext& ctx) {
  const Shape& shape = ctx.input_shape(0);
  if (shape.rank() < 1) return invalid_argument("logits must have >= 1 dimension, got ", shape);
  auto& s = ctx.emplace_state<SoftmaxState>();
  size_rows(&s, shape);
  const DType t = ctx.input_dtype(0), wide = FloatView::dtype(t);
  s.element = static_cast<int64_t>(dtype_size(wide));
  s.fns = find_softmax(wide);
  size_t workspace = 0;
  TW_ASSIGN_OR_RETURN(s.x, FloatView::reader(t, shape.num_elements(), &workspace));
  TW_ASSIGN_OR_RETURN(s.out, FloatView::writer(t, shape.num_elements(), &workspace));
  ctx.set_workspace(workspace);
  if (workspace == 0) ctx.allow_in_place(0, 0);
  ctx.set_cost({12.0 * static_cast<double>(shape.num_elements()), operand_bytes(ctx)});
  return {};
}

template <bool kLog>
Status run_softmax(const RunContext& ctx) {
  const auto& s = ctx.state<SoftmaxState>();
  TW_ASSIGN_OR_RETURN(const void* x, s.x.read(ctx.input(0).data, ctx.workspace(), ctx.pool()));
  void* out = s.out.target(ctx.output(0).data, ctx.workspace());
  ctx.pool().parallel_for(s.rows, s.grain, [&](int64_t b, int64_t e) {
    const int64_t at = b * s.classes * s.element;
    (kLog ? s.fns.log_softmax : s.fns.softmax)(static_cast<const char*>(x) + at, e - b, s.classes,
                                               static_cast<char*>(out) + at);
  });
  return s.out.write(ctx.output(0).data, ctx.workspace(), ctx.pool());
}

// An operand of the dense form, which broadcasts to `space`: rows in place where it has all classes.
Status plan_operand(DType t, const Shape& shape, const Shape& space, std::shared_ptr<const MapPlan>* expand,
                    size_t* offset, int64_t* row, size_t* workspace) {
  *row = shape[0] == 1 && space[0] != 1 ? 0 : space[1];
  if (shape[1] == space[1]) return {};
  TW_ASSIGN_OR_RETURN(*expand, plan_map(tape_of(MicroOp::k_cast, t, t), {&shape, 1}, space));
  *offset = *workspace;
  *row = space[1];
  *workspace += (static_cast<size_t>(space.num_elements()) * dtype_size(t) + 63) / 64 * 64;
  return {};
}

Status prepare_cross_entropy(PrepareContext& ctx) {
  const Shape &x = ctx.input_shape(0), &labels = ctx.input_shape(1);
  if (x.rank() != 2 || labels.rank() != 2) {
    return invalid_argument("logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional");
  }
  const Result<Shape> both = broadcast(x, labels);
  if (!both.ok()) {
    return invalid_argument("logits and labels must be broadcastable: logits_size=", x, " labels_size=", labels);
  }
  const Shape space = *both;
  auto& s = ctx.emplace_state<SoftmaxState>();
  size_rows(&s, space);
  TW_RETURN_IF_ERROR(check_factor(ctx, s.rows));
  const DType t = ctx.input_dtype(0), wide = FloatView::dtype(t);
  s.element = static_cast<int64_t>(dtype_size(wide));
  s.fns = find_softmax(wide);
  size_t workspace = 0;
  TW_ASSIGN_OR_RETURN(s.x, FloatView::reader(t, x.num_elements(), &workspace));
  TW_ASSIGN_OR_RETURN(s.labels, FloatView::reader(t, labels.num_elements(), &workspace));
  TW_ASSIGN_OR_RETURN(s.out, FloatView::writer(t, s.rows, &workspace));
  TW_ASSIGN_OR_RETURN(s.back, FloatView::writer(t, space.num_elements(), &workspace));
  TW_RETURN_IF_ERROR(plan_operand(wide, x, space, &s.expand_x, &s.wide_x, &s.x_row, &workspace));
  TW_RETURN_IF_ERROR(plan_operand(wide, labels, space, &s.expand_labels, &s.wide_labels, &s.label_row, &workspace));
  ctx.set_workspace(workspace);
  ctx.set_cost({16.0 * static_cast<double>(space.num_elements()), operand_bytes(ctx)});
  return {};
}

Result<const void*> operand(const RunContext& ctx, int i, const FloatView& view, const MapPlan* expand, size_t offset) {
  TW_ASSIGN_OR_RETURN(const void* data, view.read(ctx.input(i).data, ctx.workspace(), ctx.pool()));
  if (expand == nullptr) return data;
  void* wide = static_cast<char*>(ctx.workspace()) + offset;
  TW_RETURN_IF_ERROR(expand->run(&data, &wide, ctx.pool()));
  return static_cast<const void*>(wide);
}

Status finish(const RunContext& ctx, const SoftmaxState& s) {
  TW_RETURN_IF_ERROR(s.out.write(ctx.output(0).data, ctx.workspace(), ctx.pool()));
  return s.back.write(ctx.output(1).data, ctx.workspace(), ctx.pool());
}

Status run_cross_entropy(const RunContext& ctx) {
  const auto& s = ctx.state<SoftmaxState>();
  TW_ASSIGN_OR_RETURN(const void* x, operand(ctx, 0, s.x, s.expand_x.get(), s.wide_x));
  TW_ASSIGN_OR_RETURN(const void* labels, operand(ctx, 1, s.labels, s.expand_labels.get(), s.wide_labels));
  char* loss = static_cast<char*>(s.out.target(ctx.output(0).data, ctx.workspace()));
  char* back = static_cast<char*>(s.back.target(ctx.output(1).data, ctx.workspace()));
  ctx.pool().parallel_for(s.rows, s.grain, [&](int64_t b, int64_t e) {
    s.fns.cross_entropy(static_cast<const char*>(x) + b * s.x_row * s.element, s.x_row,
                        static_cast<const char*>(labels) + b * s.label_row * s.element, s.label_row, e - b, s.classes,
                        s.factor(ctx, b), loss + b * s.element, back + b * s.classes * s.element);
  });
  return finish(ctx, s);
}

Status prepare_sparse(PrepareContext& ctx) {
  const Shape &x = ctx.input_shape(0), &labels = ctx.input_shape(1);
  if (x.rank() != 2) return invalid_argument("logits must be 2-D, but got shape ", x);
  if (labels.rank() != 1) return invalid_argument("labels must be 1-D, but got shape ", labels);
  if (x[0] != labels[0]) {
    return invalid_argument("logits and labels must have the same first dimension, got logits shape ", x,
                            " and labels shape ", labels);
  }
  if (x[1] == 0) return invalid_argument("Must have at least one class, but got logits shape ", x);
  auto& s = ctx.emplace_state<SoftmaxState>();
  size_rows(&s, x);
  TW_RETURN_IF_ERROR(check_factor(ctx, s.rows));
  const DType t = ctx.input_dtype(0), wide = FloatView::dtype(t);
  s.element = static_cast<int64_t>(dtype_size(wide));
  s.fns = find_softmax(wide);
  size_t workspace = (static_cast<size_t>(s.rows) * sizeof(int64_t) + 63) / 64 * 64;
  TW_ASSIGN_OR_RETURN(s.x, FloatView::reader(t, x.num_elements(), &workspace));
  TW_ASSIGN_OR_RETURN(s.out, FloatView::writer(t, s.rows, &workspace));
  TW_ASSIGN_OR_RETURN(s.back, FloatView::writer(t, x.num_elements(), &workspace));
  ctx.set_workspace(workspace);
  ctx.set_cost({14.0 * static_cast<double>(x.num_elements()), operand_bytes(ctx)});
  return {};
}

Status bad_label(int64_t label, int64_t classes, const int64_t* labels, int64_t rows) {
  std::string all;
  for (int64_t i = 0; i < rows; ++i) all += (i == 0 ? "" : " ") + std::to_string(labels[i]);
  return invalid_argument("Received a label value of ", label, " which is outside the valid range of [0, ", classes,
                          ").  Label values: ", all);
}

Status run_sparse(const RunContext& ctx) {
  const auto& s = ctx.state<SoftmaxState>();
  int64_t* labels = static_cast<int64_t*>(ctx.workspace());
  visit_index(ctx.input(1).dtype,
              [&](auto tag) { std::copy_n(ctx.in<typename decltype(tag)::type>(1), s.rows, labels); });
  for (int64_t i = 0; i < s.rows; ++i) {
    if (labels[i] < 0 || labels[i] >= s.classes) return bad_label(labels[i], s.classes, labels, s.rows);
  }
  TW_ASSIGN_OR_RETURN(const void* x, s.x.read(ctx.input(0).data, ctx.workspace(), ctx.pool()));
  char* loss = static_cast<char*>(s.out.target(ctx.output(0).data, ctx.workspace()));
  char* back = static_cast<char*>(s.back.target(ctx.output(1).data, ctx.workspace()));
  ctx.pool().parallel_for(s.rows, s.grain, [&](int64_t b, int64_t e) {
    const int64_t at = b * s.classes * s.element;
    s.fns.sparse_cross_entropy(static_cast<const char*>(x) + at, labels + b, e - b, s.classes, s.factor(ctx, b),
                               loss + b * s.element, back + at);
  });
  return finish(ctx, s);
}

}  // namespace

TW_KERNEL(Softmax, prepare_softmax<false>, run_softmax<false>);
TW_KERNEL(LogSoftmax, prepare_softmax<true>, run_softmax<true>);
TW_KERNEL(SoftmaxCrossEntropyWithLogits, prepare_cross_entropy, run_cross_entropy);
TW_KERNEL(SparseSoftmaxCrossEntropyWithLogits, prepare_sparse, run_sparse);
TW_KERNEL(ScaledSoftmaxCrossEntropy, prepare_cross_entropy, run_cross_entropy);
TW_KERNEL(ScaledSparseSoftmaxCrossEntropy, prepare_sparse, run_sparse);

}  // namespace tw
