#!/usr/bin/env bash
# Builds the fuzzers with clang and lets each one run on its corpus and on. Fails on any finding.
# Usage: tests/fuzz/run.sh [seconds per target] [target]...   (default: 10, all)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seconds=${1:-10}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  targets=(resp replies records texts schedules cron_file view_store sqlite_file)
fi
build=${NODEPOOL_FUZZ_BUILD:-$root/build/fuzz}

launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }; }
quietly cmake -S "$root" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 \
  -DNODEPOOL_FUZZ=ON -DNODEPOOL_EXAMPLES=OFF "${launcher[@]}"
quietly cmake --build "$build" --target fuzzers

# What is new goes to the build's own folder; a finding is kept there too, and is to be copied to the corpus
# together with the fix.
found=0
for target in "${targets[@]}"; do
  work=$build/corpus/$target
  mkdir -p "$work" "$build/findings"
  options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
  options+=(-artifact_prefix="$build/findings/$target-")
  if [ -f "$root/tests/fuzz/engine/$target.dict" ]; then
    options+=(-dict="$root/tests/fuzz/engine/$target.dict")
  fi
  if "$build/tests/fuzz/engine/fuzz_$target" "${options[@]}" "$work" "$root/tests/fuzz/corpus/$target" \
    >"$log" 2>&1; then
    printf '%-12s %s inputs in %s s, no finding\n' "$target" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds"
  else
    found=1
    tail -n 60 "$log"
    printf '%-12s FOUND something; the input is in %s\n' "$target" "$build/findings"
  fi
done
exit "$found"
