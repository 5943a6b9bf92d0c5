#include "core/formats/inflate.h"

#include <zlib.h>

#include <algorithm>

namespace tw {

Result<std::string> inflate(std::string_view bytes, std::string_view compression) {
  if (compression.empty()) return std::string(bytes);
  if (compression != "ZLIB" && compression != "GZIP") {
    return invalid_argument("Only ZLIB, GZIP or NONE are supported compressions, not ", compression);
  }
  z_stream z = {};
  // 16 more asks for gzip's header.
  if (inflateInit2(&z, compression == "GZIP" ? 16 + MAX_WBITS : MAX_WBITS) != Z_OK) {
    return internal_error("zlib could not be set up");
  }
  struct End {
    z_stream* z;
    ~End() { inflateEnd(z); }
  } end{&z};
  std::string out;
  size_t at = 0;
  int state = Z_OK;
  while (at < bytes.size()) {
    const auto chunk = static_cast<uInt>(std::min<size_t>(bytes.size() - at, 1u << 30));
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));
    z.avail_in = chunk;
    do {
      const size_t have = out.size(), room = std::max<size_t>(have, 64 << 10);
      out.resize(have + room);
      z.next_out = reinterpret_cast<Bytef*>(out.data() + have);
      z.avail_out = static_cast<uInt>(std::min<size_t>(room, 1u << 30));
      const uInt given = z.avail_out;
      state = ::inflate(&z, Z_NO_FLUSH);
      out.resize(have + (given - z.avail_out));
      if (state == Z_STREAM_END) break;
      if (state != Z_OK && state != Z_BUF_ERROR) {
        return data_loss("inflate() failed with error ", state, ": ", z.msg ? z.msg : "bytes that zlib did not write");
      }
    } while (z.avail_in > 0 || z.avail_out == 0);
    at += chunk - z.avail_in;
    if (state != Z_STREAM_END) continue;
    // Another member may follow.
    if (at < bytes.size() && inflateReset(&z) != Z_OK) return internal_error("zlib could not be set up");
  }
  if (state != Z_STREAM_END && !bytes.empty()) return data_loss("the compressed bytes end too early");
  return out;
}

}  // namespace tw
