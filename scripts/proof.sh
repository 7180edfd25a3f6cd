#!/usr/bin/env bash
# The long trials on this machine, in full or one part of them: scripts/proof.sh [loop|restores|jobs|service|rules].
# Results go to docs/proof/, with the commit they measured.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
out=docs/proof
mkdir -p "$out"
missed=()
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- bongsu agents slo alerts runbooks chaos bongsu.yaml || commit="$commit with uncommitted changes"

# record FILE COMMAND...: run it, keep its output under the commit and the machine it ran on, without this machine's paths
# and the log lines of what was broken on purpose
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
  } | sed -u 's/{"time": ".*//; s|'"$PWD/||g; s|$PWD|.|g" | grep --line-buffered -v '^$' | tee "$file"
  grep -q '^exit code: 0$' "$file" || missed+=("$file")
}

# tests FILE.txt VARIABLES TEST_FILE [PYTEST ARGUMENT...]: record a file of tests with everything it prints
tests() {
  local file=$1 variables=$2 test=$3
  shift 3
  # shellcheck disable=SC2086  # several variables, none with blanks
  record "$file" env $variables "$bin/python" -m pytest "tests/real/$test" -s -q -o timeout=3600 "$@"
}

loop() {
  tests kill-trials.txt KILLS_PER_NODE=50 test_worker_kill.py -k twenty
  record planted-defects.txt "$bin/python" -m pytest tests/real/test_prove.py -m proof -v
  for number in 1 2 3; do
    record "openai-errors-$number.txt" "$bin/bongsu" prove openai-errors
  done
}

restores() {
  tests repository-mutations.txt "MUTATIONS=60 CLEAN_RUNS=10" test_repository.py
  tests index-copies.txt COPIES=10 test_chroma_copy.py
  tests interrupts.txt INTERRUPTS=20 test_interrupted.py
  record fetch-and-decrypt.txt "$bin/python" -m bench.fetch_and_decrypt
  record disasters.txt "$bin/python" -m bench.disasters --rounds 20 --bulk 3 --samples "$out/restores.jsonl"
  tests planted-drills.txt "" test_drill.py -m proof
}

# jobs: kill workers and PostgreSQL, make zombies, restart everything under load
jobs() {
  record rolling-restart.txt "$bin/python" -m bench.rolling_restart --rounds 3
  record taking-speed.txt "$bin/python" -m bench.taking_speed
  tests trials-planted.txt "" test_trials.py -k "closes or without_the_fence or acknowledges"
  record zombies.txt "$bin/python" -m bench.zombie_trial --stops 20
  record database-kills.txt "$bin/python" -m bench.database_trial --kills 20
  record worker-kills.txt "$bin/python" -m bench.kill_trial --kills 200
}

# service: the API against its document, tenants and overload, the page, what telemetry costs and redacts
service() {
  record api-contract.txt "$bin/python" -m bench.api_contract --examples 20 --seconds 600
  record overload.txt "$bin/python" -m bench.overload
  record first-paint.txt "$bin/python" -m bench.first_paint
  record redaction.txt "$bin/python" -m bench.redaction
  record telemetry-cpu.txt "$bin/python" -m bench.telemetry_cpu
}

# rules: the figures of the compilers of SLOs, alerts and routes
rules() {
  record promtool.txt "$bin/python" -m pytest tests/rules -n 2 --dist loadfile -q
  local name
  for name in compile_speed alert_tests rule_mutations corpus fuzz routes samples_read budget_truth backtest_speed \
    outage_detection page_latency watch_trials; do
    record "${name//_/-}.txt" "$bin/python" -m "bench.$name"
  done
}

case "${1:-all}" in
  rules) rules ;;
  loop) loop ;;
  restores) restores ;;
  jobs) jobs ;;
  service) service ;;
  all)
    loop
    restores
    jobs
    service
    rules
    ;;
  *)
    echo "scripts/proof.sh: no part '$1': loop, restores, jobs, service or rules" >&2
    exit 2
    ;;
esac

if ((${#missed[@]})); then
  echo "fell short: ${missed[*]}" >&2
  exit 1
fi
