#include "core/stream/null/null_device.h"

#include <cstring>

#include "core/platform/alloc.h"
#include "core/stream/host_event.h"

namespace tw {

namespace {

class NullStream final : public Stream {
 public:
  NullStream(NullDevice& device, int number) : device_(device), number_(number) {}

  Status launch(LaunchFn, const void*, std::string_view label) override {
    device_.add({NullDevice::Record::Kind::kLaunch, number_, std::string(label)});
    return {};
  }
  bool calls_directly() const override { return false; }
  Status record(Event& event) override {
    device_.add({NullDevice::Record::Kind::kRecord, number_, {}, &event});
    static_cast<HostEvent&>(event).happen();
    return {};
  }
  Result<bool> wait(Event& event) override {
    if (!event.happened()) return false;
    device_.add({NullDevice::Record::Kind::kWait, number_, {}, &event});
    return true;
  }
  Status synchronize() override { return {}; }

 private:
  NullDevice& device_;
  const int number_;
};

}  // namespace

void* NullDevice::allocate(size_t bytes) {
  void* block = tw::allocate(bytes);
  if (block != nullptr) std::memset(block, 0, bytes + kTailPadding);
  return block;
}

void NullDevice::deallocate(void* block) { tw::deallocate(block); }

std::unique_ptr<Stream> NullDevice::make_stream() {
  std::lock_guard lock(mutex_);
  return std::make_unique<NullStream>(*this, streams_++);
}

std::unique_ptr<Event> NullDevice::make_event() { return std::make_unique<HostEvent>(); }

std::vector<NullDevice::Record> NullDevice::take_records() {
  std::lock_guard lock(mutex_);
  return std::move(records_);
}

void NullDevice::add(Record record) {
  std::lock_guard lock(mutex_);
  records_.push_back(std::move(record));
}

}  // namespace tw
