// PNG files by libpng.
#include <png.h>

#include <csetjmp>

#include "core/formats/summary.h"

namespace tw {
namespace {

void append(png_structp png, png_bytep data, png_size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(data), size);
}
void flush(png_structp) {}
void warn(png_structp, png_const_charp) {}

// Everything between setjmp and the last libpng call; no object with a destructor lives here, since errors jump out.
bool write_image(png_structp png, png_infop info, const uint8_t* pixels, int height, int width, int channels) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  const int color = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8, color,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int y = 0; y < height; ++y) {
    png_write_row(png, pixels + static_cast<size_t>(y) * static_cast<size_t>(width) * static_cast<size_t>(channels));
  }
  png_write_end(png, nullptr);
  return true;
}

}  // namespace

Result<std::string> encode_png(const uint8_t* pixels, int height, int width, int channels) {
  if (height <= 0 || width <= 0) return invalid_argument("an image must not be empty, got ", height, " x ", width);
  if (channels != 1 && channels != 3 && channels != 4) {
    return invalid_argument("a PNG image has 1, 3 or 4 channels, got ", channels);
  }
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, warn);
  if (!png) return resource_exhausted("libpng has no memory");
  png_infop info = png_create_info_struct(png);
  std::string out;
  png_set_write_fn(png, &out, append, flush);
  const bool ok = info && write_image(png, info, pixels, height, width, channels);
  png_destroy_write_struct(&png, &info);
  if (!ok) return internal_error("libpng cannot encode an image of ", height, " x ", width, " x ", channels);
  return out;
}

}  // namespace tw
