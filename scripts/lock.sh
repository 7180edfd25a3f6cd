#!/usr/bin/env bash
# Lock requirements/*.txt (versions and hashes, no addresses) from pyproject.toml.
# `--check` only tells whether pyproject.toml has changed since: it needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp() {
  python3 - <<'PY'
import hashlib, tomllib
with open("pyproject.toml", "rb") as file:
    data = tomllib.load(file)
names = (data["project"]["dependencies"], data["project"]["requires-python"], data["dependency-groups"])
print(hashlib.sha256(repr(names).encode()).hexdigest())
PY
}

# lock FILE SOURCES...: compile, and put the stamp on top
lock() {
  local file=requirements/$1.txt
  shift
  .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
    --output-file "$file" "$@"
  { echo "# from pyproject.toml: $(stamp)"; grep -v '^# from pyproject.toml: ' "$file"; } >"$file.new"
  mv "$file.new" "$file"
  echo "locked $file: $(grep -c == "$file") packages"
}

if [[ ${1:-} == --check ]]; then
  for name in base dev uv; do
    if ! grep -q "^# from pyproject.toml: $(stamp)$" "requirements/$name.txt"; then
      echo "requirements/$name.txt was not locked from this pyproject.toml: run \`make lock\`" >&2
      exit 1
    fi
  done
  exit 0
fi

lock base pyproject.toml
lock dev pyproject.toml --group dev
lock uv --group uv
