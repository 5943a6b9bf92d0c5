// The order of the passes, and the switches to watch them.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/passes/pass.h"

namespace tw {

namespace {

// Runs a pass, and what comes after each: dead nodes go, debug builds verify, TW_DUMP prints.
template <typename Pass>
Status run(const char* name, Body& body, const PassContext& context, const Pass& pass) {
  const TraceSpan span(context.log, "compile", name, body.name);
  TW_RETURN_IF_ERROR(pass());
  remove_dead(body);
#ifdef TW_VERIFY_PASSES
  Status valid = verify(*body.body);
  if (!valid.ok()) return valid.prefix(internal::concat("after pass ", name));
#endif
  static const char* dump = std::getenv("TW_DUMP");
  if (dump != nullptr && (std::strcmp(dump, name) == 0 || std::strcmp(dump, "all") == 0)) {
    std::fprintf(stderr, "# %s after %s\n%s\n", body.name.c_str(), name, print(*body.body).c_str());
  }
  return {};
}

}  // namespace

Status optimise(Body& body, const PassContext& context) {
  TW_RETURN_IF_ERROR(run("lower_refs", body, context, [&] { return lower_refs(body); }));
  TW_RETURN_IF_ERROR(run("functionalise", body, context, [&] { return functionalise(body); }));
  TW_RETURN_IF_ERROR(run("inline", body, context, [&] { return inline_calls(body); }));
  if (context.optimize) {
    bool unrolled = false;
    TW_RETURN_IF_ERROR(run("unroll", body, context, [&]() -> Status {
      TW_ASSIGN_OR_RETURN(unrolled, unroll_loops(body, context));
      return {};
    }));
    if (unrolled) {
      TW_RETURN_IF_ERROR(run("fold", body, context, [&] { return fold(body, context); }));
      TW_RETURN_IF_ERROR(run("dissolve", body, context, [&] { return dissolve_lists(body); }));
    }
  }
  TW_RETURN_IF_ERROR(run("narrow", body, context, [&] { return narrow_calls(body); }));
  if (!context.optimize) return {};
  TW_RETURN_IF_ERROR(run("defer", body, context, [&] { return defer_products(body); }));
  TW_RETURN_IF_ERROR(run("rotate", body, context, [&] { return rotate_loops(body); }));
  TW_RETURN_IF_ERROR(run("fold", body, context, [&] { return fold(body, context); }));
  TW_RETURN_IF_ERROR(run("simplify", body, context, [&] { return simplify(body); }));
  TW_RETURN_IF_ERROR(run("cse", body, context, [&] { return cse(body); }));
  bool lowered = false;
  TW_RETURN_IF_ERROR(run("norms", body, context, [&]() -> Status {
    TW_ASSIGN_OR_RETURN(lowered, lower_norms(body));
    return {};
  }));
  return lowered ? run("fold", body, context, [&] { return fold(body, context); }) : Status();
}

Status optimise_for_shapes(Body& body, std::span<const Shape> arg_shapes, const PassContext& context) {
  TW_RETURN_IF_ERROR(run("specialise", body, context, [&] { return specialise(body, arg_shapes, *context.facts); }));
  if (!context.optimize) return {};
  TW_RETURN_IF_ERROR(run("fold", body, context, [&] { return fold(body, context); }));
  // Shapes that folding made constant (the operand of a Reshape, say) narrow what follows.
  if (!all_shapes_known(body)) {
    TW_RETURN_IF_ERROR(run("specialise", body, context, [&] { return specialise(body, {}, *context.facts); }));
    TW_RETURN_IF_ERROR(run("fold", body, context, [&] { return fold(body, context); }));
  }
  TW_RETURN_IF_ERROR(run("simplify", body, context, [&] { return simplify(body); }));
  TW_RETURN_IF_ERROR(run("cse", body, context, [&] { return cse(body); }));
  TW_RETURN_IF_ERROR(run("trim", body, context, [&] { return trim_products(body); }));
  TW_RETURN_IF_ERROR(run("products", body, context, [&] { return merge_products(body); }));
  TW_RETURN_IF_ERROR(run("fuse_loss", body, context, [&] { return fuse_loss(body); }));
  TW_RETURN_IF_ERROR(run("fuse_rows", body, context, [&] { return fuse_rows(body); }));
  return run("fuse", body, context, [&] { return fuse(body); });
}

}  // namespace tw
