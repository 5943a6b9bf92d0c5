#!/usr/bin/env bash
# Builds a wheel and repairs it to a manylinux tag (in dist/), then runs the quick Python tests against it in a clean
# environment of every Python given in PYTHONS (names or paths; default: those of 3.9, 3.11 and 3.13 that are found).
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
rm -rf dist build/wheel
mkdir -p build/wheel dist
$python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w build/wheel .
# The library's own folder, where auditwheel finds what the extension links.
PATH="$PWD/.venv/bin:$PATH" $python -m auditwheel repair --plat "${PLAT:-manylinux_2_36_x86_64}" -w dist build/wheel/*.whl
ls -l dist
$python tools/size_ledger.py dist/*.whl

found=()
for version in 3.9 3.11 3.13; do
  for candidate in "python$version" "$HOME"/.pyenv/versions/"$version".*/bin/python; do
    if "$candidate" --version > /dev/null 2>&1; then
      found+=("$candidate")
      break
    fi
  done
done
read -r -a pythons <<< "${PYTHONS:-${found[*]}}"
mapfile -t test_packages < <(awk '$1 == "pip" && $2 == "test" { print $3 }' dependencies.txt)
for candidate in "${pythons[@]}"; do
  echo "== the wheel on $("$candidate" --version)"
  folder=build/wheel/venv-$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  rm -rf "$folder"
  "$candidate" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check dist/*.whl "${test_packages[@]}"
  (cd "$folder" && bin/python -m pytest -q -p no:cacheprovider ../../../tests/python)
done
