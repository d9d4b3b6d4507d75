"""Results of the container parsers: the pieces of a file, and what their structure states about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from earwitness.fingerprint.decode.file_view import FileView, section
from earwitness.fingerprint.decode.formats import Format

StartsFile = Callable[[int], bool]
"""Whether a file of a known audio format begins at an offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A byte range that a backend decodes as one file; a file of several joined files has several pieces.

    Attributes
    ----------
    file : FileView
        Its bytes, as a file of that format.
    expected_s : float or None
        Duration in seconds, counted from its frames or bytes without decoding.
    tolerance_s : float or None
        Tolerance in seconds on `expected_s`; None means the default of the stream reader.
    missing_s : float
        Seconds known to be missing or damaged; 0 if the number is unknown.
    missing : str or None
        Describes what is missing; None if nothing is known to be missing.
    at_end : bool
        Whether the missing part is at the end of the piece.
    """

    format: Format
    file: FileView
    expected_s: float | None = None
    tolerance_s: float | None = None
    missing_s: float = 0.0
    missing: str | None = None
    at_end: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLayout:
    """Result of parsing one file, which may be followed by another one.

    Attributes
    ----------
    pieces : tuple of Piece
    end : int
        Offset after its last byte.
    """

    pieces: tuple[Piece, ...]
    end: int


def single_piece(
    file: FileView, start: int, end: int, format_: Format, missing: str | None = None, *, at_end: bool = True
) -> FileLayout:
    """Layout of a file that is one piece, from `start` to `end`."""
    piece = Piece(format=format_, file=section(file, start, end), missing=missing, at_end=at_end)
    return FileLayout(pieces=(piece,), end=end)
