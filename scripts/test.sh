#!/usr/bin/env bash
# Everything that must hold: style, types, tests, and a small evaluation of the whole road.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="${VENV:-$PWD/.venv}/bin:$PATH"
ruff check .
ruff format --check .
mypy
python -m pytest -n 2
python -m benchmarks smoke
