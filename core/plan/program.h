// A program: a compiled body, and the plans made of it for the argument shapes it has met.
#pragma once

#include "core/framework/tensor_list.h"
#include "core/plan/plan.h"

namespace tw {

class Program {
 public:
  // `env` outlives the program. Runs the passes that need no shapes.
  static Result<std::shared_ptr<Program>> compile(std::unique_ptr<Body> body, CompileEnv& env);

  // The plan for arguments of these shapes, made now if it is new. A few plans are kept; a program that meets ever new
  // shapes gets one plan that finds shapes as it runs. `elements`, where given, has by argument the shape of a list's
  // elements, or null; it is looked at where reads_list(). Thread-safe; compiles one plan at a time.
  Result<std::shared_ptr<Plan>> plan_for(std::span<const Shape* const> shapes,
                                         std::span<const Shape* const> elements = {});
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
  // Whether any argument, or argument i, is a list that the program only reads elements of and hands on.
  bool reads_lists() const { return reads_lists_; }
  bool reads_list(size_t i) const { return read_lists_[i] != 0; }
  const std::string& name() const { return body_->name; }

 private:
  Program(std::unique_ptr<Body> body, CompileEnv& env) : body_(std::move(body)), env_(env) {}
  Result<std::shared_ptr<Plan>> make_plan(std::span<const Shape> shapes, std::span<const Shape> elements);
  bool serves(const Plan& plan, std::span<const Shape* const> shapes, std::span<const Shape* const> elements) const;
  Result<std::shared_ptr<Plan>> dynamic_plan_locked();

  static constexpr size_t kMaxPlans = 8;   // kept
  static constexpr int kMaxBindings = 64;  // met before the dynamic plan takes over

  std::unique_ptr<Body> body_;
  CompileEnv& env_;
  HandleCache handles_;
  std::vector<DType> argument_types_;
  std::vector<Shape> argument_shapes_;
  std::vector<char> read_lists_;  // by argument
  bool reads_lists_ = false;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Plan>> plans_;  // most recent first
  std::shared_ptr<Plan> dynamic_plan_;
  int bindings_ = 0;
};

// By argument, whether it is a list that the body only reads elements of, and returns, if at all, in its own place.
std::vector<char> find_read_lists(const Body& body);
// The shape that all elements have of the tensor list in a scalar variant; null where it is not known, and for others.
const Shape* shape_of_elements(DType dtype, const void* data);

}  // namespace tw
