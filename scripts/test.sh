#!/usr/bin/env bash
# Everything that must hold: style, types, tests, a small evaluation of the whole road, and a minute of fuzzing.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="${VENV:-$PWD/.venv}/bin:$PATH"
ruff check .
ruff format --check .
mypy
scripts/with_postgres.sh python -m pytest -n 2
python -m benchmarks smoke
# a minute of mutants; longer runs by hand are in benchmarks/records/fuzz.txt
python -m tests.hostile.fuzz_decode --seconds 30
python -m tests.hostile.fuzz_sources --seconds 20 2>"${TMPDIR:-/tmp}/fuzz.log" || { tail -n 40 "${TMPDIR:-/tmp}/fuzz.log"; exit 1; }
python -m tests.hostile.fuzz_command --seconds 15 2>"${TMPDIR:-/tmp}/fuzz-command.log" || { tail -n 40 "${TMPDIR:-/tmp}/fuzz-command.log"; exit 1; }
