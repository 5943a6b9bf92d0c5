// Functions of the host language, called by a step.
#include <atomic>
#include <thread>

#include "tests/runtime/session_fixture.h"

namespace tw {
namespace {

class HostCallTest : public SessionTest {
 protected:
  Output call(const std::string& token, std::vector<Output> inputs, DType result) {
    std::vector<DType> types;
    for (Output o : inputs) types.push_back(graph_->dtype(o));
    return op("PyFunc", std::move(inputs), {{"token", token}, {"Tin", types}, {"Tout", std::vector<DType>{result}}});
  }
  void start_with(HostCall host) {
    SessionOptions options;
    options.host_call = std::move(host);
    start(options);
  }
};

TEST_F(HostCallTest, GetsArgumentsAndGivesResults) {
  const Output x = placeholder(DType::kFloat, Shape{-1});
  const Output y = op("Neg", {call("twice", {op("Square", {x})}, DType::kFloat)});
  start_with([](std::string_view token, std::span<const Tensor> in, std::vector<Tensor>* out) -> Status {
    EXPECT_EQ(token, "twice");
    Tensor t = Tensor::make_or_die(DType::kFloat, in[0].shape());
    for (int64_t i = 0; i < t.num_elements(); ++i) t.data<float>()[i] = 2 * in[0].data<float>()[i];
    (*out)[0] = t;
    return {};
  });
  auto r = run({{x, Tensor::vector<float>({1, 2, 3})}}, {y});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ(std::vector<float>((*r)[0].flat<float>().begin(), (*r)[0].flat<float>().end()),
            (std::vector<float>{-2, -8, -18}));
}

TEST_F(HostCallTest, ErrorsAndWrongResultsNameTheFunction) {
  const Output x = b_.scalar(1.0f);
  const Output fails = call("fails", {x}, DType::kFloat), none = call("none", {x}, DType::kFloat);
  const Output wrong = call("wrong", {x}, DType::kFloat);
  start_with([](std::string_view token, std::span<const Tensor>, std::vector<Tensor>* out) -> Status {
    if (token == "fails") return out_of_range("no more");
    if (token == "wrong") (*out)[0] = Tensor::scalar<int32_t>(1);
    return {};
  });
  EXPECT_EQ(run({}, {fails}).status().code(), Code::kOutOfRange);
  EXPECT_NE(run({}, {none}).status().message().find("none gave no value for output 0 of 1"), std::string::npos);
  EXPECT_NE(run({}, {wrong}).status().message().find("0-th value returned by wrong is int32, but expects float"),
            std::string::npos);
  start();
  EXPECT_EQ(run({}, {fails}).status().code(), Code::kFailedPrecondition) << "a session without a host";
}

TEST_F(HostCallTest, TwoThatWaitForEachOtherBothRun) {
  const Output x = b_.scalar(1.0f);
  const Output sum = op("Add", {call("a", {x}, DType::kFloat), call("b", {x}, DType::kFloat)});
  std::atomic<int> arrived{0};
  start_with([&](std::string_view, std::span<const Tensor> in, std::vector<Tensor>* out) -> Status {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    (*out)[0] = in[0];
    return {};
  });
  EXPECT_EQ(scalar(sum), 2.0f);
}

}  // namespace
}  // namespace tw
