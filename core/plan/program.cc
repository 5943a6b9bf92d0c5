#include "core/plan/program.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tw {

Result<std::shared_ptr<Program>> Program::compile(std::unique_ptr<Body> body, CompileEnv& env) {
  std::shared_ptr<Program> program(new Program(std::move(body), env));
  Body& b = *program->body_;
  const TraceSpan span(env.trace_log(), "compile", "program", b.name);
  TW_RETURN_IF_ERROR(optimise(b, PassContext{&env.step(), &env.facts(), env.optimize(), env.trace_log()}));
  renumber(b);
  program->handles_.end = b.body->num_nodes();
  for (NodeId id : b.args) {
    const Node& n = b.body->mutable_node(id);
    program->argument_types_.push_back(n.output_dtypes[0]);
    program->argument_shapes_.push_back(n.output_shapes[0]);
  }
  program->read_lists_ = find_read_lists(b);
  program->reads_lists_ = std::count(program->read_lists_.begin(), program->read_lists_.end(), 0) <
                          static_cast<ptrdiff_t>(program->read_lists_.size());
  return program;
}

bool Program::serves(const Plan& plan, std::span<const Shape* const> shapes,
                     std::span<const Shape* const> elements) const {
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (!(plan.argument_shapes[i] == *shapes[i])) return false;
  }
  for (size_t i = 0; i < elements.size(); ++i) {
    if (!reads_list(i)) continue;
    const Shape& wanted = plan.element_shapes[i];
    if (elements[i] == nullptr ? wanted.rank_known() : !(wanted == *elements[i])) return false;
  }
  return true;
}

Result<std::shared_ptr<Plan>> Program::make_plan(std::span<const Shape> shapes, std::span<const Shape> elements) {
  const TraceSpan span(env_.trace_log(), "compile", "plan", body_->name);
  std::unique_ptr<Body> body;
  {
    const TraceSpan copying(env_.trace_log(), "compile", "copy", body_->name);
    body = body_->copy();
  }
  for (size_t i = 0; i < elements.size(); ++i) {
    std::vector<HandleShape>& handles = body->body->mutable_node(body->args[i]).output_handles;
    if (!elements[i].rank_known()) continue;
    handles.resize(1);
    handles[0].shape = elements[i];
  }
  const PassContext context{&env_.step(), &env_.facts(), env_.optimize(), env_.trace_log()};
  TW_RETURN_IF_ERROR(optimise_for_shapes(*body, shapes, context));
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Plan> plan, emit(*body, env_, &handles_));
  static const char* dump = std::getenv("TW_DUMP");
  if (dump != nullptr && (std::strcmp(dump, "plan") == 0 || std::strcmp(dump, "all") == 0)) {
    std::fprintf(stderr, "# plan of %s\n%s\n", body_->name.c_str(), print(*plan).c_str());
  }
  plan->element_shapes.assign(elements.begin(), elements.end());
  plan->element_shapes.resize(body_->args.size(), Shape::unknown());
  return std::shared_ptr<Plan>(std::move(plan));
}

Result<std::shared_ptr<Plan>> Program::dynamic_plan() {
  std::lock_guard lock(mutex_);
  return dynamic_plan_locked();
}

Result<std::shared_ptr<Plan>> Program::dynamic_plan_locked() {
  if (dynamic_plan_ == nullptr) {
    TW_ASSIGN_OR_RETURN(dynamic_plan_, make_plan({}, {}));
  }
  return dynamic_plan_;
}

Result<std::shared_ptr<Plan>> Program::plan_for(std::span<const Shape* const> shapes,
                                                std::span<const Shape* const> elements) {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < plans_.size(); ++i) {
    if (!serves(*plans_[i], shapes, elements)) continue;
    if (i > 0)
      std::rotate(plans_.begin(), plans_.begin() + static_cast<ptrdiff_t>(i),
                  plans_.begin() + static_cast<ptrdiff_t>(i) + 1);
    return plans_[0];
  }
  if (++bindings_ > kMaxBindings) return dynamic_plan_locked();
  std::vector<Shape> exact, inside;
  for (const Shape* s : shapes) exact.push_back(*s);
  for (size_t i = 0; i < elements.size(); ++i) {
    inside.push_back(reads_list(i) && elements[i] != nullptr ? *elements[i] : Shape::unknown());
  }
  TW_ASSIGN_OR_RETURN(std::shared_ptr<Plan> plan, make_plan(exact, inside));
  plans_.insert(plans_.begin(), plan);
  if (plans_.size() > kMaxPlans) plans_.pop_back();
  return plan;
}

}  // namespace tw
