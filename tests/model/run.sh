#!/usr/bin/env bash
# Explores the model of the view protocol: the right one must be clean and explored to the end within its
# bounds, and each mutant must be found. Usage: tests/model/run.sh [small|large]. Needs spin and gcc.
# Bounds, sizes and times: README.md.
set -u
here=$(cd "$(dirname "$0")" && pwd)
size=${1:-small}
work=$(mktemp -d "${TMPDIR:-/tmp}/nodepool-model.XXXXXX")
fast="-DSAFETY -DNOREDUCE -DNOFAIR -DVECTORSZ=256"

for tool in spin gcc; do
  command -v "$tool" >/dev/null || { echo "run.sh: '$tool' is not installed" >&2; exit 2; }
done

# explore <name> <expected: clean|violation> <model options> <compiler options> <search options>
explore() {
  local name=$1 expected=$2 model=$3 compiler=$4 search=$5 room verdict begin states depth
  room=$work/${name//[^A-Za-z0-9_]/_}
  mkdir -p "$room" && cd "$room" || return 1
  begin=$(date +%s.%N)
  # shellcheck disable=SC2086 # the options are words
  if spin -a $model "$here/view_protocol.pml" >spin.log 2>&1 && gcc $compiler -o pan pan.c >gcc.log 2>&1; then
    # shellcheck disable=SC2086
    ./pan -n $search >pan.log 2>&1
  else
    echo "cannot be built" >pan.log
  fi
  verdict=$(judge "$expected")
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log | head -1)
  depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' pan.log | head -1)
  printf '%-34s %12s %6s %7.1f  %s\n' "$name" "${states:--}" "${depth:--}" \
    "$(echo "$(date +%s.%N) - $begin" | awk '{print $1 - $3}')" "$verdict" >row
  cat row
}

# What the log of a search says, compared with what is expected of it.
judge() {
  if grep -aq "assertion violated" pan.log; then
    if [ "$1" = violation ]; then echo "found"; else echo "VIOLATION: $PWD/view_protocol.pml.trail"; fi
  elif grep -aq "non-progress cycle (at" pan.log; then
    echo "RUNS FOR EVER: $PWD/view_protocol.pml.trail"
  elif ! grep -aq "errors: 0" pan.log ||
    grep -aqE "Search not completed|search depth too small|out of memory|memory limit|VECTORSZ" pan.log; then
    echo "NOT COMPLETE: $PWD/pan.log"
  elif [ "$1" = violation ]; then
    echo "NOT FOUND"
  else
    echo "clean, complete"
  fi
}

# right <name> <model options> [<megabytes> [<more compiler options>]]
right() { explore "$1" clean "$2" "-O2 $fast -DMEMLIM=${3:-2000} ${4:-}" "-m20000"; }
# The search for cycles: with no progress labels, any cycle is one without progress.
ends() {
  explore "$1" clean "-DPROGRESS -DCLAIMS=1 $2" \
    "-O2 -DNP -DNOREDUCE -DNOFAIR -DVECTORSZ=256 -DMEMLIM=${3:-2000}" "-l -m20000"
}
# A mutant's violation may be looked for no deeper than is known to be enough.
mutant() { explore "$1" violation "-D$1 $2" "-O1 $fast -DMEMLIM=1500" "-m${3:-20000}"; }

small() {
  right "right: 1 fault, 1 slip" "-DFAULTS=1 -DSLIPS=1" 3000 &
  (
    right "right: 0 faults, 2 slips" "-DFAULTS=0 -DSLIPS=2"
    ends "right, progress: 1 fault" "-DFAULTS=1 -DSLIPS=0"
    ends "right, progress: 1 slip" "-DFAULTS=0 -DSLIPS=1"
    right "right, tokens: 1 fault" "-DTOKENS -DCLAIMS=1 -DFAULTS=1 -DSLIPS=0"
    mutants
  ) &
  wait
}

mutants() {
  mutant NO_INTERSECTION "-DFAULTS=0 -DSLIPS=0"
  mutant NO_BARRIER_FAILOVER "-DFAULTS=1 -DSLIPS=0"
  mutant NO_BARRIER_EMPTY "-DFAULTS=1 -DSLIPS=0"
  mutant NO_VIEW_ID "-DFAULTS=1 -DSLIPS=1"
  mutant HOLDS_DROPPED "-DFAULTS=0 -DSLIPS=0"
  mutant EARLY_RELEASES "-DFAULTS=0 -DSLIPS=0"
  mutant NO_SEQUENCE "-DFAULTS=0 -DSLIPS=1"
  mutant LATE_REPLY_RENEWS "-DFAULTS=0 -DSLIPS=2"
  mutant NO_FENCE_ON_WAKING "-DFAULTS=0 -DSLIPS=2"
  mutant NO_TIME_IN_EPOCH "-DTOKENS -DONLY_FAILOVERS -DFAULTS=1 -DSLIPS=2 -DCLAIMS=2" 110
}

# One after the other: each may need all the memory there is.
large() {
  right "right: 0 faults, 3 slips" "-DFAULTS=0 -DSLIPS=3" 4000
  ends "right, progress: 1 fault, 1 slip" "-DFAULTS=1 -DSLIPS=1" 6000
  right "right, tokens: 1 fault, 1 slip" "-DTOKENS -DCLAIMS=1 -DFAULTS=1 -DSLIPS=1" 12000 -DCOLLAPSE
  right "right: 2 faults" "-DFAULTS=2 -DSLIPS=0" 12000 -DCOLLAPSE
}

case $size in
  small | large) ;;
  *) echo "usage: run.sh [small|large]" >&2; exit 2 ;;
esac
printf '%-34s %12s %6s %7s  %s\n' configuration states depth seconds verdict
small
[ "$size" = large ] && large
wanted=15
[ "$size" = large ] && wanted=19
if [ "$(cat "$work"/*/row | grep -cE "  (clean, complete|found)$")" = "$wanted" ] &&
  [ "$(cat "$work"/*/row | wc -l)" = "$wanted" ]; then
  rm -rf "$work"
  echo "The model holds within its bounds, and each mutant was found."
  exit 0
fi
echo "FAILED; logs and trails: $work" >&2
exit 1
