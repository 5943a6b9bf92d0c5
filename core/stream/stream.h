// The stream executor: what the runtime asks of a device. A lane of a step is a stream; what one lane needs of another
// is an event.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/platform/status.h"

namespace tw {

// Something to call when an event happens, from the thread that makes it happen; it must not block.
class EventWaiter {
 public:
  virtual void event_happened() = 0;

 protected:
  ~EventWaiter() = default;
};

// A point in a stream that work elsewhere can wait for. Used by one step at a time: recorded once, then waited for.
class Event {
 public:
  virtual ~Event() = default;
  // Back to "has not happened". Nothing may be waiting.
  virtual void reset() = 0;
  virtual bool happened() const = 0;
  // Has `waiter` called once when the event happens; false, and no call, when it has happened already. At most one
  // waiter at a time.
  virtual bool notify(EventWaiter* waiter) = 0;
};

// Work in order. Used from one thread at a time.
class Stream {
 public:
  virtual ~Stream() = default;
  using LaunchFn = Status (*)(const void* context);

  // Runs fn(context) on the calling thread: a kernel of the cpu computes there, one of an accelerator enqueues its
  // work. `label` names the op for devices that only record.
  virtual Status launch(LaunchFn fn, const void* context, std::string_view label) = 0;
  // True when launch() does nothing but call the function, so that the executor may do that itself.
  virtual bool calls_directly() const = 0;
  // The event happens when all work before it is done.
  virtual Status record(Event& event) = 0;
  // Work launched later comes after the event. False: this stream cannot wait, and its user has to hold back until the
  // event happens.
  virtual Result<bool> wait(Event& event) = 0;
  // Waits on the calling thread until all work is done; its first error.
  virtual Status synchronize() = 0;
};

// Memory and streams of one processor. Thread-safe.
class Device {
 public:
  virtual ~Device() = default;
  // "cpu", "null": as in device strings, in lower case.
  virtual std::string_view type() const = 0;
  // False for a device that keeps no values: what it was asked to do is recorded, and results are zeros.
  virtual bool computes() const = 0;
  // 64-byte aligned, with kTailPadding bytes after it; null when there is no memory of that size. 0 bytes are allowed.
  virtual void* allocate(size_t bytes) = 0;
  virtual void deallocate(void* block) = 0;
  virtual std::unique_ptr<Stream> make_stream() = 0;
  virtual std::unique_ptr<Event> make_event() = 0;
};

// The processor that runs this code. One object for the process.
std::shared_ptr<Device> cpu_device();

// "cpu", or "null" (a new device at each call). NotFound for any other type, with the types there are.
Result<std::shared_ptr<Device>> make_device(std::string_view type);

}  // namespace tw
