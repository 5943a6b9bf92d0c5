// Summaries and record files against what TensorFlow 1.15 wrote, and damaged record files.
#include "core/formats/summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "core/formats/record.h"
#include "core/formats/wire.h"

namespace tw {
namespace {

std::vector<std::string> golden_records() {
  std::vector<std::string> records;
  auto reader = RecordReader::open(TW_TEST_DIR "/formats/data/summaries.tfrecord");
  EXPECT_TRUE(reader.ok()) << reader.status().to_string();
  for (;;) {
    auto next = (*reader)->next();
    EXPECT_TRUE(next.ok()) << next.status().to_string();
    if (!next.ok() || !*next) return records;
    records.push_back(std::move(**next));
  }
}

std::string one(const std::string& value) { return make_summary({&value, 1}); }

TEST(Summary, EqualsTensorFlowsBytes) {
  const std::vector<std::string> golden = golden_records();
  ASSERT_EQ(golden.size(), 5u);
  const std::string scalars[] = {scalar_summary("a", 1.5f), scalar_summary("scope/b", -2e-20f)};
  EXPECT_EQ(make_summary(scalars), golden[0]);

  Histogram histogram;
  for (int i = 0; i < 300; ++i) histogram.add(((i * 37) % 101 - 50) * std::ldexp(1.0, i % 7 * 3 - 9));
  for (int i = 0; i < 5; ++i) histogram.add(0);
  EXPECT_TRUE(one(histogram_summary("h", histogram)) == golden[1]);
  EXPECT_EQ(one(histogram_summary("empty", Histogram())), golden[2]);

  std::vector<float> sound;
  for (int i = 0; i < 32; ++i) {
    sound.push_back(static_cast<float>((i * 29) % 41 - 20) / 16);
    sound.push_back(static_cast<float>(i) / 64);
  }
  auto audio = audio_summary("sound/audio/0", sound.data(), 32, 2, 8000);
  ASSERT_TRUE(audio.ok());
  EXPECT_TRUE(one(*audio) == golden[3]);

  const std::string parts[] = {one(scalar_summary("x", 1)), one(scalar_summary("y", 2))};
  EXPECT_EQ(*merge_summaries(parts), golden[4]);
}

TEST(Summary, BadInput) {
  const std::string twice[] = {one(scalar_summary("a", 1)), one(scalar_summary("a", 2))};
  EXPECT_EQ(merge_summaries(twice).status().message(), "Duplicate tag a found in summary inputs");
  const std::string broken[] = {"\x0a\x7f"};
  EXPECT_EQ(merge_summaries(broken).status().code(), Code::kInvalidArgument);
  const uint8_t pixel[4] = {};
  EXPECT_EQ(encode_png(pixel, 0, 1, 1).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_png(pixel, 1, 1, 2).status().code(), Code::kInvalidArgument);
  const float sample = 0;
  EXPECT_EQ(audio_summary("t", &sample, 1, 1, -1).status().code(), Code::kInvalidArgument);
}

TEST(Summary, Png) {
  const std::vector<uint8_t> pixels(5 * 7 * 3, 200);
  auto png = encode_png(pixels.data(), 5, 7, 3);
  ASSERT_TRUE(png.ok());
  EXPECT_EQ(png->substr(0, 8), std::string("\x89PNG\r\n\x1a\n", 8));
  EXPECT_EQ(png->substr(12, 12), std::string("IHDR\0\0\0\7\0\0\0\5", 12));
  EXPECT_EQ(png->substr(png->size() - 8, 4), "IEND");
}

// Unlike write_file(), does not wait for the disk.
void put(const std::string& path, std::string_view bytes) {
  auto file = WritableFile::open(path);
  ASSERT_TRUE(file.ok() && (*file)->append(bytes).ok() && (*file)->close().ok());
}

class RecordTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tw_record_XXXXXX";
    root_ = mkdtemp(name);
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_).ok()); }
  std::string root_;
};

TEST_F(RecordTest, RoundTripAndGrowth) {
  const std::string path = root_ + "/r";
  const std::vector<std::string> records = {"", "one", std::string(700000, 'x'), std::string("\0\xff", 2)};
  auto writer = RecordWriter::open(path);
  ASSERT_TRUE(writer.ok());
  for (const std::string& r : records) ASSERT_TRUE((*writer)->write(r).ok());
  ASSERT_TRUE((*writer)->flush().ok());
  auto reader = RecordReader::open(path);
  ASSERT_TRUE(reader.ok());
  for (const std::string& r : records) {
    auto got = (*reader)->next();
    ASSERT_TRUE(got.ok() && *got) << got.status().to_string();
    EXPECT_EQ(**got, r);
  }
  EXPECT_FALSE((*reader)->next()->has_value());
  // What is appended later is found by the same reader.
  ASSERT_TRUE((*writer)->write("more").ok());
  ASSERT_TRUE((*writer)->close().ok());
  auto more = (*reader)->next();
  ASSERT_TRUE(more.ok() && *more);
  EXPECT_EQ(**more, "more");
}

TEST_F(RecordTest, TruncationsAndMutations) {
  const std::string path = root_ + "/r";
  {
    auto writer = RecordWriter::open(path);
    ASSERT_TRUE((*writer)->write("first record").ok());
    ASSERT_TRUE((*writer)->write("second").ok());
  }
  const std::string good = *read_file(path);
  const auto read_all = [&] {
    auto reader = RecordReader::open(path);
    for (;;) {
      auto next = (*reader)->next();
      if (!next.ok()) return next.status();
      if (!*next) return Status();
      EXPECT_TRUE(**next == "first record" || **next == "second") << **next;
    }
  };
  for (size_t size = 0; size < good.size(); ++size) {
    put(path, good.substr(0, size));
    const bool whole = size == 0 || size == 28;
    EXPECT_EQ(read_all().code(), whole ? Code::kOk : Code::kDataLoss) << size;
  }
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] ^= static_cast<char>(1u << (i % 8));
    put(path, bad);
    EXPECT_EQ(read_all().code(), Code::kDataLoss) << i;
  }
}

TEST_F(RecordTest, EventFiles) {
  auto writer = create_event_file(root_ + "/log", ".v2");
  ASSERT_TRUE(writer.ok()) << writer.status().to_string();
  ASSERT_TRUE((*writer)->write(make_event(12.5, 7, one(scalar_summary("a", 1)))).ok());
  ASSERT_TRUE((*writer)->close().ok());
  const auto names = *list_directory(root_ + "/log");
  ASSERT_EQ(names.size(), 1u);
  EXPECT_TRUE(names[0].starts_with("events.out.tfevents.")) << names[0];
  EXPECT_TRUE(names[0].ends_with(".v2")) << names[0];
  auto reader = RecordReader::open(join_path(root_ + "/log", names[0]));
  const std::string version = **(*reader)->next();
  protozero::pbf_reader fields = wire::reader(version);
  ASSERT_TRUE(fields.next(3));
  EXPECT_EQ(fields.get_string(), "brain.Event:2");
  const std::string event = **(*reader)->next();
  protozero::pbf_reader second = wire::reader(event);
  ASSERT_TRUE(second.next(2));
  EXPECT_EQ(second.get_int64(), 7);
}

}  // namespace
}  // namespace tw
