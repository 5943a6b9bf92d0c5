// Gradients, with the caller's own in front of the rows'.
#include "core/autodiff/autodiff.h"

#include "core/api/handles.h"
#include "core/passes/pass.h"

using namespace tw;
using namespace tw::api;

namespace {

tw_grad grad_to_c(const Grad& g) {
  return {c_output(g.dense), c_output(g.values), c_output(g.indices), c_output(g.dense_shape)};
}
Grad grad_from_c(const tw_grad& g) {
  return Grad{output(g.dense), output(g.values), output(g.indices), output(g.dense_shape)};
}

Result<bool> call_override(const tw_gradient_options& o, tw_graph* graph, const Node& n, std::span<const Output> dy,
                           std::vector<Grad>* dx) {
  std::vector<tw_output> c_dy;
  for (const Output d : dy) c_dy.push_back(c_output(d));
  constexpr tw_output kNone{-1, 0};
  std::vector<tw_grad> c_dx(n.inputs.size(), tw_grad{kNone, kNone, kNone, kNone});
  int32_t handled = 0;
  tw_status* s = o.override_fn(o.override_user, graph, n.id, c_dy.data(), static_cast<int32_t>(c_dy.size()),
                               c_dx.data(), static_cast<int32_t>(c_dx.size()), &handled);
  if (s != nullptr) {
    Status status = std::move(s->status);
    tw_status_release(s);
    return status;
  }
  if (handled == 0) return false;
  for (const tw_grad& g : c_dx) {
    for (const tw_output out : {g.dense, g.values, g.indices, g.dense_shape}) {
      if (out.node >= 0) TW_RETURN_IF_ERROR(check_output(*graph->graph, out));
    }
    dx->push_back(grad_from_c(g));
  }
  return true;
}

}  // namespace

extern "C" {

tw_status* tw_graph_gradients(tw_graph* graph, const tw_output* ys, size_t num_ys, const tw_output* xs, size_t num_xs,
                              const tw_gradient_options* options, tw_grad* dxs) {
  return guard([&]() -> Status {
    const auto o = options_or_default(options);
    Graph& g = *graph->graph;
    GradientOptions opts;
    for (size_t i = 0; i < num_ys; ++i) TW_RETURN_IF_ERROR(check_output(g, ys[i]));
    for (size_t i = 0; i < num_xs; ++i) TW_RETURN_IF_ERROR(check_output(g, xs[i]));
    if (o.grad_ys != nullptr) {
      for (size_t i = 0; i < num_ys; ++i) {
        if (o.grad_ys[i].node >= 0) TW_RETURN_IF_ERROR(check_output(g, o.grad_ys[i]));
        opts.grad_ys.push_back(output(o.grad_ys[i]));
      }
    }
    opts.stop_gradients = outputs(o.stop_gradients, o.num_stop_gradients);
    if (o.aggregation < TW_AGGREGATE_ADD_N || o.aggregation > TW_AGGREGATE_TREE) {
      return invalid_argument("no aggregation has the number ", o.aggregation);
    }
    opts.aggregation = static_cast<Aggregation>(o.aggregation);
    opts.colocate = o.colocate != 0;
    if (o.name.size > 0) opts.name = str(o.name);
    if (o.override_fn != nullptr) {
      opts.override_fn = [&](Builder& b, const Node& n, std::span<const Output> dy, std::vector<Grad>* dx) {
        if (&b.graph() == &g) return call_override(o, graph, n, dy, dx);
        tw_graph body{std::shared_ptr<Graph>(std::shared_ptr<void>(), &b.graph())};
        return call_override(o, &body, n, dy, dx);
      };
    }
    const auto y = outputs(ys, num_ys), x = outputs(xs, num_xs);
    TW_ASSIGN_OR_RETURN(opts.stand_ins, add_loop_stand_ins(&g, y, x));
    TW_ASSIGN_OR_RETURN(const std::vector<Grad> grads, add_gradients(&g, y, x, opts));
    for (size_t i = 0; i < num_xs; ++i) dxs[i] = grad_to_c(grads[i]);
    return {};
  });
}

}  // extern "C"
