// The cases of tests/ops/goldens: one op on given inputs, and what TensorFlow 1.15 gave for it.
#pragma once

#include <string>
#include <vector>

#include "core/framework/attr.h"

namespace tw::test {

struct GoldenInput {
  Tensor value;
  bool variable = false;       // the op gets a handle to a variable that holds the value
  bool distributions = false;  // rows of positive numbers that add up to 1, as the op demands of them
};

struct GoldenCase {
  std::string op;
  int number = 0;  // among the cases of this op
  AttrMap attrs;
  std::vector<GoldenInput> inputs;
  std::vector<Tensor> outputs;  // the first ones; TensorFlow leaves others undefined
  std::vector<Tensor> after;    // values of the variables afterwards
  double tolerance = 0;         // 0: what the dtype allows

  std::string name() const { return op + "_" + std::to_string(number); }
};

// All cases of all files, read once. Ends the process when a file cannot be read.
const std::vector<GoldenCase>& golden_cases();

// Empty when the tensors agree, else what differs. Floating values may differ by `tolerance` times 1 + their size.
std::string difference(const Tensor& got, const Tensor& want, double tolerance = 0);

}  // namespace tw::test
