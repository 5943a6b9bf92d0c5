#include "tests/ops/infer.h"

namespace tw::test {

namespace {

Shape shape_of(std::string_view text) {
  auto value = parse_attr(AttrType::kShape, text);
  EXPECT_TRUE(value.ok()) << text;
  return value.ok() ? *value->get<Shape>() : Shape::unknown();
}

}  // namespace

In::In(const char* text) {
  std::string_view rest = text;
  // A dtype's own digits belong to its name.
  size_t name = std::string_view::npos;
  for (size_t n = rest.size(); n > 0; --n) {
    if (dtype_from_name(rest.substr(0, n)) != DType::kInvalid) {
      name = n;
      break;
    }
  }
  const bool plain = name == std::string_view::npos;
  if (!plain) {
    dtype = dtype_from_name(rest.substr(0, name));
    rest.remove_prefix(name);
  }
  if (!rest.empty() && rest.front() == ':') {
    const In behind(std::string(rest.substr(1)).c_str());
    handle = {behind.dtype, behind.shape};
    shape = Shape{};
    return;
  }
  if (rest.front() == '[' || rest.front() == '<') {
    shape = shape_of(rest);
    return;
  }
  if (plain) dtype = DType::kInt32;
  std::vector<int64_t> values;
  const bool vector = rest.front() == '{';
  std::string number;
  for (const char c : rest.substr(vector ? 1 : 0)) {
    if (c == '-' || (c >= '0' && c <= '9')) {
      number += c;
    } else if (!number.empty()) {
      values.push_back(std::stoll(number));
      number.clear();
    }
  }
  if (!number.empty()) values.push_back(std::stoll(number));
  shape = vector ? Shape{static_cast<int64_t>(values.size())} : Shape{};
  value = Tensor::make_or_die(dtype, shape);
  const bool known = visit_real(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (size_t i = 0; i < values.size(); ++i) value.data<T>()[i] = static_cast<T>(values[i]);
  });
  EXPECT_TRUE(known) << text;
}

std::string infer(const std::string& name, const std::vector<In>& inputs, AttrMap attrs) {
  const OpDef* op = find_op(name);
  if (!op) return "no op " + name;
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  std::vector<const Tensor*> values;
  std::vector<HandleShape> handles;
  for (const In& in : inputs) {
    shapes.push_back(in.shape);
    dtypes.push_back(in.dtype);
    values.push_back(in.value.valid() ? &in.value : nullptr);
    handles.push_back(in.handle);
  }
  Status s = infer_attrs(*op, dtypes, &attrs);
  if (s.ok()) s = complete_attrs(*op, &attrs);
  DTypes outputs;
  if (s.ok()) s = expand_args(*op, op->outputs, attrs, &outputs);
  if (!s.ok()) return "bad node: " + s.message();
  ShapeContext c(*op, attrs, shapes, dtypes, values, handles, outputs.size());
  s = op->shape(c);
  if (!s.ok()) return "error: " + s.message();
  std::string text;
  for (const Shape& out : c.outputs()) text += (text.empty() ? "" : " ") + out.to_string();
  return text;
}

TEST(Infer, ReadsInputs) {
  EXPECT_EQ(In("[2,?]").shape, (Shape{2, -1}));
  EXPECT_EQ(In("<unknown>").shape.rank(), -1);
  EXPECT_EQ(In("bool[3]").dtype, DType::kBool);
  EXPECT_EQ(In("int64{4,-1}").dtype, DType::kInt64);
  EXPECT_EQ(In("int64{4,-1}").value.data<int64_t>()[1], -1);
  EXPECT_EQ(In("-3").value.data<int32_t>()[0], -3);
  EXPECT_EQ(In("{}").shape, (Shape{0}));
  EXPECT_EQ(In("resource:double[2]").handle.shape, (Shape{2}));
  EXPECT_EQ(In("resource:double[2]").handle.dtype, DType::kDouble);
}

}  // namespace tw::test
