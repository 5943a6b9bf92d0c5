#!/usr/bin/env bash
# Installs what dependencies.txt names for the given groups (default: build run test dev): apt packages when we are root on a
# Debian machine, Python packages into .venv. Says what is missing when it may not install it.
set -euo pipefail
cd "$(dirname "$0")/.."
groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build run test dev)

names() {  # manager -> the names of the wanted groups
  local group
  for group in "${groups[@]}"; do
    awk -v manager="$1" -v group="$group" '$1 == manager && $2 == group { print $3 }' dependencies.txt
  done
}

missing=()
if command -v dpkg-query >/dev/null; then
  for name in $(names apt); do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
fi
# A compiler or Python that did not come from apt is as good.
keep=()
for name in "${missing[@]+"${missing[@]}"}"; do
  case "$name" in
    g++) command -v c++ >/dev/null && continue ;;
    make) command -v make >/dev/null && continue ;;
    python3-dev) python3 -c 'import os, sysconfig; raise SystemExit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' && continue ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null && continue ;;
  esac
  keep+=("$name")
done
if [ ${#keep[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${keep[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    apt-get install -y -qq --no-install-recommends "${keep[@]}" >/dev/null
  else
    echo "Please install: ${keep[*]}" >&2
    echo "(as root on Debian: apt-get install ${keep[*]})" >&2
    exit 1
  fi
fi

[ -x .venv/bin/python ] || python3 -m venv .venv
wanted=$(names pip | sort)
stamp=.venv/installed.txt
if [ -n "$wanted" ] && ! comm -13 <(sort -u "$stamp" 2>/dev/null || true) <(echo "$wanted" | sort -u) | awk 'END { exit NR > 0 }'; then
  # shellcheck disable=SC2086
  .venv/bin/python -m pip install --quiet --disable-pip-version-check $wanted
  { cat "$stamp" 2>/dev/null || true; echo "$wanted"; } | sort -u > "$stamp.new"
  mv "$stamp.new" "$stamp"
fi
