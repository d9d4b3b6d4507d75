"""Words of an earlier private vocabulary stay out; CONTRIBUTING.md has the field's term for each."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDS = re.compile(
    r"(?<![A-Za-z])(told|heard|hears|rungs?|roads?|desk|tape|crowd|witness(?:es)?|strangers?|glimpsed?"
    r"|likeness|way out)(?![A-Za-z])",
    re.IGNORECASE,
)
"""The underscore is no letter: parts of names count."""


def _files() -> list[Path]:
    code = [
        path
        for room in ("fingerprint", "index", "api", "benchmarks/training")
        for path in sorted((ROOT / room).rglob("*.py"))
    ]
    pages = [path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "results.md"]
    return [*code, *pages, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def test_private_words_stay_out() -> None:
    """Names, comments, docstrings, messages and pages use the terms of the glossary."""
    files = _files()
    assert len(files) > 300
    used = {
        f"{path.relative_to(ROOT)}:{number}": word[0]
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for word in WORDS.finditer(line)
    }
    assert used == {}
