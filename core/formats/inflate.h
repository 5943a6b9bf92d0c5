// Decompression of what zlib and gzip wrote.
#pragma once

#include <string>
#include <string_view>

#include "core/platform/status.h"

namespace tw {

// `compression` is "" (the bytes as they are), "ZLIB" or "GZIP"; InvalidArgument for another. DataLoss for bytes that
// were not compressed so, or were cut.
Result<std::string> inflate(std::string_view bytes, std::string_view compression);

}  // namespace tw
