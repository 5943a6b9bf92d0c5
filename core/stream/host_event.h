// An event of streams that do their work on the calling thread: it happens when it is recorded.
#pragma once

#include <atomic>

#include "core/stream/stream.h"

namespace tw {

class HostEvent final : public Event {
 public:
  void reset() override { state_.store(nullptr, std::memory_order_relaxed); }
  bool happened() const override { return state_.load(std::memory_order_acquire) == done(); }

  bool notify(EventWaiter* waiter) override {
    EventWaiter* none = nullptr;
    return state_.compare_exchange_strong(none, waiter, std::memory_order_acq_rel, std::memory_order_acquire);
  }

  void happen() {
    EventWaiter* waiter = state_.exchange(done(), std::memory_order_acq_rel);
    if (waiter != nullptr && waiter != done()) waiter->event_happened();
  }

 private:
  // Null: not yet. done(): happened. Else whoever waits.
  EventWaiter* done() const { return reinterpret_cast<EventWaiter*>(const_cast<std::atomic<EventWaiter*>*>(&state_)); }
  std::atomic<EventWaiter*> state_{nullptr};
};

}  // namespace tw
