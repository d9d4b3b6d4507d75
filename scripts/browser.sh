#!/usr/bin/env bash
# What a person does on the pages, in Debian's Chromium, which is installed where it is missing (as root).
# EARWITNESS_SCREENSHOTS=FOLDER keeps pictures of the pages. `scripts/setup.sh dev` comes first.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="${VENV:-$PWD/.venv}/bin:$PATH"
unset PYTHONDONTWRITEBYTECODE
command -v chromium >/dev/null || scripts/apt.sh chromium
EARWITNESS_BROWSER=$(command -v chromium) python -m pytest tests/browser "$@"
