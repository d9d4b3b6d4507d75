"""A fuzzer of the whole command: ``python -m tests.hostile.fuzz_command --seconds 30 --seed 1``.

Each round scans (or indexes) mutated sources beside a clip of a registered work: a folder of archives and
tables, or a list of mutated lines. Any exit status but 0, 1 and 3 stops the fuzzer, and so does a clip that
is not found. The source that did it stays on the disk.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app
from tests.hostile.fuzz_sources import TABLE_ENDINGS, aimed, mutated, seeds
from tests.hostile.rounds import add_options, rounds

WORK = Path(__file__).parents[2] / "sample_audio" / "originals" / "tin_parade.mp3"
AT_ONCE = 16
GOOD_LINE = b'\n{"path": "good.mp3"}\n'
STATUSES = frozenset({0, 1, 3})


def run(*arguments: object, home: Path) -> Result:
    """Run one command."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


def folder_of_mutants(root: Path, sources: list[tuple[str, bytes]], chance: random.Random) -> Path:
    """Make a folder of mutated archives and tables, and the clip."""
    for n in range(AT_ONCE):
        name, data = chance.choice(sources)
        is_table = name.endswith(TABLE_ENDINGS) and chance.random() < 0.8
        (root / f"{n}-{name}").write_bytes(aimed(data, name, chance) if is_table else mutated(data, chance))
    return root


def list_of_mutants(root: Path, sources: list[tuple[str, bytes]], chance: random.Random) -> Path:
    """Make a list of mutated lines, of which the last names the clip."""
    lines = [mutated(data, chance) for name, data in sources if name.endswith(".jsonl")]
    (root / "l.jsonl").write_bytes(b'{"path": "gone.mp3"}\n' + b"\n".join(lines) + GOOD_LINE)
    return root / "l.jsonl"


def failure(result: Result, out: Path) -> str | None:
    """What is wrong with a scan; None when nothing is."""
    if result.exit_code not in STATUSES:
        return f"exit status {result.exit_code}: {result.output[-2000:]}"
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    good = [each["verdict"] for each in found if each["item"]["path"].endswith("good.mp3")]
    return None if "match" in good else f"the clip was not found: {good}"


def one_round(root: Path, home: Path, sources: list[tuple[str, bytes]], chance: random.Random) -> str | None:
    """Make one source and scan it, and sometimes index it too; what went wrong, if anything did."""
    root.mkdir()
    shutil.copyfile(WORK, root / "good.mp3")
    is_list = chance.random() < 0.3
    source = (list_of_mutants if is_list else folder_of_mutants)(root, sources, chance)
    how = [source, "--effort", "fast", "--workers", 1, *(["--reader", "jsonl"] if is_list else [])]
    out = home / "findings.jsonl"
    out.unlink(missing_ok=True)
    wrong = failure(run("scan", *how, "--out", out, home=home), out)
    if wrong is None and chance.random() < 0.3:
        indexed = run("index", *how, "--name", f"d{chance.randrange(1 << 30)}", home=home)
        if indexed.exit_code not in STATUSES:
            return f"index: exit status {indexed.exit_code}: {indexed.output[-2000:]}"
    return wrong


def main(argv: list[str]) -> int:
    """Run the rounds and print the counts."""
    options = argparse.ArgumentParser(description=__doc__)
    add_options(options, seed=1)
    asked = options.parse_args(argv)
    chance, counts = random.Random(asked.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        (made := Path(folder) / "seeds").mkdir()
        sources, home = seeds(made), Path(folder) / "home"
        registered = run("register", WORK, "--effort", "fast", home=home)
        assert registered.exit_code == 0, registered.output
        for _ in rounds(asked):
            root = Path(folder) / "round"
            wrong = one_round(root, home, sources, chance)
            if wrong is not None:
                kept = Path(tempfile.mkdtemp(prefix=f"fuzz-command-{asked.seed}-"))
                shutil.copytree(root, kept / "source")
                sys.stderr.write(f"{kept}/source did this: {wrong}\n")
                return 1
            shutil.rmtree(root)
            counts["rounds"] += 1
    sys.stdout.write(f"{counts['rounds']} scans of mutants of {len(sources)} seeds\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
