// Ops whose result is a handle to a named object of the session (rows with trait makes_handle): found by its container
// and name, and made when it is not there.
#pragma once

#include "core/framework/kernel.h"

namespace tw {

struct NamedState : KernelState {
  std::string container, name;

  // The node's name stands for an empty shared_name.
  void read(const AttrReader& attrs) {
    container = attrs.string("container");
    name = attrs.string("shared_name").empty() ? attrs.string("_node") : attrs.string("shared_name");
  }
};

// Output 0 becomes the handle of the object of class R; `make` gives one where there is none. InvalidArgument when the
// name belongs to something else. The object is returned.
template <typename R, typename Make>
Result<R*> give_named(const RunContext& ctx, const NamedState& s, std::string_view kind, const Make& make) {
  TW_ASSIGN_OR_RETURN(const ResourceHandle found,
                      ctx.step().resources().find_or_create(
                          s.container, s.name, [&]() -> Result<ResourceHandle> { return ResourceHandle(make()); }));
  auto* object = dynamic_cast<R*>(found.get());
  if (object == nullptr) return invalid_argument("'", s.name, "' is ", found->describe(), ", and cannot be a ", kind);
  Tensor handle = Tensor::make_or_die(DType::kResource, Shape{});
  handle.data<ResourceHandle>()[0] = found;
  ctx.set_output(0, std::move(handle));
  return object;
}

// The object behind the handle in input i, which must be an R.
template <typename R>
Result<R*> named_input(const RunContext& ctx, int i, std::string_view kind) {
  Resource* resource = ctx.in<ResourceHandle>(i)->get();
  if (resource == nullptr) return invalid_argument("Input ", i, " is an empty resource handle");
  auto* object = dynamic_cast<R*>(resource);
  if (object == nullptr) return invalid_argument("Input ", i, " must be a ", kind, ", but is ", resource->describe());
  return object;
}

}  // namespace tw
