#include "core/formats/reader_state.h"

#include "core/formats/wire.h"

namespace tw {

std::string encode_reader_state(const ReaderState& s) {
  std::string bytes;
  protozero::pbf_writer w(bytes);
  if (s.started != 0) w.add_int64(1, s.started);
  if (s.finished != 0) w.add_int64(2, s.finished);
  if (s.produced != 0) w.add_int64(3, s.produced);
  if (!s.work.empty()) w.add_bytes(4, s.work);
  return bytes;
}

Result<ReaderState> decode_reader_state(std::string_view bytes) {
  ReaderState s;
  try {
    auto in = wire::reader(bytes);
    while (in.next()) {
      if (in.tag() == 1 && wire::is_varint(in)) s.started = in.get_int64();
      else if (in.tag() == 2 && wire::is_varint(in)) s.finished = in.get_int64();
      else if (in.tag() == 3 && wire::is_varint(in)) s.produced = in.get_int64();
      else if (in.tag() == 4 && wire::is_bytes(in)) s.work = wire::take_view(in);
      else in.skip();
    }
  } catch (const protozero::exception& e) {
    return invalid_argument("Could not parse state of a reader: ", e.what());
  }
  return s;
}

}  // namespace tw
