"""Inputs that failed once, each scanned by the command line and compared with the expected answer.

The inputs are in ``--cases`` (see its README), the expected answers in
``benchmarks/lists/cases.jsonl``. The five works of sample_audio are registered first. Rows: ``case``,
``exit``, ``items`` (id, verdict, error code, seconds compared and not compared, works matched), ``failed``
(differences from the expected answer; empty when there are none) and ``seconds``, the time it took.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.report.records import RECORDS, Record, record, save
from earwitness.fingerprint.extract import extractor
from earwitness.index.matching.verdict import MATCH_E_VALUE

ROOT: Final = Path(__file__).parents[2]
LIST: Final = Path(__file__).parents[1] / "lists" / "cases.jsonl"
SECONDS_OFF: Final = 0.3
"""Allowed difference of the compared length in seconds: codecs pad both ends."""


def main(argv: Sequence[str]) -> int:
    """Scan every case, print what differs, write the record; 1 when anything differs."""
    it = argparse.ArgumentParser(prog="python -m benchmarks cases", description=__doc__)
    it.add_argument("--cases", type=Path, default=ROOT.parent / "shared" / "cases")
    it.add_argument("--only", default="", help="run only cases whose name starts with this")
    it.add_argument("--save", type=Path, default=RECORDS, help="folder of the record")
    options = it.parse_args(argv)
    listed = [json.loads(line) for line in LIST.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory(prefix="earwitness-cases-") as folder:
        runner = Runner(Path(folder), options.cases)
        rows = [runner.row(case) for case in listed if case["case"].startswith(options.only)]
        rows += [row for name, row in runner.scripted() if name.startswith(options.only)]
    for row in rows:
        mark = "FAIL" if row["failed"] else "ok  "
        print(f"{mark} {row['case']}: {'; '.join(row['failed']) or row['exit']}")
    n_failed = sum(bool(row["failed"]) for row in rows)
    print(f"{len(rows) - n_failed} passed, {n_failed} failed")
    if not options.only:
        print(
            save(
                record("cases", scheme=extractor().scheme, seed=0, options={}, rows=rows),
                "cases",
                folder=options.save,
            )
        )
    return 1 if n_failed else 0


def cases_table(record: Record) -> Iterator[str]:
    """Yield each case with its answer."""
    n_right = sum(not row["failed"] for row in record.rows)
    yield f"{n_right} of {len(record.rows)} inputs that failed once have the expected answer."
    yield ""
    yield "| case | exit | answer | compared | not as expected |"
    yield "|---|---|---|---|---|"
    for row in record.rows:
        items = [item for item in row["items"] if isinstance(item, dict)]
        verdicts = Counter(item["verdict"] for item in items)
        answer = ", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items()))
        compared_s = sum(item["compared_s"] or 0.0 for item in items)
        failed = "; ".join(row["failed"]) or "-"
        yield f"| {row['case']} | {row['exit']} | {answer or '-'} | {compared_s:.1f} s | {failed} |"


class Runner:
    """Runs `earwitness` on copies of the cases, against a home that holds the works of sample_audio."""

    def __init__(self, folder: Path, cases: Path) -> None:
        self._folder, self._cases = folder, folder / "cases"
        shutil.copytree(cases, self._cases, symlinks=True, copy_function=shutil.copyfile)
        _make_link(self._cases)
        self._works = ROOT / "sample_audio" / "originals"
        self._call("register", str(self._works), home="works")

    def row(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """Scan one case and compare the answer with what is expected."""
        source = self._source(case)
        out = self._folder / "findings.jsonl"
        out.unlink(missing_ok=True)
        extra = [
            str(self._cases / part) if part.startswith("21") else part for part in case.get("options", [])
        ]
        start = time.perf_counter()
        done = self._call("scan", str(source), "--out", str(out), *extra, home="works")
        seconds = round(time.perf_counter() - start, 2)
        lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
        findings = [json.loads(line) for line in lines]
        failed = list(_differences(case, done.returncode, lines, findings))
        if "Traceback" in done.stderr or "defect of the program" in done.stderr:
            failed.append(f"it printed a traceback: {done.stderr[-3_000:]}")
        return {
            "case": case["case"],
            "exit": done.returncode,
            "items": [_item(finding) for finding in findings],
            "summary": done.stderr.strip().splitlines()[-1:],
            "failed": failed,
            "seconds": seconds,
        }

    def scripted(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Cases that are more than one scan."""
        yield "09_more_than_50_places", self._many_places()
        yield "10_dedup_medley", self._medley()
        yield "same_names", self._same_names()

    def _many_places(self) -> dict[str, Any]:
        """One work in 120 items, cut 0.1 s apart: every place is in the finding."""
        many = self._folder / "many"
        many.mkdir()
        work = self._works / "tin_parade.mp3"
        for number in range(120):
            cut = ["-ss", f"{number * 0.1:.1f}", "-t", "10", "-i", str(work), "-b:a", "48k"]
            subprocess.run(["ffmpeg", "-loglevel", "error", *cut, str(many / f"{number}.mp3")], check=True)
        self._call("index", str(many), "--name", "many", "--effort", "fast", home="many")
        done = self._call("check", str(work), "--effort", "fast", "--format", "jsonl", home="many")
        n_places = len({match["recording"]["path"] for match in json.loads(done.stdout)["matches"]})
        sentence = self._call("check", str(work), "--effort", "fast", home="many").stdout.splitlines()[0]
        failed = [] if n_places == 120 else [f"{n_places} of 120 places are in the finding"]
        return {"case": "09_more_than_50_places", "exit": done.returncode, "items": [], "summary": [sentence],
                "failed": failed, "seconds": 0.0}  # fmt: skip

    def _medley(self) -> dict[str, Any]:
        """Songs that a medley contains stay in the keep list."""
        keep = self._folder / "keep.txt"
        done = self._call(
            "dedup", str(self._cases / "10_dedup_medley"), "--keep-list", str(keep), home="dedup"
        )
        names = set(keep.read_text(encoding="utf-8").split())
        songs = {"song_clock.mp3", "song_slow.mp3", "song_tin.mp3"}
        failed = [] if songs <= names else [f"{sorted(songs - names)} would be removed"]
        return {"case": "10_dedup_medley", "exit": done.returncode, "items": sorted(names), "summary": [],
                "failed": failed, "seconds": 0.0}  # fmt: skip

    def _same_names(self) -> dict[str, Any]:
        """Two files of one name in two folders have two ids."""
        for name, work in (("a", "tin_parade.mp3"), ("b", "clockwork_reel.mp3")):
            (self._folder / name).mkdir()
            shutil.copyfile(self._works / work, self._folder / name / "x.mp3")
        files = [str(self._folder / name / "x.mp3") for name in ("a", "b")]
        done = self._call("check", *files, "--format", "jsonl", "--effort", "fast", home="many")
        ids = [json.loads(line)["item"]["id"] for line in done.stdout.splitlines()]
        return {"case": "same_names", "exit": done.returncode, "items": ids, "summary": [],
                "failed": [] if len(set(ids)) == 2 else [f"ids {ids}"], "seconds": 0.0}  # fmt: skip

    def _source(self, case: Mapping[str, Any]) -> Path:
        source = self._cases / str(case["case"])
        good = self._cases / "21_manifests" / "clips" / "t.mp3"
        if case["case"].startswith("hostile/"):
            shutil.copyfile(good, source.parent / "ok.mp3")
        if not case.get("beside"):
            return source
        beside = self._folder / "beside" / source.name
        beside.mkdir(parents=True)
        shutil.copyfile(source, beside / source.name)
        shutil.copyfile(good, beside / "ok.mp3")
        return beside

    def _call(self, *arguments: str, home: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("earwitness"), *arguments],
            env=os.environ | {"EARWITNESS_HOME": str(self._folder / home)},
            capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


def _make_link(cases: Path) -> None:
    """Create the layout of a Hugging Face cache: the snapshot's file is a link to a blob."""
    snapshot = cases / "24_hf_cache" / "snapshots" / "rev"
    snapshot.mkdir(parents=True, exist_ok=True)
    (snapshot / "clip.mp3").symlink_to("../../blobs/0a1b")


def _item(finding: Mapping[str, Any]) -> dict[str, Any]:
    item, error = finding["item"], finding["error"]
    return {
        "id": item["id"],
        "verdict": finding["verdict"],
        "error": error and error["code"],
        "compared_s": item["duration_s"],
        "not_compared_s": item.get("not_compared_s"),
        "parts": len(item.get("parts", [])) or None,
        "works": sorted({_stem(match) for match in finding["matches"]}),
    }


def _stem(match: Mapping[str, Any]) -> str:
    return Path(str(match["recording"]["path"])).stem


def _differences(
    case: Mapping[str, Any], code: int, lines: Sequence[str], findings: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the differences between the answer and the expected one."""
    verdicts = Counter(finding["verdict"] for finding in findings)
    compared_s = sum(finding["item"]["duration_s"] or 0.0 for finding in findings)
    if code not in case.get("exit_in", [case.get("exit")]):
        yield f"exit {code}"
    for what, number in (
        ("items", len(findings)),
        ("matched", verdicts["match"]),
        ("unread", verdicts["not_readable"]),
    ):
        if case.get(what, number) != number:
            yield f"{number} {what}, {case[what]} expected"
    if abs(case.get("seconds", compared_s) - compared_s) > SECONDS_OFF * max(len(findings), 1):
        yield f"{compared_s:.1f} s compared, {case['seconds']} expected"
    for item, verdict in case.get("verdicts", {}).items():
        if [each["verdict"] for each in findings if each["item"]["id"] == item] != [verdict]:
            yield f"{item} is not {verdict}"
    matches = [match for finding in findings for match in finding["matches"]]
    own = [match for match in matches if match["class"] != "shared_material"]
    certain = [match for match in own if match["e_value"] <= MATCH_E_VALUE]
    missing = set(case.get("works", [])) - {_stem(match) for match in certain}
    if missing:
        yield f"{sorted(missing)} not matched"
    for what in ("reference_coverage", "speed", "tempo"):
        if what in case and (
            not matches or abs(matches[0][what] - case[what]) > 0.06 - 0.05 * (what != "reference_coverage")
        ):
            yield f"{what} {matches[0][what] if matches else None}, {case[what]} expected"
    longest = max(map(len, lines), default=0)
    if longest > case.get("longest_line", longest):
        yield f"a finding of {longest:,} characters"
