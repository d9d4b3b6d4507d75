"""Text from outside, as it may go to a terminal or a table: what cannot be seen there is escaped."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any, Final

_KEPT: Final = frozenset("\u200c\u200d")
"""Joiners, which some scripts and emoji need; they move nothing but their neighbours."""


def shown(text: str, *, lines: bool = False) -> str:
    """Escape control and direction characters, lone surrogates and unassigned characters.

    Parameters
    ----------
    text : str
        Such as a title, a file's name, or the words of an error.
    lines : bool
        Keep line feeds; they are escaped too where one line must stay one line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _may_stay(char, lines) else _escape(char) for char in text)


def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Say a warning in one plain line on standard error, in place of Python's two with a source file."""
    if sys.stderr is not None:
        print(f"earwitness: warning: {shown(str(message))}", file=sys.stderr, flush=True)


def _may_stay(char: str, lines: bool) -> bool:
    if char == "\n":
        return lines
    return char.isprintable() or char in _KEPT or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that was no UTF-8
        return f"\\x{point - 0xDC00:02x}"
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
