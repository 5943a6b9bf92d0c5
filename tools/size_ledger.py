"""What the library and the wheel weigh: a line per file, and exit status 1 when one is over its limit or has grown by more
than a tenth over what tools/sizes.json records. `--record` writes the sizes of the files given there, for a change that is
meant to grow them.

    python tools/size_ledger.py [--record] build/release/libthalweg.so dist/thalweg-*.whl
"""
import json
import os
import sys
import zipfile

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sizes.json")
# Bytes. The wheel's limit is a promise to users.
LIMITS = {"wheel": 12_000_000, "library": 24_000_000}
GROWTH = 1.10


def kind(path):
    return "wheel" if path.endswith(".whl") else "library"


def parts(path):
    """The largest files within a wheel, compressed sizes."""
    with zipfile.ZipFile(path) as wheel:
        entries = sorted(wheel.infolist(), key=lambda e: -e.compress_size)
        return [(e.compress_size, e.filename) for e in entries[:6]]


def main(args):
    record = "--record" in args
    with open(RECORD, encoding="utf-8") as f:
        known = json.load(f)
    good = True
    for path in [a for a in args if a != "--record"]:
        size, what = os.path.getsize(path), kind(path)
        print(f"{size:>12,}  {os.path.basename(path)}  (recorded {known[what]:,}, limit {LIMITS[what]:,})")
        if path.endswith(".whl"):
            for part, name in parts(path):
                print(f"{part:>12,}    {name}")
        if size > LIMITS[what]:
            print(f"{path} is over its limit")
            good = False
        if record:
            known[what] = size
        elif size > known[what] * GROWTH:
            print(f"{path} has grown by {size / known[what] - 1:.0%}: if that is meant, record it with --record")
            good = False
    if record:
        with open(RECORD, "w", encoding="utf-8") as f:
            json.dump(known, f, indent=1)
            f.write("\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
