// ReaderBaseState: how far a reader is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/platform/status.h"

namespace tw {

struct ReaderState {
  int64_t started = 0, finished = 0, produced = 0;  // pieces of work, pieces of work, records
  std::string work;                                 // the current piece
};

std::string encode_reader_state(const ReaderState& s);
// InvalidArgument for malformed bytes.
Result<ReaderState> decode_reader_state(std::string_view bytes);

}  // namespace tw
