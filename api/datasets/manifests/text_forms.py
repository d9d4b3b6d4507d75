"""Recognises text manifests by their first lines: lists of paths, playlists, delimited tables, Kaldi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from earwitness.api.datasets.entries.resolve_path import is_url
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.manifests.columns import (
    ID_KEYS,
    PATH_KEYS,
    audio_fields,
    plain_name,
)
from earwitness.api.datasets.manifests.delimited import delimiter_of
from earwitness.api.datasets.members import called_like_audio
from earwitness.api.datasets.names import suffix

_PLAYLISTS: Final = frozenset({".m3u", ".m3u8", ".pls"})
_ALONE: Final = frozenset({*PATH_KEYS, *ID_KEYS, "isrc", "spotify_id", "video_id"})


def is_wav_scp(lines: Sequence[str]) -> bool:
    """Whether every line names an utterance and then an audio file, or a command."""
    words = [line.split(None, 1) for line in lines if line.strip()]
    return bool(words) and all(
        len(pair) == 2
        and not set(pair[0]) & set(",;|")
        and not called_like_audio(pair[0])
        and pair[0] != "-"
        and not pair[0].endswith(":")
        and "\t" not in pair[1].strip()
        and (called_like_audio(pair[1].strip()) or pair[1].strip().endswith("|"))
        for pair in words
    )


def is_path_list(lines: Sequence[str], *, name: str) -> bool:
    """Whether this is a playlist, or has a path or URL of audio in every line and nothing else."""
    first = lines[0].strip().lower()
    if suffix(name) in _PLAYLISTS or first.startswith(("#extm3u", "[playlist]")):
        return True
    shown = [line.strip() for line in lines[:50] if not line.startswith("#")]
    return bool(shown) and all(map(_is_path, shown)) and not _is_table(shown, name=name)


def _is_path(line: str) -> bool:
    if not called_like_audio(line) or len(line) > 4096:
        return is_url(line) and not any(map(str.isspace, line))
    return True


def _is_table(lines: Sequence[str], *, name: str) -> bool:
    """Whether lines that all end like a path have cells; a comma and a blank may be part of a name."""
    delimiter = delimiter_of(lines)
    if delimiter is None or (len(lines) < 3 and suffix(name) not in {".csv", ".tsv"}):
        return False
    counts = {line.count(delimiter) for line in lines}
    return len(counts) == 1 and not any(f"{delimiter} " in line for line in lines)


def delimited_kind(lines: Sequence[str], *, name: str) -> str | None:
    """``csv`` or ``tsv`` where the lines have cells, or one column with a name of a manifest's column."""
    body = [line for line in lines if not line.startswith("#")] or list(lines[-1:])
    first = body[0].lstrip("#").strip()
    if first.startswith(("<", "%")):
        return None
    delimiter = delimiter_of(body[:1]) and delimiter_of(body)
    if delimiter is not None:
        return "tsv" if delimiter == "\t" else "csv"
    if suffix(name) == ".tsv" and "\t" in body[0]:
        return "tsv"
    if plain_name(first.strip('"')) in _ALONE:
        return "csv"
    if called_like_audio(first) and suffix(name) in {".csv", ".txt", ".lst", ".list"}:
        return "csv"
    return None


def names_audio(entry: Mapping[str, Json]) -> bool:
    """Whether an object names audio itself, and is not an object around entries that do."""
    return bool(audio_fields(entry))
