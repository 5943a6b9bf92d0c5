#include "core/graph/call_key.h"

namespace tw {

std::string call_key(const FuncRef& ref) {
  std::string key = ref.name;
  for (const auto& [name, value] : ref.attrs) key += internal::concat(";", name, "=", to_string(value));
  return key;
}

std::unique_ptr<Function> Function::copy() const {
  auto made = std::make_unique<Function>();
  made->name = name;
  made->body = body->copy();
  made->args = args;
  made->results = results;
  made->controls = controls;
  made->arg_names = arg_names;
  made->result_names = result_names;
  made->attrs = attrs;
  made->stateful = stateful;
  made->internal = internal;
  return made;
}

Status FunctionLibrary::add(std::shared_ptr<const Function> f) {
  std::unique_lock lock(mutex_);
  const auto it = functions_.find(f->name);
  const bool same =
      it != functions_.end() && (it->second == f || print_body(*it->second->body) == print_body(*f->body));
  if (same) return {};
  if (it != functions_.end() || templates_.contains(f->name)) {
    return already_exists("a different function '", f->name, "' is already in the library");
  }
  // A body must not keep alive the library that keeps it alive.
  if (f->body->library_.get() == this)
    f->body->library_ = std::shared_ptr<FunctionLibrary>(std::shared_ptr<void>(), this);
  f->body->make_shared();
  functions_.emplace(f->name, std::move(f));
  return {};
}

Status FunctionLibrary::add(std::shared_ptr<const FunctionTemplate> t) {
  std::unique_lock lock(mutex_);
  const auto it = templates_.find(t->name);
  if (it != templates_.end() && it->second->definition == t->definition) return {};
  if (it != templates_.end() || functions_.contains(t->name)) {
    return already_exists("a different function '", t->name, "' is already in the library");
  }
  templates_.emplace(t->name, std::move(t));
  return {};
}

bool FunctionLibrary::contains(std::string_view name) const {
  std::shared_lock lock(mutex_);
  return functions_.contains(name) || templates_.contains(name);
}

std::shared_ptr<const Function> FunctionLibrary::find(std::string_view name) const {
  std::shared_lock lock(mutex_);
  const auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : it->second;
}

Result<std::shared_ptr<const Function>> FunctionLibrary::resolve(const FuncRef& ref) const {
  std::string call;
  std::shared_ptr<const FunctionTemplate> of;
  {
    std::shared_lock lock(mutex_);
    if (const auto it = functions_.find(ref.name); it != functions_.end()) return it->second;
    const auto it = templates_.find(ref.name);
    if (it == templates_.end()) return not_found("function '", ref.name, "' is not defined in the graph");
    of = it->second;
    call = call_key(ref);
    if (const auto made = made_.find(call); made != made_.end()) return made->second;
  }
  // Not owned, as by the functions that were added.
  const std::shared_ptr<FunctionLibrary> library(std::shared_ptr<void>(), const_cast<FunctionLibrary*>(this));
  TW_ASSIGN_OR_RETURN(std::shared_ptr<const Function> f, of->make(ref.attrs, library));
  std::unique_lock lock(mutex_);
  return made_.emplace(std::move(call), std::move(f)).first->second;
}

std::vector<std::shared_ptr<const Function>> FunctionLibrary::all() const {
  std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<const Function>> list;
  for (const auto& [name, f] : functions_) {
    if (!f->internal) list.push_back(f);
  }
  return list;
}

std::vector<std::shared_ptr<const FunctionTemplate>> FunctionLibrary::templates() const {
  std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<const FunctionTemplate>> list;
  for (const auto& [name, t] : templates_) list.push_back(t);
  return list;
}

}  // namespace tw
