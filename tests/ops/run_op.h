// Runs one op on given values: through a session, or its kernel alone between pages that nobody may touch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/framework/kernel.h"

namespace tw::test {

struct OpInput {
  Tensor value;
  bool variable = false;       // the op gets a handle to a variable that holds the value
  bool distributions = false;  // rows of positive numbers that add up to 1, as the op demands of them
};

struct OpResults {
  std::vector<Tensor> outputs;
  std::vector<Tensor> after;    // values of the variables afterwards
  std::vector<Shape> inferred;  // static shapes of the outputs
};

enum class Feeding {
  kFed,       // of unknown shape and value until the step
  kShaped,    // of known shape, but of unknown value until the step
  kConstant,  // known while the graph is built; nothing is folded
};

// `num_outputs`: only the first so many are fetched; -1: all.
Result<OpResults> run_in_session(const std::string& op, const AttrMap& attrs, const std::vector<OpInput>& inputs,
                                 Feeding feeding, int num_outputs = -1);

// Whether OpRun can run this row: a kernel of its own without state.
bool runs_alone(const OpDef& op);

// A row's kernel on given inputs, prepared once and run any number of times.
class OpRun {
 public:
  enum class Memory {
    kFenced,  // operands, results and workspace end at a page nobody may touch, with guard bytes before them
    kAligned,
  };
  static Result<std::unique_ptr<OpRun>> make(const OpDef& op, AttrMap attrs, const std::vector<OpInput>& inputs,
                                             Memory memory);
  ~OpRun();

  Status run();
  // After run(). Copies of the results.
  Result<std::vector<Tensor>> outputs() const;
  // What was written where nothing should be, empty when nothing was; reading past an operand ends the process.
  std::string overrun() const;
  double bytes() const { return cost_.bytes; }  // read plus written

 private:
  class Fence;
  OpRun() = default;
  Status init(const OpDef& op, AttrMap attrs, const std::vector<OpInput>& inputs, Memory memory);
  void* place(size_t number, DType dtype, const Shape& shape, Memory memory);

  std::vector<OpInput> inputs_;
  std::vector<Shape> in_shapes_, out_shapes_, dynamic_shapes_;
  std::vector<Value> values_;
  std::vector<uint32_t> numbers_;
  std::vector<std::unique_ptr<Fence>> fences_;  // by value, then the workspace's
  std::vector<Tensor> storage_;                 // by value
  std::unique_ptr<KernelState> state_;
  const KernelDef* kernel_ = nullptr;
  RunContext context_;
  Cost cost_;
};

}  // namespace tw::test
