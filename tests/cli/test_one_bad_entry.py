"""One bad entry beside a good item: the good one is compared, the bad one reported, nothing ends early."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from earwitness.api.cli.app import app

ORIGINALS = Path(__file__).parents[2] / "sample_audio" / "originals"
DEEP = '{"path": "ok.mp3", "x": ' + "[" * 600 + "]" * 600 + "}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one registered work."""
    home = tmp_path_factory.mktemp("home")
    registered = run("register", ORIGINALS / "tin_parade.mp3", home=home)
    assert registered[0] == 0, registered[1]
    return home


def run(*arguments: object, home: Path) -> tuple[int, str]:
    """Run one command; return its exit status and its output."""
    result = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])
    return result.exit_code, result.output


def manifest(name: str, text: str | bytes) -> Callable[[Path], Path]:
    """Make a manifest beside a clip of a registered work."""

    def build(root: Path) -> Path:
        shutil.copy(ORIGINALS / "tin_parade.mp3", root / "ok.mp3")
        (root / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return root / name

    return build


def tables(root: Path) -> Path:
    """A folder with tables that end their reader: a column's name is no UTF-8, a footer is damaged."""
    manifest("notes.txt", "nothing")(root)
    table = pa.table({"audio": [(ORIGINALS / "tin_parade.mp3").read_bytes()], "titl": ["x"]})
    with pa.OSFile(str(root / "a.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    (root / "a.arrow").write_bytes((root / "a.arrow").read_bytes().replace(b"titl", b"tit\xea"))
    pq.write_table(pa.table({"audio": [b"no sound"], "n": [1]}), root / "a.parquet")
    complete = (root / "a.parquet").read_bytes()
    footer = len(complete) - 8 - int.from_bytes(complete[-8:-4], "little")
    for n, at in enumerate(range(footer, len(complete) - 8, 23)):
        changed = bytearray(complete)
        changed[at] ^= 0x7F
        (root / f"{n}.parquet").write_bytes(changed)
    return root


GOOD = '{"path": "ok.mp3"}\n'
BAD_LINES = "".join([
    '{"path": "file://[x"}\n',
    '{"path": "http://[::1/x.wav"}\n',
    DEEP,
    '{"path": "ok.mp3", "title": "\\ud83d", "\\udfff": 1}\n',
])  # fmt: skip
LATIN_1 = b'{"path": "ok.mp3", "title": "Caf\xe9"}\n'
BAD: dict[str, Callable[[Path], Path]] = {
    "lines of JSON": manifest("l.jsonl", BAD_LINES.encode() + LATIN_1 + GOOD.encode()),
    "tables": tables,
}


def findings(path: Path) -> Iterator[dict[str, Any]]:
    """The findings of a scan."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


@pytest.mark.parametrize("build", BAD.values(), ids=BAD)
def test_one_bad_entry_ends_neither_a_scan_nor_an_index(
    build: Callable[[Path], Path], home: Path, tmp_path: Path
) -> None:
    """The status is one of 0, 1 and 3, the good item is compared, and a bad one has an error."""
    (tmp_path / "source").mkdir()
    source, out = build(tmp_path / "source"), tmp_path / "findings.jsonl"
    status, output = run("scan", source, "--out", out, "--allow-remote", home=home)
    assert status == 1, output
    verdicts = {finding["verdict"] for finding in findings(out)}
    assert "match" in verdicts
    assert verdicts <= {"match", "not_readable"}
    if source.is_file():
        status, output = run("index", source, "--name", tmp_path.name, home=home)
        assert status == 0, output
