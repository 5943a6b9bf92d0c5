// Any bytes as a GraphDef. What is accepted must pass verify(), and must come back from its own export, byte for byte.
#include "core/formats/graph_def.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tw;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Graph first;
  if (!import_graph_def(&first, bytes).ok()) {
    require(first.num_nodes() == 0 || live_nodes(first) == 0, "a refused GraphDef left nodes behind");
    return 0;
  }
  require(verify(first).ok(), "an accepted graph does not verify");
  const auto exported = export_graph_def(first);
  require(exported.ok(), "an accepted graph cannot be exported");
  Graph second;
  const auto again = import_graph_def(&second, *exported);
  require(again.ok(), "an exported graph is not accepted");
  const auto twice = export_graph_def(second);
  require(twice.ok() && *twice == *exported, "exporting twice gives other bytes");
  return 0;
}
