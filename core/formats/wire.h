// Small additions to protozero: checked field access, so that a field of an unexpected wire type is skipped, as
// protobuf does with unknown fields. Include this, never protozero: where a parser does not look first, the wrong wire
// type throws like every other malformation. Parsers catch protozero::exception at their edge and answer with a Status.
#pragma once

#include <protozero/exception.hpp>

namespace tw::wire {
struct WrongType : protozero::exception {
  const char* what() const noexcept override { return "a field has the wrong wire type"; }
};
}  // namespace tw::wire
#undef protozero_assert
#define protozero_assert(condition) ((condition) ? static_cast<void>(0) : throw ::tw::wire::WrongType())

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>

namespace tw::wire {

inline std::string_view view_of(const protozero::data_view& v) { return {v.data(), v.size()}; }
inline std::string_view take_view(protozero::pbf_reader& in) { return view_of(in.get_view()); }
inline protozero::pbf_reader reader(std::string_view bytes) {
  return protozero::pbf_reader(bytes.data(), bytes.size());
}

// Calls fn(tag, reader) for each field; fn reads or skips it, and returns a Status. Malformed bytes throw
// protozero::exception; the readers of whole messages catch it.
template <typename Fn>
auto each_field(std::string_view bytes, Fn&& fn) -> decltype(fn(0u, std::declval<protozero::pbf_reader&>())) {
  protozero::pbf_reader in(bytes.data(), bytes.size());
  while (in.next()) {
    if (auto status = fn(in.tag(), in); !status.ok()) return status;
  }
  return {};
}

inline bool is_varint(const protozero::pbf_reader& in) { return in.wire_type() == protozero::pbf_wire_type::varint; }
inline bool is_bytes(const protozero::pbf_reader& in) {
  return in.wire_type() == protozero::pbf_wire_type::length_delimited;
}
inline bool is_fixed32(const protozero::pbf_reader& in) { return in.wire_type() == protozero::pbf_wire_type::fixed32; }

// Appends the values of a repeated varint field, packed or not.
template <typename Fn>
void each_varint(protozero::pbf_reader& in, Fn&& fn) {
  if (is_bytes(in)) {
    for (const uint64_t v : in.get_packed_uint64()) fn(v);
  } else if (is_varint(in)) {
    fn(in.get_uint64());
  } else {
    in.skip();
  }
}

// An entry of a map<string, message>.
struct MapEntry {
  std::string_view key, value;
};
inline MapEntry map_entry(std::string_view bytes) {
  MapEntry e;
  protozero::pbf_reader in(bytes.data(), bytes.size());
  while (in.next()) {
    if (in.tag() == 1 && is_bytes(in)) {
      e.key = view_of(in.get_view());
    } else if (in.tag() == 2 && is_bytes(in)) {
      e.value = view_of(in.get_view());
    } else {
      in.skip();
    }
  }
  return e;
}
inline void add_map_entry(protozero::pbf_writer* w, uint32_t tag, std::string_view key, std::string_view value) {
  std::string entry;
  protozero::pbf_writer ew(entry);
  ew.add_string(1, key.data(), key.size());
  ew.add_bytes(2, value.data(), value.size());
  w->add_message(tag, entry);
}

}  // namespace tw::wire
