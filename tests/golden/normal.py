"""What of an answer may differ between two runs, written in one way; nothing else is changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.golden.entrance import Ended

SAMPLES: Final = Path(__file__).parents[2] / "sample_audio"

_TIMED: Final = re.compile(r"^(\w+: [\d,]+.* items after \d+:|workers: |First run: compiling)")
"""Lines that say how far a command is, how many workers fit into memory, and that kernels are compiled."""

_EPOCH: Final = re.compile(r'(epoch": )\d+')
_PATTERNS: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "(moment)"),
    (re.compile(r"at epoch \d+"), "at epoch (epoch)"),
    (re.compile(r"as of \d{4}-\d\d-\d\d"), "as of (date)"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"), "(job)"),
)


class Normaliser:
    """Write in one way what depends on the run: moments, folders, job ids, epochs, digests of made files.

    An epoch counts the changes of a home, and how many there are depends on how items fell into batches.
    Encoders may give other bytes on another machine, so the digest of a file that the tests make is replaced
    by the file's name.

    Parameters
    ----------
    folder : Path
        The temporary folder; its path is replaced, and so is that of the samples.
    made : mapping
        Name and bytes of every file that the tests made.
    """

    def __init__(self, folder: Path, made: Mapping[str, bytes] | None = None) -> None:
        self._folder = str(folder)
        self._digests: dict[str, str] = {}
        self.add(made or {})

    def add(self, made: Mapping[str, bytes]) -> None:
        """Take files whose digests are to be replaced."""
        for name, data in made.items():
            self._digests.setdefault(hashlib.sha256(data).hexdigest(), f"(sha256 of {name})")

    def text(self, text: str) -> str:
        """Return a text without what depends on the run."""
        text = text.replace(self._folder, "(folder)").replace(str(SAMPLES), "(samples)")
        text = _EPOCH.sub(r'\1"(epoch)"', text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return re.sub(r"[0-9a-f]{64}", lambda digest: self._digests.get(digest[0], digest[0]), text)

    def value(self, value: object) -> Any:
        """Return a value of JSON's types without what depends on the run."""
        return json.loads(self.text(json.dumps(value, ensure_ascii=False)))

    def ended(self, done: Ended) -> dict[str, Any]:
        """Return what a command left: JSON as values, other text as lines."""
        lines = [line for line in self.text(done.stderr).splitlines() if not _TIMED.match(line)]
        return {"exit": done.exit, "stdout": self._output(done.stdout), "stderr": lines}

    def _output(self, text: str) -> Any:
        text = self.text(text)
        if text.startswith("{"):
            found = [json.loads(line) for line in text.splitlines()]
            return found[0] if len(found) == 1 else found
        return text.splitlines()

    def lines(self, path: Path) -> list[Any]:
        """Return the objects of a file of JSON lines."""
        return [json.loads(line) for line in self.text(path.read_text(encoding="utf-8")).splitlines()]
