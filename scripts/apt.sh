#!/usr/bin/env bash
# Install Debian packages (as root): `scripts/apt.sh PACKAGE ...`. Where another program holds apt's locks, wait for it.
set -euo pipefail
patience_s=${APT_PATIENCE_S:-600}

# apt waits for dpkg's lock by itself, but not for the lock of its package lists
apt() {
  local said until=$((SECONDS + patience_s)) waiting=
  while ! said=$(DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o "DPkg::Lock::Timeout=$patience_s" -qq "$@" 2>&1); do
    if ! grep -qiE 'could not get lock|unable to (acquire|lock)|is held by' <<<"$said" || ((SECONDS >= until)); then
      printf '%s\n' "$said" >&2
      return 1
    fi
    [ -n "$waiting" ] || echo "another program is using apt; waiting up to $patience_s s for it" >&2
    waiting=1
    sleep 2
  done
}

apt update
apt -y install --no-install-recommends "$@"
