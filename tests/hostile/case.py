"""A hostile source, and what it must come to."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile source.

    Attributes
    ----------
    build : callable
        Makes the source in a folder of its own and says what to open.
    codes : set of str
        Exactly the outcomes of its items: error codes, and ``ok`` for those that can be read to their end.
    options : dict
        Given to ``open_source``.
    """

    name: str
    build: Callable[[Path], Path | str]
    codes: set[str]
    options: dict[str, Any] = field(default_factory=dict)


def wav(seed: int = 0) -> bytes:
    """A small wav that no other seed has."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes((seed * 37 + n * n) % 251 for n in range(600)))
    return file.getvalue()
