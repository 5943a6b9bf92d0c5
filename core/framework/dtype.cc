#include "core/framework/dtype.h"

#include <array>

#include "core/framework/resource.h"

namespace tw {
namespace {

struct Row {
  std::string_view name, ref_name, python_name, python_ref_name;
  size_t size;
};

#define ROW(name, python, size) \
  Row { name, name "_ref", python, python "_ref", size }
constexpr std::array kRows = {
    Row{"invalid", "invalid", "invalid", "invalid", 0},
    ROW("float", "float32", 4),
    ROW("double", "float64", 8),
    ROW("int32", "int32", 4),
    ROW("uint8", "uint8", 1),
    ROW("int16", "int16", 2),
    ROW("int8", "int8", 1),
    ROW("string", "string", sizeof(std::string)),
    ROW("complex64", "complex64", 8),
    ROW("int64", "int64", 8),
    ROW("bool", "bool", 1),
    ROW("qint8", "qint8", 1),
    ROW("quint8", "quint8", 1),
    ROW("qint32", "qint32", 4),
    ROW("bfloat16", "bfloat16", 2),
    ROW("qint16", "qint16", 2),
    ROW("quint16", "quint16", 2),
    ROW("uint16", "uint16", 2),
    ROW("complex128", "complex128", 16),
    ROW("half", "float16", 2),
    ROW("resource", "resource", sizeof(ResourceHandle)),
    ROW("variant", "variant", sizeof(Variant)),
    ROW("uint32", "uint32", 4),
    ROW("uint64", "uint64", 8),
};
#undef ROW

const Row& row(DType t) {
  const size_t i = static_cast<size_t>(base_dtype(t));
  return kRows[i < kRows.size() ? i : 0];
}

}  // namespace

size_t dtype_size(DType t) { return row(t).size; }
std::string_view dtype_name(DType t) { return is_ref(t) ? row(t).ref_name : row(t).name; }
std::string_view dtype_python_name(DType t) { return is_ref(t) ? row(t).python_ref_name : row(t).python_name; }

DType dtype_from_name(std::string_view name) {
  for (size_t i = 1; i < kRows.size(); ++i) {
    const DType t = static_cast<DType>(i);
    if (name == kRows[i].name || name == kRows[i].python_name) return t;
    if (name == kRows[i].ref_name || name == kRows[i].python_ref_name) return ref_dtype(t);
  }
  return DType::kInvalid;
}

bool dtype_valid(int number) {
  const int base = number > kRefOffset ? number - kRefOffset : number;
  return base > 0 && base < static_cast<int>(kRows.size());
}

}  // namespace tw
