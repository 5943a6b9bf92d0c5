"""core/autodiff/grad_table.gen.cc: how each op answers for its gradient."""

from __future__ import annotations

from .rows import Op
from .text import HEADER, quote


def grad_table(ops: list[Op]) -> str:
    lines = [HEADER, '#include "core/autodiff/autodiff.h"', '#include "core/framework/op_ids.gen.h"\n', "namespace tw {\n"]
    lines += [f"Status grad_{s}(Builder&, const Node&, std::span<const Output>, std::vector<Grad>*);"
              for s in sorted({op.grad for op in ops if op.grad})]
    lines += ["", "namespace {\n", "// In the order of OpId.", "constexpr GradEntry kEntries[] = {"]
    for op in ops:
        mask = sum(1 << i for i, a in enumerate(op.inputs) if a.name in op.not_differentiable)
        fn = f"&grad_{op.grad}" if op.grad else "nullptr"
        lines.append(f"  {{{fn}, {quote(op.grad_none or '')}, {mask:#x}}},  // {op.name}")
    lines += ["};\n", "}  // namespace\n",
              "const GradEntry& grad_entry(OpId id) { return kEntries[static_cast<size_t>(id)]; }\n", "}  // namespace tw\n"]
    return "\n".join(lines)
