// Sessions, prepared calls, cancellation, traces.
#include "core/runtime/session.h"

#include "core/api/handles.h"

using namespace tw;
using namespace tw::api;

namespace {

RunOptions run_options(const tw_run_options* given) {
  const auto o = options_or_default(given);
  RunOptions r;
  r.timeout_ms = o.timeout_ms;
  r.trace = o.trace != 0;
  if (o.cancel != nullptr) r.cancel = o.cancel->token;
  return r;
}

// The host's function and what it is called with; gone with the last step that may call it.
struct Host {
  tw_host_fn fn;
  void* user;
  void (*destroy)(void* user);
  ~Host() {
    if (destroy != nullptr) destroy(user);
  }

  Status call(std::string_view token, std::span<const Tensor> arguments, std::vector<Tensor>* results) const {
    std::vector<tw_tensor> in;
    for (const Tensor& t : arguments) in.push_back({t});
    std::vector<tw_tensor*> handles, out(results->size(), nullptr);
    for (tw_tensor& t : in) handles.push_back(&t);
    tw_status* status = fn(user, c_str(token), handles.data(), handles.size(), out.data(), out.size());
    if (status != nullptr) {
      Status s = std::move(status->status);
      tw_status_release(status);
      return s;
    }
    for (size_t i = 0; i < out.size(); ++i) {
      if (out[i] != nullptr) (*results)[i] = out[i]->tensor;
      tw_tensor_release(out[i]);
    }
    return {};
  }
};

Status closed() { return failed_precondition("Attempted to use a closed Session."); }

Result<std::shared_ptr<Callable>> prepare(tw_session* s, const tw_output* feeds, size_t num_feeds,
                                          const tw_output* fetches, size_t num_fetches, const int32_t* targets,
                                          size_t num_targets) {
  if (!s->session) return closed();
  for (size_t i = 0; i < num_feeds; ++i) TW_RETURN_IF_ERROR(check_output(*s->graph, feeds[i]));
  for (size_t i = 0; i < num_fetches; ++i) TW_RETURN_IF_ERROR(check_output(*s->graph, fetches[i]));
  for (size_t i = 0; i < num_targets; ++i) TW_RETURN_IF_ERROR(check_node(*s->graph, targets[i]));
  const auto in = outputs(feeds, num_feeds), out = outputs(fetches, num_fetches);
  return s->session->prepare(in, out, std::span<const NodeId>(targets, num_targets));
}

Status run(Callable& callable, const tw_run_options* options, tw_tensor* const* feeds, size_t num_feeds,
           tw_tensor** results, size_t num_fetches, tw_run_metadata* metadata) {
  if (num_feeds != callable.num_feeds() || num_fetches != callable.num_fetches()) {
    return invalid_argument("this callable takes ", callable.num_feeds(), " feeds and gives ", callable.num_fetches(),
                            " fetches, but was called with ", num_feeds, " and ", num_fetches);
  }
  // Small calls need no heap for the two lists.
  constexpr size_t kInline = 16;
  Tensor in_small[kInline], out_small[kInline];
  std::vector<Tensor> in_big, out_big;
  Tensor *in = in_small, *out = out_small;
  if (num_feeds > kInline) in_big.resize(num_feeds), in = in_big.data();
  if (num_fetches > kInline) out_big.resize(num_fetches), out = out_big.data();
  for (size_t i = 0; i < num_feeds; ++i) in[i] = feeds[i]->tensor;
  TW_RETURN_IF_ERROR(callable.run(run_options(options), {in, num_feeds}, {out, num_fetches},
                                  metadata ? &metadata->metadata : nullptr));
  for (size_t i = 0; i < num_fetches; ++i) results[i] = new tw_tensor{std::move(out[i])};
  return {};
}

}  // namespace

extern "C" {

tw_status* tw_session_create(tw_graph* graph, const tw_session_options* options, tw_session** out) {
  return guard([&]() -> Status {
    const auto o = options_or_default(options);
    SessionOptions opts;
    opts.intra_op_threads = o.intra_op_threads;
    opts.inter_op_lanes = o.inter_op_lanes;
    opts.optimize = o.no_optimize == 0;
    opts.timeout_ms = o.timeout_ms;
    opts.direct_convolutions = o.direct_convolutions != 0;
    if (o.host_fn != nullptr) {
      auto host = std::make_shared<Host>(o.host_fn, o.host_user, o.host_destroy);
      opts.host_call = [host](std::string_view token, std::span<const Tensor> arguments, std::vector<Tensor>* results) {
        return host->call(token, arguments, results);
      };
    }
    if (o.device.size > 0) {
      TW_ASSIGN_OR_RETURN(opts.device, make_device(view(o.device)));
    }
    TW_ASSIGN_OR_RETURN(auto session, Session::create(graph->graph, opts));
    *out = new tw_session{graph->graph, std::move(session)};
    return {};
  });
}

tw_status* tw_session_close(tw_session* session) {
  return guard([&]() -> Status { return session->session->close(); });
}

void tw_session_release(tw_session* session) {
  if (session == nullptr) return;
  tw_status_release(tw_session_close(session));
  delete session;
}

tw_status* tw_session_prepare(tw_session* session, const tw_output* feeds, size_t num_feeds, const tw_output* fetches,
                              size_t num_fetches, const int32_t* targets, size_t num_targets, tw_callable** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(auto callable, prepare(session, feeds, num_feeds, fetches, num_fetches, targets, num_targets));
    *out = new tw_callable{std::move(callable)};
    return {};
  });
}

tw_status* tw_session_run(tw_session* session, const tw_run_options* options, const tw_output* feeds,
                          tw_tensor* const* feed_tensors, size_t num_feeds, const tw_output* fetches,
                          tw_tensor** results, size_t num_fetches, const int32_t* targets, size_t num_targets,
                          tw_run_metadata* metadata) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(auto callable, prepare(session, feeds, num_feeds, fetches, num_fetches, targets, num_targets));
    return run(*callable, options, feed_tensors, num_feeds, results, num_fetches, metadata);
  });
}

tw_status* tw_callable_run(tw_callable* callable, const tw_run_options* options, tw_tensor* const* feeds,
                           size_t num_feeds, tw_tensor** results, size_t num_fetches, tw_run_metadata* metadata) {
  return guard(
      [&]() -> Status { return run(*callable->callable, options, feeds, num_feeds, results, num_fetches, metadata); });
}

void tw_callable_release(tw_callable* callable) { delete callable; }

tw_cancel* tw_cancel_create(void) { return new tw_cancel{std::make_shared<CancelToken>()}; }
void tw_cancel_fire(tw_cancel* cancel) { cancel->token->cancel(); }
void tw_cancel_release(tw_cancel* cancel) { delete cancel; }

tw_run_metadata* tw_run_metadata_create(void) { return new tw_run_metadata; }
void tw_run_metadata_release(tw_run_metadata* metadata) { delete metadata; }

tw_status* tw_run_metadata_chrome_trace(const tw_run_metadata* metadata, tw_buffer** out) {
  return guard([&]() -> Status {
    *out = new tw_buffer{chrome_trace(metadata->metadata.trace)};
    return {};
  });
}

}  // extern "C"
