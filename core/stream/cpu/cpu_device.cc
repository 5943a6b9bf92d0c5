// The cpu's stream runs everything inline: kernels spread over the worker pool by themselves.
#include "core/platform/alloc.h"
#include "core/stream/host_event.h"

namespace tw {

namespace {

class CpuStream final : public Stream {
 public:
  Status launch(LaunchFn fn, const void* context, std::string_view) override { return fn(context); }
  bool calls_directly() const override { return true; }
  Status record(Event& event) override {
    static_cast<HostEvent&>(event).happen();
    return {};
  }
  Result<bool> wait(Event& event) override { return event.happened(); }
  Status synchronize() override { return {}; }
};

class CpuDevice final : public Device {
 public:
  std::string_view type() const override { return "cpu"; }
  bool computes() const override { return true; }
  void* allocate(size_t bytes) override { return tw::allocate(bytes); }
  void deallocate(void* block) override { tw::deallocate(block); }
  std::unique_ptr<Stream> make_stream() override { return std::make_unique<CpuStream>(); }
  std::unique_ptr<Event> make_event() override { return std::make_unique<HostEvent>(); }
};

}  // namespace

std::shared_ptr<Device> cpu_device() {
  static const std::shared_ptr<Device> device = std::make_shared<CpuDevice>();
  return device;
}

}  // namespace tw
