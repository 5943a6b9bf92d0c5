#include "core/kernels/contract/epilogue.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tw::contract {

namespace {
// More operands or outputs than any fused chain has.
constexpr int kMaxOperands = 62;
constexpr int kMaxOutputs = 16;
}  // namespace

Result<BoundEpilogue> BoundEpilogue::make(const Epilogue& spec, DType dtype, Shape space) {
  BoundEpilogue e;
  const Tape& tape = spec.tape;
  e.element_size_ = dtype_size(dtype);
  if (tape.inputs.empty()) return e;
  TW_RETURN_IF_ERROR(tape.verify());
  if (tape.inputs[0] != dtype) {
    return invalid_argument("The epilogue takes ", dtype_name(tape.inputs[0]), " but the result is ",
                            dtype_name(dtype));
  }
  if (spec.operand_shapes.size() + 1 != tape.inputs.size()) {
    return invalid_argument("The epilogue has ", tape.inputs.size() - 1, " operands but ", spec.operand_shapes.size(),
                            " operand shapes");
  }
  if (tape.inputs.size() > kMaxOperands || tape.outputs.size() > kMaxOutputs) {
    return invalid_argument("The epilogue has too many operands or outputs: ", tape.inputs.size(), ", ",
                            tape.outputs.size());
  }
  if (spec.space.rank_known()) {
    if (!spec.space.fully_known() || spec.space.num_elements() != space.num_elements()) {
      return invalid_argument("The epilogue's shape ", spec.space, " does not fit the result ", space);
    }
    space = spec.space;
  }
  std::vector<Shape> shapes{space};
  shapes.insert(shapes.end(), spec.operand_shapes.begin(), spec.operand_shapes.end());
  TW_ASSIGN_OR_RETURN(auto plan, plan_map(tape, shapes, space));
  e.plan_ = std::move(plan);
  e.num_operands_ = static_cast<int>(spec.operand_shapes.size());
  e.num_outputs_ = static_cast<int>(tape.outputs.size());
  e.home_ = -1;
  for (int i = e.num_outputs_ - 1; i >= 0; --i) {
    const DType t = tape.value_dtype(tape.outputs[static_cast<size_t>(i)]);
    e.output_sizes_.insert(e.output_sizes_.begin(), dtype_size(t));
    if (t == dtype) e.home_ = i;
  }
  e.match_finish(tape, shapes);
  return e;
}

// The tape must be a chain from the result to the one output, whose steps come in a Finish's order.
void BoundEpilogue::match_finish(const Tape& tape, const std::vector<Shape>& shapes) {
  const Shape& space = shapes[0];
  if (tape.inputs[0] != DType::kFloat || tape.outputs.size() != 1 || space.rank() == 0) return;
  columns_ = space.dim(space.rank() - 1);
  const size_t inputs = tape.inputs.size(), first = inputs + tape.constants.size();
  enum Step { kNone, kScale, kShift, kAddend, kLow, kHigh };
  Step done = kNone;
  size_t chain = 0;
  for (size_t i = 0; i < tape.insts.size(); ++i) {
    const TapeInst& inst = tape.insts[i];
    if (arity(inst.op) != 2 || inst.dtype != DType::kFloat) return;
    const bool swapped = inst.args[0] != chain;
    const size_t other = inst.args[swapped ? 0 : 1];
    if (inst.args[swapped ? 1 : 0] != chain || other == chain) return;
    chain = first + i;
    Step step = kNone;
    if (other >= inputs && other < first) {
      // The first of two extremes is what remains of NaN.
      if (swapped) return;
      const float limit = static_cast<float>(tape.constants[other - inputs].value);
      if (std::isnan(limit)) return;
      if (inst.op == MicroOp::k_maximum) step = kLow, finish_.low = limit;
      else if (inst.op == MicroOp::k_minimum) step = kHigh, finish_.high = limit;
    } else if (other > 0 && other < inputs && tape.inputs[other] == DType::kFloat) {
      const Shape& shape = shapes[other];
      const bool whole = shape.num_elements() == space.num_elements();
      const bool row = shape.rank() > 0 && shape.num_elements() == columns_ && shape.dim(shape.rank() - 1) == columns_;
      const int operand = static_cast<int>(other) - 1;
      if (inst.op == MicroOp::k_mul && row) step = kScale, scale_ = operand;
      else if (inst.op == MicroOp::k_add && row && done < kShift) step = kShift, shift_ = operand;
      else if (inst.op == MicroOp::k_add && whole) step = kAddend, addend_ = operand;
    }
    if (step <= done) return;
    done = step;
  }
  in_tiles_ = done != kNone && tape.outputs[0] == chain;
}

Finish BoundEpilogue::finish(const void* const* operands, void* const* outputs) const {
  Finish f = finish_;
  if (scale_ >= 0) f.scale = static_cast<const float*>(operands[scale_]);
  if (shift_ >= 0) f.shift = static_cast<const float*>(operands[shift_]);
  if (addend_ >= 0) {
    f.addend = reinterpret_cast<intptr_t>(operands[addend_]) - reinterpret_cast<intptr_t>(outputs[0]);
  }
  return f;
}

Status BoundEpilogue::run(const void* block, const void* const* operands, void* const* outputs, int64_t begin,
                          int64_t count) const {
  std::array<const void*, kMaxOperands> inputs;
  std::array<void*, kMaxOutputs> at;
  // The plan numbers elements from the start of the whole result, of which only this block may exist.
  const uintptr_t start = reinterpret_cast<uintptr_t>(block) - static_cast<uintptr_t>(begin) * element_size_;
  inputs[0] = reinterpret_cast<const void*>(start);
  std::copy(operands, operands + num_operands_, inputs.begin() + 1);
  for (int i = 0; i < num_outputs_; ++i) {
    const size_t u = static_cast<size_t>(i);
    at[u] = static_cast<char*>(outputs[i]) + static_cast<size_t>(begin) * output_sizes_[u];
  }
  // In one piece: operands that repeat along it are laid out once.
  return plan_->run_block(inputs.data(), at.data(), begin, count);
}

}  // namespace tw::contract
