// Fits a line to noisy points with Thalweg alone: builds the graph, asks the library for gradients, trains.
#include <cmath>
#include <cstdio>
#include <random>
#include <thalweg/thalweg.hpp>

int main() try {
  constexpr int kPoints = 200, kSteps = 300;
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0, 0.05f);
  std::vector<float> xs, ys;
  for (int i = 0; i < kPoints; ++i) {
    xs.push_back(static_cast<float>(i) / kPoints * 2 - 1);
    ys.push_back(3 * xs.back() - 1 + noise(random));
  }

  tw::Graph g;
  const tw::Output x = g.placeholder<float>({-1, 1}), y = g.placeholder<float>({-1, 1});
  const tw::Variable slope = g.variable<float>("slope", {1, 1}), offset = g.variable<float>("offset", {1});
  const tw::Output w = slope.read(), b = offset.read();
  const tw::Output prediction = g.op("AddV2", {g.op("MatMul", {x, w}), b});
  const tw::Output loss = g.op("Mean", {g.op("SquaredDifference", {prediction, y}), g.constant<int32_t>({2}, {0, 1})});
  const std::vector<tw::Output> gradients = g.gradients({loss}, {w, b});
  const tw::Output rate = g.scalar(0.2f);
  const std::vector<tw::Output> step = {slope.assign_sub(g.op("Mul", {rate, gradients[0]})),
                                        offset.assign_sub(g.op("Mul", {rate, gradients[1]}))};

  tw::Session session(g);
  session.run_targets({slope.assign(g.constant<float>({1, 1}, {0})), offset.assign(g.constant<float>({1}, {0}))});
  const tw::Session::Feeds feeds = {{x, tw::Tensor::of({kPoints, 1}, xs)}, {y, tw::Tensor::of({kPoints, 1}, ys)}};
  float last = 0;
  for (int i = 0; i < kSteps; ++i) last = session.run(feeds, {loss}, step)[0].data<float>()[0];
  const std::vector<tw::Tensor> fitted = session.run({}, {w, b});
  const float a = fitted[0].data<float>()[0], c = fitted[1].data<float>()[0];
  std::printf("C++: fitted y = %.3f x %+.3f (true: 3 x - 1), loss %.5f\n", a, c, last);
  return std::fabs(a - 3) < 0.05f && std::fabs(c + 1) < 0.05f ? 0 : 1;
} catch (const tw::Error& e) {
  std::fprintf(stderr, "regression: %s\n", e.what());
  return 1;
}
