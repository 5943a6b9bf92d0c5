// Loops: how often what runs, and what a loop may rely on between iterations.
#include <algorithm>

#include "core/platform/alloc.h"
#include "tests/runtime/session_fixture.h"

namespace tw {
namespace {

const std::vector<DType> kInt{DType::kInt32};

class LoopTest : public SessionTest {
 protected:
  // A While over functions that these make.
  using Fill = std::function<std::vector<Output>(Builder&, std::vector<Output>)>;
  NodeId loop(const std::string& name, std::vector<Output> inputs, const std::vector<DType>& types, const Fill& cond,
              const Fill& body, AttrMap attrs = {}) {
    add_function(*graph_, name + "_cond", types, cond);
    add_function(*graph_, name + "_body", types, body);
    attrs["cond"] = AttrValue(FuncRef{name + "_cond", {}});
    attrs["body"] = AttrValue(FuncRef{name + "_body", {}});
    return b_.add("While", std::move(inputs), std::move(attrs));
  }
  static Tensor filled(const Shape& shape, float value) {
    Tensor t = *Tensor::make(DType::kFloat, shape);
    std::fill_n(t.data<float>(), t.num_elements(), value);
    return t;
  }
  static Output add(Builder& b, Output x, Output y) { return {b.add("AddV2", {x, y}), 0}; }
  static Fill below(int32_t n) {
    return [n](Builder& b, std::vector<Output> in) {
      return std::vector<Output>{{b.add("Less", {in[0], b.scalar<int32_t>(n)}), 0}};
    };
  }
  // Instructions that a step ran, by op.
  std::map<std::string, int> traced(Output fetch, std::vector<std::pair<Output, Tensor>> feeds = {}) {
    RunOptions options;
    options.trace = true;
    RunMetadata metadata;
    std::vector<Tensor> results;
    const Status s = session_->run(options, feeds, std::vector<Output>{fetch}, {}, &results, &metadata);
    EXPECT_TRUE(s.ok()) << s.to_string();
    std::map<std::string, int> counts;
    // Fused ops are counted together, whatever they hold: "_FusedMap{add+lt}".
    for (const auto& e : metadata.trace.events) ++counts[e.op.substr(0, e.op.find('{'))];
    return counts;
  }
};

TEST_F(LoopTest, TheConditionIsPartOfTheBody) {
  const Output from = placeholder(DType::kInt32, Shape{});
  const NodeId count = loop("count", {from}, kInt, below(100), [](Builder& b, std::vector<Output> in) {
    return std::vector<Output>{add(b, in[0], b.scalar<int32_t>(1))};
  });
  start();
  for (const int32_t begin : {0, 99, 100, 500}) {
    auto r = run({{from, Tensor::scalar(begin)}}, {Output{count, 0}});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    EXPECT_EQ((*r)[0].data<int32_t>()[0], std::max(begin, 100));
  }
  const auto counts = traced(Output{count, 0}, {{from, Tensor::scalar<int32_t>(0)}});
  // One addition and comparison each time round, and one comparison before.
  EXPECT_EQ(counts.at("_FusedMap"), 100);
  EXPECT_EQ(counts.at("Less"), 1);
  EXPECT_FALSE(counts.contains("AddV2"));
}

TEST_F(LoopTest, AnIterationAllocatesNothing) {
  const NodeId count =
      loop("count", {b_.scalar<int32_t>(0), b_.scalar(1.0f)}, {DType::kInt32, DType::kFloat}, below(2000),
           [](Builder& b, std::vector<Output> in) {
             return std::vector<Output>{add(b, in[0], b.scalar<int32_t>(1)), {b.add("Sin", {in[1]}), 0}};
           });
  start();
  scalar(Output{count, 1});
  const AllocStats before = alloc_stats();
  scalar(Output{count, 1});
  EXPECT_EQ(alloc_stats().system_calls, before.system_calls);
  EXPECT_EQ(alloc_stats().live_bytes, before.live_bytes);
}

// What a loop hands on as it is, weights say, stays where it lies, unless its result is read.
TEST_F(LoopTest, WhatNobodyReadsIsNotCopied) {
  constexpr int64_t kCount = int64_t{16} << 20;
  const Output big = placeholder(DType::kFloat, Shape{kCount});
  const NodeId count = loop(
      "count", {b_.scalar(0.0f), big}, {DType::kFloat, DType::kFloat},
      [](Builder& b, std::vector<Output> in) {
        return std::vector<Output>{{b.add("Less", {in[0], b.scalar(3.0f)}), 0}};
      },
      [](Builder& b, std::vector<Output> in) {
        const Output most{b.add("Max", {in[1], b.vector<int32_t>({0})}), 0};
        return std::vector<Output>{add(b, in[0], most), in[1]};
      });
  start();
  Tensor ones = Tensor::make_or_die(DType::kFloat, Shape{kCount});
  std::fill_n(ones.data<float>(), kCount, 1.0f);
  const AllocStats before = alloc_stats();
  EXPECT_EQ(scalar(Output{count, 0}, {{big, ones}}), 3.0f);
  const int64_t most = std::max(before.peak_bytes, before.live_bytes + static_cast<int64_t>(ones.bytes()) / 2);
  EXPECT_LE(alloc_stats().peak_bytes, most);
  // Read, it is the input's value, in memory of its own.
  auto read = run({{big, ones}}, {Output{count, 1}});
  ASSERT_TRUE(read.ok()) << read.status().to_string();
  EXPECT_NE((*read)[0].raw(), ones.raw());
  EXPECT_EQ((*read)[0].data<float>()[kCount - 1], 1.0f);
}

// Factors wait until there are enough rows of them, and one product adds them up.
TEST_F(LoopTest, SumsOfProductsAreTakenTogether) {
  const Output times = placeholder(DType::kInt32, Shape{}), start = placeholder(DType::kFloat, Shape{3, 2});
  const Output x = placeholder(DType::kFloat, Shape{4, 3}), y = placeholder(DType::kFloat, Shape{4, 2});
  const std::vector<DType> types{DType::kInt32, DType::kFloat, DType::kInt32, DType::kFloat, DType::kFloat};
  const NodeId sums = loop(
      "sums", {b_.scalar<int32_t>(0), start, times, x, y}, types,
      [](Builder& b, std::vector<Output> in) { return std::vector<Output>{{b.add("Less", {in[0], in[2]}), 0}}; },
      [](Builder& b, std::vector<Output> in) {
        const Output term{b.add("MatMul", {in[3], in[4]}, {{"transpose_a", true}}), 0};
        const Output sum{b.add("AddN", {in[1], term}, {{"N", 2}}), 0};
        return std::vector<Output>{add(b, in[0], b.scalar<int32_t>(1)), sum, in[2], in[3], in[4]};
      });
  this->start();
  const Tensor one = filled(Shape{3, 2}, 1), a = filled(Shape{4, 3}, 2), c = filled(Shape{4, 2}, 3);
  for (const int32_t n : {0, 1, 63, 64, 200}) {
    auto r = run({{times, Tensor::scalar(n)}, {start, one}, {x, a}, {y, c}}, {Output{sums, 1}});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    for (int64_t i = 0; i < 6; ++i) EXPECT_EQ((*r)[0].data<float>()[i], 1.0f + 24.0f * static_cast<float>(n)) << n;
  }
  const auto counts = traced(Output{sums, 1}, {{times, Tensor::scalar<int32_t>(5)}, {start, one}, {x, a}, {y, c}});
  EXPECT_EQ(counts.at("_AddProduct"), 5);
  EXPECT_EQ(counts.at("_ProductSumTotal"), 1);
  EXPECT_FALSE(counts.contains("MatMul"));
}

TEST_F(LoopTest, EndsAtItsMaximum) {
  const NodeId count =
      loop("count", {b_.scalar<int32_t>(0)}, kInt, below(100),
           [](Builder& b, std::vector<Output> in) { return std::vector<Output>{add(b, in[0], b.scalar<int32_t>(1))}; },
           {{"_maximum_iterations", 7}});
  start();
  auto r = run({}, {Output{count, 0}});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ((*r)[0].data<int32_t>()[0], 7);
}

// What the body writes, the condition of the next iteration sees.
TEST_F(LoopTest, AConditionThatReadsAVariableComesAfterTheBodysWrites) {
  const AttrMap value{{"dtype", DType::kFloat}};
  const Output handle = op("VarHandleOp", {}, {{"dtype", DType::kFloat}, {"shape", Shape{}}, {"shared_name", "v"}});
  const NodeId init = b_.add("AssignVariableOp", {handle, b_.scalar(0.0f)}, value);
  const std::vector<DType> types{DType::kInt32, DType::kResource};
  for (const std::string f : {"few_cond", "few_body"}) {
    add_function(*graph_, f, types, [&](Builder& b, std::vector<Output> in) {
      if (f == "few_cond") {
        const Output read{b.add("ReadVariableOp", {in[1]}, value), 0};
        return std::vector<Output>{{b.add("Less", {read, b.scalar(5.0f)}), 0}};
      }
      const NodeId added = b.add("AssignAddVariableOp", {in[1], b.scalar(1.0f)}, value);
      const NodeId next = b.add("AddV2", {in[0], b.scalar<int32_t>(1)});
      EXPECT_TRUE(b.graph().add_control(next, added).ok());
      return std::vector<Output>{{next, 0}, in[1]};
    });
  }
  const NodeId few = b_.add("While", {b_.scalar<int32_t>(0), handle},
                            {{"cond", FuncRef{"few_cond", {}}}, {"body", FuncRef{"few_body", {}}}});
  const Output read = op("ReadVariableOp", {handle}, value);
  start();
  ASSERT_TRUE(run({}, {}, {init}).ok());
  auto r = run({}, {Output{few, 0}});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ((*r)[0].data<int32_t>()[0], 5);
  EXPECT_EQ(scalar(read), 5.0f);
}

TEST_F(LoopTest, AConditionMayBeAVariableOfTheLoop) {
  const std::vector<DType> types{DType::kBool, DType::kInt32};
  const NodeId until = loop(
      "until", {b_.scalar(true), b_.scalar<int32_t>(0)}, types,
      [](Builder&, std::vector<Output> in) { return std::vector<Output>{in[0]}; },
      [](Builder& b, std::vector<Output> in) {
        const Output next = add(b, in[1], b.scalar<int32_t>(3));
        return std::vector<Output>{{b.add("Less", {next, b.scalar<int32_t>(20)}), 0}, next};
      });
  start();
  auto r = run({}, {Output{until, 1}, Output{until, 0}});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ((*r)[0].data<int32_t>()[0], 21);
  EXPECT_FALSE((*r)[1].data<bool>()[0]);
}

// The state grows, so that every iteration has a plan of its own or the one that finds shapes.
TEST_F(LoopTest, AConditionAsksForShapesThatChange) {
  const std::vector<DType> types{DType::kFloat};
  const Output x = placeholder(DType::kFloat, Shape{-1});
  const NodeId grow = loop(
      "grow", {x}, types,
      [](Builder& b, std::vector<Output> in) {
        return std::vector<Output>{{b.add("Less", {Output{b.add("Size", {in[0]}), 0}, b.scalar<int32_t>(100)}), 0}};
      },
      [](Builder& b, std::vector<Output> in) {
        return std::vector<Output>{{b.add("ConcatV2", {in[0], in[0], b.scalar<int32_t>(0)}), 0}};
      });
  start();
  for (const int64_t n : {1, 3, 100, 120}) {
    auto r = run({{x, Tensor::make_or_die(DType::kFloat, Shape{n})}}, {Output{grow, 0}});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    int64_t want = n;
    while (want < 100) want *= 2;
    EXPECT_EQ((*r)[0].num_elements(), want);
  }
}

class ListLoopTest : public LoopTest {
 protected:
  static Output rows_of(Builder& b, Output x) {
    return {b.add("TensorListFromTensor", {x, b.scalar<int32_t>(-1)}, {{"element_dtype", DType::kFloat}}), 0};
  }
  static NodeId pop(Builder& b, Output list) {
    return b.add("TensorListPopBack", {list, b.scalar<int32_t>(-1)}, {{"element_dtype", DType::kFloat}});
  }
  static Output sum(Builder& b, Output x) {
    const Output rank{b.add("Rank", {x}), 0};
    const Output axes{b.add("Range", {b.scalar<int32_t>(0), rank, b.scalar<int32_t>(1)}), 0};
    return {b.add("Sum", {x, axes}), 0};
  }
  static Tensor counted(const Shape& shape) {
    Tensor t = Tensor::make_or_die(DType::kFloat, shape);
    for (int64_t i = 0; i < t.num_elements(); ++i) t.data<float>()[i] = static_cast<float>(i);
    return t;
  }
};

// What is in a list is known when the loop begins, and its body is planned for it: for each shape anew. The variable
// that nobody wants is left out, and the list another argument of the body than it was.
TEST_F(ListLoopTest, ElementsHaveTheShapesTheListHas) {
  const Output x = placeholder(DType::kFloat, Shape{-1, -1});
  const NodeId total = loop("total", {b_.scalar<int32_t>(0), b_.scalar(0.0f), rows_of(b_, x), b_.scalar(0.0f)},
                            {DType::kInt32, DType::kFloat, DType::kVariant, DType::kFloat}, below(4),
                            [](Builder& b, std::vector<Output> in) {
                              const NodeId popped = pop(b, in[2]);
                              const Output squared{b.add("Square", {Output{popped, 1}}), 0};
                              return std::vector<Output>{add(b, in[0], b.scalar<int32_t>(1)),
                                                         {b.add("Neg", {in[1]}), 0},
                                                         {popped, 0},
                                                         add(b, in[3], sum(b, squared))};
                            });
  start();
  for (const int64_t width : {2, 3, 16, 2, 0, 33}) {
    const Tensor t = counted({4, width});
    float want = 0;
    for (int64_t i = 0; i < t.num_elements(); ++i) want += t.data<float>()[i] * t.data<float>()[i];
    EXPECT_EQ(scalar(Output{total, 3}, {{x, t}}), want) << width;
  }
  // Square and sum became one, which takes a shape that is known.
  EXPECT_EQ(traced(Output{total, 3}, {{x, counted({4, 5})}}).at("_FusedReduce"), 4);
}

// The lists change places, and with them the shapes of what is popped.
TEST_F(ListLoopTest, ListsMayChangePlaces) {
  const Output x = placeholder(DType::kFloat, Shape{-1, -1}), y = placeholder(DType::kFloat, Shape{-1, -1});
  const NodeId total =
      loop("total", {b_.scalar<int32_t>(0), rows_of(b_, x), rows_of(b_, y), b_.scalar(0.0f)},
           {DType::kInt32, DType::kVariant, DType::kVariant, DType::kFloat}, below(6),
           [](Builder& b, std::vector<Output> in) {
             const NodeId popped = pop(b, in[1]);
             const Output scaled{b.add("Mul", {sum(b, Output{popped, 1}), b.scalar(2.0f)}), 0};
             return std::vector<Output>{add(b, in[0], b.scalar<int32_t>(1)), in[2], {popped, 0}, add(b, in[3], scaled)};
           });
  start();
  EXPECT_EQ(scalar(Output{total, 3}, {{x, counted({3, 2})}, {y, counted({3, 5})}}), 2.0f * (15 + 105));
}

// A list to which the loop adds has elements of whatever shape it adds.
TEST_F(ListLoopTest, AListThatGrowsMayHoldAnyShapes) {
  const Output x = placeholder(DType::kFloat, Shape{-1, -1});
  const AttrMap floats{{"element_dtype", DType::kFloat}};
  const NodeId total =
      loop("total", {b_.scalar<int32_t>(0), rows_of(b_, x), b_.scalar(0.0f)},
           {DType::kInt32, DType::kVariant, DType::kFloat}, below(3), [&](Builder& b, std::vector<Output> in) {
             const NodeId popped = pop(b, in[1]);
             const Output twice{b.add("ConcatV2", {Output{popped, 1}, Output{popped, 1}, b.scalar<int32_t>(0)}), 0};
             const Output pushed{b.add("TensorListPushBack", {Output{popped, 0}, twice}, floats), 0};
             return std::vector<Output>{add(b, in[0], b.scalar<int32_t>(1)), pushed,
                                        add(b, in[2], sum(b, Output{popped, 1}))};
           });
  start();
  // The last row is popped doubled, and doubled again.
  EXPECT_EQ(scalar(Output{total, 2}, {{x, counted({2, 3})}}), 12.0f * (1 + 2 + 4));
}

}  // namespace
}  // namespace tw
