#include "core/platform/trace_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace tw {
namespace {

std::string written(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

void write_one(TraceLog& log) {
  const auto now = TraceLog::Clock::now();
  const TraceField fields[] = {{"node", std::string_view("a \"b\"")}, {"bytes", 1024.0}};
  log.write("exec", "Add", now, now + std::chrono::microseconds(1500), fields);
}

TEST(TraceLog, IsOffByDefault) {
  for (const char* off : {"", "0"}) {
    const auto log = TraceLog::open(off);
    ASSERT_TRUE(log.ok());
    EXPECT_EQ(*log, nullptr);
  }
}

TEST(TraceLog, WritesLines) {
  const std::string path = testing::TempDir() + "trace.txt";
  {
    const auto log = TraceLog::open(path);
    ASSERT_TRUE(log.ok()) << log.status().to_string();
    write_one(**log);
    const TraceField fields[] = {{"threads", 2.0}};
    (*log)->tell("limits", fields);
  }
  EXPECT_EQ(written(path), "tw,exec,Add,1.5,a \"b\",1024\ntw,info,limits,threads=2\n");
}

TEST(TraceLog, WritesATimeline) {
  const std::string path = testing::TempDir() + "trace.json";
  auto log = TraceLog::open(path);
  ASSERT_TRUE(log.ok()) << log.status().to_string();
  write_one(**log);
  write_one(**log);
  (*log)->flush();
  const std::string before = written(path);
  EXPECT_EQ(before.substr(0, 2), "[\n");
  EXPECT_NE(before.find("\"cat\":\"exec\",\"name\":\"Add\""), std::string::npos) << before;
  EXPECT_NE(before.find("\"dur\":1500.000,\"args\":{\"node\":\"a \\\"b\\\"\",\"bytes\":1024}},\n{"), std::string::npos)
      << before;
  log->reset();
  EXPECT_EQ(written(path), before + "\n]\n");
}

TEST(TraceLog, TellsOfAFileItCannotWrite) {
  const auto log = TraceLog::open(testing::TempDir() + "no/such/folder/trace.txt");
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.status().message().find("no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace tw
