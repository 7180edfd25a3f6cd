#!/usr/bin/env bash
# Every static check of the repository, one line each; all of them run, then the failed ones are named.
set -u
cd "$(dirname "$0")/.." || exit 2
bin=.venv/bin
PATH="$PWD/$bin:$PATH"
failed=()

# run NAME COMMAND...: one check; its output is shown only when it fails
run() {
  local name=$1 log
  shift
  if log=$("$@" 2>&1); then
    printf 'ok    %s\n' "$name"
  else
    printf 'FAIL  %s\n%s\n' "$name" "$log"
    failed+=("$name")
  fi
}

mapfile -t shells < <(git ls-files '*.sh' .ci/run)

run "ruff check" "$bin/ruff" check .
run "ruff format" "$bin/ruff" format --check .
run "mypy --strict" "$bin/mypy"
run "import-linter" "$bin/lint-imports" --no-cache
run "deptry" "$bin/deptry" .
run "shellcheck" "$bin/shellcheck" "${shells[@]}"
run "yamllint" "$bin/yamllint" --strict .
run "requirements are locked" scripts/lock.sh --check
run "committed output is compiled" "$bin/bongsu" compile --check
run "promtool check rules" bash -c 'shopt -s globstar; promtool check rules deploy/rendered/prometheus/**/*.rules.yml'
run "amtool check-config" amtool check-config deploy/rendered/alertmanager/alertmanager.yml

if ((${#failed[@]})); then
  printf '%d check(s) failed: %s\n' "${#failed[@]}" "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
echo "all checks passed"
