// What the golden tests of passes share: bodies from text, and text of what a pass made of them.
#pragma once

#include <gtest/gtest.h>

#include "core/framework/op_def.h"
#include "core/passes/pass.h"
#include "core/platform/worker_pool.h"

namespace tw {

// What constants are evaluated in.
class CompileStep : public StepContext {
 public:
  WorkerPool& pool() override { return pool_; }
  ResourceManager& resources() override { return resources_; }
  bool cancelled() const override { return false; }
  int64_t step_id() const override { return 0; }

 private:
  WorkerPool pool_{1};
  ResourceManager resources_;
};

inline std::unique_ptr<Body> body_of(std::string_view text) {
  auto graph = parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().to_string();
  auto body = std::make_unique<Body>();
  body->name = "test";
  body->body = std::move(*graph);
  for (NodeId i = 0; i < body->body->num_nodes(); ++i) {
    const Node& n = body->body->node(i);
    if (n.op->name == "_Arg") body->args.push_back(i);
    if (n.op->name == "_Retval") body->results.push_back(i);
    if (n.op->has(kWritesResource) || n.op->name.starts_with("Assign")) body->controls.push_back(i);
  }
  return body;
}

// The ops of a body in order, without arguments and results, "Op(inputs)" each.
inline std::string ops_of(const Body& body) {
  std::string text;
  for (NodeId id : body.body->topological_order()) {
    const Node& n = body.body->node(id);
    if (n.op->name == "_Arg" || n.op->name == "Const") continue;
    text += (text.empty() ? "" : "; ") + std::string(n.op->name) + "(";
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      const Node& source = body.body->node(n.inputs[i].node);
      text += (i ? ", " : "") + source.name;
      if (n.inputs[i].index > 0) text += ":" + std::to_string(n.inputs[i].index);
    }
    for (NodeId c : n.controls) text += (n.inputs.empty() ? "^" : ", ^") + body.body->node(c).name;
    text += ")";
  }
  return text;
}

inline std::string after(std::string_view text, const std::function<Status(Body&)>& pass) {
  std::unique_ptr<Body> body = body_of(text);
  Status s = pass(*body);
  EXPECT_TRUE(s.ok()) << s.to_string();
  remove_dead(*body);
  Status valid = verify(*body->body);
  EXPECT_TRUE(valid.ok()) << valid.to_string();
  return ops_of(*body);
}

inline constexpr char kArgs[] =
    "%x:float[2,3] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[2,3]]}\n"
    "%y:float[2,3] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[2,3]]}\n";

}  // namespace tw
