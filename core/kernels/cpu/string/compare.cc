// Equal, NotEqual and Add for strings; the map engine serves numbers.
#include "core/framework/kernel.h"
#include "core/kernels/cpu/array/broadcast_index.h"

namespace tw {
namespace {

// Calls fn(element of the result, of input 0, of input 1) for all elements in order.
template <typename Fn>
void each_pair(const RunContext& ctx, const Fn& fn) {
  const Shape& shape = *ctx.output(0).shape;
  const BroadcastIndex left(*ctx.input(0).shape, shape), right(*ctx.input(1).shape, shape);
  const int64_t count = shape.num_elements();
  for (int64_t i = 0; i < count; ++i) fn(i, left(i), right(i));
}

Status prepare(PrepareContext&) { return {}; }

template <bool kEqual>
Status run_compare(const RunContext& ctx) {
  const std::string *x = ctx.in<std::string>(0), *y = ctx.in<std::string>(1);
  bool* out = ctx.out<bool>(0);
  each_pair(ctx, [&](int64_t i, int64_t a, int64_t b) { out[i] = (x[a] == y[b]) == kEqual; });
  return {};
}

Status run_add(const RunContext& ctx) {
  const std::string *x = ctx.in<std::string>(0), *y = ctx.in<std::string>(1);
  std::string* out = ctx.out<std::string>(0);
  each_pair(ctx, [&](int64_t i, int64_t a, int64_t b) { out[i] = x[a] + y[b]; });
  return {};
}

}  // namespace

TW_KERNEL(StringEqual, prepare, run_compare<true>);
TW_KERNEL(StringNotEqual, prepare, run_compare<false>);
TW_KERNEL(StringAdd, prepare, run_add);

}  // namespace tw
