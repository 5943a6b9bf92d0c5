// Checks gradients against finite differences, through a session.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/autodiff/grad/vjp.h"
#include "core/runtime/session.h"

namespace tw::testing {

// An input of an expression: double values drawn evenly from [low, high].
struct In {
  Shape shape;
  double low = -1.5, high = 1.5;
};

using Expression = std::function<grad::Val(const grad::Vals& x)>;

struct CheckOptions {
  int order = 2;            // 1: first derivatives only
  double tolerance = 2e-6;  // relative to the size of the derivatives
  double step = 1e-5;
  std::vector<int> constant_inputs;  // inputs without derivative; the others must all have one
};

// Fails the running test when a derivative of the expression differs from its finite difference. `what` names it.
void check_gradient(const std::string& what, const std::vector<In>& inputs, const Expression& f,
                    const CheckOptions& options = {});

// Runs fetches with no feeds; fails the test on an error.
std::vector<Tensor> evaluate(const std::shared_ptr<Graph>& graph, const std::vector<Output>& fetches);
std::vector<double> values(const Tensor& t);

}  // namespace tw::testing
