// One step: what its kernels may ask for, whether it should go on, and who waits in its name.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <vector>

#include "core/framework/kernel.h"
#include "core/platform/io_pool.h"
#include "core/runtime/trace.h"

namespace tw {

// Calls a function of the language above the core by its token. `results` has as many entries as the node has outputs.
using HostCall =
    std::function<Status(std::string_view token, std::span<const Tensor> arguments, std::vector<Tensor>* results)>;

class Step : public StepContext {
 public:
  // All outlive the step; `host` may be null.
  Step(WorkerPool& pool, IoPool& io, ResourceManager& resources, const HostCall* host, int64_t id,
       bool direct_convolutions)
      : pool_(pool), io_(io), resources_(resources), host_(host), id_(id), direct_convolutions_(direct_convolutions) {}

  WorkerPool& pool() override { return pool_; }
  ResourceManager& resources() override { return resources_; }
  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
  int64_t step_id() const override { return id_; }
  bool direct_convolutions() const override { return direct_convolutions_; }
  // Called every few instructions.
  Status check() const override;
  std::optional<std::chrono::steady_clock::time_point> deadline() const override;
  void add_wait(StepWait& wait) override;
  void remove_wait(StepWait& wait) override;
  Status call_host(std::string_view token, std::span<const Tensor> arguments, std::vector<Tensor>* results) override;

  // Thread-safe; wakes the kernels that wait.
  void cancel();
  void set_deadline(std::chrono::steady_clock::time_point t) {
    deadline_ = t;
    has_deadline_ = true;
  }
  IoPool& io() { return io_; }

  // Set before the step begins, to have it traced: kept, written to a log, or both.
  StepTrace* trace = nullptr;
  TraceLog* log = nullptr;
  std::chrono::steady_clock::time_point begin;
  bool traced() const { return trace != nullptr || log != nullptr; }
  // Keeps and writes. Thread-safe.
  void record(StepTrace::Event event);

 private:
  WorkerPool& pool_;
  IoPool& io_;
  ResourceManager& resources_;
  const HostCall* const host_;
  const int64_t id_;
  const bool direct_convolutions_;
  std::atomic<bool> cancelled_{false};
  std::chrono::steady_clock::time_point deadline_;
  bool has_deadline_ = false;
  std::mutex mutex_;  // of what follows, and of the trace
  std::vector<StepWait*> waits_;
};

}  // namespace tw
