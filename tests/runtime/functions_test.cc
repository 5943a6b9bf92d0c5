// Functions as graphs bring them: generic ones, and those that call themselves.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/autodiff/autodiff.h"
#include "core/formats/graph_def.h"
#include "core/runtime/session.h"

namespace tw {
namespace {

std::string read(const std::string& name) {
  std::ifstream file(std::string(TW_TEST_DIR) + "/formats/data/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

std::shared_ptr<Graph> imported(const std::string& bytes) {
  auto g = std::make_shared<Graph>();
  const auto r = import_graph_def(g.get(), bytes);
  EXPECT_TRUE(r.ok()) << r.status().to_string();
  return g;
}

Result<std::vector<Tensor>> run(const std::shared_ptr<Graph>& g, const std::vector<Output>& fetches,
                                const std::vector<std::pair<Output, Tensor>>& feeds = {}) {
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::create(g, {}));
  std::vector<Tensor> results;
  TW_RETURN_IF_ERROR(session->run({}, feeds, fetches, {}, &results));
  return results;
}

void expect_equal(const std::shared_ptr<Graph>& g, Output got, const std::string& want) {
  ASSERT_TRUE(g->find("want/" + want)) << want;
  const auto r = run(g, {got, {*g->find("want/" + want), 0}});
  ASSERT_TRUE(r.ok()) << want << ": " << r.status().to_string();
  ASSERT_EQ((*r)[0].dtype(), (*r)[1].dtype()) << want;
  ASSERT_EQ((*r)[0].shape(), (*r)[1].shape()) << want;
  visit_real((*r)[0].dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < (*r)[0].num_elements(); ++i) {
      const double wanted = static_cast<double>((*r)[1].data<T>()[i]);
      EXPECT_NEAR(static_cast<double>((*r)[0].data<T>()[i]), wanted, 1e-5 * (1 + std::abs(wanted))) << want;
    }
  });
}

// data/make_tf115_generic.py: one function at two types, lists of one type and of several, one that calls another.
TEST(GenericFunctions, GiveWhatTf115Gives) {
  const auto g = imported(read("tf115_generic.pb"));
  for (const char* name : {"p32", "p64", "t", "loss"}) expect_equal(g, {*g->find(name), 0}, name + std::string("_0"));
  for (int i : {0, 1}) expect_equal(g, {*g->find("both"), i}, internal::concat("both_", i));
  EXPECT_EQ(g->dtype({*g->find("both"), 1}), DType::kDouble);
}

TEST(GenericFunctions, AreDifferentiated) {
  const auto g = imported(read("tf115_generic.pb"));
  const std::vector<Output> loss{{*g->find("loss"), 0}}, xs{{*g->find("x"), 0}, {*g->find("y"), 0}};
  const auto first = add_gradients(g.get(), loss, xs, {});
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  expect_equal(g, (*first)[0].dense, "dx");
  expect_equal(g, (*first)[1].dense, "dy");
  const auto second = add_gradients(g.get(), std::vector<Output>{(*first)[0].dense}, xs, {});
  ASSERT_TRUE(second.ok()) << second.status().to_string();
  EXPECT_TRUE(run(g, {(*second)[0].dense, (*second)[1].dense}).ok());
  // What differentiation made of them is written and read like any other function.
  const auto bytes = export_graph_def(*g);
  ASSERT_TRUE(bytes.ok()) << bytes.status().to_string();
  const auto again = imported(*bytes);
  EXPECT_EQ(*export_graph_def(*again), *bytes);
  expect_equal(again, {*again->find(g->node((*first)[0].dense.node).name), (*first)[0].dense.index}, "dx");
}

TEST(GenericFunctions, AreWrittenAsTheyWereRead) {
  const auto g = imported(read("tf115_generic.pb"));
  const auto bytes = export_graph_def(*g);
  ASSERT_TRUE(bytes.ok()) << bytes.status().to_string();
  const auto again = imported(*bytes);
  EXPECT_EQ(*export_graph_def(*again), *bytes);
  for (const char* name : {"p32", "p64", "t", "loss"}) {
    expect_equal(again, {*again->find(name), 0}, name + std::string("_0"));
  }
  EXPECT_TRUE(g->library()->contains("product"));
  EXPECT_EQ(g->library()->templates().size(), 4u);
}

TEST(GenericFunctions, CallsMustGiveFittingAttributes) {
  const auto g = imported(read("tf115_generic.pb"));
  const auto call = [&](AttrMap attrs) { return g->library()->resolve(FuncRef{"product", std::move(attrs)}).status(); };
  EXPECT_TRUE(call({{"T", DType::kFloat}}).ok());
  EXPECT_EQ(call({}).code(), Code::kInvalidArgument);
  EXPECT_NE(call({}).message().find("attr 'T' is missing"), std::string::npos);
  EXPECT_NE(call({{"T", DType::kString}}).message().find("not in the list of allowed values"), std::string::npos);
  EXPECT_NE(call({{"T", int64_t{3}}}).message().find("must be of type type"), std::string::npos);
  EXPECT_NE(call({{"T", DType::kFloat}, {"U", 1}}).message().find("it has no attr 'U'"), std::string::npos);
  const auto total = g->library()->resolve(FuncRef{"total", {{"T", DType::kFloat}, {"N", 0}}});
  EXPECT_NE(total.status().message().find("must be at least 1"), std::string::npos) << total.status().to_string();
  EXPECT_EQ(g->library()->resolve(FuncRef{"nowhere", {}}).status().code(), Code::kNotFound);
}

// factorial(n) = n <= 1 ? 1 : n * factorial(n - 1), and a function that calls itself whatever happens.
class Recursion : public ::testing::Test {
 protected:
  using Nodes = std::function<Output(Builder&, Output)>;

  void define(const std::string& name, const Nodes& result) {
    auto f = std::make_shared<Function>();
    f->name = name;
    f->body = std::make_unique<Graph>(graph_->library());
    Builder b(f->body.get());
    const NodeId arg = b.add("_Arg", {}, {{"T", DType::kFloat}, {"index", 0}});
    f->args = {arg};
    f->results = {b.add("_Retval", {result(b, {arg, 0})}, {{"T", DType::kFloat}, {"index", 0}})};
    f->arg_names = {"n"};
    f->result_names = {"r"};
    ASSERT_TRUE(b.status().ok()) << b.status().to_string();
    ASSERT_TRUE(graph_->library()->add(f).ok());
  }
  Output call(Builder& b, const std::string& name, Output n) {
    return {b.add("PartitionedCall", {n}, {{"Tin", one_}, {"Tout", one_}, {"f", FuncRef{name, {}}}}), 0};
  }
  void SetUp() override {
    define("last", [](Builder& b, Output) { return b.scalar(1.0f); });
    define("more", [&](Builder& b, Output n) {
      const Output less{b.add("Sub", {n, b.scalar(1.0f)}), 0};
      return Output{b.add("Mul", {n, call(b, "factorial", less)}), 0};
    });
    define("factorial", [&](Builder& b, Output n) {
      const Output p{b.add("LessEqual", {n, b.scalar(1.0f)}), 0};
      const AttrMap attrs{
          {"Tin", one_}, {"Tout", one_}, {"then_branch", FuncRef{"last", {}}}, {"else_branch", FuncRef{"more", {}}}};
      return Output{b.add("StatelessIf", {p, n}, attrs), 0};
    });
    define("endless", [&](Builder& b, Output n) { return call(b, "endless", n); });
  }

  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  Builder b_{graph_.get()};
  const std::vector<DType> one_{DType::kFloat};
};

TEST_F(Recursion, EndsWhereABranchDoes) {
  const Output n{b_.add("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", Shape{}}}), 0};
  const Output y = call(b_, "factorial", n);
  for (const auto& [x, want] : {std::pair(1.0f, 1.0f), std::pair(5.0f, 120.0f), std::pair(7.0f, 5040.0f)}) {
    const auto r = run(graph_, {y}, {{n, Tensor::scalar(x)}});
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    EXPECT_EQ((*r)[0].data<float>()[0], want);
  }
  const auto deep = run(graph_, {y}, {{n, Tensor::scalar(1e6f)}});
  EXPECT_EQ(deep.status().code(), Code::kResourceExhausted) << deep.status().to_string();
}

TEST_F(Recursion, WithoutABranchIsRefused) {
  const auto r = run(graph_, {call(b_, "endless", b_.scalar(1.0f))});
  EXPECT_EQ(r.status().code(), Code::kInvalidArgument) << r.status().to_string();
  EXPECT_NE(r.status().message().find("'endless' calls itself in every case"), std::string::npos);
}

TEST_F(Recursion, HasNoGradient) {
  const Output x = b_.scalar(3.0f), y = call(b_, "factorial", x);
  const auto g = add_gradients(graph_.get(), std::vector<Output>{y}, std::vector<Output>{x}, {});
  EXPECT_EQ(g.status().code(), Code::kUnimplemented) << g.status().to_string();
}

}  // namespace
}  // namespace tw
