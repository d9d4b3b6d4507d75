#!/usr/bin/env bash
# Run the unit tests with other Python versions: `scripts/test_python.sh 3.12 3.13`.
# Each version has an environment of its own. An interpreter that is missing is an error.
# Tests of the benchmarks, which no package holds, and of training, which needs torch, run in `make test` alone.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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

for version in "$@"; do
  python=$(interpreter "$version")
  venv=$work/$version
  "$python" -m venv --without-pip "$venv"
  scripts/install.sh "$venv" requirements-dev.lock
  scripts/install.sh "$venv" --no-build-isolation -e .
  "$venv/bin/python" -m tests.warm_up
  echo "unit tests with $("$venv/bin/python" --version):"
  "$venv/bin/python" -m pytest -n 3 --dist worksteal tests/unit --ignore tests/unit/benchmarks
done
