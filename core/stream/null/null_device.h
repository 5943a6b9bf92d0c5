// A device that computes nothing: it records what it was asked to do, for tests of plans and for measuring what the
// runtime itself costs. Its memory is the host's, filled with zeros, so every result is zero.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "core/stream/stream.h"

namespace tw {

class NullDevice final : public Device {
 public:
  // What a stream was asked to do, in the order in which the host asked.
  struct Record {
    enum class Kind : uint8_t { kLaunch, kRecord, kWait } kind;
    int stream;         // in order of make_stream
    std::string label;  // of a launch: the op
    const Event* event = nullptr;
  };

  std::string_view type() const override { return "null"; }
  bool computes() const override { return false; }
  void* allocate(size_t bytes) override;
  void deallocate(void* block) override;
  std::unique_ptr<Stream> make_stream() override;
  std::unique_ptr<Event> make_event() override;

  // Everything since the last call.
  std::vector<Record> take_records();
  void add(Record record);

 private:
  std::mutex mutex_;
  std::vector<Record> records_;
  int streams_ = 0;
};

}  // namespace tw
