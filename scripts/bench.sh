#!/usr/bin/env bash
# Print the figures: each is a ratio or a count measured in this one run.
set -euo pipefail
cd "$(dirname "$0")/.."
for script in bench/*.py; do
  name=$(basename "$script" .py)
  echo "== $name"
  .venv/bin/python -m "bench.$name"
done
