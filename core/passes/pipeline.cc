// The order of the passes, and the switches to watch them.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/passes/pass.h"

namespace tw {

namespace {

Status after(const char* pass, Body& body, Status status) {
  if (!status.ok()) return status;
  remove_dead(body);
#ifdef TW_VERIFY_PASSES
  Status valid = verify(*body.body);
  if (!valid.ok()) return valid.prefix(internal::concat("after pass ", pass));
#endif
  static const char* dump = std::getenv("TW_DUMP");
  if (dump != nullptr && (std::strcmp(dump, pass) == 0 || std::strcmp(dump, "all") == 0)) {
    std::fprintf(stderr, "# %s after %s\n%s\n", body.name.c_str(), pass, print(*body.body).c_str());
  }
  return {};
}

}  // namespace

Status optimise(Body& body, const PassContext& context) {
  TW_RETURN_IF_ERROR(after("lower_refs", body, lower_refs(body)));
  TW_RETURN_IF_ERROR(after("functionalise", body, functionalise(body)));
  TW_RETURN_IF_ERROR(after("inline", body, inline_calls(body)));
  TW_RETURN_IF_ERROR(after("narrow", body, narrow_calls(body)));
  if (!context.optimize) return {};
  TW_RETURN_IF_ERROR(after("rotate", body, rotate_loops(body)));
  TW_RETURN_IF_ERROR(after("fold", body, fold(body, context)));
  TW_RETURN_IF_ERROR(after("simplify", body, simplify(body)));
  TW_RETURN_IF_ERROR(after("cse", body, cse(body)));
  TW_ASSIGN_OR_RETURN(const bool lowered, lower_norms(body));
  TW_RETURN_IF_ERROR(after("norms", body, {}));
  // Here and not with the shapes: filters are multiplied once, whatever batches come.
  return lowered ? after("fold", body, fold(body, context)) : Status();
}

Status optimise_for_shapes(Body& body, std::span<const Shape> arg_shapes, const PassContext& context) {
  TW_RETURN_IF_ERROR(after("specialise", body, specialise(body, arg_shapes, *context.facts)));
  if (!context.optimize) return {};
  TW_RETURN_IF_ERROR(after("fold", body, fold(body, context)));
  // Shapes that folding made constant (the operand of a Reshape, say) narrow what follows.
  TW_RETURN_IF_ERROR(after("specialise", body, specialise(body, {}, *context.facts)));
  TW_RETURN_IF_ERROR(after("fold", body, fold(body, context)));
  TW_RETURN_IF_ERROR(after("simplify", body, simplify(body)));
  TW_RETURN_IF_ERROR(after("cse", body, cse(body)));
  return after("fuse", body, fuse(body));
}

}  // namespace tw
