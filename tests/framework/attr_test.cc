#include "core/framework/attr.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/framework/op_def.h"

namespace tw {
namespace {

TEST(AttrMap, TheDigestFollowsWhatIsIn) {
  AttrMap a{{"T", DType::kFloat}, {"axis", 3}};
  const AttrMap copy = a, equal{{"axis", 3}, {"T", DType::kFloat}};
  const uint64_t was = a.digest();
  EXPECT_EQ(copy.digest(), was);
  EXPECT_EQ(equal.digest(), was);
  a["axis"] = 4;
  EXPECT_NE(a.digest(), was);
  EXPECT_EQ(copy.digest(), was);
  // Of a map that nobody shares, too.
  const uint64_t four = a.digest();
  a.insert_or_assign("axis", 5);
  EXPECT_NE(a.digest(), four);
  a.erase("axis");
  EXPECT_EQ(a.digest(), (AttrMap{{"T", DType::kFloat}}.digest()));
  EXPECT_NE((AttrMap{{"a", 1}}.digest()), (AttrMap{{"b", 1}}.digest()));
  EXPECT_EQ(AttrMap().digest(), AttrMap().digest());
}

TEST(Attr, CopiesShareTheirEntriesUntilOneIsChanged) {
  const AttrMap map{{"b", 2}, {"a", 1}, {"b", 3}};
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map.begin()->first, "a");
  EXPECT_EQ(*map.at("b").get<int64_t>(), 2);
  AttrMap copy = map;
  EXPECT_TRUE(copy.shares(map));
  EXPECT_FALSE(copy.emplace("a", 7));
  EXPECT_FALSE(copy.erase("c"));
  copy.replace_values([](const AttrValue&) { return std::nullopt; });
  EXPECT_TRUE(copy.shares(map));
  copy.replace_values([](const AttrValue& v) -> std::optional<AttrValue> {
    return *v.get<int64_t>() == 2 ? std::optional(AttrValue(5)) : std::nullopt;
  });
  EXPECT_FALSE(copy.shares(map));
  EXPECT_EQ(*copy.at("b").get<int64_t>(), 5);
  EXPECT_EQ(*map.at("b").get<int64_t>(), 2);
  AttrMap other = copy;
  EXPECT_TRUE(other.erase("a"));
  other["c"] = 9;
  EXPECT_EQ(copy.size(), 2u);
  EXPECT_TRUE(copy.contains("a"));
  EXPECT_FALSE(other.contains("a"));
  EXPECT_FALSE(other == copy);
  EXPECT_TRUE(AttrMap().empty());
  EXPECT_EQ(AttrMap().find("a"), AttrMap().end());
}

TEST(Attr, SubstitutesPlaceholdersInFunctionsToo) {
  AttrMap map{{"T", AttrPlaceholder{"U"}},
              {"f", FuncRef{"g", {{"T", AttrPlaceholder{"U"}}}}},
              {"list", std::vector<FuncRef>{{"h", {{"T", AttrPlaceholder{"U"}}}}}},
              {"other", AttrPlaceholder{"V"}}};
  substitute(&map, AttrMap{{"U", DType::kHalf}});
  EXPECT_EQ(*map.at("T").get<DType>(), DType::kHalf);
  EXPECT_EQ(*map.at("f").get<FuncRef>()->attrs.at("T").get<DType>(), DType::kHalf);
  EXPECT_EQ(*map.at("list").get<std::vector<FuncRef>>()->front().attrs.at("T").get<DType>(), DType::kHalf);
  EXPECT_EQ(map.at("other").get<AttrPlaceholder>()->name, "V");
}

TEST(Attr, TextRoundTripsByDeclaredType) {
  const std::pair<AttrType, const char*> cases[] = {{AttrType::kInt, "-3"},
                                                    {AttrType::kFloat, "2.5"},
                                                    {AttrType::kFloat, "1e-05"},
                                                    {AttrType::kFloat, "-inf"},
                                                    {AttrType::kBool, "true"},
                                                    {AttrType::kString, "\"a \\\"b\\\\ \\n\\x01\""},
                                                    {AttrType::kType, "half"},
                                                    {AttrType::kType, "float_ref"},
                                                    {AttrType::kShape, "[2,?]"},
                                                    {AttrType::kShape, "<unknown>"},
                                                    {AttrType::kShape, "[]"},
                                                    {AttrType::kTensor, "tensor<float [2] = 1 2>"},
                                                    {AttrType::kFunc, "@f{T:type=float, g:func=@h}"},
                                                    {AttrType::kFunc, "@\"odd name\""},
                                                    {AttrType::kInt, "$N"},
                                                    {AttrType::kListInt, "[1,2]"},
                                                    {AttrType::kListInt, "[]"},
                                                    {AttrType::kListString, "[\"a\",\"b\"]"},
                                                    {AttrType::kListBool, "[true,false]"},
                                                    {AttrType::kListType, "[float,int32]"},
                                                    {AttrType::kListShape, "[[1,?],<unknown>,[]]"},
                                                    {AttrType::kListFloat, "[0.5,nan]"},
                                                    {AttrType::kListTensor, "[tensor<int32 [] = 3>]"},
                                                    {AttrType::kListFunc, "[@a,@b/c-d.e]"}};
  for (const auto& [type, text] : cases) {
    auto v = parse_attr(type, text);
    ASSERT_TRUE(v.ok()) << text << ": " << v.status().to_string();
    EXPECT_EQ(to_string(*v), text);
    if (v->get<AttrPlaceholder>() == nullptr) {
      EXPECT_EQ(type_of(*v), type) << text;
    }
    EXPECT_EQ(hash(*v), hash(*parse_attr(type, text)));
    EXPECT_TRUE(*v == *parse_attr(type, text)) << text;
  }
}

TEST(Attr, BadTextIsAnError) {
  const std::pair<AttrType, const char*> cases[] = {{AttrType::kInt, "x"},
                                                    {AttrType::kInt, "1 2"},
                                                    {AttrType::kInt, "99999999999999999999"},
                                                    {AttrType::kBool, "yes"},
                                                    {AttrType::kString, "\"open"},
                                                    {AttrType::kString, "\"\\x4\""},
                                                    {AttrType::kType, "flaot"},
                                                    {AttrType::kShape, "[2"},
                                                    {AttrType::kShape, "[-5]"},
                                                    {AttrType::kTensor, "tensor<float [2] = 1 2 3>"},
                                                    {AttrType::kTensor, "tensor<int8 [] = 200>"},
                                                    {AttrType::kTensor, "tensor<float [?] = 1>"},
                                                    {AttrType::kTensor, "tensor<string [777777777772] = \"q\">"},
                                                    {AttrType::kTensor, "tensor<int8 [4294967296] = 1>"},
                                                    {AttrType::kListInt, "[1,]"},
                                                    {AttrType::kFunc, "f"}};
  for (const auto& [type, text] : cases) {
    auto v = parse_attr(type, text);
    ASSERT_FALSE(v.ok()) << text;
    EXPECT_EQ(v.status().code(), Code::kInvalidArgument);
  }
}

TEST(Attr, EqualityIsByBits) {
  EXPECT_TRUE(AttrValue(std::numeric_limits<float>::quiet_NaN()) == AttrValue(std::numeric_limits<float>::quiet_NaN()));
  EXPECT_FALSE(AttrValue(0.0f) == AttrValue(-0.0f));
  EXPECT_FALSE(AttrValue(1) == AttrValue(1.0f));
  EXPECT_FALSE(AttrValue(Tensor::vector<int32_t>({1, 2})) == AttrValue(Tensor::vector<int32_t>({1, 3})));
  EXPECT_TRUE(AttrValue(Tensor::vector<std::string>({"a"})) == AttrValue(Tensor::vector<std::string>({"a"})));
  EXPECT_FALSE(AttrValue(FuncRef{"f", {{"k", 1}}}) == AttrValue(FuncRef{"f", {{"k", 2}}}));
  EXPECT_NE(hash(AttrValue(Shape{2})), hash(AttrValue(Shape{3})));
  EXPECT_NE(hash(AttrValue(std::vector<int64_t>{1, 2})), hash(AttrValue(std::vector<int64_t>{2, 1})));
}

TEST(OpTable, RowsAreFoundAndTheirDefaultsParse) {
  ASSERT_GT(all_ops().size(), 100u);
  for (const OpDef& op : all_ops()) {
    EXPECT_EQ(find_op(op.name), &op);
    EXPECT_EQ(&op_def(op.id), &op);
    for (const AttrDef& a : op.attrs) {
      if (!a.has_default) continue;
      const auto v = parse_attr(a.type, a.default_text);
      EXPECT_TRUE(v.ok()) << op.name << '.' << a.name << ": " << v.status().to_string();
    }
  }
  EXPECT_EQ(find_op("Matmul"), nullptr);
}

Status inferred(std::string_view op, std::vector<DType> inputs, AttrMap* attrs) {
  TW_RETURN_IF_ERROR(infer_attrs(*find_op(op), inputs, attrs));
  return complete_attrs(*find_op(op), attrs);
}

TEST(OpTable, AttributesFollowFromInputs) {
  AttrMap attrs;
  ASSERT_TRUE(inferred("MatMul", {ref_dtype(DType::kFloat), DType::kFloat}, &attrs).ok());
  EXPECT_EQ(to_string(attrs.at("T")), "float");
  EXPECT_EQ(to_string(attrs.at("transpose_b")), "false");
  attrs = {};
  ASSERT_TRUE(inferred("Pack", {DType::kInt32, DType::kInt32, DType::kInt32}, &attrs).ok());
  EXPECT_EQ(to_string(attrs.at("N")), "3");
  attrs = {};
  ASSERT_TRUE(inferred("IdentityN", {DType::kInt32, DType::kString}, &attrs).ok());
  EXPECT_EQ(to_string(attrs.at("T")), "[int32,string]");
  DTypes out;
  ASSERT_TRUE(expand_args(*find_op("IdentityN"), find_op("IdentityN")->outputs, attrs, &out).ok());
  EXPECT_EQ(out, (DTypes{DType::kInt32, DType::kString}));
  out.clear();
  ASSERT_TRUE(
      expand_args(*find_op("VariableV2"), find_op("VariableV2")->outputs, {{"dtype", DType::kFloat}}, &out).ok());
  EXPECT_EQ(out, DTypes{ref_dtype(DType::kFloat)});
}

TEST(OpTable, ErrorsUseTfWording) {
  const auto error = [](std::string_view op, std::vector<DType> inputs, AttrMap attrs = {}) {
    const Status s = inferred(op, std::move(inputs), &attrs);
    EXPECT_EQ(s.code(), Code::kInvalidArgument);
    return s.message();
  };
  EXPECT_EQ(error("MatMul", {DType::kFloat, DType::kInt32}),
            "Input 'b' of 'MatMul' Op has type int32 that does not match type float32 of argument 'a'.");
  EXPECT_EQ(error("MatMul", {DType::kFloat, DType::kFloat}, {{"T", DType::kDouble}}),
            "Input 'a' of 'MatMul' Op has type float32 that does not match expected type of float64.");
  EXPECT_EQ(error("LogicalNot", {DType::kFloat}),
            "Input 'x' of 'LogicalNot' Op has type float32 that does not match expected type of bool.");
  EXPECT_NE(error("MatMul", {DType::kString, DType::kString})
                .find("Value passed to parameter 'a' has DataType string not in list of allowed values: "),
            std::string::npos);
  EXPECT_EQ(error("Pack", {DType::kFloat, DType::kInt32}),
            "Tensors in list passed to 'values' of 'Pack' Op have types [float32, int32] that don't all match.");
  EXPECT_NE(error("MatMul", {DType::kFloat}).find("do not match 1 inputs specified"), std::string::npos);
  EXPECT_NE(error("Assign", {DType::kFloat, DType::kFloat}).find("be a mutable tensor"), std::string::npos);
  EXPECT_NE(error("Placeholder", {}).find("NodeDef missing attr 'dtype' from Op<name=Placeholder"), std::string::npos);
  EXPECT_NE(error("Placeholder", {}, {{"dtype", 3}}).find("had value with type 'int' when 'type' expected"),
            std::string::npos);
  EXPECT_NE(error("NoOp", {}, {{"k", 3}}).find("NodeDef mentions attr 'k' not in Op<name=NoOp"), std::string::npos);
  EXPECT_NE(
      error("Pack", {}, {{"N", 0}, {"T", DType::kFloat}}).find("Value for attr 'N' of 0 must be at least minimum 1"),
      std::string::npos);
  EXPECT_NE(
      error("BiasAdd", {DType::kFloat, DType::kFloat}, {{"data_format", "XYZ"}})
          .find("Value for attr 'data_format' of \"XYZ\" is not in the list of allowed values: \"NHWC\", \"NCHW\""),
      std::string::npos);
}

}  // namespace
}  // namespace tw
