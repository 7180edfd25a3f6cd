#!/usr/bin/env bash
# The long trials, in full, on this machine. Results go to docs/proof/, with the commit they measured.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
out=docs/proof
mkdir -p "$out"
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- bongsu agents slo alerts runbooks chaos || commit="$commit with uncommitted changes"

# record FILE COMMAND...: run it, keep its output under the commit and the machine it ran on, without this machine's paths
record() {
  local file=$out/$1 status=0
  shift
  echo "== $*"
  {
    echo "commit: $commit"
    echo "machine: $(nproc) cores, $(uname -sm)"
    echo "command: $*"
    echo
    "$@" 2>&1 || status=$?
    echo
    echo "exit code: $status"
  } | sed -u "s|$PWD/||g; s|$PWD|.|g" | tee "$file"
  grep -q '^exit code: 0$' "$file"
}

record kill-trials.txt env KILLS_PER_NODE=50 "$bin/python" -m pytest tests/real/test_worker_kill.py -k twenty -s -q \
  -o timeout=1200
record planted-defects.txt "$bin/python" -m pytest tests/real/test_prove.py -m proof -v
for number in 1 2 3; do
  record "openai-errors-$number.txt" "$bin/bongsu" prove openai-errors
done
