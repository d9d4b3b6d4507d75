#!/usr/bin/env bash
# Run a command with a PostgreSQL server of its own: `scripts/with_postgres.sh COMMAND ...`.
# The command finds the server in EARWITNESS_TEST_POSTGRES. The server listens on a Unix socket in a temporary folder
# only, keeps nothing, and is stopped when the command ends.
set -euo pipefail
if [ -n "${EARWITNESS_TEST_POSTGRES:-}" ]; then exec "$@"; fi
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || echo /missing/initdb)")
if [ ! -x "$bin/initdb" ]; then
  echo "no PostgreSQL server is installed (Debian package postgresql): its tests are skipped" >&2
  exec "$@"
fi
folder=$(mktemp -d)
# PostgreSQL refuses to run as root
as=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  as=(setpriv --reuid postgres --regid postgres --init-groups)
fi
pg() { (cd "$folder" && "${as[@]}" "$@"); }
stop() { pg "$bin/pg_ctl" -D "$folder/data" -m immediate -s stop || true; rm -rf "$folder"; }
trap stop EXIT
pg "$bin/initdb" -D "$folder/data" -U earwitness --auth=trust --no-sync -E UTF8 --locale=C >/dev/null
pg "$bin/pg_ctl" -D "$folder/data" -s -w -l "$folder/log" start \
  -o "-c listen_addresses='' -k $folder -c fsync=off -c full_page_writes=off -c max_connections=60"
chmod 755 "$folder"
export EARWITNESS_TEST_POSTGRES="postgresql+psycopg://earwitness@/postgres?host=$folder"
"$@"
