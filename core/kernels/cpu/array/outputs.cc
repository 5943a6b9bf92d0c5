#include "core/kernels/cpu/array/outputs.h"

#include <utility>

namespace tw {

std::string element_position(const Shape& shape, int64_t flat) {
  if (shape.rank() == 0) return {};
  std::string text = "]";
  for (int i = shape.rank() - 1; i >= 0; --i) {
    text = std::to_string(flat % shape[i]) + text;
    flat /= shape[i];
    text = (i == 0 ? "[" : ",") + text;
  }
  return text;
}

Ref<VariantValue> take_alone(const RunContext& ctx, int i) {
  const Value& v = ctx.input(i);
  Variant* const held = static_cast<Variant*>(v.data);
  // The same value may be several arguments of a function, or a folded constant: then the buffer tells.
  const bool exclusive = v.owner != nullptr && v.owner->unique() && v.owner->writable();
  if (!ctx.may_consume(i) || !exclusive || !*held || !(*held)->unique()) return {};
  return std::exchange(*held, Variant());
}

}  // namespace tw
