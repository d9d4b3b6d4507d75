#!/usr/bin/env bash
# Everything that must hold: style, types, tests, a small evaluation, and mutated files.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="${VENV:-$PWD/.venv}/bin:$PATH"
# the tests start thousands of processes, and each would compile the same modules again
unset PYTHONDONTWRITEBYTECODE
# numba compiles what librosa needs when it is first used; unoptimised, that takes half the time, and enough for tests
NUMBA_OPT=0 python -c "import librosa; librosa.feature.melspectrogram" &
librosa=$!
ruff check .
ruff format --check .
python -m tests.warm_up

# While the tests wait for servers and processes, the rest runs. Longer runs of the mutators are in benchmarks/records/fuzz.txt.
log=$(mktemp)
beside=
trap 'kill $beside $librosa 2>/dev/null || true; rm -f "$log"' EXIT
{
  mypy
  python -m benchmarks smoke
  python -m tests.hostile.fuzz_decode --rounds 260
  python -m tests.hostile.fuzz_sources --rounds 1500
  python -m tests.hostile.fuzz_command --rounds 8
} >"$log" 2>&1 &
beside=$!
status=0
scripts/with_postgres.sh python -m pytest -n 3 --dist worksteal || status=$?
wait "$beside" || { status=$?; echo "types, the evaluation or a mutator failed:" >&2; }
cat "$log"
exit "$status"
