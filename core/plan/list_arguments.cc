// Which arguments of a body are lists that it only reads: what is known of their elements when it is called then holds
// as long as it runs, and from one iteration of a loop to the next.
#include "core/plan/program.h"

namespace tw {

namespace {

// Reads whose static shapes follow from those of the elements.
bool reads(const Node& n, int slot) {
  const std::string_view op = n.op->name;
  return slot == 0 && (op == "TensorListPopBack" || op == "TensorListGetItem" || op == "TensorListStack" ||
                       op == "TensorListGather" || op == "TensorListLength");
}

// Follows the list, and what PopBack leaves of it. It may be returned as the result in the argument's own place.
bool only_read(const Body& body, const Uses& uses, Output list, size_t argument) {
  for (const Uses::Edge& use : uses.of(list.node)) {
    if (use.output != list.index) continue;
    const Node& n = body.body->node(use.node);
    if (n.op->name == "_Retval") {
      if (argument >= body.results.size() || body.results[argument] != n.id) return false;
    } else if (!reads(n, use.slot)) {
      return false;
    } else if (n.op->name == "TensorListPopBack" && !only_read(body, uses, Output{n.id, 0}, argument)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::vector<char> find_read_lists(const Body& body) {
  const Graph& g = *body.body;
  std::vector<char> found(body.args.size(), 0);
  std::optional<Uses> uses;
  for (size_t i = 0; i < body.args.size(); ++i) {
    if (base_dtype(g.node(body.args[i]).output_dtypes[0]) != DType::kVariant) continue;
    if (!uses) uses.emplace(g);
    found[i] = only_read(body, *uses, Output{body.args[i], 0}, i);
  }
  return found;
}

const Shape* shape_of_elements(DType dtype, const void* data) {
  if (dtype != DType::kVariant || data == nullptr) return nullptr;
  const auto* list = dynamic_cast<const TensorList*>(static_cast<const Variant*>(data)->get());
  return list == nullptr ? nullptr : list->common_shape();
}

}  // namespace tw
