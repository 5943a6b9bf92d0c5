// Queues in sessions: order, waiting, closing, cancelling, and lanes that do not wait in line behind a blocked one.
#include <chrono>
#include <set>
#include <thread>

#include "tests/runtime/session_fixture.h"

namespace tw {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class QueueTest : public SessionTest {
 protected:
  Output value_;  // placeholder for what is put in

  Output queue(const std::string& kind, int capacity, AttrMap more = {}) {
    value_ = placeholder(DType::kFloat, Shape::unknown());
    AttrMap attrs{{"component_types", std::vector<DType>{DType::kFloat}},
                  {"shapes", std::vector<Shape>{Shape{}}},
                  {"capacity", int64_t{capacity}}};
    for (auto& [name, v] : more) attrs[name] = v;
    return op(kind, {}, attrs);
  }
  NodeId enqueue(Output q) { return b_.add("QueueEnqueueV2", {q, value_}, {}); }
  NodeId enqueue_many(Output q) { return b_.add("QueueEnqueueManyV2", {q, value_}, {}); }
  Output dequeue(Output q) {
    return op("QueueDequeueV2", {q}, {{"component_types", std::vector<DType>{DType::kFloat}}});
  }
  Output dequeue_many(Output q, int n, const std::string& kind = "QueueDequeueManyV2") {
    return op(kind, {q, b_.scalar<int32_t>(n)}, {{"component_types", std::vector<DType>{DType::kFloat}}});
  }
  NodeId close(Output q, bool cancel = false) {
    return b_.add("QueueCloseV2", {q}, {{"cancel_pending_enqueues", cancel}});
  }
  Output size(Output q) { return op("QueueSizeV2", {q}); }

  Status put(NodeId enqueue, float v) { return run({{value_, Tensor::scalar(v)}}, {}, {enqueue}).status(); }
  Status put_many(NodeId enqueue, std::initializer_list<float> v) {
    return run({{value_, Tensor::vector<float>(v)}}, {}, {enqueue}).status();
  }
  std::vector<float> floats(Output o) {
    auto r = run({}, {o});
    EXPECT_TRUE(r.ok()) << r.status().to_string();
    if (!r.ok()) return {};
    const auto flat = (*r)[0].flat<float>();
    return {flat.begin(), flat.end()};
  }
  int count(Output size) {
    auto r = run({}, {size});
    EXPECT_TRUE(r.ok()) << r.status().to_string();
    return r.ok() ? (*r)[0].data<int32_t>()[0] : -1;
  }
};

TEST_F(QueueTest, GivesElementsInOrder) {
  const Output q = queue("FIFOQueueV2", 10);
  const NodeId in = enqueue(q), many = enqueue_many(q);
  const Output out = dequeue(q), three = dequeue_many(q, 3), n = size(q);
  start();
  ASSERT_TRUE(put(in, 1).ok());
  ASSERT_TRUE(put_many(many, {2, 3, 4, 5}).ok());
  EXPECT_EQ(count(n), 5);
  EXPECT_EQ(floats(out), std::vector<float>{1});
  EXPECT_EQ(floats(three), (std::vector<float>{2, 3, 4}));
  EXPECT_EQ(count(n), 1);
}

TEST_F(QueueTest, OneStepMayFillAndEmptyIt) {
  // The dequeue comes first in the graph, and would wait for ever if the enqueue stood in line behind it.
  const Output q = queue("FIFOQueueV2", 1);
  const Output out = dequeue(q);
  const Output doubled = op("Add", {out, out});
  const NodeId in = b_.add("QueueEnqueueV2", {q, op("Mul", {value_, b_.scalar(10.0f)})}, {});
  for (const int threads : {1, 2}) {
    SessionOptions options;
    options.intra_op_threads = threads;
    start(options);
    for (int i = 0; i < 20; ++i) {
      auto r = run({{value_, Tensor::scalar(static_cast<float>(i))}}, {doubled}, {in});
      ASSERT_TRUE(r.ok()) << r.status().to_string();
      EXPECT_EQ((*r)[0].data<float>()[0], static_cast<float>(20 * i));
    }
  }
}

TEST_F(QueueTest, FullAndEmptyQueuesWait) {
  const Output q = queue("FIFOQueueV2", 2);
  const NodeId in = enqueue(q);
  const Output out = dequeue(q);
  start();
  constexpr int kElements = 500;
  std::thread producer([&] {
    for (int i = 0; i < kElements; ++i) ASSERT_TRUE(put(in, static_cast<float>(i)).ok());
  });
  for (int i = 0; i < kElements; ++i) ASSERT_EQ(floats(out), std::vector<float>{static_cast<float>(i)});
  producer.join();
}

TEST_F(QueueTest, ABatchLargerThanTheQueueArrivesInPieces) {
  const Output q = queue("FIFOQueueV2", 2);
  const NodeId many = enqueue_many(q);
  const Output five = dequeue_many(q, 5);
  start();
  std::thread producer([&] { EXPECT_TRUE(put_many(many, {1, 2, 3, 4, 5}).ok()); });
  EXPECT_EQ(floats(five), (std::vector<float>{1, 2, 3, 4, 5}));
  producer.join();
}

TEST_F(QueueTest, ClosingEndsWaitsAndKeepsWhatIsThere) {
  const Output q = queue("FIFOQueueV2", 10);
  const NodeId many = enqueue_many(q), in = enqueue(q), shut = close(q);
  const Output three = dequeue_many(q, 3), up_to = dequeue_many(q, 3, "QueueDequeueUpToV2"), n = size(q);
  const Output closed = op("QueueIsClosedV2", {q});
  start();
  ASSERT_TRUE(put_many(many, {1, 2}).ok());
  std::thread closer([&] {
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_TRUE(run({}, {}, {shut}).ok());
  });
  const Status s = run({}, {three}).status();
  closer.join();
  EXPECT_EQ(s.code(), Code::kOutOfRange) << s.to_string();
  EXPECT_NE(s.message().find("is closed and has insufficient elements (requested 3, current size 2)"),
            std::string::npos)
      << s.message();
  EXPECT_EQ(count(n), 2);
  EXPECT_EQ(put(in, 3).code(), Code::kCancelled);
  EXPECT_EQ(floats(up_to), (std::vector<float>{1, 2}));
  EXPECT_EQ(run({}, {up_to}).status().code(), Code::kOutOfRange);
  EXPECT_TRUE((*run({}, {closed}))[0].data<bool>()[0]);
  EXPECT_EQ(run({}, {}, {shut}).status().code(), Code::kCancelled) << "closed twice";
}

TEST_F(QueueTest, ClosingLetsWaitingEnqueuesFinishUnlessCancelled) {
  for (const bool cancel : {false, true}) {
    const Output q = queue("FIFOQueueV2", 1, {{"shared_name", std::string(cancel ? "a" : "b")}});
    const NodeId in = enqueue(q), shut = close(q, cancel);
    const Output out = dequeue(q);
    start();
    ASSERT_TRUE(put(in, 1).ok());
    Status second;
    std::thread waiting([&] { second = put(in, 2); });
    std::this_thread::sleep_for(milliseconds(30));
    ASSERT_TRUE(run({}, {}, {shut}).ok());
    EXPECT_EQ(floats(out), std::vector<float>{1});
    waiting.join();
    if (cancel) {
      EXPECT_EQ(second.code(), Code::kCancelled) << second.to_string();
      EXPECT_EQ(run({}, {out}).status().code(), Code::kOutOfRange);
    } else {
      EXPECT_TRUE(second.ok()) << second.to_string();
      EXPECT_EQ(floats(out), std::vector<float>{2});
    }
  }
}

TEST_F(QueueTest, TimeoutsCancellingAndClosingTheSessionEndWaits) {
  const Output q = queue("FIFOQueueV2", 10);
  const NodeId many = enqueue_many(q);
  const Output three = dequeue_many(q, 3), n = size(q);
  start();
  ASSERT_TRUE(put_many(many, {1, 2}).ok());
  RunOptions options;
  options.timeout_ms = 30;
  EXPECT_EQ(run({}, {three}, {}, options).status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(count(n), 2) << "elements taken in vain go back";

  options.timeout_ms = 0;
  options.cancel = std::make_shared<CancelToken>();
  steady_clock::time_point fired;
  std::thread canceller([&] {
    std::this_thread::sleep_for(milliseconds(30));
    fired = steady_clock::now();
    options.cancel->cancel();
  });
  EXPECT_EQ(run({}, {three}, {}, options).status().code(), Code::kCancelled);
  const auto took = steady_clock::now() - fired;
  canceller.join();
  EXPECT_LT(took, milliseconds(100));
  EXPECT_EQ(count(n), 2);

  std::thread closer([&] {
    std::this_thread::sleep_for(milliseconds(30));
    EXPECT_TRUE(session_->close().ok());
  });
  EXPECT_EQ(run({}, {three}).status().code(), Code::kCancelled);
  closer.join();
}

TEST_F(QueueTest, ShuffledElementsAllArriveAndSomeStayUntilItCloses) {
  const Output q = queue("RandomShuffleQueueV2", 100,
                         {{"min_after_dequeue", int64_t{5}}, {"seed", int64_t{87654321}}, {"seed2", int64_t{7}}});
  const NodeId many = enqueue_many(q), shut = close(q);
  const Output out = dequeue(q), five = dequeue_many(q, 5);
  start();
  ASSERT_TRUE(put_many(many, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).ok());
  std::vector<float> seen = floats(five);
  RunOptions options;
  options.timeout_ms = 20;
  EXPECT_EQ(run({}, {out}, {}, options).status().code(), Code::kDeadlineExceeded);
  ASSERT_TRUE(run({}, {}, {shut}).ok());
  for (int i = 0; i < 5; ++i) seen.push_back(floats(out)[0]);
  // As TensorFlow 1.15.5 gives them for these seeds.
  EXPECT_EQ(seen, (std::vector<float>{7, 1, 5, 6, 4, 3, 2, 0, 9, 8}));
}

TEST_F(QueueTest, PaddedBatchesTakeTheLargestOfEachDimension) {
  const Output q = queue("PaddingFIFOQueueV2", 10, {{"shapes", std::vector<Shape>{Shape{-1, 2}}}});
  const NodeId in = enqueue(q);
  const Output two = dequeue_many(q, 2);
  start();
  Tensor a = Tensor::make_or_die(DType::kFloat, Shape{1, 2}), c = Tensor::make_or_die(DType::kFloat, Shape{2, 2});
  for (int i = 0; i < 2; ++i) a.data<float>()[i] = 1;
  for (int i = 0; i < 4; ++i) c.data<float>()[i] = 2;
  ASSERT_TRUE(run({{value_, a}}, {}, {in}).ok());
  ASSERT_TRUE(run({{value_, c}}, {}, {in}).ok());
  auto r = run({}, {two});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ((*r)[0].shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(std::vector<float>((*r)[0].flat<float>().begin(), (*r)[0].flat<float>().end()),
            (std::vector<float>{1, 1, 0, 0, 2, 2, 2, 2}));
  EXPECT_EQ(run({{value_, Tensor::scalar(1.0f)}}, {}, {in}).status().code(), Code::kInvalidArgument);
}

TEST_F(QueueTest, PrioritiesAreServedSmallestFirst) {
  const Output priority = placeholder(DType::kInt64, Shape{});
  value_ = placeholder(DType::kFloat, Shape{});
  const Output q =
      op("PriorityQueueV2", {},
         {{"component_types", std::vector<DType>{DType::kFloat}}, {"shapes", std::vector<Shape>{Shape{}}}});
  const NodeId in = b_.add("QueueEnqueueV2", {q, priority, value_}, {});
  const NodeId out =
      b_.add("QueueDequeueV2", {q}, {{"component_types", std::vector<DType>{DType::kInt64, DType::kFloat}}});
  start();
  const std::pair<int64_t, float> elements[] = {{3, 1}, {1, 2}, {2, 3}, {1, 4}};
  for (const auto& [p, v] : elements) {
    ASSERT_TRUE(run({{priority, Tensor::scalar<int64_t>(p)}, {value_, Tensor::scalar(v)}}, {}, {in}).ok());
  }
  std::vector<float> seen;
  for (int i = 0; i < 4; ++i) seen.push_back(floats(Output{out, 1})[0]);
  EXPECT_EQ(seen, (std::vector<float>{2, 4, 3, 1}));
}

TEST_F(QueueTest, RefusesWhatDoesNotFit) {
  const Output q = queue("FIFOQueueV2", 10, {{"shared_name", std::string("shared")}});
  const NodeId in = enqueue(q);
  const Output other = queue("FIFOQueueV2", 11, {{"shared_name", std::string("shared")}});
  const Output other_size = size(other);
  const Output wrong = op("QueueDequeueV2", {q}, {{"component_types", std::vector<DType>{DType::kInt32}}});
  start();
  ASSERT_TRUE(run({{Output{*graph_->find("Placeholder"), 0}, Tensor::scalar(1.0f)}}, {}, {in}).ok());
  EXPECT_EQ(run({}, {other_size}).status().code(), Code::kInvalidArgument);
  const Status types = run({}, {wrong}).status();
  EXPECT_EQ(types.code(), Code::kInvalidArgument);
  EXPECT_NE(types.message().find("FIFOQueue 'shared'"), std::string::npos) << types.message();
  const Status shape =
      run({{Output{*graph_->find("Placeholder"), 0}, Tensor::vector<float>({1, 2})}}, {}, {in}).status();
  EXPECT_EQ(shape.code(), Code::kInvalidArgument);
  EXPECT_NE(shape.message().find("Expected [], got [2]"), std::string::npos) << shape.message();
}

}  // namespace
}  // namespace tw
