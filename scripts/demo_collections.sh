#!/usr/bin/env bash
# Two collections compared, on pieces of sample_audio: prints what docs/guide-collections.md shows.
set -euo pipefail
cd "$(dirname "$0")/.."
samples=$PWD/sample_audio/originals
PATH="${VENV:-$PWD/.venv}/bin:$PATH"
work=$(mktemp -d)
export EARWITNESS_HOME=$work/home
cd "$work"
# exit code 1 says that something was found, which is what a demo is for
run() { printf '\n$ %s\n' "$*"; "$@" || [ $? = 1 ]; }
cut_out() { ffmpeg -nostdin -loglevel error -ss "$2" -t "$3" -i "$samples/$1" -ac 1 "$4"; }

mkdir training test
cp "$samples/night_bus.opus" "$samples/slow_harbour.mp3" training
cut_out clockwork_reel.mp3 5 10 training/reel_part.wav
cut_out night_bus.opus 8 10 test/bus_part.mp3
cp "$samples/slow_harbour.mp3" "$samples/clockwork_reel.mp3" "$samples/tin_parade.mp3" test

run earwitness index training --name training
run earwitness scan test --in training --out findings.jsonl --exclude-list exclude.txt --report report.html
run cat exclude.txt
run earwitness overlap ./training ./test --exclude-b leave-out.csv --report overlap.html
run cat leave-out.csv
mkdir dataset
cp -r training dataset/train
cp -r test dataset/test
run earwitness overlap dataset --splits train,test --out pairs.jsonl
run head -n 1 pairs.jsonl
# a programme of three plays; the second lies half under an unknown piece
ffmpeg -nostdin -loglevel error -i "$samples/night_bus.opus" -i "$samples/tin_parade.mp3" -i "$samples/paper_lanterns.opus" \
  -i "$samples/night_bus.opus" -filter_complex \
  '[0]adelay=5000:all=1[a];[1]adelay=40000:all=1[b];[2]adelay=55000:all=1,volume=0.5[c];[3]atrim=start=6,asetpts=PTS-STARTPTS,adelay=90000:all=1[d];[a][b][c][d]amix=inputs=4:normalize=0' \
  -ac 1 programme.mp3
mkdir works
cp "$samples/night_bus.opus" "$samples/tin_parade.mp3" works
earwitness -q register works --artist 'An Artist' > registered.txt
run earwitness cue programme.mp3
run earwitness cue programme.mp3 --format cue --out -
# outputs of a generator: two hold 6 and 12 s of a training piece under another one
mkdir outputs
cp "$samples/tin_parade.mp3" outputs/output_0.mp3
for seconds in 6 12; do
  ffmpeg -nostdin -loglevel error -i "$samples/tin_parade.mp3" -ss 2 -t $seconds -i "$samples/night_bus.opus" \
    -filter_complex '[0]volume=0.4[a];[1]adelay=3000:all=1[b];[a][b]amix=inputs=2:normalize=0' -ac 1 "outputs/output_$seconds.mp3"
done
run earwitness replicas outputs --in training
