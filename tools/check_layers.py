"""Checks who includes whom: a folder of core/ may use only the layers below it, and everything outside core/ only the
public headers. Run from the root of the repository; prints each breach and exits 1 if there is one."""
import pathlib
import re
import sys

# Each layer and those it may include, itself understood.
ALLOWED = {
    "platform": [],
    "stream": ["platform"],
    "framework": ["platform", "stream"],
    "ops": ["platform", "framework"],
    "graph": ["platform", "framework"],
    "kernels": ["platform", "stream", "framework"],
    "autodiff": ["platform", "framework", "graph"],
    "passes": ["platform", "framework", "graph"],
    "formats": ["platform", "framework", "graph"],
    "plan": ["platform", "stream", "framework", "graph", "passes"],
    "runtime": ["platform", "stream", "framework", "graph", "passes", "plan"],
    "distributed": ["platform", "stream", "framework", "graph", "passes", "plan", "runtime", "formats"],
    "api": ["platform", "stream", "framework", "graph", "autodiff", "passes", "plan", "runtime", "formats"],
}
# Kernels of input and output read and write files in the formats' terms.
EXTRA = {("kernels", "formats")}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def breaches(root):
    for path in sorted(root.glob("core/**/*")):
        if path.suffix not in (".h", ".cc", ".cu"):
            continue
        layer = path.relative_to(root / "core").parts[0]
        for target in INCLUDE.findall(path.read_text()):
            parts = target.split("/")
            if parts[0] != "core" or parts[1] == layer:
                continue
            if parts[1] not in ALLOWED[layer] and (layer, parts[1]) not in EXTRA:
                yield f"{path.relative_to(root)}: {layer} may not include {parts[1]} ({target})"
    for folder in ("bindings", "serving", "examples", "python"):
        for path in sorted((root / folder).glob("**/*")):
            if path.suffix in (".h", ".hpp", ".c", ".cc", ".cpp"):
                for target in INCLUDE.findall(path.read_text()):
                    if target.startswith("core/"):
                        yield f"{path.relative_to(root)}: only public headers outside core ({target})"


def main():
    found = list(breaches(pathlib.Path(__file__).resolve().parent.parent))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
