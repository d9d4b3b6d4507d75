#!/usr/bin/env bash
# Set up .venv from the lock files: `scripts/setup.sh run` for the program, `scripts/setup.sh dev` for tests and benchmarks too.
# Installs nothing where the same locks are installed already.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}
venv=${VENV:-.venv}

wanted=()
ldconfig -p | grep -q 'libchromaprint\.so\.1' || wanted+=(libchromaprint1)
command -v bwrap >/dev/null || wanted+=(bubblewrap)
if [ "$what" = dev ]; then
  command -v ffmpeg >/dev/null || wanted+=(ffmpeg)
  ldconfig -p | grep -q 'libpangoft2-1\.0\.so\.0' || wanted+=(libpango-1.0-0 libpangoft2-1.0-0)
  command -v c++ >/dev/null || wanted+=(g++)  # numba asks for C and C++ to compile the kernels
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || wanted+=(postgresql)
fi
if [ ${#wanted[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    scripts/apt.sh "${wanted[@]}"
  else
    echo "please install: ${wanted[*]} (libchromaprint1 is required; bubblewrap keeps hostile audio in a sandbox)" >&2
  fi
fi

lock=requirements.lock
if [ "$what" = dev ]; then lock=requirements-dev.lock; fi
stamp="$venv/.installed-$what-$(cat "$lock" pyproject.toml | sha256sum | cut -c1-16)"
compile_kernels() {
  "$venv/bin/python" scripts/compile_kernels.py ||
    echo "the kernels are not compiled ahead (numba, setuptools and compilers of C and C++ do that): the first run does it" >&2
}
if [ -e "$stamp" ]; then
  compile_kernels  # they may have changed
  exit 0
fi
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
scripts/install.sh "$venv" "$lock"
# hatchling is in the lock of developers; else it is fetched for the build
isolation=()
if [ "$what" = dev ]; then isolation=(--no-build-isolation); fi
scripts/install.sh "$venv" "${isolation[@]}" -e .
compile_kernels
if [ "$what" = dev ] && ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
  # only a wheel that this machine already has: from an index it would bring several GB
  "$venv/bin/python" -m pip -qq --disable-pip-version-check install --no-deps --no-index torch==2.13.0 2>/dev/null ||
    echo "no torch wheel on this machine: tests of training and of Lhotse's own writer are skipped" >&2
fi
touch "$stamp"
