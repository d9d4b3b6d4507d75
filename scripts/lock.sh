#!/usr/bin/env bash
# Write the lock files anew from pyproject.toml. Needs uv on the path (`pip install uv`, or .venv/bin).
# They hold for Python 3.11 to 3.13. torch is left out: its default build brings several GB that only training on a GPU needs
# (scripts/setup.sh says more).
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --python-version 3.11 --universal)
# one version for the program and for its tests: moto does not know later ones yet.
# Not in pyproject.toml: there it would be a requirement without a digest for every installation.
limits=$(mktemp)
trap 'rm -f "$limits"' EXIT
echo "python-dateutil<3" >"$limits"
options+=(-c "$limits")
uv pip compile pyproject.toml "${options[@]}" "$@" -o requirements.lock
heavy=$(uv pip compile pyproject.toml --group dev -c "$limits" --no-header --no-annotate --quiet --python-version 3.11 --universal |
  sed -nE 's/^((torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+))==.*/\1/p')
for name in $heavy; do options+=(--no-emit-package "$name"); done
uv pip compile pyproject.toml --group dev -c requirements.lock "${options[@]}" "$@" -o requirements-dev.lock
uv pip compile - "${options[@]}" "$@" -o requirements-uv.lock <<<uv
# for the image of a server: what builds the wheel with its kernels, and the driver of PostgreSQL
options+=(-c requirements.lock -c requirements-dev.lock)
uv pip compile - "${options[@]}" "$@" -o deploy/build.lock <<<$'hatchling\nsetuptools'
uv pip compile - "${options[@]}" "$@" -o deploy/postgres.lock <<<'psycopg[binary]'
