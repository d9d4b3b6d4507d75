#!/usr/bin/env bash
# What an engineer does with the API, by clients that are generated from the description of a running server: one in Python
# (openapi-python-client) and one in TypeScript (openapi-typescript, openapi-fetch). A warning of a generator is an error.
# Node.js is installed where it is missing (as root). `scripts/setup.sh dev` comes first.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
bin=${VENV:-$root/.venv}/bin
unset PYTHONDONTWRITEBYTECODE
command -v npm >/dev/null || scripts/apt.sh nodejs npm
work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT

# the server, with a key and one list of names
created=$("$bin/earwitness" keys create --json 2>/dev/null)
key=$("$bin/python" -c 'import json, sys; print(json.loads(sys.argv[1])["key"])' "$created")
record=$("$bin/python" -c 'import json, sys; print(json.loads(sys.argv[1])["record"])' "$created")
{ echo artist,title,isrc; echo Night Bus,Tin Parade,DEA122400001; for n in {1..99}; do echo "Artist $n,Song $n,"; done; } >"$work/listed.csv"
"$bin/earwitness" --home "$work/home" index "$work/listed.csv" --name listed >/dev/null
port=$("$bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
EARWITNESS_API_KEYS=$record "$bin/earwitness" --home "$work/home" serve --port "$port" >"$work/server.log" 2>&1 &
server=$!
address=http://127.0.0.1:$port
"$bin/python" - "$address" "$key" "$work/openapi.json" <<'PY'
import pathlib, sys, time
import httpx2

address, key, path = sys.argv[1:]
until = time.monotonic() + 120
while time.monotonic() < until:
    try:
        if httpx2.get(f"{address}/readyz").status_code == 200:
            break
    except httpx2.TransportError:
        pass
    time.sleep(0.2)
answer = httpx2.get(f"{address}/openapi.json", headers={"Authorization": f"Bearer {key}"}, timeout=60)
pathlib.Path(path).write_bytes(answer.raise_for_status().content)
PY

python_client() {
  "$bin/python" -m venv --without-pip "$work/venv"
  scripts/install.sh "$work/venv" tests/clients/python/requirements.lock
  (
    cd "$work"
    PATH="$work/venv/bin:$PATH" "$work/venv/bin/openapi-python-client" generate --path openapi.json --meta none --fail-on-warning \
      --output-path earwitness_client --config "$root/tests/clients/python/generator.yaml"
    cp "$root/tests/clients/python/walk.py" .
    "$bin/mypy" --strict --disallow-any-expr --python-executable venv/bin/python --follow-imports silent walk.py
    venv/bin/python walk.py "$address" "$key" "$root/sample_audio"
  )
}

typescript_client() {
  cp -r tests/clients/typescript "$work/typescript"
  (
    cd "$work/typescript"
    npm ci --silent --no-audit --no-fund
    npx openapi-typescript ../openapi.json --output schema.d.ts
    npx tsc
    node built/walk.js "$address" "$key" "$root/sample_audio"
  )
}

python_client
typescript_client
