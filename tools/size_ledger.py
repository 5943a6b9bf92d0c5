"""What the library and the wheel weigh, and the limits they keep: prints a line per file and ends with 1 when one is over.

    python tools/size_ledger.py build/release/libthalweg.so dist/thalweg-*.whl
"""
import os
import sys
import zipfile

# Bytes. The wheel's limit is a promise to users; the others catch growth that nobody meant.
LIMITS = {".whl": 12_000_000, ".so": 24_000_000}


def parts(path):
    """The largest files within a wheel, compressed sizes."""
    with zipfile.ZipFile(path) as wheel:
        entries = sorted(wheel.infolist(), key=lambda e: -e.compress_size)
        return [(e.compress_size, e.filename) for e in entries[:6]]


def main():
    over = False
    for path in sys.argv[1:]:
        size = os.path.getsize(path)
        limit = next((v for k, v in LIMITS.items() if k in os.path.basename(path)), None)
        print(f"{size:>12,}  {os.path.basename(path)}" + (f"  (limit {limit:,})" if limit else ""))
        if path.endswith(".whl"):
            for part, name in parts(path):
                print(f"{part:>12,}    {name}")
        if limit and size > limit:
            print(f"{path} is over its limit")
            over = True
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
