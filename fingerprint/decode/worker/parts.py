"""A stretch of a file that one decoder reads to its end, and what its structure states of it."""

from __future__ import annotations

from dataclasses import dataclass

from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.formats import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One link of a file; an ordinary file has one.

    Attributes
    ----------
    stored : FileView
        Its bytes, as a file of that format.
    expected_s : float or None
        Seconds that its frames or its bytes come to, counted without any decoder.
    spare_s : float or None
        Seconds by which a decoder may fall short of that; None takes the usual.
    missing_s : float
        Seconds that are known to be missing, or are no frames; 0 may also mean that nobody knows how many.
    missing : str or None
        What is missing, in words; None where nothing is known to be missing.
    at_end : bool
        Whether it is missing at the end of the piece.
    """

    format: Format
    stored: FileView
    expected_s: float | None = None
    spare_s: float | None = None
    missing_s: float = 0.0
    missing: str | None = None
    at_end: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLayout:
    """What a format's structure comes to, from where it starts.

    Attributes
    ----------
    pieces : tuple of Piece
    end : int
        Offset behind its last byte; something else may follow there.
    """

    pieces: tuple[Piece, ...]
    end: int
