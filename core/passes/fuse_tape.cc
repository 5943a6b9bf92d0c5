// The tape of a group of nodes.
#include "core/passes/fuser.h"

namespace tw::fusion {
namespace {

// Builds one tape out of many: values get their final numbers when all inputs and constants are known.
class Assembler {
 public:
  struct Ref {
    enum Kind : uint8_t { kInput, kConstant, kInst } kind;
    int index;
  };
  Ref input(Output o, DType t) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] == o) return {Ref::kInput, static_cast<int>(i)};
    }
    inputs_.push_back(o);
    tape_.inputs.push_back(t);
    return {Ref::kInput, static_cast<int>(inputs_.size()) - 1};
  }
  Ref constant(const Tape::Constant& c) {
    tape_.constants.push_back(c);
    return {Ref::kConstant, static_cast<int>(tape_.constants.size()) - 1};
  }
  // Appends a node's tape with its inputs bound; returns what its only output is.
  Ref append(const Tape& t, const std::vector<Ref>& bound) {
    std::vector<Ref> values = bound;
    for (const Tape::Constant& c : t.constants) values.push_back(constant(c));
    for (const TapeInst& inst : t.insts) {
      insts_.push_back({inst, {}});
      for (int k = 0; k < arity(inst.op); ++k) insts_.back().second[static_cast<size_t>(k)] = values[inst.args[k]];
      values.push_back({Ref::kInst, static_cast<int>(insts_.size()) - 1});
    }
    return values[t.outputs[0]];
  }
  Tape finish(const std::vector<Ref>& outputs) {
    for (auto& [inst, refs] : insts_) {
      for (int k = 0; k < arity(inst.op); ++k) inst.args[k] = number(refs[static_cast<size_t>(k)]);
      tape_.insts.push_back(inst);
    }
    for (Ref r : outputs) tape_.outputs.push_back(number(r));
    return std::move(tape_);
  }
  const std::vector<Output>& inputs() const { return inputs_; }

 private:
  uint16_t number(Ref r) const {
    size_t n = static_cast<size_t>(r.index);
    if (r.kind != Ref::kInput) n += tape_.inputs.size();
    if (r.kind == Ref::kInst) n += tape_.constants.size();
    return static_cast<uint16_t>(n);
  }
  std::vector<Output> inputs_;
  Tape tape_;
  std::vector<std::pair<TapeInst, std::array<Ref, 3>>> insts_;
};

// Scalars known now are constants of the tape, unless they wait for something.
Assembler::Ref external(Graph& g, Assembler& assembler, Output o) {
  const Node& n = g.mutable_node(o.node);
  const DType t = n.output_dtypes[static_cast<size_t>(o.index)];
  if (const Tensor* value = constant_of(n); value != nullptr && value->shape().rank() == 0 && n.controls.empty()) {
    Tape::Constant c{t, 0, 0};
    const bool numeric = visit_real(t, [&](auto tag) {
      using T = typename decltype(tag)::type;
      c.value = static_cast<double>(value->data<T>()[0]);
      if constexpr (std::is_integral_v<T>) c.integer = static_cast<int64_t>(value->data<T>()[0]);
    });
    if (numeric) return assembler.constant(c);
  }
  return assembler.input(o, t);
}

}  // namespace

Tape Fuser::assemble(const Group& group, const std::vector<NodeId>& wanted, std::vector<Output>* inputs) {
  Assembler assembler;
  std::unordered_map<NodeId, Assembler::Ref> results;
  if (const NodeId source = group.source(); source >= 0) {
    results[source] = assembler.input(Output{source, 0}, g_.mutable_node(source).output_dtypes[0]);
  }
  for (NodeId id : group.members) {
    const Node& n = g_.mutable_node(id);
    std::vector<Assembler::Ref> bound;
    for (Output o : n.inputs) {
      const auto it = o.index == 0 ? results.find(o.node) : results.end();
      bound.push_back(it != results.end() ? it->second : external(g_, assembler, rewriter_.resolve(o)));
    }
    results[id] = assembler.append(tapes_.at(id), bound);
  }
  std::vector<Assembler::Ref> outputs;
  for (NodeId id : wanted) outputs.push_back(results.at(id));
  *inputs = assembler.inputs();
  return assembler.finish(outputs);
}

}  // namespace tw::fusion
