"""Files that are no items: the kind of each, their numbers, and the sentence that reports them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

MAX_KINDS: Final = 200
"""Kinds that are counted separately; further kinds of a source are counted together."""
OTHER: Final = "other"
APPLE_DOUBLE: Final = "AppleDouble"
"""The kind of the files that macOS writes beside a file (``._clip.mp3``)."""
_LISTS: Final = frozenset(
    {"csv", "tsv", "jsonl", "ndjson", "json", "m3u", "m3u8", "pls", "lst", "scp", "cue"}
)
_SHOWN: Final = 12
_LONGEST: Final = 16
_PACKED: Final = frozenset({"gz", "bz2", "xz", "zst"})
MAY_HOLD_SOUND: Final = frozenset({
    "array_record", "arrayrecord", "avro", "beton", "bin", "dat", "db", "dls", "duckdb", "exs", "f32",
    "f32le", "fst", "h5", "hdf", "hdf5", "it", "lance", "lmdb", "mat", "mdb", "mds", "mod", "msgpack",
    "mtm", "nc", "npy", "npz", "orc", "pickle", "pkl", "pt", "pth", "raw", "rdata", "rds", "rec",
    "riegeli", "s16", "s16le", "s24le", "s3m", "safetensors", "sf2", "sf3", "sqlite", "sqlite3", "swf",
    "tfrecord", "tfrecords", "xm", "zarr",
})  # fmt: skip
"""Kinds that hold numbers, which may be samples, or instruments; no reader opens them."""


def kind_of(name: str) -> str:
    """Kind of a file by its name: the suffix in lower case without its dot, ``csv.gz``; empty for none."""
    last = name.replace("\\", "/").rpartition("/")[2].lower()
    if last.startswith("._"):
        return APPLE_DOUBLE
    stem, dot, tail = last.rpartition(".")
    if not dot or len(tail) > _LONGEST or not tail.isascii() or not tail.replace("_", "").isalnum():
        return ""
    inner = stem.rpartition(".")[2]
    if tail in _PACKED and "." in stem and inner.isascii() and inner.isalnum() and len(inner) <= _LONGEST:
        return f"{inner}.{tail}"
    return tail


def is_list_kind(kind: str) -> bool:
    """Whether files of this kind may be manifests, packed or not."""
    return kind.partition(".")[0] in _LISTS | {"txt"}


class PassedOver(Counter[str]):
    """How many files of each kind a reader counted as no items."""

    def add(self, name: str) -> None:
        """Count a file by its name."""
        self.add_kind(kind_of(name))

    def add_kind(self, kind: str, number: int = 1) -> None:
        """Count files of a known kind."""
        self[kind if kind in self or len(self) < MAX_KINDS else OTHER] += number

    def add_all(self, kinds: Mapping[str, int]) -> None:
        """Add the counts of another reader."""
        for kind, number in kinds.items():
            self.add_kind(kind, number)


def passed_over_words(kinds: Mapping[str, int]) -> list[str]:
    """Report the files that are no items: ``12 files that hold no sound: txt 8, json 4``; empty for none."""
    unknown = {kind: number for kind, number in kinds.items() if kind.partition(".")[0] in MAY_HOLD_SOUND}
    silent = {kind: number for kind, number in kinds.items() if kind not in unknown}
    sentences = []
    if n_silent := sum(silent.values()):
        sentences.append(f"{n_silent:,} {_files(n_silent)} no sound: {_listed(silent)}")
    if n_unknown := sum(unknown.values()):
        verb = "file that may" if n_unknown == 1 else "files that may"
        sentences.append(f"{n_unknown:,} {verb} hold sound in a form that is not read: {_listed(unknown)}")
    return sentences


def lists_among(kinds: Mapping[str, int]) -> str:
    """Name the kinds of files that may be manifests, for a hint; empty where there are none."""
    lists = sorted(kind for kind in kinds if kind.partition(".")[0] in _LISTS)
    return f"manifest itself (a {' or '.join(lists)} file)" if lists else ""


def _files(number: int) -> str:
    return "file that holds" if number == 1 else "files that hold"


def _listed(kinds: Mapping[str, int]) -> str:
    order = sorted(kinds.items(), key=lambda each: (-each[1], each[0]))
    sentences = [f"{kind or 'no suffix'} {number:,}" for kind, number in order[:_SHOWN]]
    if rest := order[_SHOWN:]:
        sentences.append(f"{sum(number for _, number in rest):,} of {len(rest)} more kinds")
    return ", ".join(sentences)
