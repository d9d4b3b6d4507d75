"""Answers of the commands about audio of many kinds equal the expected ones."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.golden import sources
from tests.golden.compare import check
from tests.golden.normalise import SAMPLES, Normaliser
from tests.golden.product import earwitness
from tests.golden.queries import chosen, queries
from tests.golden.sources import CONTENTS
from tests.made_once import made_once

ORIGINALS, SCRAPED = SAMPLES / "originals", SAMPLES / "scraped.zip"
FAST = ("--effort", "fast")
META = """path,title,owner,isrc
tin_parade.mp3,Tin Parade,An Artist,GBAYE6800011
night_bus.opus,Night Bus,=Another Artist,
"""


class Session:
    """Runs commands in one home and collects their answers."""

    def __init__(self, folder: Path, home: Path, queries: Path) -> None:
        self.folder, self.home, self.queries = folder, home, queries
        self.normaliser = Normaliser(folder)
        self.answers: dict[str, Any] = {}

    def run(self, name: str, *arguments: object) -> None:
        """Run a command and store its answer under a name."""
        assert name not in self.answers
        self.answers[name] = self.normaliser.result(earwitness(*arguments, home=self.home))

    def make(self, folder: str, names: Iterable[str]) -> dict[str, bytes]:
        """Write queries into a folder; return their bytes."""
        clips = {name: (self.queries / name).read_bytes() for name in names}
        self.normaliser.add(clips)
        sources.write(self.folder / folder, clips)
        return clips

    def lines(self, file: str) -> list[str]:
        """Return the lines of a text file that a command wrote."""
        return self.normaliser.text((self.folder / file).read_text(encoding="utf-8")).splitlines()

    def findings(self, file: str, prefix: str = "") -> dict[str, Any]:
        """Return the findings in a file, by item."""
        findings = self.normaliser.lines(self.folder / file)
        by_item = {f"{prefix}{each['item']['id']}": each for each in findings}
        assert len(by_item) == len(findings)
        return by_item


@pytest.fixture(scope="module")
def made_queries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all queries, which the tests only read."""

    def make(folder: Path) -> None:
        sources.write(folder, {name: maker() for name, maker in queries().items()})

    return made_once(tmp_path_factory, "golden-queries", make)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, made_queries: Path) -> Session:
    """Home with the sample works and the sample collection, which the tests do not change."""

    def make(folder: Path) -> None:
        folder.mkdir()
        made = Session(folder, folder / "home", made_queries)
        meta = folder / "meta.csv"
        meta.write_text(META)
        made.run("register", "register", ORIGINALS, "--owner", "Someone", "--meta", meta, *FAST, "--json")
        made.run("index", "index", SCRAPED, "--name", "scraped", *FAST, "--json")
        (folder / "answers.json").write_text(json.dumps(made.answers))

    folder = made_once(tmp_path_factory, "golden-commands", make)
    base = Session(folder, folder / "home", made_queries)
    base.answers = json.loads((folder / "answers.json").read_text())
    return base


@pytest.fixture
def session(base: Session, tmp_path: Path) -> Session:
    """Session in the base home, with files of its own."""
    return Session(tmp_path, base.home, base.queries)


@pytest.mark.parametrize(
    ("effort", "step", "workers"), [("fast", 0, 2), ("standard", 1, 1), ("full", 2, 1)], ids=str
)
def test_scan_of_synthetic_queries(
    session: Session, update: bool, effort: str, step: int, workers: int
) -> None:
    """Findings, summary and exclude list of a folder of queries are the expected ones."""
    session.make("queries", chosen(step) if step else queries())
    source, out, listed = (session.folder / name for name in ("queries", "out.jsonl", "exclude.txt"))
    extras = ("--out", out, "--exclude-list", listed, "--exclude", "possible")
    session.run("(scan)", "scan", source, *extras, "--effort", effort, "--workers", workers, "--json")
    session.answers["(exclude list)"] = session.lines("exclude.txt")
    check(f"scan-{effort}", {**session.answers, **session.findings("out.jsonl")}, update=update)


def test_archives_tables_and_manifests(session: Session, update: bool) -> None:
    """Clips in archives, tables and manifests have the expected findings, and bad rows their errors."""
    clips = session.make("clips", CONTENTS)
    sources.archives(session.folder / "archives", clips)
    sources.manifests(session.folder / "lists", clips)
    answers = session.answers
    for name, source in (("archives", "archives"), ("jsonl", "lists/list.jsonl")):
        out, clean = session.folder / f"{name}.jsonl", session.folder / f"{name}-clean.txt"
        extras = ("--out", out, "--clean-manifest", clean)
        session.run(f"(scan {name})", "scan", session.folder / source, *extras, *FAST, "--json")
        answers[f"(clean manifest of {name})"] = session.lines(clean.name)
        answers.update(session.findings(f"{name}.jsonl", f"{name}: "))
    extras = ("--out", session.folder / "out.csv", "--links", session.folder / "links.jsonl")
    session.run("(scan csv)", "scan", session.folder / "lists/list.csv", *extras, *FAST, "--format", "csv")
    with (session.folder / "out.csv").open(newline="", encoding="utf-8") as table:
        rows = [session.normaliser.value(row) for row in csv.DictReader(table)]
    answers["(rows of csv)"] = rows
    answers["(links of csv)"] = session.normaliser.lines(session.folder / "links.jsonl")
    check("sources", answers, update=update)


def test_registering_and_indexing(base: Session, update: bool, tmp_path: Path) -> None:
    """Answers about new, known, refused and unreadable works and items are the expected ones."""
    session = Session(tmp_path, tmp_path / "home", base.queries)
    shutil.copytree(base.home, session.home)
    refused = ("silence-6s.flac", "noise.flac", "tone.flac", "clean-8s-night_bus.flac", "loop-6-times.flac")
    session.make("works", (*refused, "page.mp3", "empty.mp3", "cut-off.opus", "clean-20s-tin_parade.flac"))
    session.make("more", ("codec-mp3-32k-tin_parade.mp3", "absent-02-12s.flac", "text.mp3", "mix-1.flac"))
    tin = ORIGINALS / "tin_parade.mp3"
    session.run("register more", "register", session.folder / "works", "--owner", "B", *FAST, "--json")
    session.run("register again", "register", tin, *FAST)
    session.run("register a new title", "register", tin, "--owner", "An Artist", "--title", "T", *FAST)
    session.run("register of another owner", "register", tin, "--owner", "Other", *FAST, "--json")
    session.run("register with a bad code", "register", tin, "--isrc", "no code", *FAST, "--json")
    more = (session.folder / "more", "--name", "more", "--version", "2", *FAST)
    session.run("index more", "index", *more, "--out", session.folder / "found.jsonl")
    session.answers["found in more"] = session.findings("found.jsonl")
    session.run("index more again", "index", *more, "--json")
    session.run("index with a reserved name", "index", SCRAPED, "--name", "works", "--json")
    session.run("collections", "collections", "--json")
    session.run("verify", "verify", "--json")
    session.run("remove", "remove", "more", "--yes", "--json")
    session.run("collections after a removal", "collections")
    base_answers = {f"begin: {name}": answer for name, answer in base.answers.items()}
    check("register-and-index", {**base_answers, **session.answers}, update=update)


def test_checks_and_errors(session: Session, update: bool) -> None:
    """Checks in each format and at each effort, and errors, are the expected ones."""
    names = ("absent-01-6s.flac", "silence-6s.flac", "page.mp3", "cut-off.m4a", "whole-work.flac")
    session.make("clips", names)
    clips = [session.folder / "clips" / name for name in names]
    lanterns, reel = ORIGINALS / "paper_lanterns.opus", ORIGINALS / "clockwork_reel.mp3"
    session.run("standard, JSON", "check", lanterns, *clips[:-1], "--json")
    session.run("fast, table", "check", lanterns, reel, *clips, *FAST)
    session.run("full, lines", "check", reel, "--effort", "full", "--format", "jsonl")
    session.run("fast, CSV", "check", lanterns, clips[2], *FAST, "--format", "csv", "--strict")
    session.run("nothing found", "check", clips[0], *FAST, "--in", "scraped:1")
    session.run("unknown dataset", "check", lanterns, "--in", "other", "--json")
    session.run("no such file", "check", session.folder / "missing.mp3", "--json")
    session.run("bad effort", "check", lanterns, "--effort", "most", "--json")
    out = ("--out", session.folder / "out.jsonl", "--json")
    session.run("no such source", "scan", session.folder / "missing", *out)
    session.run("unknown reader", "scan", SCRAPED, *out, "--reader", "casette")
    session.run("text as a source", "scan", session.folder / "clips/page.mp3", *FAST, *out)
    (session.folder / "kept.txt").write_text("mine")
    session.run("output exists", "scan", SCRAPED, "--out", session.folder / "kept.txt", "--json")
    session.home = session.folder / "no-home"
    session.run("nothing registered", "scan", SCRAPED, *out[:1], session.folder / "none.jsonl", "--json")
    session.run("nothing indexed", "check", lanterns, "--json")
    check("check", session.answers, update=update)


def test_duplicates(session: Session, update: bool) -> None:
    """Copies, excerpts, related and unreadable items have the expected groups."""
    copies = ("whole-work.flac", "clean-20s-paper_lanterns.flac", "codec-opus-24k-paper_lanterns.opus")
    session.make(
        "set", (*copies, "mix-0.flac", "mix-1.flac", "absent-02-12s.flac", "page.mp3", "cut-off.m4a")
    )
    shutil.copy(session.folder / "set/mix-0.flac", session.folder / "set/same-bytes.flac")
    out, keep_list = session.folder / "groups.jsonl", session.folder / "kept.txt"
    extras = ("--out", out, "--keep-list", keep_list)
    session.run("dedup", "dedup", session.folder / "set", *FAST, *extras, "--json")
    session.answers["groups"] = session.normaliser.lines(out)
    session.answers["kept"] = session.lines("kept.txt")
    check("dedup", session.answers, update=update)
