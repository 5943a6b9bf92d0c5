// Characters of UTF-8 text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tw {

// Bytes 10xxxxxx continue a character.
inline bool continues_character(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

// The code point at `*at`, which moves behind it; U+FFFD for a byte that begins no well-formed character.
char32_t next_character(std::string_view text, size_t* at);
void append_character(char32_t c, std::string* out);

// Unicode's default case conversion with its special cases ("ß" becomes "SS"); bytes that are no characters become
// U+FFFD.
std::string lower_utf8(std::string_view text);
std::string upper_utf8(std::string_view text);

}  // namespace tw
