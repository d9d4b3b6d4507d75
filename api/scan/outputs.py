"""Write a scan's findings as jsonl, csv or parquet, and the exclude list; no file is left half written."""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

from earwitness.api.finding_json import to_json, to_line
from earwitness.api.findings import Finding
from earwitness.api.printable import shown
from earwitness.api.scan.scan_errors import CannotWrite
from earwitness.index.match import Verdict
from earwitness.index.store.files import convert_write_errors, fsync_folder

FORMATS: Final = ("jsonl", "csv", "parquet")
ROWS_A_GROUP: Final = 5_000

CSV_COLUMNS: Final = (
    "item_id", "item_path", "sha256", "duration_s", "verdict", "claims_supported", "error_code",
    "error_message", "error_hint", "collection", "version", "recording_id", "recording_path", "title",
    "owner", "isrc", "match_verdict", "class", "e_value", "e_extrapolated", "e_checked_to", "similarity",
    "query_coverage", "reference_coverage", "speed", "pitch_cents", "tempo", "query_start_s", "query_end_s",
    "reference_start_s", "reference_end_s", "artist", "album",
)  # fmt: skip
"""One row for each segment of a match; an item without a match has one row that ends with the error.

``verdict`` is that of the item, ``match_verdict`` that of the match by itself (`Finding.verdict_of`).
"""

FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters of a formula: a cell that begins with one, after any spaces, gets an apostrophe before it.

Control characters in a text are written as escapes (``\\x1b``), so that printing the file is safe.
"""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears complete or not at all, with the permissions that the umask gives.

    The target of a symbolic link is replaced, and the link stays. A device or a pipe is written to directly.

    Raises
    ------
    CannotWrite, DiskFull
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with _named(path), convert_write_errors(path), target.open("wb") as file:
            yield file
        return
    unfinished = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}")
    with _named(path), convert_write_errors(path):
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with convert_write_errors(path), os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    fsync_folder(target.parent)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn an OSError into a CannotWrite that names the output."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(path=str(path), reason=error.strerror or str(error)) from error


def write_findings(findings: Iterable[Finding], path: Path, *, form: str) -> None:
    """Write findings in one of `FORMATS`."""
    with whole_file(path) as file:
        WRITERS[form](findings, file)


def write_jsonl(findings: Iterable[Finding], file: BinaryIO) -> None:
    """Write one JSON object a line."""
    for finding in findings:
        file.write(to_line(finding).encode())


def write_csv(findings: Iterable[Finding], file: BinaryIO) -> None:
    """Write one row for every segment of a match, and one for an item without a match."""
    write_table((row for finding in findings for row in flat_rows(finding)), CSV_COLUMNS, file)


def write_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: BinaryIO) -> None:
    """Write rows as CSV under these columns, with cells that are safe for terminals and spreadsheets."""
    with as_text(file) as text:
        table = csv.writer(text)
        table.writerow(columns)
        table.writerows([text_cell(row.get(column)) for column in columns] for row in rows)


@contextmanager
def as_text(file: BinaryIO) -> Iterator[TextIO]:
    """Write text to a binary file, which stays open; characters that are none in UTF-8 are escaped."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    yield text
    text.flush()
    text.detach()


def flat_rows(finding: Finding) -> Iterator[dict[str, Any]]:
    """Yield a finding as flat rows under `CSV_COLUMNS`."""
    fields = to_json(finding)
    item, error = fields["item"], fields["error"] or {}
    head = {"item_id": item["id"], "item_path": item["path"], "verdict": fields["verdict"]}
    head |= {"claims_supported": finding.claims_supported}
    head |= {key: item[key] for key in ("sha256", "duration_s")}
    head |= {f"error_{key}": value for key, value in error.items()}
    if not fields["matches"]:
        yield head
    for written, match in zip(finding.matches, fields["matches"], strict=True):
        own = {"match_verdict": str(finding.verdict_of(written))}
        recording = {f"recording_{key}" if key in {"id", "path"} else key: value
                     for key, value in match["recording"].items()}  # fmt: skip
        for segment in match["segments"]:
            yield head | match | own | recording | segment


def text_cell(value: object) -> object:
    """Make a text safe for terminals and spreadsheets; numbers and empty cells stay unchanged."""
    if not isinstance(value, str):
        return value
    text = shown(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def write_parquet(findings: Iterable[Finding], file: BinaryIO) -> None:
    """Write one row for each item, nested as the JSON is."""
    import pyarrow.parquet as pq

    schema = parquet_schema()
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _grouped(findings, ROWS_A_GROUP):
            writer.write_table(_table([to_json(finding) for finding in rows], schema))


def _table(rows: list[dict[str, Any]], schema: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=schema)


def _grouped(findings: Iterable[Finding], n_rows: int) -> Iterator[list[Finding]]:
    group = list[Finding]()
    for finding in findings:
        group.append(finding)
        if len(group) == n_rows:
            yield group
            group = []
    if group:
        yield group


def _struct(names: Iterable[str] = (), **fields: Any) -> Any:
    """Return an Arrow struct: texts by these names, then other fields."""
    import pyarrow as pa

    return pa.struct([*((name, pa.string()) for name in names), *fields.items()])


def parquet_schema() -> Any:
    """Return the Arrow schema of a finding; it has the shape of the JSON."""
    import pyarrow as pa

    number, integer = pa.float64(), pa.int64()
    part = _struct(("label", "kind"), start_s=number, duration_s=number)
    item = _struct(("id", "path", "sha256"), duration_s=number, parts=pa.list_(part), not_compared_s=number)
    collection = _struct(("name", "version", "indexed_at"), items=integer)
    search = _struct(
        ("effort", "scheme"),
        collections=pa.list_(collection),
        speed=pa.list_(number),
        pitch_cents=pa.list_(integer),
        tempo=pa.list_(number),
        epoch=integer,
    )
    return pa.schema(
        [
            ("schema", pa.string()),
            ("item", item),
            ("verdict", pa.string()),
            ("claims_supported", pa.bool_()),
            ("error", _struct(("code", "message", "hint"))),
            ("search", search),
            ("matches", pa.list_(_match_struct())),
            *_evidence_fields(),
        ]
    )


def _match_struct() -> Any:
    import pyarrow as pa

    number = pa.float64()
    spans = ("query_start_s", "query_end_s", "reference_start_s", "reference_end_s")
    return _struct(
        ("collection", "version", "class"),
        recording=_struct(("id", "path", "title", "owner", "isrc", "artist", "album")),
        e_value=number,
        e_extrapolated=pa.bool_(),
        e_checked_to=number,
        similarity=number,
        query_coverage=number,
        reference_coverage=number,
        speed=number,
        pitch_cents=pa.int64(),
        tempo=number,
        segments=pa.list_(pa.struct([(span, number) for span in spans])),
    )


def _evidence_fields() -> list[tuple[str, Any]]:
    """Return the fields beside the matches: what no match is worth, the same file, and names."""
    import pyarrow as pa

    number, integer, texts = pa.float64(), pa.int64(), pa.list_(pa.string())
    power = _struct(
        ("effort",),
        length_s=number,
        tested_hours=number,
        searched_hours=number,
        rows=pa.list_(_struct(("condition",), found=integer, possible=integer, of=integer)),
    )
    same_file = _struct(
        ("dataset", "version", "card", "digest", "listed_by"), paths=texts, n_paths=integer, n_files=integer
    )
    names = _struct(
        ("dataset", "version", "card", "kind", "value", "listed_by"),
        e_value=number,
        entries=pa.list_(_struct(("place", "title", "album"), artists=texts, ids=texts)),
        n_entries=integer,
        n_listed=integer,
    )
    return [("power", power), ("same_file", pa.list_(same_file)), ("names", pa.list_(names))]


WRITERS: Final[dict[str, Callable[[Iterable[Finding], BinaryIO], None]]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}


def write_exclude_list(findings: Iterable[Finding], path: Path, *, verdicts: Collection[Verdict]) -> int:
    """Write the ids of the items whose verdict is one of `verdicts`, one a line; return their number."""
    n_excluded = 0
    with whole_file(path) as file:
        for item in excluded(findings, verdicts):
            file.write(item.encode("utf-8", "backslashreplace") + b"\n")
            n_excluded += 1
    return n_excluded


def excluded(findings: Iterable[Finding], verdicts: Collection[Verdict]) -> Iterator[str]:
    """Yield the ids of the items whose verdict is one of `verdicts`."""
    return (finding.item.id for finding in findings if finding.verdict in verdicts)
