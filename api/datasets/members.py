"""Decides for the files of any source which are items, and which are refused."""

from __future__ import annotations

from typing import Final

from earwitness.api.datasets.item_errors import ItemRefused, NestedArchive
from earwitness.api.datasets.names import (
    ARCHIVE_SUFFIXES,
    AUDIO_SUFFIXES,
    SHARED_SUFFIXES,
    archive_words,
    looks_like_archive,
    looks_like_audio,
    looks_like_text,
    suffix,
)

_APPLE_DOUBLE: Final = b"\x00\x05\x16\x07"


def called_like_audio(name: str) -> bool:
    """Whether a file is an item by its name alone."""
    return suffix(name) in AUDIO_SUFFIXES and not may_be_apple_double(name)


def may_be_apple_double(name: str) -> bool:
    """Whether a file has the name of those that macOS writes beside a file: ``._clip.mp3``."""
    return name.replace("\\", "/").rpartition("/")[2].startswith("._")


def is_apple_double(name: str, *, head: bytes) -> bool:
    """Whether a file is such a file by its name and content; it holds no audio."""
    return may_be_apple_double(name) and head.startswith(_APPLE_DOUBLE)


def is_archive(name: str, *, head: bytes) -> bool:
    """Whether a file is an archive, a table or compressed, by its name or its first bytes."""
    return suffix(name) in ARCHIVE_SUFFIXES or looks_like_archive(head)


def refusal(name: str, *, head: bytes) -> ItemRefused | None:
    """Why a regular member is refused, by its name and first bytes; None when it is not."""
    if called_like_audio(name) or looks_like_audio(head) or not is_archive(name, head=head):
        return None
    return NestedArchive(name=name, detail=archive_words(head))


def is_item(name: str, *, head: bytes) -> bool:
    """Whether a file is an item: by its name or its first bytes."""
    if called_like_audio(name):
        return True
    if is_apple_double(name, head=head):
        return False
    ending = suffix(name)
    named = ending in AUDIO_SUFFIXES or (
        ending in SHARED_SUFFIXES and bool(head) and not looks_like_text(head)
    )
    return named or looks_like_audio(head)
