"""Check the rows of a pack and make of them what the store takes; hostile rows end here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from earwitness.api.packs.read_pack import Pack, PackRow
from earwitness.fingerprint.params import Params
from earwitness.fingerprint.types import Fingerprint
from earwitness.index.database.records import Failure, NewItem
from earwitness.index.known_files.file_list import DIGEST_BYTES
from earwitness.index.known_files.write_file_list import KnownFile

MAX_TEXT_CHARS: Final = 4_096
MAX_METADATA_CHARS: Final = 65_536
MAX_DURATION_S: Final = 1e6
CHROMAPRINT_WORDS_A_S: Final = 10.0
_HEX: Final = re.compile(r"[0-9a-f]*")


def known_files(pack: Pack) -> Iterator[KnownFile]:
    """Yield the files of a pack.

    Raises
    ------
    PackDamaged
    """
    for number, row in enumerate(pack.rows("files.parquet")):
        try:
            digests = {kind: bytes.fromhex(value) for kind, value in _digests(row.fields)}
            yield KnownFile(path=_text(row.fields["path"]).replace("\0", "\\x00"), digests=digests)
        except (ValueError, KeyError, TypeError) as error:
            raise pack.damaged("files.parquet", f"has a row that is not valid ({number:,})") from error


def _digests(fields: Any) -> Iterator[tuple[str, str]]:
    for kind, n_bytes in DIGEST_BYTES.items():
        value = fields[kind]
        if value is not None:
            yield kind, _hexadecimal(value, n_bytes)


def _hexadecimal(value: object, n_bytes: int) -> str:
    if not isinstance(value, str) or len(value) != 2 * n_bytes or _HEX.fullmatch(value) is None:
        raise ValueError("no digest")
    return value


def _text(value: object, limit: int = MAX_TEXT_CHARS) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise ValueError("no text")
    return value


def _number(value: object, limit: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("no number")
    if not 0 <= value <= limit:
        raise ValueError("a number is out of its range")
    return float(value)


def new_items(pack: Pack, params: Params) -> Iterator[NewItem]:
    """Yield the items of a pack with their fingerprints.

    Raises
    ------
    PackDamaged
        Fingerprints whose parts do not fit their length are refused: loops over them rely on that.
    """
    met = set[int]()
    for number, row in enumerate(pack.rows("sound.parquet")):
        try:
            yield _item(row, pack, params, met)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise pack.damaged("sound.parquet", f"has a row that is not valid ({number:,})") from error


def _item(row: PackRow, pack: Pack, params: Params, met: set[int]) -> NewItem:
    fields = row.fields
    recording, failure, fingerprint = fields["recording"], None, None
    if fields["error_code"] is not None:
        code, message, hint = (_text(fields[f"error_{name}"]) for name in ("code", "message", "hint"))
        failure = Failure(code=code, message=message, hint=hint)
    elif type(recording) is not int:
        raise ValueError("an item has neither a recording nor an error")
    elif recording not in met:
        met.add(recording)
        fingerprint = _fingerprint(row, pack.manifest.scheme or "", params)
    size_bytes = fields["size_bytes"]
    start_s, end_s = (
        None if fields[name] is None else _number(fields[name], MAX_DURATION_S)
        for name in ("start_s", "end_s")
    )
    metadata = fields["metadata"]
    return NewItem(
        path=_text(fields["path"]),
        sha256=None if fields["sha256"] is None else _hexadecimal(fields["sha256"], 32),
        fingerprint=fingerprint,
        failure=failure,
        size_bytes=None if size_bytes is None else int(_number(size_bytes, 1e15)),
        start_s=start_s,
        end_s=end_s,
        metadata={} if metadata is None else _object(json.loads(_text(metadata, MAX_METADATA_CHARS))),
        origin=f"pack-{pack.sha256[:12]}",
    )


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _fingerprint(row: PackRow, scheme: str, params: Params) -> Fingerprint:
    duration_s = _number(row.fields["duration_s"], MAX_DURATION_S)
    active_s = _number(row.fields["active_s"], duration_s + 1.0)
    codes, frames, bands, chromaprint = row.arrays
    if codes is None or frames is None or bands is None or chromaprint is None:
        raise ValueError("a fingerprint lacks a part")
    n_frames = duration_s / params.frame_s + 2
    packed = np.frombuffer(codes, dtype=np.uint8).reshape(-1, params.code_bytes)
    frame, band = np.frombuffer(frames, dtype="<i4"), np.frombuffer(bands, dtype=np.uint8)
    words = np.frombuffer(chromaprint, dtype="<u4")
    if not 0 < len(packed) <= n_frames / params.code_hop_frames + 1:
        raise ValueError("codes do not fit the length")
    if len(frame) != len(band) or (len(frame) and not _are_peaks(frame, band, n_frames, params.n_bands)):
        raise ValueError("peaks do not fit the length")
    if len(words) > CHROMAPRINT_WORDS_A_S * (duration_s + 10.0):
        raise ValueError("Chromaprint does not fit the length")
    peaks = np.stack([frame, band.astype(np.int32)], axis=1).astype(np.int32)
    return Fingerprint(
        scheme=scheme,
        duration_s=duration_s,
        active_s=active_s,
        codes=packed,
        peaks=peaks,
        chromaprint=words.astype(np.uint32),
    )


def _are_peaks(frame: Any, band: Any, n_frames: float, n_bands: int) -> bool:
    in_range = frame[0] >= 0 and frame[-1] < n_frames and int(band.max()) < n_bands
    return bool(in_range and (np.diff(frame) >= 0).all())
