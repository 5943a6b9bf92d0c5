#include "core/formats/tensor_proto.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>

#include "core/formats/wire.h"
#include "core/framework/expansion.h"

namespace tw {
namespace {

// Field numbers of TensorProto.
enum Field : uint32_t {
  kDtype = 1,
  kShape = 2,
  kContent = 4,
  kFloat = 5,
  kDouble = 6,
  kInt = 7,
  kString = 8,
  kComplex64 = 9,
  kInt64 = 10,
  kBool = 11,
  kComplex128 = 12,
  kHalf = 13,
  kUint32 = 16,
  kUint64 = 17,
};

static_assert(std::endian::native == std::endian::little, "tensor_content is little-endian");

Field field_of(DType t) {
  switch (t) {
    case DType::kFloat: return kFloat;
    case DType::kDouble: return kDouble;
    case DType::kString: return kString;
    case DType::kComplex64: return kComplex64;
    case DType::kComplex128: return kComplex128;
    case DType::kInt64: return kInt64;
    case DType::kBool: return kBool;
    case DType::kHalf:
    case DType::kBfloat16: return kHalf;
    case DType::kUint32: return kUint32;
    case DType::kUint64: return kUint64;
    default: return kInt;
  }
}

bool all_equal(const Tensor& t) {
  const size_t size = dtype_size(t.dtype());
  return std::memcmp(t.data<char>(), t.data<char>() + size, t.bytes() - size) == 0;
}

// The first element into the typed field of its dtype.
void write_one(const Tensor& t, protozero::pbf_writer* w) {
  const auto floats = [&](const float* v, int n) { w->add_packed_float(field_of(t.dtype()), v, v + n); };
  const auto doubles = [&](const double* v, int n) { w->add_packed_double(field_of(t.dtype()), v, v + n); };
  const auto integer = [&](int32_t v) { w->add_packed_int32(field_of(t.dtype()), &v, &v + 1); };
  switch (t.dtype()) {
    case DType::kFloat: floats(t.data<float>(), 1); break;
    case DType::kComplex64: floats(t.data<float>(), 2); break;
    case DType::kDouble: doubles(t.data<double>(), 1); break;
    case DType::kComplex128: doubles(t.data<double>(), 2); break;
    case DType::kInt64: w->add_packed_int64(kInt64, t.data<int64_t>(), t.data<int64_t>() + 1); break;
    case DType::kUint64: w->add_packed_uint64(kUint64, t.data<uint64_t>(), t.data<uint64_t>() + 1); break;
    case DType::kUint32: w->add_packed_uint32(kUint32, t.data<uint32_t>(), t.data<uint32_t>() + 1); break;
    case DType::kBool: w->add_packed_bool(kBool, t.data<bool>(), t.data<bool>() + 1); break;
    case DType::kHalf:
    case DType::kBfloat16:
    case DType::kUint16:
    case DType::kQuint16: integer(*t.data<uint16_t>()); break;
    case DType::kInt32:
    case DType::kQint32: integer(*t.data<int32_t>()); break;
    case DType::kInt16:
    case DType::kQint16: integer(*t.data<int16_t>()); break;
    case DType::kInt8:
    case DType::kQint8: integer(*t.data<int8_t>()); break;
    case DType::kUint8:
    case DType::kQuint8: integer(*t.data<uint8_t>()); break;
    default: break;
  }
}

bool is_wire_type(protozero::pbf_reader& in, protozero::pbf_wire_type type) { return in.wire_type() == type; }

// Reads a repeated number, packed or not, as elements of type To appended to `out`.
template <typename Wire, typename To>
void append(std::string* out, Wire v) {
  To converted;
  if constexpr (std::is_same_v<To, bool>) {
    converted = v != 0;
  } else {
    converted = static_cast<To>(v);
  }
  out->append(reinterpret_cast<const char*>(&converted), sizeof(To));
}
template <typename To>
void read_floats(protozero::pbf_reader& in, std::string* out) {
  if (in.wire_type() == protozero::pbf_wire_type::length_delimited) {
    if constexpr (std::is_same_v<To, float>) {
      for (const float v : in.get_packed_float()) append<float, To>(out, v);
    } else {
      for (const double v : in.get_packed_double()) append<double, To>(out, v);
    }
  } else if (is_wire_type(in, std::is_same_v<To, float> ? protozero::pbf_wire_type::fixed32
                                                        : protozero::pbf_wire_type::fixed64)) {
    if constexpr (std::is_same_v<To, float>) {
      append<float, To>(out, in.get_float());
    } else {
      append<double, To>(out, in.get_double());
    }
  } else {
    in.skip();
  }
}
template <typename To>
void read_varints(protozero::pbf_reader& in, std::string* out) {
  if (in.wire_type() == protozero::pbf_wire_type::length_delimited) {
    for (const uint64_t v : in.get_packed_uint64()) append<uint64_t, To>(out, v);
  } else if (is_wire_type(in, protozero::pbf_wire_type::varint)) {
    append<uint64_t, To>(out, in.get_uint64());
  } else {
    in.skip();
  }
}

void read_values(DType t, protozero::pbf_reader& in, std::string* out) {
  switch (t) {
    case DType::kFloat:
    case DType::kComplex64: read_floats<float>(in, out); break;
    case DType::kDouble:
    case DType::kComplex128: read_floats<double>(in, out); break;
    case DType::kBool: read_varints<bool>(in, out); break;
    default:
      switch (dtype_size(t)) {
        case 1: read_varints<uint8_t>(in, out); break;
        case 2: read_varints<uint16_t>(in, out); break;
        case 4: read_varints<uint32_t>(in, out); break;
        default: read_varints<uint64_t>(in, out); break;
      }
  }
}

Result<Shape> read_shape(std::string_view bytes, bool allow_unknown) {
  protozero::pbf_reader in(bytes.data(), bytes.size());
  std::vector<int64_t> dims;
  bool unknown_rank = false;
  while (in.next()) {
    if (in.tag() == 2 && is_wire_type(in, protozero::pbf_wire_type::length_delimited)) {
      protozero::pbf_reader dim = in.get_message();
      int64_t size = 0;
      while (dim.next()) {
        if (dim.tag() == 1 && is_wire_type(dim, protozero::pbf_wire_type::varint)) {
          size = dim.get_int64();
        } else {
          dim.skip();
        }
      }
      dims.push_back(size);
      if (dims.size() > 254) return invalid_argument("A shape of more than 254 dimensions");
    } else if (in.tag() == 3 && is_wire_type(in, protozero::pbf_wire_type::varint)) {
      unknown_rank = in.get_bool();
    } else {
      in.skip();
    }
  }
  if (unknown_rank) {
    if (!allow_unknown) return invalid_argument("A shape of unknown rank where a known one is needed");
    return Shape::unknown();
  }
  return Shape::make(dims, allow_unknown);
}

Result<Tensor> read_tensor(std::string_view bytes) {
  // dtype and shape first, for the values are read by them and fields may come in any order.
  int number = 0;
  std::string_view shape_bytes, content;
  bool has_content = false;
  protozero::pbf_reader head(bytes.data(), bytes.size());
  while (head.next()) {
    if (head.tag() == kDtype && is_wire_type(head, protozero::pbf_wire_type::varint)) {
      number = head.get_enum();
    } else if (head.tag() == kShape && is_wire_type(head, protozero::pbf_wire_type::length_delimited)) {
      const auto view = head.get_view();
      shape_bytes = {view.data(), view.size()};
    } else if (head.tag() == kContent && is_wire_type(head, protozero::pbf_wire_type::length_delimited)) {
      const auto view = head.get_view();
      content = {view.data(), view.size()};
      has_content = !content.empty();
    } else {
      head.skip();
    }
  }
  if (!dtype_valid(number) || number > kRefOffset)
    return invalid_argument("Cannot parse tensor from proto: dtype ", number);
  const DType t = static_cast<DType>(number);
  if (!is_plain(t) && t != DType::kString) {
    return invalid_argument("Cannot parse tensor from proto: values of dtype ", dtype_name(t),
                            " live in one process only");
  }
  TW_ASSIGN_OR_RETURN(const Shape shape, read_shape(shape_bytes, false));
  const int64_t count = shape.num_elements();
  const size_t size = t == DType::kString ? 1 : dtype_size(t);
  const auto wrong_size = [&](size_t got, const char* what) {
    return invalid_argument("Cannot parse tensor from proto: ", got, ' ', what, " for ", count, " elements of dtype ",
                            dtype_name(t), " and shape ", shape);
  };
  if (static_cast<uint64_t>(count) > kMaxExpanded) return wrong_size(bytes.size(), "bytes");

  if (has_content && t != DType::kString) {
    if (content.size() != static_cast<size_t>(count) * size)
      return wrong_size(content.size(), "bytes of tensor_content");
    TW_ASSIGN_OR_RETURN(Tensor out, Tensor::make(t, shape));
    std::memcpy(out.raw(), content.data(), content.size());
    if (t == DType::kBool) {
      // Any other byte in a bool is undefined behaviour.
      for (unsigned char& b : std::span(out.data<unsigned char>(), content.size())) b = b != 0;
    }
    return out;
  }

  std::string values;
  std::vector<std::string> strings;
  protozero::pbf_reader in(bytes.data(), bytes.size());
  while (in.next()) {
    if (in.tag() != field_of(t)) {
      in.skip();
    } else if (t == DType::kString && is_wire_type(in, protozero::pbf_wire_type::length_delimited)) {
      strings.push_back(in.get_string());
    } else if (t == DType::kString) {
      in.skip();
    } else {
      read_values(t, in, &values);
    }
  }
  const size_t given = t == DType::kString ? strings.size() : values.size() / size;
  if (given > static_cast<size_t>(count)) return wrong_size(given, "values");
  if (static_cast<size_t>(count) * dtype_size(t) > kMaxExpanded && given < static_cast<size_t>(count)) {
    return wrong_size(given, "values");
  }
  TW_ASSIGN_OR_RETURN(Tensor out, Tensor::make(t, shape));
  if (t == DType::kString) {
    for (size_t i = 0; i < given; ++i) out.data<std::string>()[i] = std::move(strings[i]);
    for (size_t i = given; given > 0 && i < static_cast<size_t>(count); ++i) {
      out.data<std::string>()[i] = out.data<std::string>()[given - 1];
    }
    return out;
  }
  // The last value stands for all that follow; without any, all are zero.
  char* const data = out.data<char>();
  if (given == 0) {
    if (out.bytes() > 0) std::memset(data, 0, out.bytes());
    return out;
  }
  std::memcpy(data, values.data(), given * size);
  for (size_t filled = given; filled < static_cast<size_t>(count);) {
    // Doubling copies from the last value on.
    const size_t n = std::min(filled - (given - 1), static_cast<size_t>(count) - filled);
    std::memcpy(data + filled * size, data + (given - 1) * size, n * size);
    filled += n;
  }
  return out;
}

}  // namespace

Result<std::string> encode_tensor(const Tensor& t) {
  if (!t.valid() || (!is_plain(t.dtype()) && t.dtype() != DType::kString)) {
    return invalid_argument("A tensor of dtype ", dtype_name(t.dtype()), " cannot be written to a TensorProto");
  }
  std::string out;
  protozero::pbf_writer w(out);
  w.add_enum(kDtype, static_cast<int>(t.dtype()));
  w.add_message(kShape, encode_shape(t.shape()));
  const int64_t n = t.num_elements();
  if (t.dtype() == DType::kString) {
    for (const std::string& s : t.flat<std::string>()) w.add_bytes(kString, s);
  } else if (n == 1 || (n > 1 && all_equal(t))) {
    write_one(t, &w);
  } else if (n > 1) {
    w.add_bytes(kContent, t.data<char>(), t.bytes());
  }
  return out;
}

Result<Tensor> decode_tensor(std::string_view bytes) {
  try {
    return read_tensor(bytes);
  } catch (const protozero::exception& e) {
    return invalid_argument("Cannot parse tensor from proto: ", e.what());
  }
}

std::string encode_shape(const Shape& s) {
  std::string out;
  protozero::pbf_writer w(out);
  if (!s.rank_known()) w.add_bool(3, true);
  for (const int64_t d : s.dims()) {
    std::string dim;
    protozero::pbf_writer dw(dim);
    if (d != 0) dw.add_int64(1, d);
    w.add_message(2, dim);
  }
  return out;
}

Result<Shape> decode_shape(std::string_view bytes, bool allow_unknown) {
  try {
    return read_shape(bytes, allow_unknown);
  } catch (const protozero::exception& e) {
    return invalid_argument("Cannot parse shape from proto: ", e.what());
  }
}

}  // namespace tw
