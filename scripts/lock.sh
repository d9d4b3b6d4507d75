#!/usr/bin/env bash
# Write both lock files anew from pyproject.toml. Needs uv on the path (`pip install uv`).
# torch is left out: its default build brings several GB that only training on a GPU wants (scripts/setup.sh says more).
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --python-version 3.11)
uv pip compile pyproject.toml "${options[@]}" "$@" -o requirements.lock
heavy=$(uv pip compile pyproject.toml --group dev --no-header --no-annotate --quiet --python-version 3.11 |
  sed -nE 's/^((torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+))==.*/\1/p')
for name in $heavy; do options+=(--no-emit-package "$name"); done
uv pip compile pyproject.toml --group dev -c requirements.lock "${options[@]}" "$@" -o requirements-dev.lock
