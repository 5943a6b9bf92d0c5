#include "core/runtime/lane_run.h"

#include <condition_variable>
#include <deque>

#include "core/runtime/interpreter.h"

namespace tw {

namespace {

class LaneRun;

struct LaneTask final : EventWaiter {
  LaneTask(LaneRun& run, Plan& plan, Frame& frame, Step& step, uint32_t lane)
      : run(run), interpreter(plan, frame, step, lane, /*blocks=*/false) {}
  void event_happened() override;

  LaneRun& run;
  Interpreter interpreter;
};

// Shared with the compute threads that were asked to help, who may come when everything is over.
class LaneRun : public std::enable_shared_from_this<LaneRun> {
 public:
  LaneRun(Plan& plan, Frame& frame, Step& step) : step_(step) {
    for (const auto& event : frame.events) event->reset();
    unfinished_ = plan.lanes.size();
    for (uint32_t l = 0; l < plan.lanes.size(); ++l) lanes_.emplace_back(*this, plan, frame, step, l);
    for (uint32_t l = 0; l < plan.lanes.size(); ++l) {
      // A lane that begins by waiting needs no thread yet.
      const Instruction& first = plan.code[plan.lanes[l].begin];
      const bool waits = plan.lanes[l].begin < plan.lanes[l].end && first.kind == InstKind::kWait;
      if (!waits || !frame.events[first.extra]->notify(&lanes_[l])) ready_.push_back(&lanes_[l]);
    }
  }

  // On the caller's thread, until all lanes have ended.
  Status run() {
    // Counted before the first helper comes, who takes lanes out.
    const size_t ready = ready_.size();
    for (size_t i = 1; i < ready; ++i) ask_for_help();
    std::unique_lock lock(mutex_);
    for (;;) {
      if (LaneTask* lane = next()) {
        lock.unlock();
        drive(*lane);
        lock.lock();
        continue;
      }
      if (unfinished_ == 0) return std::move(status_);
      changed_.wait(lock, [&] { return !ready_.empty() || unfinished_ == 0; });
    }
  }

  void make_ready(LaneTask& lane) {
    std::lock_guard lock(mutex_);
    ready_.push_back(&lane);
    // The caller takes it when it has nothing to do; otherwise a compute thread does.
    changed_.notify_one();
    ask_for_help();
  }

 private:
  // With the mutex held.
  LaneTask* next() {
    if (ready_.empty()) return nullptr;
    LaneTask* lane = ready_.front();
    ready_.pop_front();
    return lane;
  }

  void ask_for_help() {
    // With one thread the pool would run the lane here and now; the caller takes it instead.
    if (step_.pool().threads() == 1) return;
    step_.pool().submit([self = shared_from_this()] { self->help(); });
  }

  void help() {
    std::unique_lock lock(mutex_);
    while (LaneTask* lane = next()) {
      lock.unlock();
      drive(*lane);
      lock.lock();
    }
  }

  // Runs a lane as far as it goes.
  void drive(LaneTask& lane) {
    for (;;) {
      Result<Interpreter::Pause> pause = lane.interpreter.run();
      if (!pause.ok()) return fail(lane, std::move(pause).status());
      switch (*pause) {
        case Interpreter::Pause::kEnd: return finish();
        case Interpreter::Pause::kEvent:
          if (lane.interpreter.pending_event().notify(&lane)) return;
          break;
        case Interpreter::Pause::kBlocking:
          step_.io().submit([&lane] { return lane.interpreter.run_blocking(); },
                            [this, &lane](Status s) {
                              if (s.ok()) make_ready(lane);
                              else fail(lane, std::move(s));
                            });
          return;
      }
    }
  }

  void fail(LaneTask& lane, Status s) {
    {
      std::lock_guard lock(mutex_);
      if (status_.ok()) status_ = std::move(s);
    }
    step_.cancel();
    lane.interpreter.release_waiters();
    finish();
  }

  void finish() {
    std::lock_guard lock(mutex_);
    --unfinished_;
    changed_.notify_one();
  }

  Step& step_;
  std::deque<LaneTask> lanes_;
  std::mutex mutex_;
  std::condition_variable changed_;  // for the caller
  std::deque<LaneTask*> ready_;
  size_t unfinished_;
  Status status_;
};

void LaneTask::event_happened() { run.make_ready(*this); }

}  // namespace

Status run_lanes(Plan& plan, Frame& frame, Step& step) { return std::make_shared<LaneRun>(plan, frame, step)->run(); }

}  // namespace tw
