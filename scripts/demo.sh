#!/usr/bin/env bash
# The main job on sample_audio: register works, index a scraped collection, find each in the other.
# benchmarks/records/demo.txt is what it printed: scripts/demo.sh > benchmarks/records/demo.txt 2>&1, then `python -m benchmarks summary`.
set -euo pipefail
cd "$(dirname "$0")/.."
export EARWITNESS_HOME=${EARWITNESS_HOME:-$(mktemp -d)/earwitness}
PATH="${VENV:-$PWD/.venv}/bin:$PATH"
out=$(mktemp -d)
say() { printf '\n$ %s\n' "$*"; }
# exit code 1 says that something was found, which is what a demo is for
found() { "$@" || [ $? = 1 ]; }
run() { say "$@"; found "$@"; }

run earwitness register sample_audio/originals --owner "Example Artist"
run earwitness index sample_audio/scraped.zip --name scraped-sample --version 1
run earwitness check sample_audio/originals/tin_parade.mp3 sample_audio/originals/clockwork_reel.mp3
say earwitness scan sample_audio/scraped.zip --out findings.jsonl --exclude-list exclude.txt
found earwitness scan sample_audio/scraped.zip --out "$out/findings.jsonl" --exclude-list "$out/exclude.txt"
say cat exclude.txt
cat "$out/exclude.txt"
say "head -n 1 findings.jsonl"
head -n 1 "$out/findings.jsonl"

# Later: what is new since the first scan, and a report as one page. Then duplicates within a dataset.
say earwitness scan sample_audio/scraped.zip --out later.jsonl --diff findings.jsonl --report report.html
found earwitness scan sample_audio/scraped.zip --out "$out/later.jsonl" --diff "$out/findings.jsonl" --report "$out/report.html"
mkdir "$out/dataset"
cp sample_audio/originals/tin_parade.mp3 sample_audio/originals/slow_harbour.mp3 "$out/dataset"
cp sample_audio/originals/tin_parade.mp3 "$out/dataset/copy.mp3"
cd "$out"
run earwitness dedup dataset --keep-list keep.txt
run cat keep.txt
