"""Replaces the parts of an answer that differ between runs by placeholders."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.golden.product import CommandResult

SAMPLES: Final = Path(__file__).parents[2] / "sample_audio"

_TIMED: Final = re.compile(
    r"^(\w+: [\d,]+.* items after \d+:|[\w ]+: still working after \d+:|workers: |First run: compiling)"
)
"""Lines with progress, the number of workers, and the compilation of kernels."""

_EPOCH: Final = re.compile(r'(epoch": )\d+')
_PATTERNS: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "(moment)"),
    (re.compile(r"at epoch \d+"), "at epoch (epoch)"),
    (re.compile(r"as of \d{4}-\d\d-\d\d"), "as of (date)"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"), "(job)"),
)


class Normaliser:
    """Replaces timestamps, folders, job ids, epochs and digests of generated files by placeholders.

    An epoch counts the changes of a home, which depend on the batches of items. Encoders may give different
    bytes on another machine, so the digest of a generated file is replaced by its name.

    Parameters
    ----------
    folder : Path
        The temporary folder, whose path is replaced like that of the samples.
    generated : mapping
        Bytes of generated files by name.
    """

    def __init__(self, folder: Path, generated: Mapping[str, bytes] | None = None) -> None:
        self._folder = str(folder)
        self._digests: dict[str, str] = {}
        self.add(generated or {})

    def add(self, generated: Mapping[str, bytes]) -> None:
        """Add files whose digests are replaced."""
        for name, data in generated.items():
            self._digests.setdefault(hashlib.sha256(data).hexdigest(), f"(sha256 of {name})")

    def text(self, text: str) -> str:
        """Return a text with placeholders."""
        text = text.replace(self._folder, "(folder)").replace(str(SAMPLES), "(samples)")
        text = _EPOCH.sub(r'\1"(epoch)"', text)
        for pattern, placeholder in _PATTERNS:
            text = pattern.sub(placeholder, text)
        return re.sub(r"[0-9a-f]{64}", lambda digest: self._digests.get(digest[0], digest[0]), text)

    def value(self, value: object) -> Any:
        """Return a JSON value with placeholders."""
        return json.loads(self.text(json.dumps(value, ensure_ascii=False)))

    def result(self, result: CommandResult) -> dict[str, Any]:
        """Return the result of a command: JSON as values, other text as lines."""
        lines = [line for line in self.text(result.stderr).splitlines() if not _TIMED.match(line)]
        return {"exit": result.exit, "stdout": self._output(result.stdout), "stderr": lines}

    def _output(self, text: str) -> Any:
        text = self.text(text)
        if text.startswith("{"):
            values = [json.loads(line) for line in text.splitlines()]
            return values[0] if len(values) == 1 else values
        return text.splitlines()

    def lines(self, path: Path) -> list[Any]:
        """Return the objects of a JSON Lines file."""
        return [json.loads(line) for line in self.text(path.read_text(encoding="utf-8")).splitlines()]
