// What the C API's opaque handles hold, and the conversions its bodies share.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/graph.h"
#include "core/runtime/session.h"
#include "thalweg/thalweg.h"

struct tw_status {
  tw::Status status;
};
struct tw_buffer {
  std::string bytes;
};
struct tw_tensor {
  tw::Tensor tensor;
};
struct tw_graph {
  std::shared_ptr<tw::Graph> graph;
};
struct tw_attr_value {
  tw::AttrValue value;
  std::vector<tw_tensor> tensors;  // handles for the tensors that `value` holds
};
struct tw_session {
  std::shared_ptr<tw::Graph> graph;
  std::unique_ptr<tw::Session> session;
};
struct tw_callable {
  std::shared_ptr<tw::Callable> callable;
};
struct tw_cancel {
  std::shared_ptr<tw::CancelToken> token;
};
struct tw_run_metadata {
  tw::RunMetadata metadata;
};

namespace tw::api {

inline std::string_view view(tw_str s) { return s.data ? std::string_view(s.data, s.size) : std::string_view(); }
inline std::string str(tw_str s) { return std::string(view(s)); }
inline tw_str c_str(std::string_view s) { return tw_str{s.data(), s.size()}; }

inline Output output(tw_output o) { return Output{o.node, o.index}; }
inline tw_output c_output(Output o) { return tw_output{o.node, o.node < 0 ? 0 : o.index}; }
inline std::vector<Output> outputs(const tw_output* o, size_t n) {
  std::vector<Output> v(n);
  for (size_t i = 0; i < n; ++i) v[i] = output(o[i]);
  return v;
}

inline tw_status* c_status(Status s) { return s.ok() ? nullptr : new tw_status{std::move(s)}; }

// Runs a body that returns Status; an exception (no memory, a bug in a dependency) becomes a status.
template <typename Fn>
tw_status* guard(Fn&& fn) {
  try {
    return c_status(fn());
  } catch (const std::bad_alloc&) {
    return new tw_status{resource_exhausted("out of memory")};
  } catch (const std::exception& e) {
    return new tw_status{internal_error(e.what())};
  }
}

// A copy of the caller's options, with zeros in the fields its older header did not have.
template <typename T>
T options_or_default(const T* given) {
  T full{};
  if (given != nullptr) {
    std::memcpy(&full, given, given->struct_size < sizeof(T) ? given->struct_size : sizeof(T));
  }
  full.struct_size = sizeof(T);
  return full;
}

inline Result<Shape> static_shape(const int64_t* dims, int32_t rank) {
  if (rank < 0) return Shape::unknown();
  return Shape::make(std::span<const int64_t>(dims, static_cast<size_t>(rank)), /*allow_unknown=*/true);
}
inline Result<Shape> full_shape(const int64_t* dims, int32_t rank) {
  if (rank < 0) return invalid_argument("a tensor's rank must not be negative, but is ", rank);
  return Shape::make(std::span<const int64_t>(dims, static_cast<size_t>(rank)));
}

Result<AttrValue> attr_from_c(const tw_attr& a);
// InvalidArgument unless the output exists.
Status check_output(const Graph& g, tw_output o);
Status check_node(const Graph& g, int32_t node);

}  // namespace tw::api
