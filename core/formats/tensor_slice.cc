#include "core/formats/tensor_slice.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "core/formats/wire.h"

namespace tw {
namespace {

bool parse_number(std::string_view text, int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

Result<TensorSlice> TensorSlice::parse(std::string_view text) {
  TensorSlice slice;
  const auto wrong = [&] {
    return invalid_argument("Expected a pair of numbers or '-' but got '", text, "': not a slice of a tensor");
  };
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    const std::string_view part = rest.substr(0, colon);
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    Extent extent;
    if (part != "-") {
      const size_t comma = part.find(',');
      if (comma == std::string_view::npos || !parse_number(part.substr(0, comma), &extent.start) ||
          !parse_number(part.substr(comma + 1), &extent.length) || extent.start < 0 || extent.length <= 0 ||
          extent.start > INT64_MAX - extent.length) {
        return wrong();
      }
    }
    slice.extents.push_back(extent);
    if (slice.rank() > kMaxRank) return wrong();
  }
  return slice;
}

std::string TensorSlice::to_string() const {
  std::string text;
  for (const Extent& e : extents) {
    if (!text.empty()) text += ':';
    text += e.length < 0 ? std::string("-") : std::to_string(e.start) + ',' + std::to_string(e.length);
  }
  return text;
}

bool TensorSlice::is_full() const {
  return std::all_of(extents.begin(), extents.end(), [](const Extent& e) { return e.length < 0; });
}

Result<TensorSlice> TensorSlice::resolved(const Shape& shape) const {
  if (shape.rank() != rank()) {
    return invalid_argument("Mismatching ranks: shape ", shape, " and slice ", to_string());
  }
  TensorSlice result = *this;
  for (int d = 0; d < rank(); ++d) {
    Extent& e = result.extents[static_cast<size_t>(d)];
    if (e.length < 0) e = {0, shape[d]};
    if (e.start < 0 || e.start > shape[d] || e.length > shape[d] - e.start) {
      return invalid_argument("Extent in dimension ", d, " out of bounds: shape = ", shape, ", slice = ", to_string());
    }
  }
  return result;
}

Shape TensorSlice::shape() const {
  Shape s;
  for (const Extent& e : extents) s.add_dim(e.length);
  return s;
}

std::string TensorSlice::encode() const {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  // A whole dimension is an empty message; nested writers would drop it.
  for (const Extent& e : extents) {
    std::string fields;
    protozero::pbf_writer extent(fields);
    if (e.length >= 0 && e.start != 0) extent.add_int64(1, e.start);
    if (e.length >= 0) extent.add_int64(2, e.length);
    out.add_message(1, fields);
  }
  return bytes;
}

Result<TensorSlice> TensorSlice::decode(std::string_view proto) {
  TensorSlice slice;
  try {
    protozero::pbf_reader in = wire::reader(proto);
    while (in.next()) {
      if (in.tag() != 1) {
        in.skip();
        continue;
      }
      Extent extent;
      protozero::pbf_reader fields = in.get_message();
      while (fields.next()) {
        switch (fields.tag()) {
          case 1: extent.start = fields.get_int64(); break;
          case 2: extent.length = fields.get_int64(); break;
          default: fields.skip();
        }
      }
      slice.extents.push_back(extent);
      if (slice.rank() > kMaxRank || extent.start < 0 || extent.length < -1)
        return data_loss("a tensor slice is corrupted");
    }
  } catch (const protozero::exception&) {
    return data_loss("a tensor slice is corrupted");
  }
  return slice;
}

Result<ShapeAndSlice> parse_shape_and_slice(std::string_view text) {
  ShapeAndSlice result;
  if (text.empty()) return result;
  result.whole = false;
  std::vector<int64_t> dims;
  size_t space;
  while ((space = text.find(' ')) != std::string_view::npos) {
    int64_t dim;
    if (!parse_number(text.substr(0, space), &dim)) {
      return invalid_argument("Non numerical dimension in shape_and_slice: ", text);
    }
    dims.push_back(dim);
    text.remove_prefix(space + 1);
  }
  if (dims.empty()) {
    return invalid_argument("Need least two elements in shape_and_slice specification: ", text);
  }
  TW_ASSIGN_OR_RETURN(result.shape, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(result.slice, TensorSlice::parse(text));
  TW_ASSIGN_OR_RETURN(const TensorSlice checked, result.slice.resolved(result.shape));
  (void)checked;
  return result;
}

namespace {

// Order-preserving codes: lexicographic order of the bytes is the order of the values.
void put_ordered_unsigned(std::string* out, uint64_t value) {
  const int bytes = (std::bit_width(value) + 7) / 8;
  out->push_back(static_cast<char>(bytes));
  for (int i = bytes; i-- > 0;) out->push_back(static_cast<char>(value >> (8 * i)));
}
void put_ordered_string(std::string* out, std::string_view text) {
  for (const char c : text) {
    out->push_back(c);
    if (c == '\0') out->push_back('\xff');
    if (c == '\xff') out->push_back('\0');
  }
  out->append(std::string_view("\0\1", 2));
}
// A signed value in n bytes: n leading ones and a zero, then the bits in two's complement; all inverted when negative.
void put_ordered_signed(std::string* out, int64_t value) {
  const int bits = std::bit_width(static_cast<uint64_t>(value < 0 ? ~value : value));
  const int bytes = bits / 7 + 1;
  const char fill = value < 0 ? '\xff' : '\0';
  std::string code(10, fill);
  for (int i = 0; i < 8; ++i)
    code[static_cast<size_t>(9 - i)] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  code.erase(0, static_cast<size_t>(10 - bytes));
  // Header: the top `bytes` bits of the first two bytes are flipped.
  const auto header = static_cast<uint16_t>(0xffff0000u >> bytes);
  code[0] = static_cast<char>(code[0] ^ static_cast<char>(header >> 8));
  if (bytes > 1) code[1] = static_cast<char>(code[1] ^ static_cast<char>(header & 0xff));
  out->append(code);
}

}  // namespace

std::string slice_key(std::string_view tensor_name, const TensorSlice& slice) {
  std::string key;
  put_ordered_unsigned(&key, 0);
  put_ordered_string(&key, tensor_name);
  put_ordered_unsigned(&key, static_cast<uint64_t>(slice.rank()));
  for (const auto& e : slice.extents) {
    put_ordered_signed(&key, e.start);
    put_ordered_signed(&key, e.length);
  }
  return key;
}

int64_t copy_overlap(DType dtype, const TensorSlice& from_slice, const void* from, const TensorSlice& to_slice,
                     void* to) {
  const int rank = from_slice.rank();
  const size_t size = dtype_size(dtype);
  Shape overlap;
  int64_t from_offset = 0, to_offset = 0;
  const auto from_strides = strides_of(from_slice.shape()), to_strides = strides_of(to_slice.shape());
  for (int d = 0; d < rank; ++d) {
    const auto& a = from_slice.extents[static_cast<size_t>(d)];
    const auto& b = to_slice.extents[static_cast<size_t>(d)];
    const int64_t begin = std::max(a.start, b.start);
    const int64_t end = std::min(a.start + a.length, b.start + b.length);
    if (begin >= end) return 0;
    overlap.add_dim(end - begin);
    from_offset += (begin - a.start) * from_strides[static_cast<size_t>(d)];
    to_offset += (begin - b.start) * to_strides[static_cast<size_t>(d)];
  }
  const char* source = static_cast<const char*>(from) + static_cast<size_t>(from_offset) * size;
  char* target = static_cast<char*>(to) + static_cast<size_t>(to_offset) * size;
  const int64_t run = rank > 0 ? overlap[rank - 1] : 1;
  const int64_t count = overlap.num_elements();
  for (int64_t i = 0; i < count; i += run) {
    int64_t rest = i / run, a = 0, b = 0;
    for (int d = rank - 1; d-- > 0;) {
      a += rest % overlap[d] * from_strides[static_cast<size_t>(d)];
      b += rest % overlap[d] * to_strides[static_cast<size_t>(d)];
      rest /= overlap[d];
    }
    copy_elements(dtype, source + static_cast<size_t>(a) * size, target + static_cast<size_t>(b) * size, run);
  }
  return count;
}

}  // namespace tw
