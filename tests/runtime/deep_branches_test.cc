// Branches within branches, as TensorFlow 1 writes them with Switch and Merge: lifted, planned and run one in another.
#include <cmath>

#include "tests/runtime/session_fixture.h"

namespace tw {
namespace {

class DeepBranches : public SessionTest {
 protected:
  // x + 1 when x < 1, else x + 2 when x < 2, ... : each test is made where the ones before it did not hold.
  Output nest(Output x, int levels, int level = 1) {
    const Output test = op("Less", {x, constant_in(x, level)});
    const NodeId split = b_.add("Switch", {x, test}, {});
    const Output no{split, 0}, yes{split, 1};
    const Output sum = op("Add", {yes, constant_in(yes, level)});
    return op("Merge", {level == levels ? op("Neg", {no}) : nest(no, levels, level + 1), sum});
  }
  // In the branch that `beside` is in.
  Output constant_in(Output beside, int value) {
    return op("Mul", {op("OnesLike", {beside}), b_.scalar<float>(value)});
  }
};

TEST_F(DeepBranches, RunAsDeepAsTheyAre) {
  constexpr int kLevels = 120;
  const Output x = placeholder(DType::kFloat, Shape{});
  const Output y = nest(x, kLevels);
  start();
  for (const float v : {0.5f, 7.5f, 119.5f}) EXPECT_EQ(scalar(y, {{x, Tensor::scalar(v)}}), v + std::floor(v) + 1);
  EXPECT_EQ(scalar(y, {{x, Tensor::scalar(1000.0f)}}), -1000.0f);
}

}  // namespace
}  // namespace tw
