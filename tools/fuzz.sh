#!/usr/bin/env bash
# Runs every fuzzer in a folder for some seconds each, from the seeds in tests/fuzz/seeds and from what earlier runs found, which
# stays in corpus/ beside the programs. The first failing input ends it; libFuzzer tells where it lies.
set -euo pipefail
programs=$(realpath "$1") seconds=$2
seeds=$(realpath "$(dirname "$0")/../tests/fuzz/seeds")
for program in "$programs"/*_fuzz; do
  name=$(basename "$program" _fuzz)
  corpus=$programs/corpus/$name
  mkdir -p "$corpus"
  log=$programs/$name.log
  echo "$name: $seconds s"
  if ! (cd "$programs" && "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 -max_len=65536 "$corpus" "$seeds/$name") > "$log" 2>&1; then
    tail -n 60 "$log"
    exit 1
  fi
  tail -n 1 "$log"
done
