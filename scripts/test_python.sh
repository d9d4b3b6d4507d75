#!/usr/bin/env bash
# Run the unit tests with other Python versions, side by side: `scripts/test_python.sh 3.12 3.13`.
# Each version has an environment of its own. An interpreter that is missing is an error.
# Tests of the benchmarks, which no package holds, and of training, which needs torch, run in `make test` alone.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
work=$(mktemp -d)
runs=()
trap 'kill "${runs[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

interpreter() {
  local python
  for python in "$(command -v "python$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    # a shim of pyenv may exist for a version that it does not run
    if [ -n "$python" ] && "$python" -c '' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  echo "Python $1 is not installed, so its unit tests cannot run; put python$1 on the PATH" >&2
  return 1
}

unit_tests() {
  local version=$1 venv=$work/$1 python
  python=$(interpreter "$version")
  "$python" -m venv --without-pip "$venv"
  scripts/install.sh "$venv" requirements-dev.lock
  scripts/install.sh "$venv" --no-build-isolation -e .
  "$venv/bin/python" -m tests.warm_up
  echo "unit tests with $("$venv/bin/python" --version):"
  # one process a version: each starts processes of its own, and the versions run side by side
  "$venv/bin/python" -m pytest -p no:xdist -p no:cacheprovider tests/unit --ignore tests/unit/benchmarks
}

for version in "$@"; do
  (set -e; unit_tests "$version") >"$work/$version.log" 2>&1 &
  runs+=($!)
done
status=0
for number in "${!runs[@]}"; do
  wait "${runs[$number]}" || status=$?
  cat "$work/${*:$((number + 1)):1}.log"
done
exit "$status"
