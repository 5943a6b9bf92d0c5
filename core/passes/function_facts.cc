#include "core/passes/function_facts.h"

#include "core/passes/pass.h"

namespace tw {

namespace {

// A session that meets ever new shapes starts afresh; an entry takes some hundred bytes.
constexpr size_t kMaxCalls = size_t{1} << 14;

}  // namespace

bool FunctionFacts::may_block(const FunctionLibrary& library, const Node& n) {
  Search search;
  return conclude(search, may_block(library, n, &search));
}

bool FunctionFacts::writes(const FunctionLibrary& library, const Node& n, size_t slot) {
  Search search;
  return conclude(search, writes(library, n, slot, &search));
}

// Where the whole search found nothing, none of those it came to does what was asked, even when they call one another.
bool FunctionFacts::conclude(const Search& search, bool answer) {
  if (answer || !search.complete || search.visited.empty()) return answer;
  std::lock_guard lock(mutex_);
  for (const Question& q : search.visited) answers_.emplace(q, false);
  return answer;
}

bool FunctionFacts::may_block(const FunctionLibrary& library, const Node& n, Search* search) {
  if (n.op->has(kBlocking)) return true;
  for (const auto& [attr, ref] : called_functions(n)) {
    if (ask(library, ref, kBlocks, search)) return true;
  }
  return false;
}

bool FunctionFacts::writes(const FunctionLibrary& library, const Node& n, size_t slot, Search* search) {
  if (n.op->has(kWritesResource)) return true;
  const bool branches = n.op->name == "If" || n.op->name == "StatelessIf" || n.op->name == "Case";
  for (const auto& [attr, ref] : called_functions(n)) {
    if (branches && slot == 0) continue;
    size_t arg = branches ? slot - 1 : slot;
    if (const auto kept = ref.attrs.find("_args"); kept != ref.attrs.end()) {
      arg = static_cast<size_t>((*kept->second.get<std::vector<int64_t>>())[arg]);
    }
    if (ask(library, ref, static_cast<int64_t>(arg), search)) return true;
  }
  return false;
}

bool FunctionFacts::ask(const FunctionLibrary& library, const FuncRef& ref, int64_t arg, Search* search) {
  const auto f = library.resolve(ref);
  if (!f.ok()) {  // compiling it says so
    search->complete = false;
    return false;
  }
  const Question question{f->get(), arg};
  {
    std::lock_guard lock(mutex_);
    if (const auto it = answers_.find(question); it != answers_.end()) return it->second;
    if (!search->visited.insert(question).second) return false;
    ++readings_;
  }
  const bool answer =
      arg == kBlocks ? function_blocks(**f, library, search) : function_writes(**f, arg, library, search);
  if (answer) {
    std::lock_guard lock(mutex_);
    answers_.emplace(question, true);
  }
  return answer;
}

bool FunctionFacts::function_blocks(const Function& f, const FunctionLibrary& library, Search* search) {
  for (NodeId i = 0; i < f.body->num_nodes(); ++i) {
    const Node& n = f.body->node(i);
    if (!n.dead && may_block(library, n, search)) return true;
  }
  return false;
}

bool FunctionFacts::function_writes(const Function& f, int64_t arg, const FunctionLibrary& library, Search* search) {
  if (static_cast<size_t>(arg) >= f.args.size()) return false;
  const NodeId source = f.args[static_cast<size_t>(arg)];
  for (NodeId i = 0; i < f.body->num_nodes(); ++i) {
    const Node& n = f.body->node(i);
    if (n.dead || n.op->name == "_Retval") continue;
    for (size_t s = 0; s < n.inputs.size(); ++s) {
      if (n.inputs[s].node == source && writes(library, n, s, search)) return true;
    }
  }
  return false;
}

std::optional<FunctionFacts::ResultShapes> FunctionFacts::result_shapes(const std::string& call) const {
  std::lock_guard lock(mutex_);
  const auto it = shapes_.find(call);
  if (it == shapes_.end()) return std::nullopt;
  return std::make_optional(it->second);
}

void FunctionFacts::keep(const std::string& call, const ResultShapes& shapes) {
  std::lock_guard lock(mutex_);
  if (shapes_.size() >= kMaxCalls) shapes_.clear();
  shapes_.emplace(call, shapes);
}

void FunctionFacts::count_reading() {
  std::lock_guard lock(mutex_);
  ++readings_;
}

int64_t FunctionFacts::readings() const {
  std::lock_guard lock(mutex_);
  return readings_;
}

}  // namespace tw
