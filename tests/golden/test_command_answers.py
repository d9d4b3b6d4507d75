"""What the commands answer about audio of many kinds is what they answered when the data here was kept."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.golden import sources
from tests.golden.compare import check
from tests.golden.entrance import earwitness
from tests.golden.normal import SAMPLES, Normaliser
from tests.golden.queries import Made, chosen, queries
from tests.golden.sources import HELD

ORIGINALS, SCRAPED = SAMPLES / "originals", SAMPLES / "scraped.zip"
FAST = ("--effort", "fast")
META = """path,title,owner,isrc
tin_parade.mp3,Tin Parade,An Artist,GBAYE6800011
night_bus.opus,Night Bus,=Another Artist,
"""


class Session:
    """Commands in one home, and what they answered."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.normal = Normaliser(folder)
        self.answers: dict[str, Any] = {}

    def ask(self, name: str, *arguments: object) -> None:
        """Run a command and keep its answer under a name."""
        assert name not in self.answers
        self.answers[name] = self.normal.ended(earwitness(*arguments, home=self.home))

    def make(self, folder: str, names: Iterable[str]) -> dict[str, bytes]:
        """Write queries into a folder, and return their bytes."""
        made = queries()
        return self.write(folder, {name: made[name] for name in names})

    def write(self, folder: str, makers: Mapping[str, Made]) -> dict[str, bytes]:
        """Write files into a folder, and return their bytes."""
        clips = {name: make() for name, make in makers.items()}
        self.normal.add(clips)
        sources.write(self.folder / folder, clips)
        return clips

    def lines(self, file: str) -> list[str]:
        """Return the lines of a text that a command wrote."""
        return self.normal.text((self.folder / file).read_text(encoding="utf-8")).splitlines()

    def findings(self, file: str, prefix: str = "") -> dict[str, Any]:
        """Return the findings in a file, by item."""
        found = self.normal.lines(self.folder / file)
        by_item = {f"{prefix}{each['item']['id']}": each for each in found}
        assert len(by_item) == len(found)
        return by_item


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Register the sample works and index the sample collection; tests only ask this home."""
    folder = tmp_path_factory.mktemp("commands")
    begun = Session(folder, folder / "home")
    meta = folder / "meta.csv"
    meta.write_text(META)
    begun.ask("register", "register", ORIGINALS, "--owner", "Someone", "--meta", meta, *FAST, "--json")
    begun.ask("index", "index", SCRAPED, "--name", "scraped", *FAST, "--json")
    return begun


@pytest.fixture
def session(begun: Session, tmp_path: Path) -> Session:
    """Ask the begun home; the files of each test are its own."""
    return Session(tmp_path, begun.home)


@pytest.mark.parametrize(("effort", "step"), [("fast", 1), ("standard", 5), ("full", 10)])
def test_a_scan_of_made_queries(session: Session, update: bool, effort: str, step: int) -> None:
    """Every finding of a folder of queries is as it was, and so are the summary and the exclude list."""
    session.write("queries", chosen(step))
    source, out, listed = (session.folder / name for name in ("queries", "out.jsonl", "exclude.txt"))
    extras = ("--out", out, "--exclude-list", listed, "--exclude", "possible")
    session.ask("(scan)", "scan", source, *extras, "--effort", effort, "--json")
    session.answers["(exclude list)"] = session.lines("exclude.txt")
    check(f"scan-{effort}", {**session.answers, **session.findings("out.jsonl")}, update=update)


def test_archives_tables_and_manifests(session: Session, update: bool) -> None:
    """The same clips are answered in every packing, and every bad row has its error."""
    clips = session.make("clips", HELD)
    sources.archives(session.folder / "archives", clips)
    sources.manifests(session.folder / "lists", clips)
    answers = session.answers
    for name, source in (("archives", "archives"), ("jsonl", "lists/list.jsonl")):
        out, clean = session.folder / f"{name}.jsonl", session.folder / f"{name}-clean.txt"
        extras = ("--out", out, "--clean-manifest", clean)
        session.ask(f"(scan {name})", "scan", session.folder / source, *extras, *FAST, "--json")
        answers[f"(clean manifest of {name})"] = session.lines(clean.name)
        answers.update(session.findings(f"{name}.jsonl", f"{name}: "))
    extras = ("--out", session.folder / "out.csv", "--links", session.folder / "links.jsonl")
    session.ask("(scan csv)", "scan", session.folder / "lists/list.csv", *extras, *FAST, "--format", "csv")
    with (session.folder / "out.csv").open(newline="", encoding="utf-8") as table:
        rows = [session.normal.value(row) for row in csv.DictReader(table)]
    answers["(rows of csv)"] = rows
    answers["(links of csv)"] = session.normal.lines(session.folder / "links.jsonl")
    check("sources", answers, update=update)


def test_registering_and_indexing(begun: Session, update: bool, tmp_path: Path) -> None:
    """What is registered, known already, of another owner, refused and unreadable is answered as it was."""
    session = Session(tmp_path, tmp_path / "home")
    shutil.copytree(begun.home, session.home)
    refused = ("silence-6s.flac", "noise.mp3", "tone.mp3", "clean-8s-night_bus.flac", "loop-6-times.mp3")
    session.make("works", (*refused, "page.mp3", "empty.mp3", "cut-off.opus", "clean-20s-tin_parade.flac"))
    session.make("more", ("codec-mp3-32k-tin_parade.mp3", "absent-02-20s.mp3", "text.mp3", "mix-1.mp3"))
    tin = ORIGINALS / "tin_parade.mp3"
    session.ask("register more", "register", session.folder / "works", "--owner", "B", *FAST, "--json")
    session.ask("register again", "register", tin, *FAST)
    session.ask("register a new title", "register", tin, "--owner", "An Artist", "--title", "T", *FAST)
    session.ask("register of another owner", "register", tin, "--owner", "Other", *FAST, "--json")
    session.ask("register with a bad code", "register", tin, "--isrc", "no code", *FAST, "--json")
    more = (session.folder / "more", "--name", "more", "--version", "2", *FAST)
    session.ask("index more", "index", *more, "--out", session.folder / "found.jsonl")
    session.answers["found in more"] = session.findings("found.jsonl")
    session.ask("index more again", "index", *more, "--json")
    session.ask("index with a reserved name", "index", SCRAPED, "--name", "works", "--json")
    session.ask("collections", "collections", "--json")
    session.ask("verify", "verify", "--json")
    session.ask("remove", "remove", "more", "--yes", "--json")
    session.ask("collections after a removal", "collections")
    begun_answers = {f"begin: {name}": answer for name, answer in begun.answers.items()}
    check("register-and-index", {**begun_answers, **session.answers}, update=update)


def test_checks_and_errors(session: Session, update: bool) -> None:
    """A check is answered as it was in each form and at each effort; so is what cannot be carried out."""
    asked = ("absent-01-8s.mp3", "silence-6s.flac", "page.mp3", "cut-off.m4a", "whole-work.flac")
    session.make("clips", asked)
    clips = [session.folder / "clips" / name for name in asked]
    lanterns, reel = ORIGINALS / "paper_lanterns.opus", ORIGINALS / "clockwork_reel.mp3"
    session.ask("standard, JSON", "check", lanterns, *clips[:-1], "--json")
    session.ask("fast, table", "check", lanterns, reel, *clips, *FAST)
    session.ask("full, lines", "check", reel, "--effort", "full", "--format", "jsonl")
    session.ask("fast, CSV", "check", lanterns, clips[2], *FAST, "--format", "csv", "--strict")
    session.ask("nothing found", "check", clips[0], *FAST, "--in", "scraped:1")
    session.ask("unknown dataset", "check", lanterns, "--in", "other", "--json")
    session.ask("no such file", "check", session.folder / "missing.mp3", "--json")
    session.ask("bad effort", "check", lanterns, "--effort", "most", "--json")
    out = ("--out", session.folder / "out.jsonl", "--json")
    session.ask("no such source", "scan", session.folder / "missing", *out)
    session.ask("unknown reader", "scan", SCRAPED, *out, "--reader", "casette")
    session.ask("text as a source", "scan", session.folder / "clips/page.mp3", *FAST, *out)
    (session.folder / "kept.txt").write_text("mine")
    session.ask("output exists", "scan", SCRAPED, "--out", session.folder / "kept.txt", "--json")
    session.home = session.folder / "no-home"
    session.ask("nothing registered", "scan", SCRAPED, *out[:1], session.folder / "none.jsonl", "--json")
    session.ask("nothing indexed", "check", lanterns, "--json")
    check("check", session.answers, update=update)


def test_duplicates(session: Session, update: bool) -> None:
    """Copies, excerpts, related items and what cannot be read are grouped as they were."""
    copies = ("whole-work.flac", "clean-20s-paper_lanterns.flac", "codec-opus-24k-paper_lanterns.opus")
    session.make("set", (*copies, "mix-0.mp3", "mix-1.mp3", "absent-02-20s.mp3", "page.mp3", "cut-off.m4a"))
    shutil.copy(session.folder / "set/mix-0.mp3", session.folder / "set/same-bytes.mp3")
    out, kept = session.folder / "groups.jsonl", session.folder / "kept.txt"
    extras = ("--out", out, "--keep-list", kept)
    session.ask("dedup", "dedup", session.folder / "set", *FAST, *extras, "--json")
    session.answers["groups"] = session.normal.lines(out)
    session.answers["kept"] = session.lines("kept.txt")
    check("dedup", session.answers, update=update)
