// Any bytes as the text form of a graph. What is accepted must verify, and its printed form must give itself again.
#include "core/graph/graph.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tw;
  const auto graph = parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!graph.ok()) return 0;
  require(verify(**graph).ok(), "an accepted graph does not verify");
  const std::string text = print(**graph);
  const auto again = parse(text);
  require(again.ok(), "a printed graph is not accepted");
  require(print(**again) == text, "printing twice gives other text");
  return 0;
}
