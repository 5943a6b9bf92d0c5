// What TW_TRACE writes of a step.
#include <fstream>
#include <sstream>

#include "tests/runtime/session_fixture.h"

namespace tw {
namespace {

class TraceTest : public SessionTest {
 protected:
  // Runs with a log of lines, and gives what was written.
  std::string logged(std::vector<std::pair<Output, Tensor>> feeds, std::vector<Output> fetches) {
    const std::string path = testing::TempDir() + "step_trace.txt";
    auto log = TraceLog::open(path);
    EXPECT_TRUE(log.ok());
    SessionOptions options;
    options.intra_op_threads = 1;
    options.trace_log = std::shared_ptr<TraceLog>(std::move(*log));
    start(options);
    const auto result = run(std::move(feeds), std::move(fetches));
    EXPECT_TRUE(result.ok()) << result.status().to_string();
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  // The fields of the line that has all of these in it.
  static std::vector<std::string> line_of(const std::string& text, const std::string& part) {
    std::istringstream lines(text);
    std::vector<std::string> fields;
    for (std::string line; std::getline(lines, line);) {
      if (line.find(part) == std::string::npos) continue;
      EXPECT_TRUE(fields.empty()) << "two lines with " << part << ":\n" << text;
      std::istringstream in(line);
      for (std::string field; std::getline(in, field, ',');) fields.push_back(field);
    }
    EXPECT_FALSE(fields.empty()) << "no line with " << part << ":\n" << text;
    fields.resize(14);
    return fields;
  }
};

Tensor ones(const Shape& shape) {
  Tensor t = Tensor::make_or_die(DType::kFloat, shape);
  for (float& f : t.flat<float>()) f = 1;
  return t;
}

TEST_F(TraceTest, TellsWhatAProductCosts) {
  const Output x = placeholder(DType::kFloat, Shape{32, 48});
  const Output w = placeholder(DType::kFloat, Shape{48, 64});
  const Output y = op("MatMul", {x, w});
  const std::string name = graph_->node(y.node).name;
  const auto fields = line_of(logged({{x, ones({32, 48})}, {w, ones({48, 64})}}, {y}), "tw,exec");
  EXPECT_EQ(fields[2], "MatMul");
  EXPECT_GT(std::stod(fields[3]), 0);  // ms
  EXPECT_EQ(fields[4], name);
  EXPECT_EQ(fields[5], "float:32x48 float:48x64 -> float:32x64");
  EXPECT_NE(fields[6].find("gemm"), std::string::npos);
  EXPECT_EQ(std::stod(fields[7]), 4 * (32 * 48 + 48 * 64 + 32 * 64));
  EXPECT_EQ(std::stod(fields[8]), std::stod("1.9661e+05"));  // 2 * 32 * 48 * 64
  // Rates and the share follow from the time.
  EXPECT_NEAR(std::stod(fields[9]), 196608e-9 / (std::stod(fields[3]) * 1e-3), 0.01 * std::stod(fields[9]));
  EXPECT_GT(std::stod(fields[11]), 0);
}

TEST_F(TraceTest, NamesWhatWasFused) {
  const Output x = placeholder(DType::kFloat, Shape{16, 16});
  const Output y = op("Relu", {op("Mul", {op("Exp", {x}), x})});
  const auto fields = line_of(logged({{x, ones({16, 16})}}, {y}), "tw,exec");
  EXPECT_EQ(fields[2].substr(0, 18), "_FusedMap{exp+mul+");
  EXPECT_EQ(std::stod(fields[7]), 2 * 4 * 256);  // no op states bytes here: input and output count once
}

TEST_F(TraceTest, CountsWhatIsPreparedAsItRuns) {
  const Output x = placeholder(DType::kFloat, Shape{8});
  const Output where = op("Where", {op("Greater", {x, op("ZerosLike", {x})})});
  const Output y = op("GatherNd", {x, where});
  const auto fields = line_of(logged({{x, ones({8})}}, {y}), "tw,exec,GatherNd");
  EXPECT_EQ(fields[5], "float:8 int64:8x1 -> float:8");
  EXPECT_GE(std::stod(fields[7]), 64);
}

TEST_F(TraceTest, TimesThePasses) {
  const Output x = placeholder(DType::kFloat, Shape{4});
  const std::string text = logged({{x, ones({4})}}, {op("Neg", {x})});
  for (const char* pass : {"lower_refs", "functionalise", "fuse", "order", "emit", "lay_out", "plan"}) {
    EXPECT_GE(std::stod(line_of(text, std::string("tw,compile,") + pass + ",")[3]), 0) << pass;
  }
  EXPECT_NE(text.find("tw,info,limits,threads=1,gflops="), std::string::npos);
  EXPECT_NE(text.find("tw,step,run,"), std::string::npos);
}

}  // namespace
}  // namespace tw
