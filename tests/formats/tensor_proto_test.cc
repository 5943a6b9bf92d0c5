#include "core/formats/tensor_proto.h"

#include <gtest/gtest.h>

#include <cmath>
#include <protozero/pbf_writer.hpp>

#include "core/framework/attr.h"
#include "core/framework/resource.h"

namespace tw {
namespace {

Tensor parse_tensor(std::string_view text) {
  auto v = parse_attr(AttrType::kTensor, text);
  EXPECT_TRUE(v.ok()) << v.status().to_string();
  return *v->get<Tensor>();
}

TEST(TensorProto, RoundTripsEveryDtype) {
  for (const char* text : {"tensor<float [2,2] = 1 -2.5 nan inf>",
                           "tensor<double [] = 0.1>",
                           "tensor<int32 [3] = -1 0 7>",
                           "tensor<uint8 [] = 255>",
                           "tensor<int16 [4] = -3>",
                           "tensor<int8 [2] = -128 127>",
                           "tensor<string [2] = \"a\\x00b\" \"\">",
                           "tensor<complex64 [1] = (1,-2)>",
                           "tensor<int64 [2] = -9223372036854775808 9223372036854775807>",
                           "tensor<bool [3] = true false true>",
                           "tensor<qint8 [] = -5>",
                           "tensor<quint8 [2] = 1 2>",
                           "tensor<qint32 [] = -70000>",
                           "tensor<bfloat16 [2] = 1.5 -2>",
                           "tensor<qint16 [] = -300>",
                           "tensor<quint16 [] = 65535>",
                           "tensor<uint16 [] = 65535>",
                           "tensor<complex128 [2] = (0.25,1e+300)>",
                           "tensor<half [2] = 65504 -0>",
                           "tensor<half [] = -0.5>",
                           "tensor<uint32 [] = 4294967295>",
                           "tensor<uint64 [2] = 18446744073709551615 1>",
                           "tensor<float [0,3] =>",
                           "tensor<string [0] =>",
                           "tensor<bool [] = true>",
                           "tensor<complex128 [3] = (1,2)>",
                           "tensor<uint64 [2] = 18446744073709551615>"}) {
    const Tensor t = parse_tensor(text);
    auto bytes = encode_tensor(t);
    ASSERT_TRUE(bytes.ok()) << text;
    auto back = decode_tensor(*bytes);
    ASSERT_TRUE(back.ok()) << text << ": " << back.status().to_string();
    EXPECT_EQ(to_string(AttrValue(*back)), to_string(AttrValue(t)));
  }
}

// The bytes of a TensorProto with dtype, shape and what `fill` adds.
template <typename Fn>
std::string proto(DType t, const Shape& s, Fn&& fill) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_enum(1, static_cast<int>(t));
  w.add_message(2, encode_shape(s));
  fill(w);
  return out;
}

TEST(TensorProto, LastValueFillsTheRest) {
  auto t = decode_tensor(proto(DType::kFloat, {5}, [](auto& w) {
    w.add_float(5, 1.0f);  // not packed
    const float more[] = {2.0f};
    w.add_packed_float(5, more, more + 1);
  }));
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->summary(9), "float [5] = 1 2 2 2 2");
  t = decode_tensor(proto(DType::kInt64, {2}, [](auto&) {}));
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->summary(9), "int64 [2] = 0 0");
  t = decode_tensor(proto(DType::kString, {3}, [](auto& w) { w.add_string(8, "ab"); }));
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->summary(9), "string [3] = \"ab\" \"ab\" \"ab\"");
}

TEST(TensorProto, EqualElementsAreWrittenOnce) {
  EXPECT_LT(encode_tensor(parse_tensor("tensor<float [1000,1000] = 0>"))->size(), 32u);
}

TEST(TensorProto, HostileInputIsRefused) {
  const auto refused = [](const std::string& bytes, std::string_view why) {
    auto t = decode_tensor(bytes);
    ASSERT_FALSE(t.ok()) << t->summary();
    EXPECT_EQ(t.status().code(), Code::kInvalidArgument);
    EXPECT_NE(t.status().message().find(why), std::string::npos) << t.status().message();
  };
  refused(proto(DType::kFloat, {2}, [](auto& w) { w.add_bytes(4, "abc"); }),
          "3 bytes of tensor_content for 2 elements");
  refused(proto(DType::kFloat, {1},
                [](auto& w) {
                  const float v[] = {1, 2};
                  w.add_packed_float(5, v, v + 2);
                }),
          "2 values");
  refused(proto(DType::kFloat, {int64_t{1} << 40}, [](auto& w) { w.add_float(5, 1); }), "elements");
  refused(proto(DType::kComplex128, {int64_t{1} << 30}, [](auto&) {}), "elements");
  refused(proto(DType::kResource, {}, [](auto&) {}), "live in one process");
  refused(proto(static_cast<DType>(77), {}, [](auto&) {}), "dtype 77");
  refused(proto(DType::kFloat, Shape::unknown(), [](auto&) {}), "unknown rank");
  std::string negative;
  protozero::pbf_writer w(negative);
  w.add_enum(1, 1);
  std::string dim, shape;
  protozero::pbf_writer(dim).add_int64(1, -3);
  protozero::pbf_writer(shape).add_message(2, dim);
  w.add_message(2, shape);
  refused(negative, "Dimension -3 must be >= 0");
  refused(encode_tensor(parse_tensor("tensor<float [2] = 1 2>"))->substr(0, 9), "Cannot parse tensor");
}

TEST(TensorProto, ResourcesCannotBeWritten) {
  EXPECT_EQ(encode_tensor(Tensor::make_or_die(DType::kResource, {})).status().code(), Code::kInvalidArgument);
}

TEST(ShapeProto, RoundTrips) {
  for (const Shape& s : {Shape{}, Shape{2, 0, 3}, Shape{kUnknownDim, 4}, Shape::unknown()}) {
    EXPECT_EQ(*decode_shape(encode_shape(s), true), s);
  }
  EXPECT_FALSE(decode_shape(encode_shape(Shape{kUnknownDim}), false).ok());
}

}  // namespace
}  // namespace tw
