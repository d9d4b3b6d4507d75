#!/usr/bin/env bash
# Install into a virtual environment: `scripts/install.sh VENV LOCK`, or `scripts/install.sh VENV ARGUMENT ...` as for `pip install`.
# Nothing is installed that is not named; of a lock, every digest is checked.
# uv takes a fraction of pip's time. It does not know pip's configuration (mirrors, proxies): where it fails, pip is used.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
shift
if [[ $1 == *.lock ]]; then set -- --require-hashes -r "$1"; fi
# the environment of this checkout has pip and uv, and installs into others too
own=${VENV:-.venv}/bin
pip=("$own/python" -m pip -qq --disable-pip-version-check --python "$venv/bin/python" install --no-deps)
if [ ! -x "$own/uv" ]; then
  "$own/python" -m pip -qq --disable-pip-version-check install --require-hashes -r requirements-uv.lock || echo "no uv" >&2
fi
"$own/uv" pip install --quiet --python "$venv/bin/python" --no-deps "$@" || "${pip[@]}" "$@"
