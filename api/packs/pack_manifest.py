"""The manifest of a pack: what is in it, how it was made, and the SHA-256 of every part."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from earwitness.api.packs.pack_errors import NotAPack, PackTooNew

FORMAT: Final = "earwitness.pack/1"
MAX_MANIFEST_BYTES: Final = 1 << 20
PARTS: Final = ("card.json", "files.parquet", "names.parquet", "sound.parquet")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MAX_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStated:
    """One part as the manifest states it; `rows` is the number of its rows, 1 for the card."""

    sha256: str
    size_bytes: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackManifest:
    """What a pack is of, and what is in it.

    Attributes
    ----------
    scheme : str or None
        Scheme of the fingerprints; None without sound.
    indexed_at : str
        When the dataset was indexed in the home that made the pack: ISO 8601, UTC.
    made_with : str
        The program and its version.
    complete : bool
        Whether the dataset had been indexed to its end.
    """

    name: str
    version: str
    scheme: str | None
    indexed_at: str
    made_at: str
    made_with: str
    complete: bool
    parts: Mapping[str, PartStated]

    def to_bytes(self) -> bytes:
        """Return the canonical JSON (RFC 8785) of the manifest, which is what is signed."""
        import rfc8785  # only packs need it

        fields = {"format": FORMAT, **asdict(self)}
        fields["parts"] = {name: asdict(part) for name, part in self.parts.items()}
        canonical: bytes = rfc8785.dumps(fields)
        return canonical


def manifest_of(text: bytes, *, path: str) -> PackManifest:
    """Parse a manifest, which must be in its canonical form.

    Raises
    ------
    NotAPack
    PackTooNew
        When its format is another; nothing else of it is looked at.
    """
    try:
        fields = json.loads(text)
        pack_format = fields.pop("format")
        if pack_format != FORMAT:
            raise PackTooNew(path=path, pack_format=str(pack_format)[:_MAX_NAME_CHARS])
        parts = {name: _part(name, each) for name, each in fields.pop("parts").items()}
        manifest = PackManifest(**fields, parts=parts)
        _check(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAPack(path=path, reason=f"its manifest is not valid ({type(error).__name__})") from error
    if manifest.to_bytes() != text:
        raise NotAPack(path=path, reason="its manifest is not in canonical form")
    return manifest


def _part(name: str, fields: Mapping[str, Any]) -> PartStated:
    part = PartStated(**fields)
    numbers = (part.size_bytes, part.rows)
    if name not in PARTS or _SHA256.fullmatch(part.sha256) is None:
        raise ValueError(name)
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError(name)
    return part


def _check(manifest: PackManifest) -> None:
    texts = (manifest.name, manifest.version, manifest.indexed_at, manifest.made_at, manifest.made_with)
    for text in (*texts, *([] if manifest.scheme is None else [manifest.scheme])):
        if not isinstance(text, str) or not 0 < len(text) <= _MAX_NAME_CHARS or not text.isprintable():
            raise ValueError("a text is missing, too long or not printable")
    if type(manifest.complete) is not bool:
        raise TypeError("complete")
    if "card.json" not in manifest.parts or len(manifest.parts) < 2:  # a card alone carries nothing
        raise ValueError("parts")
    if (manifest.scheme is None) != ("sound.parquet" not in manifest.parts):
        raise ValueError("scheme")
