// Sessions end to end: feeds, fetches, variables, functions, errors, threads.

#include <thread>

#include "core/platform/alloc.h"
#include "tests/runtime/session_fixture.h"

namespace tw {
namespace {

TEST_F(SessionTest, FetchesAConstantAndASum) {
  const Output a = b_.scalar(2.0f), c = b_.scalar(3.5f);
  const Output sum = op("Add", {a, c});
  start();
  EXPECT_EQ(scalar(a), 2.0f);
  EXPECT_EQ(scalar(sum), 5.5f);
}

TEST_F(SessionTest, ResultsBelongToTheCaller) {
  const Output a = b_.vector<float>({1, 2, 3});
  start();
  auto first = run({}, {a, a});
  ASSERT_TRUE(first.ok());
  (*first)[0].data<float>()[0] = 100;
  EXPECT_EQ((*first)[1].data<float>()[0], 1);
  auto second = run({}, {a});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)[0].data<float>()[0], 1);
}

TEST_F(SessionTest, OneProgramServesSeveralShapes) {
  const Output x = placeholder(DType::kFloat, Shape{-1, 2});
  const Output y = op("Mul", {op("Add", {x, x}), b_.scalar(0.5f)});
  start();
  for (int64_t rows : {1, 5, 0, 3, 5}) {
    Tensor t = Tensor::make_or_die(DType::kFloat, Shape{rows, 2});
    for (int64_t i = 0; i < t.num_elements(); ++i) t.data<float>()[i] = static_cast<float>(i);
    auto r = run({{x, t}}, {y});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    ASSERT_EQ((*r)[0].shape(), (Shape{rows, 2}));
    for (int64_t i = 0; i < t.num_elements(); ++i) EXPECT_EQ((*r)[0].data<float>()[i], static_cast<float>(i));
  }
}

TEST_F(SessionTest, ManyShapesFallBackToTheDynamicPlan) {
  const Output x = placeholder(DType::kFloat, Shape{-1});
  const Output y = op("Sum", {op("Square", {x}), b_.vector<int32_t>({0})});
  start();
  for (int64_t n = 1; n < 200; ++n) {
    Tensor t = Tensor::make_or_die(DType::kFloat, Shape{n});
    for (int64_t i = 0; i < n; ++i) t.data<float>()[i] = 2;
    EXPECT_EQ(scalar(y, {{x, t}}), 4.0f * static_cast<float>(n));
  }
}

TEST_F(SessionTest, IntermediateTensorsCanBeFed) {
  const Output x = placeholder(DType::kFloat, Shape{});
  const Output middle = op("Neg", {x}), y = op("Exp", {middle});
  start();
  EXPECT_EQ(scalar(y, {{middle, Tensor::scalar(0.0f)}}), 1.0f);
}

TEST_F(SessionTest, MissingFeedNamesThePlaceholder) {
  const Output x = placeholder(DType::kFloat, Shape{-1, 3});
  const Output y = op("Neg", {x});
  start();
  auto r = run({}, {y});
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(r.status().message(),
            "You must feed a value for placeholder tensor 'Placeholder' with dtype float and shape [?,3]");
  EXPECT_EQ(r.status().node(), "Placeholder");
}

TEST_F(SessionTest, WrongFeedsAreRefused) {
  const Output x = placeholder(DType::kFloat, Shape{-1, 3});
  const Output y = op("Neg", {x});
  start();
  auto shape = run({{x, Tensor::make_or_die(DType::kFloat, Shape{2, 4})}}, {y});
  EXPECT_EQ(shape.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(shape.status().message(),
            "Cannot feed value of shape [2,4] for Tensor 'Placeholder:0', which has shape '[?,3]'");
  auto dtype = run({{x, Tensor::make_or_die(DType::kInt32, Shape{2, 3})}}, {y});
  EXPECT_EQ(dtype.status().code(), Code::kInvalidArgument);
  auto unknown = run({}, {Output{1000, 0}});
  EXPECT_EQ(unknown.status().code(), Code::kInvalidArgument);
}

TEST_F(SessionTest, VariablesKeepTheirValueBetweenRuns) {
  const Output v = variable("v", Shape{});
  const NodeId init = b_.add("Assign", {v, b_.scalar(1.0f)});
  const NodeId add = b_.add("AssignAdd", {v, b_.scalar(2.0f)});
  const Output read = op("Identity", {v});
  start();
  auto early = run({}, {read});
  EXPECT_EQ(early.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(early.status().message().find("Attempting to use uninitialized value v"), std::string::npos);
  ASSERT_TRUE(run({}, {}, {init}).ok());
  ASSERT_TRUE(run({}, {}, {add}).ok());
  EXPECT_EQ(scalar(read), 3.0f);
  EXPECT_EQ(scalar(Output{add, 0}), 5.0f);
  EXPECT_EQ(scalar(v), 5.0f);
}

// The rule that TF leaves open: a read that does not depend on the step's update sees the value from before it.
TEST_F(SessionTest, ReadsComeBeforeUpdates) {
  const Output v = variable("v", Shape{2});
  const NodeId init = b_.add("Assign", {v, b_.vector<float>({1, 2})});
  const Output read = op("Identity", {v});
  const NodeId add = b_.add("AssignAdd", {v, b_.vector<float>({10, 10})});
  const Output doubled = op("Add", {read, read});
  b_.set_controls({add});
  const Output after = op("Identity", {v});
  b_.set_controls({});
  start();
  ASSERT_TRUE(run({}, {}, {init}).ok());
  for (int step = 0; step < 3; ++step) {
    auto r = run({}, {after, doubled, read}, {add});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    const float before = 1.0f + 10.0f * static_cast<float>(step);
    EXPECT_EQ((*r)[0].data<float>()[0], before + 10);
    EXPECT_EQ((*r)[1].data<float>()[0], 2 * before);
    EXPECT_EQ((*r)[2].data<float>()[0], before);
  }
}

TEST_F(SessionTest, FetchedValuesDoNotChangeLater) {
  const Output v = variable("v", Shape{1});
  const NodeId init = b_.add("Assign", {v, b_.vector<float>({1})});
  const NodeId add = b_.add("AssignAdd", {v, b_.vector<float>({1})});
  const Output read = op("Identity", {v});
  start();
  ASSERT_TRUE(run({}, {}, {init}).ok());
  auto old = run({}, {read});
  ASSERT_TRUE(old.ok());
  ASSERT_TRUE(run({}, {}, {add}).ok());
  EXPECT_EQ((*old)[0].data<float>()[0], 1);
  (*old)[0].data<float>()[0] = 50;
  EXPECT_EQ(scalar(read), 2);
}

// A steady training loop runs in memory it already has.
TEST_F(SessionTest, NoMallocAfterWarmUp) {
  const Output x = placeholder(DType::kFloat, Shape{64});
  const Output v = variable("v", Shape{64});
  const NodeId init = b_.add("Assign", {v, op("ZerosLike", {x})});
  const NodeId update = b_.add("AssignAdd", {v, op("Mul", {op("Tanh", {x}), x})});
  const Output loss = op("Sum", {op("Square", {x}), b_.vector<int32_t>({0})});
  start();
  Tensor t = Tensor::make_or_die(DType::kFloat, Shape{64});
  for (float& f : t.flat<float>()) f = 0.25f;
  ASSERT_TRUE(run({{x, t}}, {}, {init}).ok());
  auto callable = session_->prepare(std::vector<Output>{x}, std::vector<Output>{loss}, std::vector<NodeId>{update});
  ASSERT_TRUE(callable.ok());
  std::vector<Tensor> feeds{t}, fetches(1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE((*callable)->run({}, feeds, fetches).ok());
  const int64_t before = alloc_stats().system_calls;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE((*callable)->run({}, feeds, fetches).ok());
  EXPECT_EQ(alloc_stats().system_calls, before);
}

TEST_F(SessionTest, IfRunsTheTakenBranch) {
  add_function(*graph_, "square", {DType::kFloat},
               [](Builder& b, std::vector<Output> in) { return std::vector<Output>{{b.add("Square", {in[0]}), 0}}; });
  add_function(*graph_, "negate", {DType::kFloat},
               [](Builder& b, std::vector<Output> in) { return std::vector<Output>{{b.add("Neg", {in[0]}), 0}}; });
  const Output p = placeholder(DType::kBool, Shape{}), x = placeholder(DType::kFloat, Shape{});
  const Output y = op("If", {p, x},
                      {{"then_branch", FuncRef{"square", {}}},
                       {"else_branch", FuncRef{"negate", {}}},
                       {"Tout", std::vector<DType>{DType::kFloat}}});
  const Output z = op("Add", {y, x});
  start();
  EXPECT_EQ(scalar(z, {{p, Tensor::scalar(true)}, {x, Tensor::scalar(3.0f)}}), 12.0f);
  EXPECT_EQ(scalar(z, {{p, Tensor::scalar(false)}, {x, Tensor::scalar(3.0f)}}), 0.0f);
}

// The sum is fetched, and computed in the storage of the product, which the list holds.
TEST_F(SessionTest, AListKeepsItsElementsWhileTheStepWritesResults) {
  const Output x = placeholder(DType::kFloat, Shape{2, 2});
  const Output product = op("MatMul", {x, x});
  const Output any = b_.scalar<int32_t>(-1);
  const AttrMap floats{{"element_dtype", DType::kFloat}};
  const Output list = op("TensorListPushBack", {op("EmptyTensorList", {any, any}, floats), product}, floats);
  const Output sum = op("Add", {product, x});
  const Output kept = op("TensorListGetItem", {list, b_.scalar<int32_t>(0), any}, floats);
  start();
  Tensor ones = Tensor::make_or_die(DType::kFloat, Shape{2, 2});
  for (float& v : ones.flat<float>()) v = 1;
  auto r = run({{x, ones}}, {sum, kept});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ((*r)[0].data<float>()[0], 3);
  EXPECT_EQ((*r)[1].data<float>()[0], 2);
}

TEST_F(SessionTest, ABranchThatIsNotTakenNeedNotFitTheShapes) {
  for (const char* name : {"pair", "any"}) {
    auto f = std::make_shared<Function>();
    f->name = name;
    f->body = std::make_unique<Graph>(graph_->library());
    Builder b(f->body.get());
    const NodeId arg = b.add("_Arg", {}, {{"T", DType::kFloat}, {"index", 0}});
    Output y{arg, 0};
    if (f->name == "pair") y = Output{b.add("Add", {y, b.vector<float>({1, 2})}), 0};
    f->args = {arg};
    f->results = {b.add("_Retval", {y}, {{"T", DType::kFloat}, {"index", 0}})};
    ASSERT_TRUE(b.status().ok() && graph_->library()->add(f).ok());
  }
  const Output p = placeholder(DType::kBool, Shape{}), x = placeholder(DType::kFloat, Shape::unknown());
  const std::vector<DType> one{DType::kFloat};
  const Output y =
      op("If", {p, x},
         {{"Tin", one}, {"Tout", one}, {"then_branch", FuncRef{"pair", {}}}, {"else_branch", FuncRef{"any", {}}}});
  start();
  const Tensor three = Tensor::vector<float>({1, 2, 3});
  auto r = run({{p, Tensor::scalar(false)}, {x, three}}, {y});
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ((*r)[0].shape(), (Shape{3}));
  r = run({{p, Tensor::scalar(true)}, {x, three}}, {y});
  EXPECT_EQ(r.status().code(), Code::kInvalidArgument) << r.status().to_string();
}

// Functions of imported graphs may be anything.
TEST_F(SessionTest, CallsMustFitTheFunctionsTypes) {
  auto f = std::make_shared<Function>();
  f->name = "of_a_list";
  f->body = std::make_unique<Graph>(graph_->library());
  Builder b(f->body.get());
  const NodeId arg = b.add("_Arg", {}, {{"T", DType::kVariant}, {"index", 0}});
  const NodeId length = b.add("TensorListLength", {Output{arg, 0}});
  f->args = {arg};
  f->results = {b.add("_Retval", {Output{length, 0}}, {{"T", DType::kInt32}, {"index", 0}})};
  ASSERT_TRUE(b.status().ok() && graph_->library()->add(f).ok());
  const FuncRef ref{"of_a_list", {}};
  const std::vector<DType> none, real{DType::kFloat}, variant{DType::kVariant}, integer{DType::kInt32};
  const Output p = placeholder(DType::kBool, Shape{}), x = b_.scalar(1.0f);
  const Output list =
      op("EmptyTensorList", {b_.scalar<int32_t>(-1), b_.scalar<int32_t>(-1)}, {{"element_dtype", DType::kFloat}});
  const auto branches = [&](std::vector<Output> in, const std::vector<DType>& from, const std::vector<DType>& to) {
    in.insert(in.begin(), p);
    return op("If", std::move(in), {{"Tin", from}, {"Tout", to}, {"then_branch", ref}, {"else_branch", ref}});
  };
  const std::vector<Output> wrong{
      branches({x}, real, integer),     // not a list
      branches({}, none, integer),      // too few arguments
      branches({list}, variant, real),  // another result
      op("PartitionedCall", {x}, {{"Tin", real}, {"Tout", integer}, {"f", ref}}),
      op("While", {x}, {{"T", real}, {"cond", ref}, {"body", ref}}),
  };
  const Output right = branches({list}, variant, integer);
  start();
  for (const Output o : wrong) {
    const auto r = run({{p, Tensor::scalar(true)}}, {o});
    EXPECT_EQ(r.status().code(), Code::kInvalidArgument) << r.status().to_string();
    EXPECT_NE(r.status().message().find("of_a_list"), std::string::npos) << r.status().to_string();
  }
  EXPECT_TRUE(run({{p, Tensor::scalar(true)}}, {right}).ok());
}

TEST_F(SessionTest, WhileCountsAndAccumulates) {
  add_function(*graph_, "below", {DType::kInt32, DType::kFloat}, [](Builder& b, std::vector<Output> in) {
    return std::vector<Output>{{b.add("Less", {in[0], b.scalar<int32_t>(1000)}), 0}};
  });
  add_function(*graph_, "step", {DType::kInt32, DType::kFloat}, [](Builder& b, std::vector<Output> in) {
    return std::vector<Output>{{b.add("Add", {in[0], b.scalar<int32_t>(1)}), 0},
                               {b.add("Add", {in[1], b.scalar(0.5f)}), 0}};
  });
  const Output start_at = placeholder(DType::kInt32, Shape{});
  const NodeId loop =
      b_.add("While", {start_at, b_.scalar(1.0f)}, {{"cond", FuncRef{"below", {}}}, {"body", FuncRef{"step", {}}}});
  start();
  EXPECT_EQ(scalar(Output{loop, 1}, {{start_at, Tensor::scalar<int32_t>(0)}}), 501.0f);
  // A loop whose condition is false at once gives its inputs back.
  EXPECT_EQ(scalar(Output{loop, 1}, {{start_at, Tensor::scalar<int32_t>(5000)}}), 1.0f);
}

// Variables that change places, stay, begin as a constant, or change their shape.
TEST_F(SessionTest, AWhileMayHandItsVariablesOnInAnyWay) {
  const std::vector<DType> types{DType::kInt32, DType::kFloat, DType::kFloat, DType::kFloat, DType::kFloat};
  add_function(*graph_, "below", types, [](Builder& b, std::vector<Output> in) {
    return std::vector<Output>{{b.add("Less", {in[0], b.scalar<int32_t>(5)}), 0}};
  });
  add_function(*graph_, "step", types, [](Builder& b, std::vector<Output> in) {
    const Output joined{b.add("ConcatV2", {in[4], in[4], b.scalar<int32_t>(0)}), 0};
    return std::vector<Output>{
        {b.add("Add", {in[0], b.scalar<int32_t>(1)}), 0}, {b.add("Add", {in[2], in[3]}), 0}, in[1], in[3], joined};
  });
  const Output x = placeholder(DType::kFloat, Shape{});
  const NodeId loop = b_.add(
      "While", {b_.scalar<int32_t>(0), x, b_.scalar(10.0f), x, Output{b_.add("ExpandDims", {x, b_.scalar(0)}), 0}},
      {{"cond", FuncRef{"below", {}}}, {"body", FuncRef{"step", {}}}});
  start();
  for (int repeat = 0; repeat < 2; ++repeat) {
    auto r = run({{x, Tensor::scalar(1.0f)}}, {{loop, 1}, {loop, 2}, {loop, 3}, {loop, 4}});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    // (1, 10) (11, 1) (2, 11) (12, 2) (3, 12) (13, 3)
    EXPECT_EQ((*r)[0].data<float>()[0], 13.0f);
    EXPECT_EQ((*r)[1].data<float>()[0], 3.0f);
    EXPECT_EQ((*r)[2].data<float>()[0], 1.0f);
    EXPECT_EQ((*r)[3].num_elements(), 32);
  }
}

TEST_F(SessionTest, AnEndlessLoopEndsAtItsTimeoutAndWhenCancelled) {
  add_function(*graph_, "forever", {DType::kFloat},
               [](Builder& b, std::vector<Output>) { return std::vector<Output>{b.scalar(true)}; });
  add_function(*graph_, "same", {DType::kFloat},
               [](Builder& b, std::vector<Output> in) { return std::vector<Output>{{b.add("Neg", {in[0]}), 0}}; });
  const Output loop = op("While", {b_.scalar(1.0f)}, {{"cond", FuncRef{"forever", {}}}, {"body", FuncRef{"same", {}}}});
  start();
  RunOptions options;
  options.timeout_ms = 30;
  EXPECT_EQ(run({}, {loop}, {}, options).status().code(), Code::kDeadlineExceeded);

  options.timeout_ms = 0;
  options.cancel = std::make_shared<CancelToken>();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    options.cancel->cancel();
  });
  EXPECT_EQ(run({}, {loop}, {}, options).status().code(), Code::kCancelled);
  canceller.join();

  std::thread closer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_TRUE(session_->close().ok());
  });
  EXPECT_EQ(run({}, {loop}).status().code(), Code::kCancelled);
  closer.join();
  auto closed = run({}, {loop});
  EXPECT_EQ(closed.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(closed.status().message(), "Attempted to use a closed Session.");
}

TEST_F(SessionTest, ManyThreadsShareOneSession) {
  const Output x = placeholder(DType::kFloat, Shape{-1});
  const Output v = variable("v", Shape{});
  const NodeId init = b_.add("Assign", {v, b_.scalar(0.0f)});
  const NodeId add = b_.add("AssignAdd", {v, b_.scalar(1.0f)});
  const Output y = op("Mul", {x, x});
  start();
  ASSERT_TRUE(run({}, {}, {init}).ok());
  constexpr int kThreads = 4, kRuns = 200;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRuns; ++i) {
        Tensor in = Tensor::make_or_die(DType::kFloat, Shape{1 + (i + t) % 5});
        for (float& f : in.flat<float>()) f = static_cast<float>(t);
        auto r = run({{x, in}}, {y}, {add});
        if (!r.ok() || (*r)[0].data<float>()[0] != static_cast<float>(t * t)) ++failures;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(failures.load(), 0);
  EXPECT_EQ(scalar(v), static_cast<float>(kThreads * kRuns));
}

TEST_F(SessionTest, NodesMayBeAddedWhileOthersPrepareSteps) {
  const Output x = placeholder(DType::kFloat, Shape{});
  start();
  constexpr int kThreads = 4, kNodes = 300;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kNodes; ++i) {
        NodeSpec spec;
        spec.op = "Neg";
        spec.name = internal::concat("neg_", t, "_", i);
        spec.inputs = {x};
        auto id = graph_->add(std::move(spec));
        ASSERT_TRUE(id.ok()) << id.status().to_string();
        auto r = run({{x, Tensor::scalar(static_cast<float>(i))}}, {Output{*id, 0}});
        ASSERT_TRUE(r.ok()) << r.status().to_string();
        EXPECT_EQ((*r)[0].data<float>()[0], -static_cast<float>(i));
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST_F(SessionTest, ErrorsNameTheNodeAndItsLine) {
  const Output params = b_.vector<float>({1, 2, 3});
  const Output indices = placeholder(DType::kInt32, Shape{-1});
  b_.set_where("model.py:42");
  const Output y = op("GatherV2", {params, indices, b_.scalar<int32_t>(0)});
  start();
  auto r = run({{indices, Tensor::vector<int32_t>({0, 7})}}, {y});
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.status().code(), Code::kInvalidArgument);
  EXPECT_NE(r.status().message().find("indices[1] = 7 is not in [0, 3)"), std::string::npos) << r.status().message();
  EXPECT_EQ(r.status().node(), "GatherV2");
  EXPECT_EQ(r.status().where(), "model.py:42");
}

// A program for several batch sizes needs the memory of the largest, and one whose arena was taken over still computes.
TEST_F(SessionTest, PlansShareAnArena) {
  const Output x = placeholder(DType::kFloat, Shape{-1, 1024});
  const Output one = op("Const", {}, {{"dtype", DType::kFloat}, {"value", Tensor::scalar(1.0f)}});
  // Two values alive at a time, and a small fetch.
  const Output a = op("Add", {x, one}), b = op("Add", {a, one}), c = op("Mul", {a, b});
  const Output axes = op("Const", {}, {{"dtype", DType::kInt32}, {"value", Tensor::scalar<int32_t>(1)}});
  const Output y = op("Max", {op("Add", {c, a}), axes}, {{"keep_dims", false}});
  SessionOptions options;
  options.optimize = false;
  options.intra_op_threads = 1;
  start(options);
  const auto step = [&](int64_t rows) {
    Tensor t = Tensor::make_or_die(DType::kFloat, Shape{rows, 1024});
    for (float& f : t.flat<float>()) f = 1;
    auto r = run({{x, t}}, {y});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    for (float f : (*r)[0].flat<float>()) ASSERT_EQ(f, 8.0f);  // 2 * 3 + 2
  };
  const int64_t before = alloc_stats().live_bytes;
  step(128);
  const int64_t small = alloc_stats().live_bytes - before;
  EXPECT_GT(small, 2 * 128 * 4096);
  step(256);
  const int64_t large = alloc_stats().live_bytes - before;
  EXPECT_LT(large, 5 * small / 2);  // the large arena only
  for (int i = 0; i < 3; ++i) {
    step(128);
    step(256);
  }
  EXPECT_LE(alloc_stats().live_bytes - before, large);
}

TEST_F(SessionTest, TracesEveryInstruction) {
  const Output x = placeholder(DType::kFloat, Shape{4, 4});
  const Output y = op("MatMul", {x, x});
  start();
  Tensor t = Tensor::make_or_die(DType::kFloat, Shape{4, 4});
  for (float& f : t.flat<float>()) f = 1;
  RunOptions options;
  options.trace = true;
  RunMetadata metadata;
  std::vector<Tensor> results;
  const std::vector<std::pair<Output, Tensor>> feeds{{x, t}};
  ASSERT_TRUE(session_->run(options, feeds, std::vector<Output>{y}, {}, &results, &metadata).ok());
  ASSERT_EQ(metadata.trace.events.size(), 1u);
  EXPECT_EQ(metadata.trace.events[0].op, "MatMul");
  EXPECT_GE(metadata.trace.events[0].end_ns, metadata.trace.events[0].start_ns);
  EXPECT_NE(chrome_trace(metadata.trace).find("\"name\":\"MatMul\""), std::string::npos);
}

}  // namespace
}  // namespace tw
