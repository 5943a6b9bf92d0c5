"""Command line: python -m opgen --rows DIR --out DIR [--docs DIR]"""

import argparse
import sys
from pathlib import Path

from . import autodiff, builders, docs, kernels, stubs, table
from .rows import RowError, load_rows


def write_if_changed(path: Path, text: str) -> None:
    """Leaves an equal file untouched, so that nothing that depends on it is built again."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="opgen", description=__doc__)
    parser.add_argument("--rows", type=Path, required=True, help="folder of the *.toml op rows")
    parser.add_argument("--out", type=Path, required=True, help="folder to write generated files below")
    parser.add_argument("--docs", type=Path, help="folder to write the ops' pages to")
    args = parser.parse_args()
    try:
        ops = load_rows(args.rows)
    except RowError as e:
        print(f"opgen: {e}", file=sys.stderr)
        return 1

    files = {
        "core/framework/op_ids.gen.h": table.op_ids(ops),
        "core/framework/op_table.gen.cc": table.op_table(ops),
        "core/graph/ops.gen.h": builders.header(ops),
        "core/graph/ops.gen.cc": builders.source(ops),
        "core/kernels/kernel_table.gen.cc": kernels.kernel_table(ops),
        "core/autodiff/grad_table.gen.cc": autodiff.grad_table(ops),
        "op_table.json": table.as_json(ops),
        "raw_ops.pyi": stubs.raw_ops(ops),
    }
    for name, text in files.items():
        write_if_changed(args.out / name, text)
    if args.docs:
        for name, text in docs.pages(ops).items():
            write_if_changed(args.docs / name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
