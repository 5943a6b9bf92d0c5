#include "core/formats/graph_def.h"

#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "core/platform/files.h"

namespace tw {
namespace {

constexpr std::string_view kModel =
    "%x:float[?,3] = Placeholder() {dtype=float, shape=[?,3]}\n"
    "%w:float[3,4] = Const() {dtype=float, value=tensor<float [3,4] = 1 2 3 4 5 6 7 8 9 10 11 12>}\n"
    "%init = NoOp(^%w)\n"
    "%y:float[?,4] = MatMul(%x, %w, ^%init) {_class:list(string)=[\"loc:@w\"]} @\"/device:CPU:0\"\n"
    "%axis:int32[] = Const() {dtype=int32, value=tensor<int32 [] = 1>}\n"
    "%s:(float[?,2], float[?,2]) = Split(%axis, %y) {num_split=2}\n"
    "%d:float[?,2] = Sub(%s:1, %s)\n"
    "%call:float<unknown> = PartitionedCall(%d) {Tout=[float], f=@square}\n"
    "\n"
    "func @square(x=%x) -> (y=%y) controls(%n) stateful {_noinline:bool=true} [\n"
    "  %x:float<unknown> = _Arg() {T=float, index=0}\n"
    "  %two:int32[] = Const() {dtype=int32, value=tensor<int32 [] = 2>}\n"
    "  %n = NoOp(^%x)\n"
    "  %halves:(float<unknown>, float<unknown>) = Split(%two, %x, ^%n) {num_split=2}\n"
    "  %product:float<unknown> = Mul(%halves, %halves:1)\n"
    "  %y = _Retval(%product) {index=0}\n"
    "]\n";

std::unique_ptr<Graph> graph_of(std::string_view text) {
  auto g = parse(text);
  EXPECT_TRUE(g.ok()) << g.status().to_string();
  return g.ok() ? std::move(*g) : std::make_unique<Graph>();
}

std::string bytes_of(std::string_view text) {
  auto bytes = export_graph_def(*graph_of(text));
  EXPECT_TRUE(bytes.ok()) << bytes.status().to_string();
  return bytes.ok() ? *bytes : "";
}

Status import_error(std::string_view bytes, const GraphDefImportOptions& options = {}, Graph* into = nullptr) {
  Graph fresh;
  auto r = import_graph_def(into ? into : &fresh, bytes, options);
  EXPECT_FALSE(r.ok());
  return r.status();
}

TEST(GraphDef, RoundTripIsStable) {
  const std::string bytes = bytes_of(kModel);
  Graph g;
  auto imported = import_graph_def(&g, bytes);
  ASSERT_TRUE(imported.ok()) << imported.status().to_string();
  EXPECT_EQ(imported->nodes.size(), 8u);
  EXPECT_EQ(print(g), kModel);
  EXPECT_EQ(*export_graph_def(g), bytes);
}

TEST(GraphDef, OptionsOfExport) {
  auto g = graph_of(kModel);
  const std::string plain = *export_graph_def(*g);
  const std::string stripped = *export_graph_def(*g, {.add_shapes = false, .strip_default_attrs = true});
  EXPECT_NE(plain.find("transpose_a"), std::string::npos);
  EXPECT_EQ(stripped.find("transpose_a"), std::string::npos);
  Graph back;
  ASSERT_TRUE(import_graph_def(&back, stripped).ok());
  EXPECT_EQ(*export_graph_def(back), plain);
  EXPECT_NE(export_graph_def(*g, {.add_shapes = true, .strip_default_attrs = false})->find("_output_shapes"),
            std::string::npos);
}

TEST(GraphDef, PrefixInputMapControlsAndReturnElements) {
  auto g = graph_of("%fed:float[5,3] = Placeholder() {dtype=float, shape=[5,3]}\n%first = NoOp()\n");
  GraphDefImportOptions options;
  options.prefix = "imported";
  options.input_map = {{"x:0", {*g->find("fed"), 0}}, {"^init", {*g->find("first"), 0}}, {"nothing:0", {0, 0}}};
  options.control_dependencies = {*g->find("first")};
  options.return_elements = {"y:0", "s:1", "init"};
  auto r = import_graph_def(g.get(), bytes_of(kModel), options);
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ(r->unused_inputs, std::vector<std::string>{"nothing:0"});
  ASSERT_EQ(r->returned.size(), 3u);
  EXPECT_EQ(r->returned[0], (Output{*g->find("imported/y"), 0}));
  EXPECT_EQ(r->returned[1], (Output{*g->find("imported/s"), 1}));
  EXPECT_EQ(r->returned[2], (Output{*g->find("imported/init"), -1}));
  const Node& y = g->node(*g->find("imported/y"));
  EXPECT_EQ(y.inputs[0], (Output{*g->find("fed"), 0}));
  EXPECT_EQ(y.output_shapes[0], (Shape{5, 4}));
  EXPECT_EQ(y.controls, std::vector<NodeId>{*g->find("first")});
  EXPECT_EQ(to_string(y.attrs.at("_class")), "[\"loc:@imported/w\"]");
  EXPECT_EQ(g->node(*g->find("imported/w")).controls, std::vector<NodeId>{*g->find("first")});
}

TEST(GraphDef, NamesThatAreTaken) {
  const std::string bytes = bytes_of("%a = NoOp()\n%b = NoOp(^%a)\n");
  auto g = graph_of("%b = NoOp()\n");
  EXPECT_EQ(import_error(bytes, {}, g.get()).code(), Code::kAlreadyExists);
  EXPECT_FALSE(g->find("a").has_value()) << "a failed import leaves nothing behind";
  GraphDefImportOptions options;
  options.uniquify_names = true;
  ASSERT_TRUE(import_graph_def(g.get(), bytes, options).ok());
  EXPECT_EQ(print(*g), "%b = NoOp()\n%a = NoOp()\n%b_1 = NoOp(^%a)\n");
}

TEST(GraphDef, LoopsKeepTheirBackEdges) {
  const std::string loop =
      "%zero:int32[] = Const() {dtype=int32, value=tensor<int32 [] = 0>}\n"
      "%enter:int32<unknown> = Enter(%zero) {frame_name=\"loop\"}\n"
      "%merge:(int32<unknown>, int32[]) = Merge(%enter, %next)\n"
      "%next:int32<unknown> = NextIteration(%merge)\n";
  Graph g;
  ASSERT_TRUE(import_graph_def(&g, bytes_of(loop)).ok());
  EXPECT_EQ(print(g), loop);
}

// --- a GraphDef written by hand ---

struct Attr {
  std::string name;
  AttrValue value;
};
std::string node(std::string_view name, std::string_view op, const std::vector<std::string>& inputs,
                 const std::vector<Attr>& attrs = {}) {
  std::string def, out;
  protozero::pbf_writer w(def);
  w.add_string(1, std::string(name));
  w.add_string(2, std::string(op));
  for (const auto& in : inputs) w.add_string(3, in);
  for (const Attr& a : attrs) {
    std::string entry;
    protozero::pbf_writer ew(entry);
    ew.add_string(1, a.name);
    ew.add_message(2, *encode_attr(a.value));
    w.add_message(5, entry);
  }
  protozero::pbf_writer(out).add_message(1, def);
  return out;
}
std::string producer(int version) {
  std::string versions, out;
  protozero::pbf_writer(versions).add_int32(1, version);
  protozero::pbf_writer(out).add_message(4, versions);
  return out;
}
std::string function_library(const std::string& function_def) {
  std::string library, out;
  protozero::pbf_writer(library).add_message(1, function_def);
  protozero::pbf_writer(out).add_message(2, library);
  return out;
}
const std::string kX = node("x", "Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", Shape{2, 2}}});

TEST(GraphDef, ErrorsNameNodeAndRule) {
  EXPECT_EQ(import_error(kX + node("y", "Neg", {"z"}, {{"T", DType::kFloat}})).message(),
            "Node 'y': Unknown input node 'z'");
  EXPECT_EQ(import_error(kX + kX).message(), "Node 'x' is not unique");
  EXPECT_NE(import_error(node("y", "Mystery", {})).message().find("Op type not registered 'Mystery'"),
            std::string::npos);
  EXPECT_EQ(import_error(node("y", "Mystery", {})).code(), Code::kNotFound);
  EXPECT_NE(import_error(kX + node("y", "Neg", {"x:1"}, {{"T", DType::kFloat}})).message().find("has 1 outputs"),
            std::string::npos);
  EXPECT_NE(import_error(node("a", "Neg", {"b"}) + node("b", "Neg", {"a"})).message().find("2 nodes in a cycle"),
            std::string::npos);
  EXPECT_EQ(import_error(kX + node("a", "Neg", {"^x", "x"})).message(),
            "Node 'a': Control dependencies must come after regular dependencies");
  EXPECT_NE(import_error(kX + node("y", "Neg", {"x"}, {{"T", DType::kInt32}}))
                .message()
                .find("Input 'x' of 'Neg' Op has type float32 that does not match expected type of int32."),
            std::string::npos);
  EXPECT_NE(
      import_error(kX + node("y", "Neg", {"x"}, {{"strange", 1}})).message().find("NodeDef mentions attr 'strange'"),
      std::string::npos);
  EXPECT_NE(import_error(kX + node("y", "Pack", {"x"}, {{"N", int64_t{1} << 60}})).message().find("inputs specified"),
            std::string::npos);
  for (const char* missing : {"q:0", "x:7"}) {
    GraphDefImportOptions options;
    options.return_elements = {missing};
    EXPECT_EQ(import_error(kX, options).message(),
              internal::concat("Requested return_element '", missing, "' not found in graph_def."));
  }
  EXPECT_NE(import_error("\x0a\xff\xff\xff\xff\x0f").message().find("Invalid GraphDef"), std::string::npos);
}

TEST(GraphDef, DefaultsOfNewerProducersAreDropped) {
  const auto graph = [](std::string name, AttrValue value) {
    return kX + node("y", "Neg", {"x"}, {{"T", DType::kFloat}, {std::move(name), std::move(value)}});
  };
  const std::pair<const char*, AttrValue> defaults[] = {{"sparse_gradient", false},
                                                        {"exponential_avg_factor", 1.0f},
                                                        {"explicit_paddings", AttrValue()},
                                                        {"grad_a", true}};
  for (const auto& [name, value] : defaults) {
    Graph g;
    EXPECT_TRUE(import_graph_def(&g, graph(name, value) + producer(440)).ok()) << name;
    EXPECT_NE(import_error(graph(name, value) + producer(134)).message().find("NodeDef mentions attr"),
              std::string::npos);
  }
  EXPECT_NE(import_error(graph("sparse_gradient", true) + producer(440)).message().find("NodeDef mentions attr"),
            std::string::npos);
  EXPECT_NE(import_error(graph("exponential_avg_factor", 0.5f) + producer(440)).message().find("NodeDef mentions attr"),
            std::string::npos);
}

TEST(GraphDef, OldPlaceholdersOfScalarShapeAreOfAnyShape) {
  const std::string x = node("x", "Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", Shape{}}});
  Graph old, current;
  ASSERT_TRUE(import_graph_def(&old, x + producer(21)).ok());
  ASSERT_TRUE(import_graph_def(&current, x + producer(134)).ok());
  EXPECT_EQ(old.shape({0, 0}), Shape::unknown());
  EXPECT_EQ(current.shape({0, 0}), Shape{});
}

TEST(GraphDef, FunctionsCalledByNameBecomeCalls) {
  auto square = graph_of(kModel)->library()->find("square");
  Graph g;
  auto r = import_graph_def(&g, kX + node("y", "square", {"x"}) + function_library(*export_function_def(*square)));
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  const Node& y = g.node(*g.find("y"));
  EXPECT_EQ(y.op->name, "StatefulPartitionedCall");
  EXPECT_EQ(y.attrs.at("f").get<FuncRef>()->name, "square");
  EXPECT_EQ(y.output_dtypes, std::vector<DType>{DType::kFloat});
}

TEST(GraphDef, DeepNestingOfFunctionsIsRefused) {
  AttrValue v = FuncRef{"f", {}};
  for (int i = 0; i < 200; ++i) v = FuncRef{"f", {{"g", v}}};
  EXPECT_NE(import_error(node("a", "NoOp", {}, {{"_f", v}})).message().find("nested deeper"), std::string::npos);
}

// What TF 1.15 wrote (data/make_tf115_model.py): training, a function called by name, control flow in both forms.
TEST(GraphDef, ReadsAGraphOfTf115) {
  auto bytes = read_file(TW_TEST_DIR "/formats/data/tf115_model.pb");
  ASSERT_TRUE(bytes.ok()) << bytes.status().to_string();
  Graph g;
  auto r = import_graph_def(&g, *bytes);
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  EXPECT_EQ(r->nodes.size(), 147u);
  EXPECT_EQ(g.library()->all().size(), 6u);
  EXPECT_TRUE(verify(g).ok());
  EXPECT_EQ(g.shape({*g.find("y"), 0}), (Shape{kUnknownDim, 4}));
  EXPECT_EQ(g.dtype({*g.find("layer/w"), 0}), ref_dtype(DType::kFloat));
  EXPECT_EQ(g.node(*g.find("square_wr2GXC1xoOA")).op->name, "PartitionedCall");
  EXPECT_EQ(g.node(*g.find("while/Merge")).inputs[1].node, *g.find("while/NextIteration"));
  // Written again, nothing changes any more; and the text form holds all of it.
  const std::string again = *export_graph_def(g);
  Graph back;
  ASSERT_TRUE(import_graph_def(&back, again).ok());
  EXPECT_EQ(*export_graph_def(back), again);
  const std::string text = print(g);
  auto parsed = parse(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
  EXPECT_EQ(print(**parsed), text);
}

// Every truncation, and some thousands of random edits, end in a graph or an error, never in a crash.
TEST(GraphDef, SurvivesMutation) {
  const std::string bytes = bytes_of(kModel);
  int accepted = 0;
  for (size_t n = 0; n < bytes.size(); ++n) {
    Graph g;
    accepted += import_graph_def(&g, std::string_view(bytes).substr(0, n)).ok();
  }
  uint64_t state = 12345;
  const auto next = [&](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  for (int round = 0; round < 3000; ++round) {
    std::string mutated = bytes;
    for (uint64_t edits = 1 + next(4); edits > 0; --edits) {
      const size_t at = next(mutated.size());
      switch (next(4)) {
        case 0: mutated[at] = static_cast<char>(next(256)); break;
        case 1: mutated[at] = static_cast<char>(mutated[at] ^ (1 << next(8))); break;
        case 2: mutated.erase(at, 1 + next(8)); break;
        default: mutated.insert(at, mutated.substr(next(mutated.size()), next(16)));
      }
      if (mutated.empty()) mutated = "\n";
    }
    Graph g;
    if (!import_graph_def(&g, mutated).ok()) continue;
    ++accepted;
    // What was accepted can be verified, printed and written.
    EXPECT_TRUE(verify(g).ok());
    EXPECT_FALSE(print(g).empty() && g.num_nodes() > 0);
    EXPECT_TRUE(export_graph_def(g).ok());
  }
  EXPECT_GT(accepted, 50) << "most edits of names and values keep the graph valid";
}

}  // namespace
}  // namespace tw
