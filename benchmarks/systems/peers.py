"""Other systems on the same references and queries: Chromaprint built in, any other by a small protocol.

The adapter protocol: the command is started once, and exchanges JSON lines on standard input and output.

    -> {"index": [{"id": "...", "path": "/abs/file.ogg"}, ...]}
    <- {"indexed": 377}
    -> {"query": {"id": "q0001", "path": "/abs/query.wav"}}
    <- {"id": "q0001", "answers": [{"track": "...", "score": 12.5, "at": [0.0, 8.0, 61.2, 70.1],
                                    "change": [1.12, 0, 1.0]}]}

Each reply is one line. Answers come best first; a higher score is more certain; ``at`` holds the query's
start and end and the reference's start and end in seconds; ``change`` is speed, pitch in cents, tempo. A
peer's answer counts as reported when its score is above that of every absent query of the same length.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from earwitness.fingerprint.chromaprint import chromaprint
from earwitness.fingerprint.types import RATE_HZ, Waveform

WORD_S: Final = 4096 / 3 / RATE_HZ
"""Seconds from one Chromaprint word to the next."""

Answers = list[dict[str, Any]]


class Peer(Protocol):
    """The interface of a compared system."""

    def index(self, files: Sequence[tuple[str, Path]]) -> None:
        """Index references: names and files."""

    def answer(self, file: Path) -> Answers:
        """Return references for one query, best first."""


class Chromaprint:
    """Chromaprint's words compared bit by bit at every offset of every reference."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._first: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._words: NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)

    def index(self, files: Sequence[tuple[str, Path]]) -> None:
        """Compute every reference's words."""
        words = [_words(file) for _, file in files]
        self._names = [name for name, _ in files]
        self._first = np.cumsum([0] + [len(one) for one in words])
        self._words = np.concatenate(words)

    def answer(self, file: Path) -> Answers:
        """Return the reference with the fewest differing bits."""
        query = _words(file)
        n_places = len(self._words) - len(query) + 1
        if len(query) == 0 or n_places < 1:
            return []
        differing = np.zeros(n_places, dtype=np.int32)
        for k, word in enumerate(query):
            differing += np.bitwise_count(self._words[k : k + n_places] ^ word)
        best = int(np.argmin(differing))
        owner = int(np.searchsorted(self._first, best, side="right")) - 1
        start_s = (best - int(self._first[owner])) * WORD_S
        length_s = len(query) * WORD_S
        return [
            {
                "track": self._names[owner],
                "score": round(1 - int(differing[best]) / (32 * len(query)), 4),
                "at": [0.0, round(length_s, 3), round(start_s, 3), round(start_s + length_s, 3)],
                "change": [1.0, 0.0, 1.0],
            }
        ]


class Adapter:
    """Another program that implements the protocol above."""

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def index(self, files: Sequence[tuple[str, Path]]) -> None:
        """Send the references."""
        self._request({"index": [{"id": name, "path": str(file.absolute())} for name, file in files]})

    def answer(self, file: Path) -> Answers:
        """Send one query, and return the answers."""
        answers: Answers = self._request({"query": {"id": file.stem, "path": str(file.absolute())}})[
            "answers"
        ]
        return answers

    def _request(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        return reply


def peer(name: str) -> Peer:
    """Return the built-in peer of this name, or an adapter for this command."""
    return Chromaprint() if name == "chromaprint" else Adapter(name)


def _words(file: Path) -> NDArray[np.uint32]:
    sound, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    samples = soxr.resample(np.ascontiguousarray(sound.mean(axis=1)), rate_hz, RATE_HZ, quality="HQ")
    return chromaprint(Waveform(samples=samples.astype(np.float32)))
