// Sessions: a graph, the state its variables hold, and the programs compiled from it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/framework/resource.h"
#include "core/graph/graph.h"
#include "core/runtime/step.h"

namespace tw {

struct SessionOptions {
  int intra_op_threads = 0;             // 0: one per core. The calling thread counts.
  int inter_op_lanes = 0;               // 0: as many as pay; 1: everything in one lane
  bool optimize = true;                 // false: no folding, fusion or sharing of common subexpressions
  bool direct_convolutions = false;     // true: sums as they are written, no Winograd, whose rounding errors are larger
  int64_t timeout_ms = 0;               // default of RunOptions::timeout_ms; 0: none
  std::shared_ptr<Device> device;       // null: the cpu
  std::shared_ptr<TraceLog> trace_log;  // null: the one that TW_TRACE asks for, if any
  HostCall host_call;  // for the rows PyFunc and PyFuncStateless; may be empty. Called from any thread.
};

// Cancels every step it was given to. Thread-safe.
class CancelToken {
 public:
  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // `fn` runs once when cancel() is called (at once when it was already); returns a key for unsubscribe.
  int64_t subscribe(std::function<void()> fn);
  void unsubscribe(int64_t key);

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  int64_t next_ = 0;
  std::map<int64_t, std::function<void()>> callbacks_;
};

struct RunOptions {
  int64_t timeout_ms = 0;  // 0: the session's default
  bool trace = false;      // fill RunMetadata's StepTrace
  std::shared_ptr<CancelToken> cancel;
};

struct RunMetadata {
  StepTrace trace;
};

// A (feeds, fetches, targets) signature compiled once. Thread-safe and re-entrant; keeps its session's state alive, but
// fails with FailedPrecondition once the session is closed.
class Callable {
 public:
  virtual ~Callable() = default;
  // One tensor per feed and per fetch, in the order they were prepared with. `fetches` is untouched on failure. The
  // tensors returned own their storage.
  virtual Status run(const RunOptions& options, std::span<const Tensor> feeds, std::span<Tensor> fetches,
                     RunMetadata* metadata = nullptr) = 0;
  virtual size_t num_feeds() const = 0;
  virtual size_t num_fetches() const = 0;
};

class Session {
 public:
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<Graph> graph, const SessionOptions& options);
  virtual ~Session() = default;

  // Compiles, or finds in the cache, the program of this signature. Nodes may have been added since the last call.
  virtual Result<std::shared_ptr<Callable>> prepare(std::span<const Output> feeds, std::span<const Output> fetches,
                                                    std::span<const NodeId> targets) = 0;
  virtual Status run(const RunOptions& options, std::span<const std::pair<Output, Tensor>> feeds,
                     std::span<const Output> fetches, std::span<const NodeId> targets, std::vector<Tensor>* results,
                     RunMetadata* metadata = nullptr) = 0;
  // Cancels steps in flight, waits for them, drops variables. Later runs fail: "Attempted to use a closed Session."
  virtual Status close() = 0;
  virtual ResourceManager& resources() = 0;
};

}  // namespace tw
