#!/usr/bin/env bash
# Breaks the protocol on purpose, one line at a time, and shows that the simulation notices: applies each
# mutants/*.patch to a copy of the sources, builds the simulation from it, and runs it until it finds a
# violation.
# Usage: mutants.sh WORK_DIR [SEEDS]. Fails unless every mutant is found within SEEDS seeds (default 20000).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
work="$1"
seeds="${2:-20000}"
compiler="${CXX:-g++}"
if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi
mkdir -p "$work"

export compiler work

# compile FILE: one source of the mutant, relative to its root.
compile() {
  local root="$work/source"
  $compiler -std=c++20 -O2 -I"$root/include" -I"$root/src" -I"$root/tests" \
    -c "$root/$1" -o "$work/objects/${1//\//_}.o"
}
export -f compile

# build: compiles the mutant's pure rooms and the simulation into $work/objects/simulation.
build() {
  mkdir -p "$work/objects"
  (cd "$work/source" && find src/core src/ring tests/simulation -name '*.cpp') | sort |
    xargs -P "$(nproc)" -I{} bash -c 'compile {}'
  g++ -o "$work/objects/simulation" "$work"/objects/*.o -lfmt
}

printf '%-36s %s\n' MUTANT 'FOUND AFTER'
missed=0
for patch in "$here"/mutants/*.patch; do
  name="$(basename "$patch" .patch)"
  copy="$work/source"
  rm -rf "$copy" "$work/objects"
  mkdir -p "$copy/tests"
  cp -r "$root/include" "$root/src" "$copy/"
  cp -r "$here" "$copy/tests/simulation"
  patch --quiet -d "$copy" -p1 <"$patch"
  build
  if "$work/objects/simulation" --seeds "$seeds" >"$work/$name.log" 2>&1; then
    printf '%-36s %s\n' "$name" "NOT FOUND within $seeds seeds"
    missed=$((missed + 1))
  else
    printf '%-36s %s: %s\n' "$name" "$(sed -n 's/^found after //p' "$work/$name.log")" \
      "$(sed -n 's/.*VIOLATION at //p' "$work/$name.log")"
  fi
done
[ "$missed" -eq 0 ] || { echo "$missed mutants were not found"; exit 1; }
