// A program: a compiled body, and the plans made of it for the argument shapes it has met.
#pragma once

#include "core/plan/plan.h"

namespace tw {

class Program {
 public:
  // `env` outlives the program. Runs the passes that need no shapes.
  static Result<std::shared_ptr<Program>> compile(std::unique_ptr<Body> body, CompileEnv& env);

  // The plan for arguments of these shapes, made now if it is new. A few plans are kept; a program that meets ever new
  // shapes gets one plan that finds shapes as it runs. Thread-safe; compiles one plan at a time.
  Result<std::shared_ptr<Plan>> plan_for(std::span<const Shape* const> shapes);
  // The plan that finds shapes as it runs.
  Result<std::shared_ptr<Plan>> dynamic_plan();

  size_t num_arguments() const { return argument_types_.size(); }
  size_t num_results() const { return body_->results.size(); }
  DType argument_type(size_t i) const { return argument_types_[i]; }
  // As the user declared it.
  const Shape& argument_shape(size_t i) const { return argument_shapes_[i]; }
  // InvalidArgument unless calls that pass and expect these dtypes fit the body.
  Status check_call(std::span<const DType> args, std::span<const DType> results) const {
    return tw::check_call(*body_, args, results);
  }
  const std::string& name() const { return body_->name; }

 private:
  Program(std::unique_ptr<Body> body, CompileEnv& env) : body_(std::move(body)), env_(env) {}
  Result<std::shared_ptr<Plan>> make_plan(std::span<const Shape> shapes);
  Result<std::shared_ptr<Plan>> dynamic_plan_locked();

  static constexpr size_t kMaxPlans = 8;   // kept
  static constexpr int kMaxBindings = 64;  // met before the dynamic plan takes over

  std::unique_ptr<Body> body_;
  CompileEnv& env_;
  std::vector<DType> argument_types_;
  std::vector<Shape> argument_shapes_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Plan>> plans_;  // most recent first
  std::shared_ptr<Plan> dynamic_plan_;
  int bindings_ = 0;
};

}  // namespace tw
