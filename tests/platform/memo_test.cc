#include "core/platform/memo.h"

#include <gtest/gtest.h>

namespace tw {
namespace {

TEST(Memo, KeepsAnswersAndForgetsAllWhenItIsFull) {
  Memo<int> memo(2);
  int made = 0;
  const auto get = [&](const std::string& key) {
    auto value = memo.get(key, [&]() -> Result<int> { return ++made; });
    return value.ok() ? **value : -1;
  };
  EXPECT_EQ(get("a"), 1);
  EXPECT_EQ(get("b"), 2);
  EXPECT_EQ(get("a"), 1);
  EXPECT_EQ(get("c"), 3);
  EXPECT_EQ(get("a"), 4);
  EXPECT_EQ(get("c"), 3);
}

TEST(Memo, KeepsWhatIsShared) {
  Memo<int> memo(2);
  const auto seven = std::make_shared<const int>(7);
  EXPECT_EQ(*memo.get("a", [&]() -> Result<std::shared_ptr<const int>> { return seven; }), seven);
}

TEST(Memo, KeepsNoErrors) {
  Memo<int> memo(2);
  EXPECT_FALSE(memo.get("a", []() -> Result<int> { return invalid_argument("no"); }).ok());
  EXPECT_TRUE(memo.get("a", []() -> Result<int> { return 1; }).ok());
}

}  // namespace
}  // namespace tw
