#!/usr/bin/env bash
# Builds the C program with CMake's find_package and the C++ program with pkg-config, against the library installed below
# $1, and runs both; $2 is the folder that train.py wrote.
set -euo pipefail
prefix=$(realpath "$1")
out=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)

cmake -S "$here" -B "$out/c" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release > "$out/c.log"
cmake --build "$out/c" >> "$out/c.log"
"$out/c/classify" "$out/digits.pb" "$out/held_out.bin"

PKG_CONFIG_PATH=$(find "$prefix" -name thalweg.pc -printf '%h:')
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir thalweg)
# shellcheck disable=SC2046
c++ -std=c++17 -O2 "$here/regression.cc" $(pkg-config --cflags --libs thalweg) -Wl,-rpath,"$libdir" -o "$out/regression"
"$out/regression"
