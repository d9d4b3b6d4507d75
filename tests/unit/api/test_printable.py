"""Text from outside can do nothing to a terminal, and stays readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.printable import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("one\r\ntwo\ttab", "one\\x0d\\x0atwo\\x09tab"),
        ("\u2028line\u2066", "\\u2028line\\u2066"),
        ("bad\udcff\ud800", "bad\\xff\\ud800"),
        ("\U000e0001tag", "\\U000e0001tag"),
    ],
)
def test_what_moves_a_cursor_is_escaped(text: str, expected: str) -> None:
    """Control, direction and line characters, surrogates and tags are written as escapes."""
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text", ["Björk", "坂本\u3000龍一", "می\u200cخواهم", "👩\u200d🎤", "a\u00a0b", "100 %"]
)
def test_what_people_write_stays(text: str) -> None:
    """Letters, ideographic spaces, joiners and emoji of real titles are not touched."""
    assert shown(text) == text


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_unseen_is_left(text: str) -> None:
    """Whatever comes in, no character of a control, surrogate or private kind goes out, nor a format one."""
    for char in shown(text):
        assert unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert unicodedata.category(char) != "Cf" or char in "\u200c\u200d"


def test_lines_may_stay() -> None:
    """A text of several lines keeps them where that is requested, and nothing else."""
    assert shown("a\nb\r", lines=True) == "a\nb\\x0d"
