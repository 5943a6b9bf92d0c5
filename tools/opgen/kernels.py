"""core/kernels/kernel_table.gen.cc: the CPU kernel of each op and the dtypes it serves."""

from __future__ import annotations

from .rows import DTYPE_NUMBERS, Op
from .text import HEADER, op_id, quote


def kernel_table(ops: list[Op]) -> str:
    served = [op for op in ops if op.kernel]
    lines = [HEADER, '#include "core/framework/kernel.h"', '#include "core/framework/op_ids.gen.h"\n', "namespace tw {\n"]
    lines += [f"extern const KernelDef kernel_{s};" for s in sorted({op.kernel for op in served} | {"Map"})]
    lines += ["", "namespace {\n",
              "// Whether type attribute `name` is one of the dtypes whose bits are set.",
              "[[maybe_unused]] bool among(const AttrMap& attrs, std::string_view name, uint64_t dtypes) {",
              "  const auto it = attrs.find(name);",
              "  const DType* t = it == attrs.end() ? nullptr : it->second.get<DType>();",
              "  return t && static_cast<int>(*t) < 64 && (dtypes >> static_cast<int>(*t) & 1);", "}\n", "}  // namespace\n",
              "const KernelDef* find_kernel(const OpDef& op, const AttrMap& attrs) {", "  switch (op.id) {"]
    for op in served:
        lines.append(f"    case OpId::{op_id(op.name)}:")
        tests = [f"among(attrs, {quote(name)}, {sum(1 << DTYPE_NUMBERS[t] for t in types):#x})"
                 for name, types in op.kernel_types.items()]
        target = f"&kernel_{op.kernel}"
        otherwise = "&kernel_Map" if op.map and op.kernel != "Map" else "nullptr"
        lines.append(f"      return {' && '.join(tests)} ? {target} : {otherwise};" if tests else f"      return {target};")
    lines += ["    default: return nullptr;", "  }", "}\n", "}  // namespace tw\n"]
    return "\n".join(lines)
