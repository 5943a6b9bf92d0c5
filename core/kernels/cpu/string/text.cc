#include "core/kernels/cpu/string/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace tw {
namespace {

template <typename T>
std::string shortest(T v, int digits, int all_digits, T (*parse)(const char*, char**)) {
  if (std::isnan(v)) return "nan";
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(v));
  if (parse(text, nullptr) != v) std::snprintf(text, sizeof text, "%.*g", all_digits, static_cast<double>(v));
  return text;
}

// As in a C string literal, bytes outside printable ASCII in octal.
std::string escaped(const std::string& s) {
  std::string out;
  for (const char c : s) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '"': out += "\\\""; break;
      case '\'': out += "\\'"; break;
      case '\\': out += "\\\\"; break;
      default:
        if (c < 0x20 || c >= 0x7f) {
          char octal[8];
          std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
          out += octal;
        } else {
          out += c;
        }
    }
  }
  return out;
}

std::string element_text(const Tensor& t, int64_t i, bool quote) {
  switch (t.dtype()) {
    case DType::kString: {
      const std::string text = escaped(t.data<std::string>()[i]);
      return quote ? '"' + text + '"' : text;
    }
    case DType::kBool: return t.data<bool>()[i] ? "1" : "0";
    case DType::kDouble: return printed_number(t.data<double>()[i]);
    default: break;
  }
  std::string text = "?";
  visit_real(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      text = std::to_string(t.data<T>()[i]);
    } else {
      text = printed_number(static_cast<float>(t.data<T>()[i]));
    }
  });
  return text;
}

void flat_dim(const Tensor& t, int dim, int64_t limit, int64_t* next, std::string* out) {
  if (*next >= limit) return;
  const int64_t count = t.shape()[dim];
  if (dim == t.shape().rank() - 1) {
    for (int64_t i = 0; i < count; ++i) {
      if (*next >= limit) {
        if (dim != 0) *out += "...";
        return;
      }
      if (i > 0) *out += ' ';
      *out += element_text(t, (*next)++, false);
    }
    return;
  }
  for (int64_t i = 0; i < count && *next < limit; ++i) {
    *out += '[';
    flat_dim(t, dim + 1, limit, next, out);
    *out += ']';
  }
}

void nested_dim(const Tensor& t, int dim, int64_t ends, int64_t first, std::string* out) {
  const int rank = t.shape().rank();
  if (dim == rank) {
    *out += element_text(t, first, true);
    return;
  }
  const auto space = [&] {
    if (dim == rank - 1) {
      *out += ' ';
      return;
    }
    out->append(static_cast<size_t>(rank - 1 - dim), '\n').append(static_cast<size_t>(dim + 1), ' ');
  };
  const int64_t count = t.shape()[dim], stride = t.shape().product(dim + 1, rank);
  *out += '[';
  for (int64_t i = 0; i < std::min(ends, count); ++i) {
    if (i > 0) space();
    nested_dim(t, dim + 1, ends, first + i * stride, out);
  }
  if (count > 2 * ends) {
    space();
    *out += "...";
  }
  for (int64_t i = std::max(ends, count - ends); i < count; ++i) {
    space();
    nested_dim(t, dim + 1, ends, first + i * stride, out);
  }
  *out += ']';
}

}  // namespace

std::string printed_number(float v) { return shortest<float>(v, 6, 9, std::strtof); }
std::string printed_number(double v) { return shortest<double>(v, 15, 17, std::strtod); }

std::string summarize_flat(const Tensor& t, int64_t limit) {
  const int64_t count = t.num_elements();
  if (limit < 0 || limit > count) limit = count;
  std::string out;
  int64_t next = 0;
  if (t.shape().rank() > 0) {
    flat_dim(t, 0, limit, &next, &out);
  } else if (limit > 0) {
    out = element_text(t, 0, false);
  }
  return count > limit ? out + "..." : out;
}

std::string summarize_nested(const Tensor& t, int64_t ends) {
  // An empty tensor of any rank is one pair of brackets.
  if (t.num_elements() == 0) return "[]";
  std::string out;
  nested_dim(t, 0, ends < 0 ? t.num_elements() : ends, 0, &out);
  return out;
}

}  // namespace tw
