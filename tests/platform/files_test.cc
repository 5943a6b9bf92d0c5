#include "core/platform/files.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/platform/crc32c.h"

namespace tw {
namespace {

// A folder that goes away with the test.
class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tw_files_XXXXXX";
    root_ = mkdtemp(name);
  }
  void TearDown() override {
    set_file_hook(nullptr);
    EXPECT_TRUE(remove_tree(root_).ok());
  }
  std::string path(std::string_view name) const { return join_path(root_, name); }
  std::string root_;
};

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(extend_crc32c(crc32c("1234"), "56789", 5), crc32c("123456789"));
  EXPECT_EQ(unmask_crc32c(mask_crc32c(0x12345678u)), 0x12345678u);
}

TEST_F(FilesTest, WriteReadAppend) {
  ASSERT_TRUE(write_file(path("a"), "hello").ok());
  EXPECT_EQ(*read_file(path("a")), "hello");
  auto file = WritableFile::open(path("a"), WritableFile::Mode::kAppend);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->size(), 5u);
  const std::string large(1 << 20, 'x');
  ASSERT_TRUE((*file)->append(" world").ok());
  ASSERT_TRUE((*file)->append(large).ok());
  ASSERT_TRUE((*file)->close(true).ok());
  EXPECT_EQ(*read_file(path("a")), "hello world" + large);
  EXPECT_EQ(file_info(path("a"))->size, 11u + large.size());

  auto reader = ReadableFile::open(path("a"));
  ASSERT_TRUE(reader.ok());
  char word[5];
  ASSERT_TRUE((*reader)->read_at(6, 5, word).ok());
  EXPECT_EQ(std::string_view(word, 5), "world");
  EXPECT_EQ((*reader)->read_at((*reader)->size() - 2, 5, word).code(), Code::kOutOfRange);
}

TEST_F(FilesTest, MissingAndWrongKinds) {
  EXPECT_EQ(read_file(path("none")).status().code(), Code::kNotFound);
  EXPECT_EQ(read_file(path("none")).status().message(), path("none") + "; No such file or directory");
  EXPECT_EQ(read_file(root_).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(remove_file(path("none")).code(), Code::kNotFound);
  EXPECT_EQ(list_directory(path("none")).status().code(), Code::kNotFound);
  ASSERT_TRUE(make_directories(path("x/y")).ok());
  EXPECT_TRUE(make_directories(path("x/y")).ok());
  EXPECT_EQ(make_directory(path("x")).code(), Code::kAlreadyExists);
  EXPECT_EQ(remove_directory(path("x")).code(), Code::kFailedPrecondition);
  EXPECT_TRUE(remove_tree(path("x")).ok());
}

TEST_F(FilesTest, MatchesPatterns) {
  for (const char* name : {"a-1.index", "a-2.index", "a-10.data", "b[1]", ".h"})
    ASSERT_TRUE(write_file(path(name), "").ok());
  ASSERT_TRUE(make_directory(path("d")).ok());
  ASSERT_TRUE(write_file(path("d/a-3.index"), "").ok());
  using List = std::vector<std::string>;
  EXPECT_EQ(*match_files(path("a-?.index")), (List{path("a-1.index"), path("a-2.index")}));
  EXPECT_EQ(*match_files(path("a-[0-9]*")), (List{path("a-1.index"), path("a-10.data"), path("a-2.index")}));
  EXPECT_EQ(*match_files(path("*/a*x")), (List{path("d/a-3.index")}));
  EXPECT_EQ(*match_files(path("b\\[1\\]")), (List{path("b[1]")}));
  EXPECT_EQ(*match_files(path("a-[!1]*")), (List{path("a-2.index")}));
  EXPECT_EQ(*match_files(path("nothing*")), List{});
  EXPECT_EQ(*match_files(path("none/*")), List{});
}

TEST_F(FilesTest, AFailedWriteKeepsTheOldFile) {
  ASSERT_TRUE(write_file(path("a"), "old").ok());
  for (const FileOperation fail :
       {FileOperation::kOpen, FileOperation::kWrite, FileOperation::kSync, FileOperation::kRename}) {
    set_file_hook([fail](FileOperation operation, const std::string& p, size_t) {
      return operation == fail ? resource_exhausted(p, "; No space left on device") : Status();
    });
    EXPECT_EQ(write_file(path("a"), "new").code(), Code::kResourceExhausted);
    set_file_hook(nullptr);
    EXPECT_EQ(*read_file(path("a")), "old");
    EXPECT_EQ(list_directory(root_)->size(), 1u);
  }
}

}  // namespace
}  // namespace tw
