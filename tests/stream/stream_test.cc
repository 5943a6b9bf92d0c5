// Devices, streams and events.
#include "core/stream/stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "core/stream/null/null_device.h"

namespace tw {
namespace {

Status count(const void* context) {
  ++**static_cast<int* const*>(context);
  return {};
}

struct Bell : EventWaiter {
  std::atomic<int> rung{0};
  void event_happened() override { ++rung; }
};

TEST(Device, TypesAreFoundByName) {
  EXPECT_EQ((*make_device("cpu"))->type(), "cpu");
  EXPECT_EQ((*make_device("null"))->type(), "null");
  const auto none = make_device("tpu");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.status().code(), Code::kNotFound);
  EXPECT_NE(none.status().message().find("'tpu'"), std::string::npos);
}

TEST(CpuStream, CallsAndReportsErrors) {
  const auto stream = cpu_device()->make_stream();
  int calls = 0, *p = &calls;
  EXPECT_TRUE(stream->launch(count, &p, "Add").ok());
  EXPECT_EQ(calls, 1);
  const Status s = stream->launch([](const void*) { return invalid_argument("no"); }, nullptr, "Add");
  EXPECT_EQ(s.code(), Code::kInvalidArgument);
}

TEST(CpuStream, EventsHappenWhenRecorded) {
  const auto device = cpu_device();
  const auto a = device->make_stream(), b = device->make_stream();
  const auto event = device->make_event();
  EXPECT_FALSE(*b->wait(*event));
  Bell bell;
  EXPECT_TRUE(event->notify(&bell));
  EXPECT_EQ(bell.rung, 0);
  EXPECT_TRUE(a->record(*event).ok());
  EXPECT_EQ(bell.rung, 1);
  EXPECT_TRUE(*b->wait(*event));
  EXPECT_FALSE(event->notify(&bell)) << "it has happened already";
  event->reset();
  EXPECT_FALSE(event->happened());
}

TEST(CpuStream, AWaiterIsCalledOnceWhicheverThreadIsFirst) {
  const auto device = cpu_device();
  const auto stream = device->make_stream();
  const auto event = device->make_event();
  for (int i = 0; i < 2000; ++i) {
    event->reset();
    Bell bell;
    std::thread recorder([&] { EXPECT_TRUE(stream->record(*event).ok()); });
    const bool called = event->notify(&bell);
    recorder.join();
    EXPECT_EQ(bell.rung, called ? 1 : 0);
    EXPECT_TRUE(event->happened());
  }
}

TEST(NullDevice, RecordsAndComputesNothing) {
  NullDevice device;
  const auto stream = device.make_stream();
  const auto event = device.make_event();
  int calls = 0, *p = &calls;
  EXPECT_TRUE(stream->launch(count, &p, "MatMul").ok());
  EXPECT_TRUE(stream->record(*event).ok());
  EXPECT_TRUE(*stream->wait(*event));
  EXPECT_EQ(calls, 0);
  const auto records = device.take_records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].label, "MatMul");
  EXPECT_EQ(records[1].event, event.get());
  EXPECT_EQ(records[2].kind, NullDevice::Record::Kind::kWait);
  EXPECT_TRUE(device.take_records().empty());

  auto* bytes = static_cast<unsigned char*>(device.allocate(100));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(bytes[i], 0);
  device.deallocate(bytes);
}

}  // namespace
}  // namespace tw
