#include "sc/core/short_text.h"

namespace tidemark::sc {

std::string ShortText(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  // What follows the first byte of a letter is 10xxxxxx.
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace tidemark::sc
