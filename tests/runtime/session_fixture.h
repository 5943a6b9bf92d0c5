// A graph under construction and a session on it.
#pragma once

#include <gtest/gtest.h>

#include "core/graph/builder.h"
#include "core/runtime/session.h"

namespace tw {

class SessionTest : public ::testing::Test {
 protected:
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  Builder b_{graph_.get()};
  std::unique_ptr<Session> session_;

  void start(SessionOptions options = {}) {
    ASSERT_TRUE(b_.status().ok()) << b_.status().to_string();
    auto s = Session::create(graph_, options);
    ASSERT_TRUE(s.ok());
    session_ = std::move(*s);
  }
  Output op(std::string_view name, std::vector<Output> inputs, AttrMap attrs = {}) {
    return Output{b_.add(name, std::move(inputs), std::move(attrs)), 0};
  }
  Output placeholder(DType dtype, const Shape& shape) {
    return op("Placeholder", {}, {{"dtype", dtype}, {"shape", shape}});
  }
  Output variable(const std::string& name, const Shape& shape) {
    NodeSpec spec;
    spec.op = "VariableV2";
    spec.name = name;
    spec.attrs = {{"dtype", DType::kFloat}, {"shape", shape}};
    auto id = graph_->add(std::move(spec));
    EXPECT_TRUE(id.ok()) << id.status().to_string();
    return Output{id.ok() ? *id : -1, 0};
  }
  Result<std::vector<Tensor>> run(std::vector<std::pair<Output, Tensor>> feeds, std::vector<Output> fetches,
                                  std::vector<NodeId> targets = {}, RunOptions options = {}) {
    std::vector<Tensor> results;
    Status s = session_->run(options, feeds, fetches, targets, &results);
    if (!s.ok()) return s;
    return results;
  }
  float scalar(Output o, std::vector<std::pair<Output, Tensor>> feeds = {}) {
    auto r = run(std::move(feeds), {o});
    EXPECT_TRUE(r.ok()) << r.status().to_string();
    return r.ok() ? (*r)[0].data<float>()[0] : 0;
  }
};

// Builds a function from nodes made by `fill` on a graph of its own.
inline std::string add_function(Graph& g, const std::string& name, std::vector<DType> args,
                                const std::function<std::vector<Output>(Builder&, std::vector<Output>)>& fill) {
  auto f = std::make_shared<Function>();
  f->name = name;
  f->body = std::make_unique<Graph>(g.library());
  Builder b(f->body.get());
  std::vector<Output> inputs;
  for (size_t i = 0; i < args.size(); ++i) {
    f->args.push_back(b.add("_Arg", {}, {{"T", args[i]}, {"index", static_cast<int64_t>(i)}}));
    inputs.push_back({f->args.back(), 0});
  }
  const std::vector<Output> results = fill(b, inputs);
  for (size_t i = 0; i < results.size(); ++i) {
    f->results.push_back(b.add("_Retval", {results[i]}, {{"index", static_cast<int64_t>(i)}}));
  }
  EXPECT_TRUE(b.status().ok()) << b.status().to_string();
  EXPECT_TRUE(g.library()->add(f).ok());
  return name;
}

}  // namespace tw
