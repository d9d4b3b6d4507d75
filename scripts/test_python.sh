#!/usr/bin/env bash
# Unit tests with other Python versions, each in an environment of its own below FOLDER: those of the package with the last version
# named, and those of fingerprints and index, which need compiled libraries, with the others.
# `scripts/test_python.sh install FOLDER 3.12 3.13` installs, then `scripts/test_python.sh test FOLDER 3.12 3.13` runs them side by side.
# An interpreter that is missing is an error.
# Tests of the benchmarks, which no package holds, and of training, which needs torch, run in `make test` alone.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
step=$1 folder=$2
shift 2

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

install() {
  local version python
  mkdir -p "$folder"
  for version in "$@"; do
    python=$(interpreter "$version")
    "$python" -m venv --without-pip "$folder/$version"
    scripts/install.sh "$folder/$version" requirements-dev.lock
    scripts/install.sh "$folder/$version" --no-build-isolation -e .
  done
}

unit_tests() {
  local python=$folder/$1/bin/python
  shift
  "$python" -m tests.warm_up
  echo "unit tests with $("$python" --version):"
  # one process a version: each starts processes of its own, and the versions run side by side
  "$python" -m pytest -p no:xdist -p no:cacheprovider --ignore tests/unit/benchmarks "$@"
}

side_by_side() {
  local status=0 number version tests
  runs=()  # the trap reads it
  trap 'kill "${runs[@]}" 2>/dev/null || true' EXIT
  for version in "$@"; do
    tests=(tests/unit/fingerprint tests/unit/index)
    [ "$version" != "${*: -1}" ] || tests=(tests/unit)
    (set -e; unit_tests "$version" "${tests[@]}") >"$folder/$version.log" 2>&1 &
    runs+=($!)
  done
  for number in "${!runs[@]}"; do
    wait "${runs[$number]}" || status=$?
    cat "$folder/${*:$((number + 1)):1}.log"
  done
  return "$status"
}

case $step in
  install) install "$@" ;;
  test) side_by_side "$@" ;;
  *) echo "usage: scripts/test_python.sh install|test FOLDER VERSION ..." >&2; exit 2 ;;
esac
