#include "core/graph/builder.h"

namespace tw {

NodeId Builder::add(std::string_view op, std::vector<Output> inputs, AttrMap attrs) {
  if (!status_.ok()) return -1;
  NodeSpec spec;
  spec.op = op;
  spec.name = graph_->unique_name(prefix_.empty() ? std::string(op) : prefix_ + "/" + std::string(op));
  spec.inputs = std::move(inputs);
  spec.controls = controls_;
  spec.attrs = std::move(attrs);
  spec.device = device_;
  spec.where = where_;
  auto id = graph_->add(std::move(spec));
  if (!id.ok()) {
    fail(std::move(id).status());
    return -1;
  }
  return *id;
}

Output Builder::constant(Tensor value, std::string_view name) {
  if (!status_.ok()) return {};
  NodeSpec spec;
  spec.op = "Const";
  spec.name = graph_->unique_name(prefix_.empty() ? std::string(name) : prefix_ + "/" + std::string(name));
  spec.controls = controls_;
  spec.device = device_;
  spec.where = where_;
  spec.attrs["dtype"] = AttrValue(value.dtype());
  spec.attrs["value"] = AttrValue(std::move(value));
  auto id = graph_->add(std::move(spec));
  if (!id.ok()) {
    fail(std::move(id).status());
    return {};
  }
  return Output{*id, 0};
}

Output Builder::scalar_of(DType dtype, double value) {
  std::optional<Tensor> t;
  if (dtype == DType::kBool) t = Tensor::scalar<bool>(value != 0);
  visit_number(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>)
      t = Tensor::scalar<T>(T(static_cast<float>(value)));
    else if constexpr (std::is_arithmetic_v<T>) t = Tensor::scalar<T>(static_cast<T>(value));
    else t = Tensor::scalar<T>(T(static_cast<typename T::value_type>(value)));
  });
  if (!t) {
    fail(invalid_argument("no scalar ", value, " of type ", dtype_name(dtype)));
    return {};
  }
  return constant(std::move(*t));
}

}  // namespace tw
