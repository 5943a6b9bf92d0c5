// Writes the tape of a group of nodes.
#pragma once

#include <array>
#include <optional>

#include "core/framework/tape.h"
#include "core/passes/pass.h"

namespace tw::fusion {

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

// A scalar that is known now, unless it waits for something.
std::optional<Tape::Constant> known_scalar(const Graph& g, Output o);
// A value from outside of the group: a constant of the tape, where it is a known scalar, or an input.
Assembler::Ref external(const Graph& g, Assembler& assembler, Output o);

}  // namespace tw::fusion
