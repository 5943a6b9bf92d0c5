// Runs a row's shape function on inputs written as text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/framework/shape_context.h"

namespace tw::test {

// One input: "[2,?]" or "<unknown>" (of float), a dtype before it ("bool[3]"), integer values ("{2,-1}", "3",
// "int64{4}"), or a handle to what follows ("resource:float[2,3]").
struct In {
  In(const char* text);  // NOLINT: tables of inputs are written as plain strings
  Shape shape;
  DType dtype = DType::kFloat;
  Tensor value;
  HandleShape handle;
};

// The outputs' shapes, "[2,3] [3]", or "error: message".
std::string infer(const std::string& op, const std::vector<In>& inputs, AttrMap attrs = {});

}  // namespace tw::test
