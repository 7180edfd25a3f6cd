#!/usr/bin/env bash
# Bring what bongsu needs: .venv with the hash-locked Python packages, and the binaries of Prometheus,
# Alertmanager, node exporter and restic. Says what it will do first; does nothing when all is there. Starts no service.
# `make test` asks for Chromium too, in which the tests read the page; nothing that runs needs it (docs/adr/0026).
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/bootstrap.sh [--check] [--python-only] [--browser]

  --check        only say what is missing; exit 1 when something is
  --python-only  leave the system binaries out
  --browser      bring Chromium too, which the tests of the page need (CHROMIUM=/path names one that is there)

examples:
  scripts/bootstrap.sh
  PYTHON=/usr/bin/python3.12 scripts/bootstrap.sh --python-only

exit codes: 0 all is there, 1 something is missing (--check), 2 usage, 3 something could not be brought
TEXT
}

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
STAMP=$VENV/.bongsu-stamp
LOCK=$ROOT/requirements/dev.txt
MISSING=3
CHECK=no
BINARIES=yes
BROWSER=

say() { printf 'bootstrap: %s\n' "$*"; }

give_up() {
  printf 'bootstrap: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit "$MISSING"
}

has() { command -v "$1" >/dev/null 2>&1; }

# --- Python -----------------------------------------------------------------------------------------------------

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
}

digest() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi
}

# The scripts of a venv hold its path, so a moved clone needs a new one: the path is part of the stamp.
wanted_stamp() { { printf '%s\n' "$ROOT"; cat "$LOCK" "$ROOT/pyproject.toml"; } | digest | cut -d' ' -f1; }

python_is_ready() { [ -x "$VENV/bin/python" ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(wanted_stamp)" ]; }

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    return 1
  fi
}

# Debian and Ubuntu ship python3 without ensurepip, which `python3 -m venv` needs.
bring_venv_module() {
  package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  command -v apt-get >/dev/null 2>&1 || give_up "$1 has no ensurepip" "next: install the venv module of this Python"
  say "installing $package by apt ($1 has no ensurepip)"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" ||
    as_root sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $package" ||
    give_up "$package could not be installed" "next: as root, apt-get install $package; then run this again"
}

create_venv() {
  python=$(find_python)
  [ -n "$python" ] || give_up "no Python 3.11 or newer on PATH" \
    "next: apt-get install python3 python3-venv (Debian 12+, Ubuntu 24.04+), brew install python (macOS)," \
    "      or name one: PYTHON=/path/to/python3.12 scripts/bootstrap.sh"
  "$python" -c 'import ensurepip' >/dev/null 2>&1 || bring_venv_module "$python"
  say "creating .venv with $("$python" --version)"
  "$python" -m venv --clear "$VENV"
}

# uv installs the lock about ten times faster than pip, but it does not read pip.conf: where pip has an index of
# its own, or uv fails, pip does the whole job from the same lock.
install_locked() {
  if "$VENV/bin/pip" config list 2>/dev/null | grep -qE "\.(extra-)?index-url=|\.no-index="; then
    say "pip has its own index here, so pip installs the lock"
  else
    certificates=$("$VENV/bin/pip" config get global.cert 2>/dev/null || true)
    if "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$ROOT/requirements/uv.txt" &&
      SSL_CERT_FILE=${SSL_CERT_FILE:-$certificates} with_certificates "$VENV/bin/uv" pip install --quiet \
        --require-hashes --python "$VENV/bin/python" -r "$LOCK"; then
      return
    fi
    say "uv could not install the lock, so pip does"
  fi
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$LOCK" ||
    give_up "the packages of requirements/dev.txt could not be installed" \
      "next: check that pip reaches its index (pip download --no-deps rich), then run this again"
}

# An empty SSL_CERT_FILE is not the same as none.
with_certificates() {
  if [ -z "${SSL_CERT_FILE:-}" ]; then env -u SSL_CERT_FILE "$@"; else "$@"; fi
}

bring_python() {
  if ! { [ -x "$VENV/bin/pip" ] && new_enough "$VENV/bin/python" && head -n 2 "$VENV/bin/pip" | grep -qF "$VENV/"; }; then
    create_venv
  fi
  say "installing requirements/dev.txt"
  install_locked
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
    --editable "$ROOT" || give_up "the project itself could not be installed" "next: read the message of pip above"
  wanted_stamp >"$STAMP"
}

# --- system binaries --------------------------------------------------------------------------------------------

# Debian calls two of the programs by other names than everybody else.
has_program() {
  case $1 in
    alertmanager) has alertmanager || has prometheus-alertmanager ;;
    node_exporter) has node_exporter || has prometheus-node-exporter ;;
    chromium) [ -n "${CHROMIUM:-}" ] || has chromium || has chromium-browser || has google-chrome ;;
    *) has "$1" ;;
  esac
}

missing_programs() {
  for program in prometheus promtool alertmanager amtool node_exporter restic $BROWSER; do
    has_program "$program" || printf '%s ' "$program"
  done
}

debian_packages() {
  for program in "$@"; do
    case $program in
      prometheus | promtool) echo prometheus ;;
      alertmanager | amtool) echo prometheus-alertmanager ;;
      node_exporter) echo prometheus-node-exporter ;;
      restic) echo restic ;;
      chromium) printf 'chromium\nfonts-nanum\n' ;; # a bare machine draws Korean as boxes
    esac
  done | sort -u
}

how_to_get_them() {
  echo "next: as root, scripts/debian-packages.sh $(debian_packages "$@" | tr '\n' ' ')(Debian 12+, Ubuntu 24.04+),"
  echo "      or brew install prometheus alertmanager node_exporter restic (macOS), or put the programs"
  echo "      of https://prometheus.io/download and https://restic.net on PATH; then run this again"
  case " $* " in
    *" chromium "*) echo "      (Chromium may be any Chromium or Chrome: CHROMIUM=/path/to/it; Ubuntu has it as a snap only)" ;;
  esac
}

bring_binaries() {
  if command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2046  # package names are words
    as_root bash "$ROOT/scripts/debian-packages.sh" $(debian_packages "$@") || true
  elif command -v brew >/dev/null 2>&1; then # not run here: no macOS machine has tried this branch yet
    brew install prometheus alertmanager node_exporter restic || true # brew starts nothing unless `brew services` is asked
  fi
  # shellcheck disable=SC2046  # program names are words
  set -- $(missing_programs)
  if [ $# -gt 0 ]; then
    how=$(how_to_get_them "$@")
    give_up "missing: $*" "$how"
  fi
}

announce() {
  say "this will be done here:"
  python_is_ready || say "  .venv: the packages of requirements/dev.txt (hashes checked) and the project, by pip and uv"
  if [ $# -gt 0 ]; then
    if command -v apt-get >/dev/null 2>&1 && can_be_root; then
      how="by apt as root: $(debian_packages "$@" | tr '\n' ' ')- no service is started, none enabled"
    elif command -v apt-get >/dev/null 2>&1; then
      how="apt could bring them, but this is neither root nor has it sudo"
    elif command -v brew >/dev/null 2>&1; then
      how="by brew; no service is started"
    else
      how="neither apt nor brew is here to bring them"
    fi
    say "  missing programs: $* ($how)"
  fi
}

main() {
  for option in "$@"; do
    case $option in
      --check) CHECK=yes ;;
      --python-only) BINARIES=no ;;
      --browser) BROWSER=chromium ;;
      --help | -h) usage && exit 0 ;;
      *) usage >&2 && exit 2 ;;
    esac
  done
  programs=
  [ "$BINARIES" = no ] || programs=$(missing_programs)
  if [ -z "$programs" ] && python_is_ready; then
    say "all is there"
    exit 0
  fi
  # shellcheck disable=SC2086  # program names are words
  announce $programs
  [ "$CHECK" = no ] || exit 1
  python_is_ready || bring_python
  # shellcheck disable=SC2086
  [ -z "$programs" ] || bring_binaries $programs
  say "done"
}

main "$@"
