#include "core/formats/graph_def.h"
#include "core/formats/tensor_proto.h"
#include "core/formats/wire.h"

namespace tw {
namespace {

// Field numbers of AttrValue; those of scalars are also those of the lists in ListValue.
enum Field : uint32_t {
  kList = 1,
  kString = 2,
  kInt = 3,
  kFloat = 4,
  kBool = 5,
  kType = 6,
  kShape = 7,
  kTensor = 8,
  kPlaceholder = 9,
  kFunc = 10,
  kListFunc = 9,
};

// Functions as attributes of functions go no deeper than this.
constexpr int kMaxDepth = 32;

Result<std::string> encode_func(const FuncRef& f) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_string(1, f.name);
  for (const auto& [name, value] : f.attrs) {
    TW_ASSIGN_OR_RETURN(const std::string v, encode_attr(value));
    wire::add_map_entry(&w, 2, name, v);
  }
  return out;
}

struct Encoder {
  protozero::pbf_writer& w;

  Status operator()(std::monostate) {
    w.add_message(kList, std::string());
    return {};
  }
  Status operator()(const std::string& v) { return w.add_bytes(kString, v), Status(); }
  Status operator()(int64_t v) { return w.add_int64(kInt, v), Status(); }
  Status operator()(float v) { return w.add_float(kFloat, v), Status(); }
  Status operator()(bool v) { return w.add_bool(kBool, v), Status(); }
  Status operator()(DType v) { return w.add_enum(kType, static_cast<int>(v)), Status(); }
  Status operator()(const Shape& v) { return w.add_message(kShape, encode_shape(v)), Status(); }
  Status operator()(const AttrPlaceholder& v) { return w.add_string(kPlaceholder, v.name), Status(); }
  Status operator()(const Tensor& v) {
    TW_ASSIGN_OR_RETURN(const std::string bytes, encode_tensor(v));
    w.add_message(kTensor, bytes);
    return {};
  }
  Status operator()(const FuncRef& v) {
    TW_ASSIGN_OR_RETURN(const std::string bytes, encode_func(v));
    w.add_message(kFunc, bytes);
    return {};
  }
  template <typename T>
  Status operator()(const std::vector<T>& list) {
    std::string bytes;
    protozero::pbf_writer lw(bytes);
    if constexpr (std::is_same_v<T, int64_t>) {
      lw.add_packed_int64(kInt, list.begin(), list.end());
    } else if constexpr (std::is_same_v<T, float>) {
      lw.add_packed_float(kFloat, list.begin(), list.end());
    } else if constexpr (std::is_same_v<T, bool>) {
      lw.add_packed_bool(kBool, list.begin(), list.end());
    } else if constexpr (std::is_same_v<T, DType>) {
      std::vector<int32_t> numbers;
      for (const DType t : list) numbers.push_back(static_cast<int32_t>(t));
      lw.add_packed_enum(kType, numbers.begin(), numbers.end());
    } else {
      for (const T& v : list) {
        if constexpr (std::is_same_v<T, FuncRef>) {
          TW_ASSIGN_OR_RETURN(const std::string f, encode_func(v));
          lw.add_message(kListFunc, f);
        } else {
          TW_RETURN_IF_ERROR(Encoder{lw}(v));
        }
      }
    }
    w.add_message(kList, bytes);
    return {};
  }
};

Result<AttrValue> read_attr(std::string_view bytes, int depth);

Result<DType> read_dtype(uint64_t number) {
  // DT_INVALID stands in attributes whose value the importer fills in.
  if (number == 0) return DType::kInvalid;
  if (number > 255 || !dtype_valid(static_cast<int>(number))) return invalid_argument("unknown DataType ", number);
  return static_cast<DType>(number);
}

Result<FuncRef> read_func(std::string_view bytes, int depth) {
  if (depth > kMaxDepth) return invalid_argument("functions nested deeper than ", kMaxDepth);
  FuncRef f;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (tag == 1 && wire::is_bytes(in)) {
      f.name = in.get_string();
    } else if (tag == 2 && wire::is_bytes(in)) {
      const wire::MapEntry e = wire::map_entry(wire::view_of(in.get_view()));
      TW_ASSIGN_OR_RETURN(AttrValue v, read_attr(e.value, depth + 1));
      f.attrs.insert_or_assign(std::string(e.key), std::move(v));
    } else {
      in.skip();
    }
    return {};
  }));
  return f;
}

template <typename T>
std::vector<T>& list_in(AttrValue* v) {
  if (v->get<std::vector<T>>() == nullptr) v->value = std::vector<T>();
  return std::get<std::vector<T>>(v->value);
}

Result<AttrValue> read_list(std::string_view bytes, int depth) {
  AttrValue v;  // stays empty, without a type, when the list is
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    Status status;
    const bool sub = wire::is_bytes(in);
    switch (tag) {
      case kInt:
        wire::each_varint(in, [&](uint64_t x) { list_in<int64_t>(&v).push_back(static_cast<int64_t>(x)); });
        break;
      case kBool: wire::each_varint(in, [&](uint64_t x) { list_in<bool>(&v).push_back(x != 0); }); break;
      case kType:
        wire::each_varint(in, [&](uint64_t x) {
          auto t = read_dtype(x);
          if (t.ok()) {
            list_in<DType>(&v).push_back(*t);
          } else {
            status = std::move(t).status();
          }
        });
        return status;
      case kFloat:
        if (sub) {
          for (const float x : in.get_packed_float()) list_in<float>(&v).push_back(x);
        } else if (wire::is_fixed32(in)) {
          list_in<float>(&v).push_back(in.get_float());
        } else {
          in.skip();
        }
        break;
      case kString:
        if (sub) list_in<std::string>(&v).push_back(in.get_string());
        else in.skip();
        break;
      case kShape: {
        if (!sub) return in.skip(), Status();
        TW_ASSIGN_OR_RETURN(const Shape s, decode_shape(wire::view_of(in.get_view()), true));
        list_in<Shape>(&v).push_back(s);
        break;
      }
      case kTensor: {
        if (!sub) return in.skip(), Status();
        TW_ASSIGN_OR_RETURN(Tensor t, decode_tensor(wire::view_of(in.get_view())));
        list_in<Tensor>(&v).push_back(std::move(t));
        break;
      }
      case kListFunc: {
        if (!sub) return in.skip(), Status();
        TW_ASSIGN_OR_RETURN(FuncRef f, read_func(wire::view_of(in.get_view()), depth + 1));
        list_in<FuncRef>(&v).push_back(std::move(f));
        break;
      }
      default: in.skip();
    }
    return {};
  }));
  return v;
}

// Later fields of the oneof win over earlier ones, as in protobuf.
Result<AttrValue> read_attr(std::string_view bytes, int depth) {
  AttrValue v;
  TW_RETURN_IF_ERROR(wire::each_field(bytes, [&](uint32_t tag, protozero::pbf_reader& in) -> Status {
    if (wire::is_varint(in) && tag == kInt) {
      v = AttrValue(in.get_int64());
    } else if (wire::is_varint(in) && tag == kBool) {
      v = AttrValue(in.get_bool());
    } else if (wire::is_varint(in) && tag == kType) {
      TW_ASSIGN_OR_RETURN(const DType t, read_dtype(in.get_uint64()));
      v = AttrValue(t);
    } else if (wire::is_fixed32(in) && tag == kFloat) {
      v = AttrValue(in.get_float());
    } else if (!wire::is_bytes(in)) {
      in.skip();
    } else {
      const std::string_view sub = wire::view_of(in.get_view());
      if (tag == kString) {
        v = AttrValue(std::string(sub));
      } else if (tag == kPlaceholder) {
        v = AttrValue(AttrPlaceholder{std::string(sub)});
      } else if (tag == kShape) {
        TW_ASSIGN_OR_RETURN(const Shape s, decode_shape(sub, true));
        v = AttrValue(s);
      } else if (tag == kTensor) {
        TW_ASSIGN_OR_RETURN(Tensor t, decode_tensor(sub));
        v = AttrValue(std::move(t));
      } else if (tag == kFunc) {
        TW_ASSIGN_OR_RETURN(FuncRef f, read_func(sub, depth + 1));
        v = AttrValue(std::move(f));
      } else if (tag == kList) {
        TW_ASSIGN_OR_RETURN(v, read_list(sub, depth));
      }
    }
    return {};
  }));
  return v;
}

}  // namespace

Result<std::string> encode_attr(const AttrValue& v) {
  std::string out;
  protozero::pbf_writer w(out);
  TW_RETURN_IF_ERROR(std::visit(Encoder{w}, v.value));
  return out;
}

Result<AttrValue> decode_attr(std::string_view bytes) {
  try {
    return read_attr(bytes, 0);
  } catch (const protozero::exception& e) {
    return invalid_argument("Cannot parse AttrValue: ", e.what());
  }
}

}  // namespace tw
