"""What is common to the members of any archive: which are items, and under what name."""

from __future__ import annotations

from api.datasets.labels import (
    ARCHIVE_SUFFIXES,
    AUDIO_SUFFIXES,
    climbs_out,
    looks_like_archive,
    looks_like_audio,
    suffix,
)
from api.errors import ItemRefused, NestedArchive, UnsafeName


def called_like_audio(name: str) -> bool:
    """Whether a member's name alone makes it an item."""
    return suffix(name) in AUDIO_SUFFIXES


def is_archive(name: str, *, head: bytes) -> bool:
    """Whether a file is an archive or compressed, by its name or its first bytes."""
    return suffix(name) in ARCHIVE_SUFFIXES or looks_like_archive(head)


def refusal(name: str, *, head: bytes) -> ItemRefused | None:
    """Why a regular member is not handed out, judged by its name and first bytes; None when it may be.

    Only what would otherwise be an item, or hides items, is refused aloud; a climbing README is passed over.
    """
    audio = called_like_audio(name)
    if not audio and is_archive(name, head=head):
        return NestedArchive(name=name)
    if climbs_out(name) and (audio or looks_like_audio(head)):
        return UnsafeName(name=name)
    return None


def is_item(name: str, *, head: bytes) -> bool:
    """Whether a member is an item: called like audio, or starting like it."""
    return called_like_audio(name) or looks_like_audio(head)
