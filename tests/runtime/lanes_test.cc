// Lanes beside each other: results, errors, cancelling, and what a device that computes nothing saw.
#include <thread>

#include "core/stream/null/null_device.h"
#include "tests/runtime/session_fixture.h"

namespace tw {
namespace {

using Kind = NullDevice::Record::Kind;

// Two loops that know nothing of each other, each long enough for a lane of its own: they count to `n_` and add to
// `x_`.
class LanesTest : public SessionTest {
 protected:
  Output n_, x_, first_, second_;

  void build() {
    n_ = placeholder(DType::kInt32, Shape{});
    x_ = placeholder(DType::kFloat, Shape{16});
    const std::vector<DType> types{DType::kInt32, DType::kInt32, DType::kFloat};
    add_function(*graph_, "more", types, [](Builder& b, std::vector<Output> in) {
      return std::vector<Output>{{b.add("Less", {in[0], in[1]}), 0}};
    });
    for (const float step : {1.0f, 2.0f}) {
      add_function(*graph_, step == 1 ? "one" : "two", types, [step](Builder& b, std::vector<Output> in) {
        return std::vector<Output>{
            {b.add("Add", {in[0], b.scalar<int32_t>(1)}), 0}, in[1], {b.add("Add", {in[2], b.scalar(step)}), 0}};
      });
    }
    first_ = loop("one");
    second_ = loop("two");
  }
  Output loop(const std::string& body) {
    const NodeId id =
        b_.add("While", {b_.scalar<int32_t>(0), n_, x_}, {{"cond", FuncRef{"more", {}}}, {"body", FuncRef{body, {}}}});
    return {id, 2};
  }
  std::vector<std::pair<Output, Tensor>> feeds(int n) {
    Tensor x = Tensor::make_or_die(DType::kFloat, Shape{16});
    for (int i = 0; i < 16; ++i) x.data<float>()[i] = static_cast<float>(i);
    return {{n_, Tensor::scalar<int32_t>(n)}, {x_, x}};
  }
  static SessionOptions threads(int n) {
    SessionOptions options;
    options.intra_op_threads = n;
    return options;
  }
};

TEST_F(LanesTest, GiveTheResultsOfOneLane) {
  build();
  const Output sum = op("Add", {op("Mul", {first_, b_.scalar(10.0f)}), second_});
  for (const int n : {1, 2, 4}) {
    start(threads(n));
    for (int round = 0; round < 50; ++round) {
      auto r = run(feeds(round), {sum});
      ASSERT_TRUE(r.ok()) << r.status().to_string();
      for (int i = 0; i < 16; ++i) {
        EXPECT_EQ((*r)[0].data<float>()[i], static_cast<float>(10 * (i + round) + i + 2 * round));
      }
    }
  }
}

TEST_F(LanesTest, RunOnThreadsOfTheirOwn) {
  build();
  const Output sum = op("Add", {first_, second_});
  start(threads(2));
  RunMetadata metadata;
  RunOptions options;
  options.trace = true;
  std::vector<Tensor> results;
  const Status s = session_->run(options, feeds(100), std::vector<Output>{sum}, {}, &results, &metadata);
  ASSERT_TRUE(s.ok()) << s.to_string();
  std::set<int> lanes;
  for (const auto& e : metadata.trace.events) {
    if (e.op == "While") lanes.insert(e.lane);
  }
  EXPECT_EQ(lanes.size(), 2u);
}

TEST_F(LanesTest, AnErrorInOneEndsTheOthers) {
  build();
  const Output bad = op("CheckNumerics", {op("Div", {first_, b_.scalar(0.0f)})}, {{"message", std::string("first")}});
  add_function(*graph_, "always", {DType::kFloat},
               [](Builder& b, std::vector<Output>) { return std::vector<Output>{b.scalar(true)}; });
  add_function(*graph_, "flip", {DType::kFloat},
               [](Builder& b, std::vector<Output> in) { return std::vector<Output>{{b.add("Neg", {in[0]}), 0}}; });
  const Output endless = op("While", {second_}, {{"cond", FuncRef{"always", {}}}, {"body", FuncRef{"flip", {}}}});
  start(threads(2));
  for (int round = 0; round < 5; ++round) {
    const Status s = run(feeds(3), {bad, endless}).status();
    EXPECT_EQ(s.code(), Code::kInvalidArgument) << s.to_string();
    EXPECT_NE(s.message().find("first"), std::string::npos) << s.to_string();
  }
  // Nothing of the failed step is left behind.
  EXPECT_TRUE(run(feeds(3), {first_, second_}).ok());
}

TEST_F(LanesTest, EndAtATimeout) {
  build();
  const Output sum = op("Add", {first_, second_});
  start(threads(2));
  RunOptions options;
  options.timeout_ms = 30;
  EXPECT_EQ(run(feeds(2000000000), {sum}, {}, options).status().code(), Code::kDeadlineExceeded);
}

TEST_F(LanesTest, StepsOnManyThreadsEachHaveTheirOwn) {
  build();
  const Output sum = op("Sub", {second_, first_});
  start(threads(3));
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&, c] {
      for (int round = 0; round < 50; ++round) {
        auto r = run(feeds(c + round), {sum});
        ASSERT_TRUE(r.ok()) << r.status().to_string();
        for (int i = 0; i < 16; ++i) EXPECT_EQ((*r)[0].data<float>()[i], static_cast<float>(c + round));
      }
    });
  }
  for (std::thread& t : callers) t.join();
}

TEST_F(LanesTest, TheNullDeviceSeesTheScheduleAndComputesNothing) {
  build();
  const Output sum = op("Add", {first_, second_});
  auto device = std::make_shared<NullDevice>();
  SessionOptions options = threads(2);
  options.device = device;
  start(options);
  auto r = run(feeds(1000000000), {sum});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  for (int i = 0; i < 16; ++i) EXPECT_EQ((*r)[0].data<float>()[i], 0.0f);
  int records = 0, waits = 0, adds = 0;
  for (const auto& rec : device->take_records()) {
    records += rec.kind == Kind::kRecord;
    waits += rec.kind == Kind::kWait;
    adds += rec.kind == Kind::kLaunch && rec.label == "Add";
  }
  EXPECT_EQ(records, 1);
  EXPECT_EQ(waits, 1);
  EXPECT_EQ(adds, 1);
}

}  // namespace
}  // namespace tw
