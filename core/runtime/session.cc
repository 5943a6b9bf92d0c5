#include "core/runtime/session.h"

#include <condition_variable>
#include <list>

#include "core/graph/call_key.h"
#include "core/platform/cpu.h"
#include "core/runtime/executor.h"

namespace tw {

void CancelToken::cancel() {
  std::map<int64_t, std::function<void()>> callbacks;
  {
    std::lock_guard lock(mutex_);
    if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
    callbacks.swap(callbacks_);
  }
  for (auto& [key, fn] : callbacks) fn();
}

int64_t CancelToken::subscribe(std::function<void()> fn) {
  {
    std::lock_guard lock(mutex_);
    if (!cancelled()) {
      callbacks_[next_] = std::move(fn);
      return next_++;
    }
  }
  fn();
  return -1;
}

void CancelToken::unsubscribe(int64_t key) {
  std::lock_guard lock(mutex_);
  callbacks_.erase(key);
}

namespace {

// The step in whose name constants are folded and handles made while compiling.
class CompileStep : public StepContext {
 public:
  CompileStep(WorkerPool& pool, ResourceManager& resources, bool direct_convolutions)
      : pool_(pool), resources_(resources), direct_convolutions_(direct_convolutions) {}
  WorkerPool& pool() override { return pool_; }
  ResourceManager& resources() override { return resources_; }
  bool cancelled() const override { return false; }
  int64_t step_id() const override { return 0; }
  bool direct_convolutions() const override { return direct_convolutions_; }

 private:
  WorkerPool& pool_;
  ResourceManager& resources_;
  bool direct_convolutions_;
};

// What all callables of a session share; lives as long as the last of them.
class State : public CompileEnv {
 public:
  State(std::shared_ptr<Graph> graph, const SessionOptions& options)
      : graph_(std::move(graph)),
        options_(options),
        device_(options.device != nullptr ? options.device : cpu_device()),
        log_(options.trace_log != nullptr ? options.trace_log.get() : TraceLog::get()),
        pool_(threads(options)),
        compile_step_(pool_, resources_, options.direct_convolutions) {}

  StepContext& step() override { return compile_step_; }
  FunctionFacts& facts() override { return facts_; }
  bool optimize() const override { return options_.optimize; }
  int max_lanes() const override { return options_.inter_op_lanes > 0 ? options_.inter_op_lanes : pool_.threads(); }

  const std::shared_ptr<Device>& device() override { return device_; }
  const std::shared_ptr<PlanRegistry>& plans() override { return plans_; }
  TraceLog* trace_log() override { return log_; }
  // Before a step that goes to the log: what its figures are compared with.
  void introduce() {
    std::call_once(introduced_, [this] { tell_limits(*log_, machine_limits(pool_)); });
  }

  Result<Program*> function(const std::shared_ptr<FunctionLibrary>& library, const FuncRef& f) override {
    std::string key = call_key(f);
    {
      std::lock_guard lock(function_mutex_);
      if (const auto it = functions_.find(key); it != functions_.end()) return it->second.get();
    }
    // Compiled outside the lock: of two threads that meet a function first, one drops its work.
    TW_ASSIGN_OR_RETURN(std::shared_ptr<Program> program, compile_function(*library, f));
    std::lock_guard lock(function_mutex_);
    return functions_.emplace(std::move(key), std::move(program)).first->second.get();
  }

  // Registers a step; FailedPrecondition once the session is closed.
  Status enter(Step* step) {
    std::lock_guard lock(step_mutex_);
    if (closed_) return failed_precondition("Attempted to use a closed Session.");
    steps_.push_back(step);
    return {};
  }
  void leave(Step* step) {
    std::lock_guard lock(step_mutex_);
    std::erase(steps_, step);
    if (closed_ && steps_.empty()) idle_.notify_all();
  }
  void close() {
    std::unique_lock lock(step_mutex_);
    closed_ = true;
    for (Step* s : steps_) s->cancel();
    idle_.wait(lock, [&] { return steps_.empty(); });
    resources_.clear();
  }
  bool closed() {
    std::lock_guard lock(step_mutex_);
    return closed_;
  }

  Graph& graph() { return *graph_; }
  const SessionOptions& options() const { return options_; }
  WorkerPool& pool() { return pool_; }
  IoPool& io() { return io_; }
  ResourceManager& resources() { return resources_; }
  int64_t next_step_id() { return step_id_.fetch_add(1, std::memory_order_relaxed); }

 private:
  static int threads(const SessionOptions& options) {
    if (options.intra_op_threads > 0) return options.intra_op_threads;
    return available_cores();
  }

  Result<std::shared_ptr<Program>> compile_function(const FunctionLibrary& library, const FuncRef& f) {
    TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Function> found, library.resolve(f));
    TW_ASSIGN_OR_RETURN(std::unique_ptr<Body> body, instantiate(*found, f.attrs));
    return Program::compile(std::move(body), *this);
  }

  const std::shared_ptr<Graph> graph_;
  const SessionOptions options_;
  const std::shared_ptr<Device> device_;
  const std::shared_ptr<PlanRegistry> plans_ = std::make_shared<PlanRegistry>();
  TraceLog* const log_;
  std::once_flag introduced_;
  WorkerPool pool_;
  IoPool io_;
  ResourceManager resources_;
  CompileStep compile_step_;
  FunctionFacts facts_;
  std::mutex function_mutex_;
  std::map<std::string, std::shared_ptr<Program>> functions_;
  std::mutex step_mutex_;
  std::condition_variable idle_;
  std::vector<Step*> steps_;
  bool closed_ = false;
  std::atomic<int64_t> step_id_{1};
};

class ProgramCallable : public Callable {
 public:
  ProgramCallable(std::shared_ptr<State> state, std::shared_ptr<Program> program, std::vector<std::string> feed_names)
      : state_(std::move(state)), program_(std::move(program)), feed_names_(std::move(feed_names)) {}

  size_t num_feeds() const override { return program_->num_arguments(); }
  size_t num_fetches() const override { return program_->num_results(); }

  Status run(const RunOptions& options, std::span<const Tensor> feeds, std::span<Tensor> fetches,
             RunMetadata* metadata) override {
    if (feeds.size() != num_feeds() || fetches.size() != num_fetches()) {
      return invalid_argument("this callable takes ", num_feeds(), " feeds and gives ", num_fetches(), " fetches; got ",
                              feeds.size(), " and ", fetches.size());
    }
    for (size_t i = 0; i < feeds.size(); ++i) TW_RETURN_IF_ERROR(check_feed(i, feeds[i]));

    Step step(state_->pool(), state_->io(), state_->resources(), &state_->options().host_call, state_->next_step_id(),
              state_->options().direct_convolutions);
    const int64_t timeout = options.timeout_ms > 0 ? options.timeout_ms : state_->options().timeout_ms;
    if (timeout > 0) step.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout));
    if (options.trace && metadata != nullptr) step.trace = &metadata->trace;
    step.log = state_->trace_log();
    if (step.traced()) begin_trace(step);
    TW_RETURN_IF_ERROR(state_->enter(&step));
    int64_t subscription = -1;
    if (options.cancel != nullptr) subscription = options.cancel->subscribe([&step] { step.cancel(); });
    Status status = run_step(step, feeds, fetches);
    if (subscription >= 0) options.cancel->unsubscribe(subscription);
    state_->leave(&step);
    if (step.log != nullptr) end_log(step);
    return status;
  }

 private:
  void begin_trace(Step& step) {
    if (step.log != nullptr) state_->introduce();
    step.begin = std::chrono::steady_clock::now();
    if (step.trace == nullptr) return;
    *step.trace = {};
    step.trace->start_unix_us =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
  }

  static void end_log(const Step& step) {
    const TraceField fields[] = {{"step", static_cast<double>(step.step_id())}};
    step.log->write("step", "run", step.begin, std::chrono::steady_clock::now(), fields);
    step.log->flush();
  }

  Status run_step(Step& step, std::span<const Tensor> feeds, std::span<Tensor> fetches) {
    TW_RETURN_IF_ERROR(step.check());
    constexpr size_t kFew = 8;
    Tensor few[2 * kFew];
    std::vector<Tensor> many;
    const bool fits = feeds.size() <= kFew && fetches.size() <= kFew;
    if (!fits) many.resize(feeds.size() + fetches.size());
    const std::span<Tensor> arguments(fits ? few : many.data(), feeds.size());
    const std::span<Tensor> results((fits ? few + kFew : many.data() + feeds.size()), fetches.size());
    std::copy(feeds.begin(), feeds.end(), arguments.begin());
    TW_RETURN_IF_ERROR(execute(*program_, arguments, results, step));
    // The caller may write into what it gets: storage that a variable, a feed or another fetch still uses is copied.
    for (Tensor& t : results) {
      if (!t.exclusive()) {
        TW_ASSIGN_OR_RETURN(t, t.clone());
      }
    }
    std::move(results.begin(), results.end(), fetches.begin());
    return {};
  }

  Status check_feed(size_t i, const Tensor& t) const {
    if (!t.valid()) return invalid_argument("The tensor fed for '", feed_names_[i], "' is empty");
    if (t.dtype() != program_->argument_type(i)) {
      return invalid_argument("Cannot feed value of type ", dtype_name(t.dtype()), " for Tensor '", feed_names_[i],
                              "', which has type ", dtype_name(program_->argument_type(i)));
    }
    if (!compatible(t.shape(), program_->argument_shape(i))) {
      return invalid_argument("Cannot feed value of shape ", t.shape(), " for Tensor '", feed_names_[i],
                              "', which has shape '", program_->argument_shape(i), "'");
    }
    return {};
  }

  const std::shared_ptr<State> state_;
  const std::shared_ptr<Program> program_;
  const std::vector<std::string> feed_names_;
};

class GraphSession : public Session {
 public:
  GraphSession(std::shared_ptr<Graph> graph, const SessionOptions& options)
      : state_(std::make_shared<State>(std::move(graph), options)) {}
  ~GraphSession() override { state_->close(); }

  Result<std::shared_ptr<Callable>> prepare(std::span<const Output> feeds, std::span<const Output> fetches,
                                            std::span<const NodeId> targets) override {
    if (state_->closed()) return failed_precondition("Attempted to use a closed Session.");
    Signature key{{feeds.begin(), feeds.end()}, {fetches.begin(), fetches.end()}, {targets.begin(), targets.end()}};
    std::lock_guard lock(mutex_);
    if (const auto it = callables_.find(key); it != callables_.end()) {
      recent_.splice(recent_.begin(), recent_, it->second.second);
      return it->second.first;
    }
    Graph& g = state_->graph();
    TW_ASSIGN_OR_RETURN(std::unique_ptr<Body> body, extract(g, feeds, fetches, targets));
    TW_ASSIGN_OR_RETURN(std::shared_ptr<Program> program, Program::compile(std::move(body), *state_));
    std::vector<std::string> names;
    for (Output o : feeds) names.push_back(internal::concat(g.node(o.node).name, ":", o.index));
    auto callable = std::make_shared<ProgramCallable>(state_, std::move(program), std::move(names));
    recent_.push_front(key);
    callables_[std::move(key)] = {callable, recent_.begin()};
    if (recent_.size() > kMaxCallables) {
      callables_.erase(recent_.back());
      recent_.pop_back();
    }
    return std::shared_ptr<Callable>(std::move(callable));
  }

  Status run(const RunOptions& options, std::span<const std::pair<Output, Tensor>> feeds,
             std::span<const Output> fetches, std::span<const NodeId> targets, std::vector<Tensor>* results,
             RunMetadata* metadata) override {
    std::vector<Output> fed;
    std::vector<Tensor> values;
    for (const auto& [output, value] : feeds) {
      fed.push_back(output);
      values.push_back(value);
    }
    TW_ASSIGN_OR_RETURN(const std::shared_ptr<Callable> callable, prepare(fed, fetches, targets));
    std::vector<Tensor> fetched(fetches.size());
    TW_RETURN_IF_ERROR(callable->run(options, values, fetched, metadata));
    *results = std::move(fetched);
    return {};
  }

  Status close() override {
    state_->close();
    std::lock_guard lock(mutex_);
    callables_.clear();
    recent_.clear();
    return {};
  }

  ResourceManager& resources() override { return state_->resources(); }

 private:
  struct Signature {
    std::vector<Output> feeds, fetches;
    std::vector<NodeId> targets;
    auto operator<=>(const Signature&) const = default;
  };
  using Recent = std::list<Signature>;
  static constexpr size_t kMaxCallables = 256;

  const std::shared_ptr<State> state_;
  std::mutex mutex_;
  std::map<Signature, std::pair<std::shared_ptr<Callable>, Recent::iterator>> callables_;
  Recent recent_;  // most recent first
};

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<Graph> graph, const SessionOptions& options) {
  if (graph == nullptr) return invalid_argument("a session needs a graph");
  if (options.intra_op_threads < 0 || options.inter_op_lanes < 0) {
    return invalid_argument("thread counts must not be negative: ", options.intra_op_threads, ", ",
                            options.inter_op_lanes);
  }
  return std::unique_ptr<Session>(new GraphSession(std::move(graph), options));
}

}  // namespace tw
