#include "core/formats/checkpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "core/formats/bundle.h"
#include "core/formats/table.h"

namespace tw {
namespace {

std::string data_file(std::string_view name) { return join_path(TW_TEST_DIR "/formats/data", name); }

// Unlike write_file(), does not wait for the disk.
void put(const std::string& path, std::string_view bytes) {
  auto file = WritableFile::open(path);
  ASSERT_TRUE(file.ok() && (*file)->append(bytes).ok() && (*file)->close().ok());
}

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tw_checkpoint_XXXXXX";
    root_ = mkdtemp(name);
  }
  void TearDown() override {
    set_file_hook(nullptr);
    EXPECT_TRUE(remove_tree(root_).ok());
  }
  std::string path(std::string_view name) const { return join_path(root_, name); }
  std::string root_;
};

template <typename T>
Tensor filled(const Shape& shape, std::vector<T> values) {
  Tensor t = Tensor::make_or_die(dtype_of<T>, shape);
  for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
  return t;
}

template <typename T>
void expect_values(const Result<Tensor>& got, const Shape& shape, std::vector<T> want) {
  ASSERT_TRUE(got.ok()) << got.status().to_string();
  EXPECT_EQ(got->dtype(), dtype_of<T>);
  EXPECT_EQ(got->shape(), shape);
  ASSERT_EQ(got->num_elements(), static_cast<int64_t>(want.size()));
  for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(got->data<T>()[i], want[i]) << i;
}

void expect_golden(const CheckpointReader& reader) {
  Result<Tensor> f = reader.read("float");
  ASSERT_TRUE(f.ok()) << f.status().to_string();
  EXPECT_EQ(f->shape(), (Shape{3, 4}));
  for (int i = 0; i < 12; ++i) EXPECT_NEAR(f->data<float>()[i], -3 + 6.0 / 11 * i, 1e-6);
  expect_values<int32_t>(reader.read("int32"), {}, {-41});
  expect_values<int64_t>(reader.read("int64"), {2}, {int64_t{1} << 40, -2});
  expect_values<bool>(reader.read("bool"), {3}, {true, false, true});
  expect_values<uint8_t>(reader.read("uint8"), {1, 2}, {1, 255});
  expect_values<std::complex<float>>(reader.read("complex64"), {1}, {{1, 2}});
  expect_values<float>(reader.read("scope/deep/name"), {}, {2.5f});
  std::string text;
  for (int i = 0; i < 20; ++i) text += "longer text";
  expect_values<std::string>(reader.read("string"), {2, 2}, {"a", "", text, std::string("\0\xff", 2)});
  Result<Tensor> h = reader.read("half");
  ASSERT_TRUE(h.ok());
  EXPECT_EQ(static_cast<float>(h->data<half>()[1]), -2.25f);
  Result<Tensor> d = reader.read("double");
  ASSERT_TRUE(d.ok());
  EXPECT_EQ(d->data<double>()[4], 4.0 / 7);
}

TEST(CheckpointGolden, ReadsWhatTensorFlowWrote) {
  for (const char* name : {"v1", "v2"}) {
    auto reader = CheckpointReader::open(data_file(name));
    ASSERT_TRUE(reader.ok()) << reader.status().to_string();
    expect_golden(**reader);
  }
  auto v2 = CheckpointReader::open(data_file("v2"));
  expect_values<float>((*v2)->read("empty"), {0, 3}, {});
  EXPECT_EQ((*v2)->read("foo").status().message(), "Key foo not found in checkpoint");
  EXPECT_EQ((*v2)->tensors().size(), 11u);
  EXPECT_EQ((*v2)->tensors().at("float").shape, (Shape{3, 4}));
}

TEST(CheckpointGolden, PartsAndShards) {
  std::vector<float> all(20);
  for (int i = 0; i < 20; ++i) all[static_cast<size_t>(i)] = static_cast<float>(i);
  for (const char* name : {"parts_v1", "parts_v2"}) {
    auto reader = CheckpointReader::open(data_file(name));
    ASSERT_TRUE(reader.ok());
    expect_values<float>((*reader)->read("parts"), {5, 4}, all);
    expect_values<float>((*reader)->read_slice("parts", *TensorSlice::parse("2,2:1,2")), {2, 2}, {9, 10, 13, 14});
    expect_values<int32_t>((*reader)->read("whole"), {3}, {7, 8, 9});
    EXPECT_EQ((*reader)->read_slice("parts", *TensorSlice::parse("4,2:-")).status().code(), Code::kInvalidArgument);
  }
  for (const char* name : {"sharded_v2", "sharded_v1-*-of-00002"}) {
    auto reader = CheckpointReader::open(data_file(name));
    ASSERT_TRUE(reader.ok()) << reader.status().to_string();
    expect_values<float>((*reader)->read("a"), {2}, {1, 2});
    expect_values<int32_t>((*reader)->read("b"), {3}, {3, 4, 5});
  }
}

Status save_some(const std::string& prefix, float value) {
  TW_ASSIGN_OR_RETURN(auto writer, BundleWriter::create(prefix));
  TW_RETURN_IF_ERROR(writer->add("w", filled<float>({2, 3}, {value, 1, 2, 3, 4, 5})));
  TW_RETURN_IF_ERROR(writer->add("names", filled<std::string>({3}, {"x", std::string(300, 'y'), ""})));
  TW_RETURN_IF_ERROR(
      writer->add_slice("p", {4, 2}, *TensorSlice::parse("2,2:-"), filled<int64_t>({2, 2}, {4, 5, 6, 7})));
  TW_RETURN_IF_ERROR(
      writer->add_slice("p", {4, 2}, *TensorSlice::parse("0,2:-"), filled<int64_t>({2, 2}, {0, 1, 2, 3})));
  return writer->finish();
}

TEST_F(CheckpointTest, RoundTrip) {
  ASSERT_TRUE(save_some(path("deep/er/model-7"), 9).ok());
  auto reader = CheckpointReader::open(path("deep/er/model-7"));
  ASSERT_TRUE(reader.ok());
  expect_values<float>((*reader)->read("w"), {2, 3}, {9, 1, 2, 3, 4, 5});
  expect_values<std::string>((*reader)->read("names"), {3}, {"x", std::string(300, 'y'), ""});
  expect_values<int64_t>((*reader)->read("p"), {4, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  expect_values<int64_t>((*reader)->read_slice("p", *TensorSlice::parse("1,2:1,1")), {2, 1}, {3, 5});
  EXPECT_EQ(list_directory(path("deep/er"))->size(), 2u);
}

TEST_F(CheckpointTest, ManyKeysFillManyBlocks) {
  auto writer = BundleWriter::create(path("m"));
  ASSERT_TRUE(writer.ok());
  for (int i = 0; i < 20000; ++i) {
    ASSERT_TRUE((*writer)->add("layer_" + std::to_string(i) + "/weights_of_some_length", Tensor::scalar(i)).ok());
  }
  EXPECT_EQ((*writer)->add("layer_3/weights_of_some_length", Tensor::scalar(1)).code(), Code::kInvalidArgument);
  ASSERT_TRUE((*writer)->finish().ok());
  auto table = Table::open(path("m.index"));
  ASSERT_TRUE(table.ok());
  EXPECT_TRUE((*table)->get("layer_12345/weights_of_some_length")->has_value());
  EXPECT_FALSE((*table)->get("layer_12345/weights_of_some_lengt")->has_value());
  auto reader = BundleReader::open(path("m"));
  ASSERT_TRUE(reader.ok());
  for (int i = 0; i < 20000; i += 997) {
    expect_values<int32_t>((*reader)->read("layer_" + std::to_string(i) + "/weights_of_some_length"), {}, {i});
  }
}

TEST_F(CheckpointTest, V1RoundTrip) {
  std::vector<TensorToSave> tensors = {
      {"f", {}, filled<float>({2}, {1.5f, -2})},
      {"s", {}, filled<std::string>({2}, {"", "abc"})},
      {"u", {}, filled<uint64_t>({1}, {UINT64_MAX})},
      {"b", {}, filled<bool>({2}, {false, true})},
      {"i8", {}, filled<int8_t>({2}, {-3, 3})},
      {"c", {}, filled<std::complex<double>>({1}, {{1, -1}})},
      {"p", *parse_shape_and_slice("3 2 0,1:-"), filled<int32_t>({1, 2}, {0, 1})},
      {"p", *parse_shape_and_slice("3 2 1,2:-"), filled<int32_t>({2, 2}, {2, 3, 4, 5})},
  };
  ASSERT_TRUE(write_checkpoint_v1(path("old"), tensors).ok());
  auto reader = CheckpointReader::open(path("old"));
  ASSERT_TRUE(reader.ok()) << reader.status().to_string();
  expect_values<float>((*reader)->read("f"), {2}, {1.5f, -2});
  expect_values<std::string>((*reader)->read("s"), {2}, {"", "abc"});
  expect_values<uint64_t>((*reader)->read("u"), {1}, {UINT64_MAX});
  expect_values<bool>((*reader)->read("b"), {2}, {false, true});
  expect_values<int8_t>((*reader)->read("i8"), {2}, {-3, 3});
  expect_values<std::complex<double>>((*reader)->read("c"), {1}, {{1, -1}});
  expect_values<int32_t>((*reader)->read("p"), {3, 2}, {0, 1, 2, 3, 4, 5});
}

TEST_F(CheckpointTest, Merge) {
  auto a = BundleWriter::create(path("t/a"));
  ASSERT_TRUE((*a)->add("x", Tensor::scalar(1.0f)).ok());
  ASSERT_TRUE((*a)->add_slice("p", {2}, *TensorSlice::parse("0,1"), filled<float>({1}, {5})).ok());
  ASSERT_TRUE((*a)->finish().ok());
  auto b = BundleWriter::create(path("t/b"));
  ASSERT_TRUE((*b)->add("y", Tensor::scalar(2.0f)).ok());
  ASSERT_TRUE((*b)->add_slice("p", {2}, *TensorSlice::parse("1,1"), filled<float>({1}, {6})).ok());
  ASSERT_TRUE((*b)->finish().ok());
  const std::vector<std::string> parts = {path("t/a"), path("t/b")};
  ASSERT_TRUE(merge_bundles(parts, path("model")).ok());
  auto reader = BundleReader::open(path("model"));
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->shards(), 2);
  expect_values<float>((*reader)->read("x"), {}, {1});
  expect_values<float>((*reader)->read("y"), {}, {2});
  expect_values<float>((*reader)->read("p"), {2}, {5, 6});
  EXPECT_TRUE(list_directory(path("t"))->empty());
}

TEST_F(CheckpointTest, MissingFiles) {
  const Status s = CheckpointReader::open(path("none")).status();
  EXPECT_EQ(s.code(), Code::kNotFound);
  EXPECT_EQ(s.message(),
            "Unsuccessful TensorSliceReader constructor: Failed to find any matching files for " + path("none"));
  ASSERT_TRUE(save_some(path("m"), 1).ok());
  ASSERT_TRUE(remove_file(path("m.data-00000-of-00001")).ok());
  auto reader = CheckpointReader::open(path("m"));
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->read("w").status().code(), Code::kNotFound);
}

// Whatever call fails while saving, what was there before can still be read.
TEST_F(CheckpointTest, AFailedSaveKeepsTheLastOne) {
  ASSERT_TRUE(save_some(path("m"), 1).ok());
  const size_t files = list_directory(root_)->size();
  for (int fail_at = 0;; ++fail_at) {
    int calls = 0;
    bool swapped = false;
    set_file_hook([&](FileOperation operation, const std::string& p, size_t) {
      if (operation == FileOperation::kRemove) return Status();
      if (calls++ == fail_at) return resource_exhausted(p, "; No space left on device");
      swapped = swapped || operation == FileOperation::kRename;
      return Status();
    });
    const Status s = save_some(path("m"), 2);
    set_file_hook(nullptr);
    if (s.ok()) {
      EXPECT_GT(fail_at, 6);
      break;
    }
    EXPECT_EQ(s.code(), Code::kResourceExhausted);
    EXPECT_EQ(list_directory(root_)->size(), files);
    if (swapped) break;  // from the first rename on the new one is in place
    expect_values<float>((*CheckpointReader::open(path("m")))->read("w"), {2, 3}, {1, 1, 2, 3, 4, 5});
  }
}

// Reads everything; any result but a crash or a wrong value with a success is fine.
void read_all(const std::string& prefix, float first) {
  auto reader = CheckpointReader::open(prefix);
  if (!reader.ok()) return;
  for (const auto& [name, info] : (*reader)->tensors()) {
    Result<Tensor> t = (*reader)->read(name);
    if (!t.ok() || name != "w" || t->dtype() != DType::kFloat || t->num_elements() != 6) continue;
    EXPECT_EQ(t->data<float>()[0], first);
  }
}

TEST_F(CheckpointTest, TruncationsAndMutations) {
  ASSERT_TRUE(save_some(path("m"), 3).ok());
  ASSERT_TRUE(
      write_checkpoint_v1(path("v1"), std::vector<TensorToSave>{{"w", {}, filled<float>({6}, {3, 1, 2, 3, 4, 5})}})
          .ok());
  std::mt19937 random(7);
  for (const char* name : {"m.index", "m.data-00000-of-00001", "v1"}) {
    const std::string good = *read_file(path(name));
    const std::string prefix = path(name[0] == 'm' ? "m" : "v1");
    for (size_t size = 0; size < good.size(); size += 1 + good.size() / 60) {
      put(path(name), good.substr(0, size));
      read_all(prefix, 3);
    }
    for (int i = 0; i < 200; ++i) {
      std::string bad = good;
      bad[random() % bad.size()] ^= static_cast<char>(1u << (random() % 8));
      put(path(name), bad);
      read_all(prefix, 3);
    }
    put(path(name), good);
  }
  // A flipped bit of data is found and named.
  std::string bad = *read_file(path("m.data-00000-of-00001"));
  bad[1] ^= 4;
  put(path("m.data-00000-of-00001"), bad);
  const Status s = (*CheckpointReader::open(path("m")))->read("w").status();
  EXPECT_EQ(s.code(), Code::kDataLoss);
  EXPECT_NE(s.message().find("m.data-00000-of-00001; tensor w: Checksum does not match"), std::string::npos)
      << s.message();
}

// Behind the checksums: parsers get arbitrary bytes.
TEST(CheckpointParsers, SurviveMutatedMessages) {
  BundleEntry entry;
  entry.dtype = DType::kFloat;
  entry.shape = {3, 4};
  entry.slices = {TensorSlice::full(2), *TensorSlice::parse("1,2:-")};
  const std::string proto = entry.encode();
  EXPECT_EQ(BundleEntry::decode(proto)->slices, entry.slices);
  std::string block;
  for (const std::string_view part : {std::string_view("\0\3\2abcxy", 8), std::string_view("\1\2\1zzw", 6)})
    block.append(part);
  block.append(std::string_view("\0\0\0\0\1\0\0\0", 8));
  int entries = 0;
  ASSERT_TRUE(scan_block(block, [&](std::string_view, std::string_view) { return ++entries, Status(); }).ok());
  EXPECT_EQ(entries, 2);
  const std::string snappy("\x0c\x10hello\x1d\x05\x00", 10);
  std::mt19937 random(11);
  for (int i = 0; i < 3000; ++i) {
    for (const std::string& good : {proto, block, snappy}) {
      std::string bad = good.substr(0, random() % (good.size() + 1));
      for (int k = 0; k < 2 && !bad.empty(); ++k) bad[random() % bad.size()] = static_cast<char>(random());
      (void)BundleEntry::decode(bad).ok();
      (void)scan_block(bad, [](std::string_view, std::string_view) { return Status(); }).ok();
      (void)snappy_decompress(bad);
      (void)TensorSlice::parse(bad).ok();
      (void)parse_shape_and_slice(bad).ok();
    }
  }
}

TEST(CheckpointParsers, ShapeAndSlice) {
  auto s = parse_shape_and_slice("4 6 0,2:-");
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(s->shape, (Shape{4, 6}));
  EXPECT_EQ(s->slice.to_string(), "0,2:-");
  EXPECT_TRUE(parse_shape_and_slice("")->whole);
  for (const char* bad : {"4", "4 6 0,2", "4 6 3,2:-", "x 6 0,2:-", "4 6 0,2:-:-", "4 6 0,-2:-", "4 6 a:-"}) {
    EXPECT_EQ(parse_shape_and_slice(bad).status().code(), Code::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace tw
