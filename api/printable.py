"""Escape text from outside for terminals and tables."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any, Final

_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width joiners, which some scripts and emoji need, are not escaped."""


def shown(text: str, *, lines: bool = False) -> str:
    """Escape control and direction characters, lone surrogates and unassigned characters.

    Parameters
    ----------
    text : str
        For example a title, a file's name, or an error message.
    lines : bool
        Do not escape line feeds.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _may_stay(char, lines) else _escape(char) for char in text)


def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line on standard error, without the source line that Python adds."""
    if sys.stderr is not None:
        print(f"earwitness: warning: {shown(str(message))}", file=sys.stderr, flush=True)


def _may_stay(char: str, lines: bool) -> bool:
    if char == "\n":
        return lines
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{point - 0xDC00:02x}"
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
