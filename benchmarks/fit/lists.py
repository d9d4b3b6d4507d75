"""The named lists of audio that numbers are fitted on, and what identifies a list."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.data.corpus import Corpus, Role, Sound, Track
from benchmarks.training.data import Kind, Source, sources


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioList:
    """Files of the open corpus of some roles and kinds, as ``benchmarks/lists`` and ``split.json`` have them.

    No list holds test audio, on which the fitted numbers are judged.
    """

    name: str
    roles: tuple[Role, ...]
    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        if "test" in self.roles:
            raise ValueError("numbers are not fitted on test audio")

    def sources(self, corpus: Path) -> list[Source]:
        """Return the files that are on this machine, in the lists' order."""
        return [
            source
            for role in self.roles
            for source in sources(corpus, role=role)
            if source.kind in self.kinds
        ]

    def holds(self, source: Source) -> bool:
        """Return whether a file belongs to the list."""
        return source.role in self.roles and source.kind in self.kinds

    def identity(self, corpus: Path) -> dict[str, Any]:
        """Return name, number of files, and a digest of their paths and of the digests in the lists."""
        opened = Corpus.open(corpus)
        entries: tuple[Track | Sound, ...] = (*opened.tracks, *opened.noises, *opened.rooms)
        digest_of = {entry.path: entry.sha256 for entry in entries}
        lines = [f"{source.path} {digest_of[source.path]}\n" for source in self.sources(corpus)]
        digest = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
        return {"name": self.name, "files": len(lines), "sha256": digest}


REFERENCES: Final = AudioList(
    name="validation and training, music and speech",
    roles=("validation", "train"),
    kinds=("music", "speech"),
)
"""What queries are searched in."""

VALIDATION_MUSIC: Final = AudioList(name="validation music", roles=("validation",), kinds=("music",))
VALIDATION_SOUND: Final = AudioList(
    name="validation, music and speech", roles=("validation",), kinds=("music", "speech")
)
VALIDATION_SPEECH: Final = AudioList(name="validation speech", roles=("validation",), kinds=("speech",))
ALL_MUSIC: Final = AudioList(
    name="validation and training music", roles=("validation", "train"), kinds=("music",)
)
"""For numbers that do not depend on the network, which was trained on training music."""

DEGRADING: Final = AudioList(name="training noises and rooms", roles=("train",), kinds=("noise", "room"))
"""What queries are degraded with."""
