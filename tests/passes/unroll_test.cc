// Loops over lists that become straight programs.
#include "core/graph/builder.h"
#include "tests/passes/pass_testing.h"

namespace tw {
namespace {

// A loop of a count, a list and a float[2] that runs while the count is below `bound`: each iteration pushes the float
// and puts `op` of it in its place.
struct Loop {
  std::unique_ptr<Body> body = body_of(
      "%n = _Arg() {T=int32, index=0}\n"
      "%x:float[2] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[2]]}\n"
      "%zero = Const() {dtype=int32, value=tensor<int32 [] = 0>}\n"
      "%e = Const() {dtype=int32, value=tensor<int32 [] = -1>}\n"
      "%l = EmptyTensorList(%e, %e) {element_dtype=float, shape_type=int32}\n");
  NodeId node = -1;

  void make(int32_t bound, std::string_view op = "Neg", std::string_view first = "zero",
            const char* kind = "StatelessWhile", const Shape& declared = Shape{2}, int detours = 0) {
    const auto library = body->body->library();
    for (const bool is_cond : {true, false}) {
      auto f = std::make_shared<Function>();
      f->name = is_cond ? "more" : "next";
      f->body = std::make_unique<Graph>(library);
      Builder b(f->body.get());
      std::vector<Output> args;
      const DType types[] = {DType::kInt32, DType::kVariant, DType::kFloat};
      const Shape shapes[] = {Shape{}, Shape{}, declared};
      for (int64_t i = 0; i < 3; ++i) {
        const AttrMap attrs{
            {"T", types[i]}, {"index", i}, {"_output_shapes", std::vector<Shape>{shapes[static_cast<size_t>(i)]}}};
        f->args.push_back(b.add("_Arg", {}, attrs));
        args.push_back({f->args.back(), 0});
      }
      std::vector<Output> results;
      if (is_cond) {
        results = {{b.add("Less", {args[0], b.scalar<int32_t>(bound)}), 0}};
      } else {
        Output after{b.add(op, {args[2]}), 0};
        Output count{b.add("Add", {args[0], b.scalar<int32_t>(1)}), 0};
        for (int i = 0; i < detours; ++i) count = {b.add("Neg", {count}), 0};
        results = {
            count, {b.add("TensorListPushBack", {args[1], args[2]}, {{"element_dtype", DType::kFloat}}), 0}, after};
      }
      for (size_t i = 0; i < results.size(); ++i) {
        f->results.push_back(b.add("_Retval", {results[i]}, {{"index", static_cast<int64_t>(i)}}));
      }
      ASSERT_TRUE(b.status().ok()) << b.status().to_string();
      ASSERT_TRUE(library->add(f).ok());
    }
    Builder b(body->body.get());
    node =
        b.add(kind, {Output{*body->body->find(first), 0}, Output{*body->body->find("l"), 0}, Output{body->args[1], 0}},
              {{"cond", FuncRef{"more", {}}}, {"body", FuncRef{"next", {}}}});
    for (int32_t k = 0; k < 3; ++k) {
      body->results.push_back(b.add("_Retval", {Output{node, k}}, {{"index", static_cast<int64_t>(k)}}));
    }
    ASSERT_TRUE(b.status().ok()) << b.status().to_string();
  }

  bool unroll() {
    CompileStep step;
    FunctionFacts facts;
    const Result<bool> any = unroll_loops(*body, PassContext{&step, &facts});
    EXPECT_TRUE(any.ok()) << any.status().to_string();
    remove_dead(*body);
    EXPECT_TRUE(verify(*body->body).ok());
    return any.ok() && *any;
  }
  size_t count(std::string_view op) const {
    const std::string ops = ops_of(*body);
    size_t found = 0;
    for (size_t at = ops.find(op); at != std::string::npos; at = ops.find(op, at + 1)) ++found;
    return found;
  }
};

TEST(UnrollLoops, CopiesTheBody) {
  Loop loop;
  loop.make(3);
  EXPECT_TRUE(loop.unroll());
  EXPECT_EQ(loop.count("While("), 0u) << ops_of(*loop.body);
  EXPECT_EQ(loop.count("TensorListPushBack("), 3u);
  EXPECT_EQ(loop.count("Neg("), 3u);
  // The count is known now.
  const Graph& g = *loop.body->body;
  EXPECT_EQ(g.node(loop.body->results[0]).inputs[0].node, *g.find("StatelessWhile/2/Add"));
}

TEST(UnrollLoops, ALoopThatNeverRunsGivesWhatItGot) {
  Loop loop;
  loop.make(0);
  EXPECT_TRUE(loop.unroll());
  EXPECT_EQ(ops_of(*loop.body), "EmptyTensorList(e, e); _Retval(zero); _Retval(l); _Retval(x)");
}

TEST(UnrollLoops, OthersStay) {
  const auto stays = [](auto... arguments) {
    Loop loop;
    loop.make(arguments...);
    return !loop.unroll() && loop.count("While(") == 1;
  };
  EXPECT_TRUE(stays(300));                                           // too often
  EXPECT_TRUE(stays(3, "Neg", "n"));                                 // from where is not known
  EXPECT_TRUE(stays(3, "Neg", "zero", "While"));                     // effects
  EXPECT_TRUE(stays(3, "Neg", "zero", "StatelessWhile", Shape{3}));  // a shape that it was not declared to have
  EXPECT_FALSE(stays(3, "Neg", "zero", "StatelessWhile", Shape{kUnknownDim}));
  // As many operations as would take long to run for each iteration while the program is compiled.
  EXPECT_TRUE(stays(3, "Neg", "zero", "StatelessWhile", Shape{2}, 100));
  EXPECT_FALSE(stays(3, "Neg", "zero", "StatelessWhile", Shape{2}, 10));
  EXPECT_FALSE(stays(3, "Neg", "zero", "StatelessWhile", Shape{2}));
}

std::string dissolved(std::string text) {
  return after(
      "%x:float[2] = _Arg() {T=float, index=0, _output_shapes:list(shape)=[[2]]}\n"
      "%y:float[2] = _Arg() {T=float, index=1, _output_shapes:list(shape)=[[2]]}\n"
      "%t:float[2,2] = _Arg() {T=float, index=2, _output_shapes:list(shape)=[[2,2]]}\n"
      "%n = _Arg() {T=int32, index=3}\n"
      "%any = Const() {dtype=int32, value=tensor<int32 [] = -1>}\n"
      "%s = Const() {dtype=int32, value=tensor<int32 [1] = 2>}\n"
      "%i0 = Const() {dtype=int32, value=tensor<int32 [] = 0>}\n"
      "%i1 = Const() {dtype=int32, value=tensor<int32 [] = 1>}\n"
      "%i2 = Const() {dtype=int32, value=tensor<int32 [] = 2>}\n"
      "%empty = EmptyTensorList(%any, %any) {element_dtype=float, shape_type=int32}\n"
      "%two = TensorListReserve(%s, %i2) {element_dtype=float, shape_type=int32}\n" +
          text,
      dissolve_lists);
}
std::string push(const char* name, const char* list, const char* x) {
  return internal::concat("%", name, " = TensorListPushBack(%", list, ", %", x, ") {element_dtype=float}\n");
}
std::string pop(const char* name, const char* list) {
  return internal::concat("%", name, " = TensorListPopBack(%", list, ", %s) {element_dtype=float}\n");
}
std::string set(const char* name, const char* list, const char* i, const char* x, const char* more = "") {
  return internal::concat("%", name, " = TensorListSetItem(%", list, ", %", i, ", %", x, ") {element_dtype=float", more,
                          "}\n");
}
std::string get(const char* name, const char* list, const char* i, const char* more = "") {
  return internal::concat("%", name, " = TensorListGetItem(%", list, ", %", i, ", %s) {element_dtype=float", more,
                          "}\n");
}
std::string give(const char* x, int i) { return internal::concat("%r", i, " = _Retval(%", x, ") {index=", i, "}\n"); }

TEST(DissolveLists, WhatIsPoppedIsWhatWasPushed) {
  EXPECT_EQ(dissolved(push("a", "empty", "x") + push("b", "a", "y") + pop("p", "b") + pop("q", "p") + give("p:1", 0) +
                      give("q:1", 1)),
            "_Retval(y); _Retval(x)");
  // There is nothing to pop, which the step says.
  EXPECT_EQ(
      dissolved(push("a", "empty", "x") + pop("p", "a") + pop("q", "p") + give("q:1", 0)),
      "EmptyTensorList(any, any); TensorListPushBack(empty, x); TensorListPopBack(a, s); TensorListPopBack(p, s); "
      "_Retval(q:1)");
}

TEST(DissolveLists, ElementsByIndex) {
  const std::string both = set("a", "two", "i0", "x") + set("b", "a", "i1", "y");
  EXPECT_EQ(dissolved(both + get("g", "b", "i1") + give("g", 0)), "_Retval(y)");
  EXPECT_EQ(dissolved(set("a", "two", "i0", "x") + set("b", "a", "i0", "y") + get("g", "b", "i0") + give("g", 0)),
            "_Retval(y)");
  // One that was never set is zero.
  EXPECT_EQ(dissolved(set("a", "two", "i0", "x") + get("g", "a", "i1") + give("g", 0)), "_Retval(g/const)");
  // No such element; an element that only the step knows.
  for (const char* i : {"i2", "n"}) {
    EXPECT_EQ(dissolved(both + get("g", "b", i) + give("g", 0)),
              internal::concat("TensorListReserve(s, i2); TensorListSetItem(two, i0, x); TensorListSetItem(a, i1, y); "
                               "TensorListGetItem(b, ",
                               i, ", s); _Retval(g)"));
  }
}

TEST(DissolveLists, RowsAndWholeLists) {
  const std::string stack = "%k = TensorListStack(%b, %s) {element_dtype=float}\n";
  EXPECT_EQ(dissolved(set("a", "two", "i0", "x") + set("b", "a", "i1", "y") + stack + give("k", 0)),
            "Pack(x, y); _Retval(k/rows)");
  const std::string from = "%b = TensorListFromTensor(%t, %s) {element_dtype=float, shape_type=int32}\n";
  EXPECT_EQ(dissolved(from + stack + give("k", 0)), "_Retval(t)");
  EXPECT_EQ(dissolved(from + get("g", "b", "i1") + give("g", 0)), "Unpack(t); _Retval(b/rows:1)");
  EXPECT_EQ(dissolved(from + "%k = TensorListLength(%b)\n" + give("k", 0)), "_Retval(k/const)");
}

// What a batch of unknown size is made of.
TEST(DissolveLists, PartlyKnownShapes) {
  const std::string rows =
      "%u:float[2,?] = _Arg() {T=float, index=4, _output_shapes:list(shape)=[[2,?]]}\n"
      "%v:float[?] = _Arg() {T=float, index=5, _output_shapes:list(shape)=[[?]]}\n"
      "%b = TensorListFromTensor(%u, %any) {element_dtype=float, shape_type=int32}\n"
      "%g = TensorListGetItem(%b, %i1, %any) {element_dtype=float}\n";
  EXPECT_EQ(dissolved(rows + give("g", 0)), "Unpack(u); _Retval(b/rows:1)");
  // A list of float[2] takes what is surely one only, and a reader that expects one gets it only where it is.
  EXPECT_NE(
      dissolved(rows + set("a", "two", "i0", "v") + get("h", "a", "i0") + give("h", 0)).find("TensorListGetItem("),
      std::string::npos);
  EXPECT_NE(dissolved(rows + push("p", "empty", "v") + pop("q", "p") + give("q:1", 0)).find("TensorListPopBack("),
            std::string::npos);
}

TEST(DissolveLists, GradientsOfElementsAdd) {
  EXPECT_EQ(dissolved(set("a", "two", "i0", "x") + set("b", "two", "i0", "y") + set("c", "two", "i1", "y") +
                      "%l = AddN(%a, %b, %c) {N=3, T=variant}\n" + get("g", "l", "i0") + get("h", "l", "i1") +
                      give("g", 0) + give("h", 1)),
            "_Retval(y); AddN(x, y); _Retval(l/sum)");
}

TEST(DissolveLists, KeepsWhatFailsInTheStep) {
  const std::string once =
      "%once = TensorListReserve(%s, %i2) {_clear_after_read:bool=true, element_dtype=float, shape_type=int32}\n" +
      set("a", "once", "i0", "x", ", _write_once:bool=true");
  const std::string read = get("g", "a", "i0", ", _clear_after_read:bool=true");
  EXPECT_EQ(dissolved(once + read + give("g", 0)), "_Retval(x)");
  // Read twice; read by somebody who is not understood; written twice.
  const auto lists = [](const std::string& text) {
    return dissolved(text).find("TensorListGetItem(") != std::string::npos;
  };
  EXPECT_FALSE(lists(once + read + give("g", 0)));
  EXPECT_TRUE(lists(once + read + get("h", "a", "i0", ", _clear_after_read:bool=true") + give("g", 0) + give("h", 1)));
  EXPECT_TRUE(lists(once + read + get("h", "a", "n", ", _clear_after_read:bool=true") + give("g", 0) + give("h", 1)));
  EXPECT_TRUE(lists(once + read + give("g", 0) + give("a", 1)));
  EXPECT_TRUE(lists(once + set("b", "a", "i0", "y", ", _write_once:bool=true") +
                    get("g", "b", "i0", ", _clear_after_read:bool=true") + give("g", 0)));
  // An element of another shape than the list's.
  EXPECT_TRUE(lists(set("a", "two", "i0", "t") + get("g", "a", "i0") + give("g", 0)));
}

}  // namespace
}  // namespace tw
