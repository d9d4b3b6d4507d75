"""Describes a file that no reader recognises, for the error message."""

from __future__ import annotations

import tempfile

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.names import archive_words
from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.worker.sniff import HEAD_BYTES, sniff
from earwitness.fingerprint.errors import AudioError, NotAudio


def appearance(place: Location) -> str | None:
    """Describe a file by its first bytes; None when they are unknown."""
    try:
        head = place.head(HEAD_BYTES)
        if words := archive_words(head):
            return words
        with tempfile.TemporaryFile() as file:
            file.write(head)
            file.flush()
            sniff(FileView(file.fileno()), name=place.name)
    except NotAudio as error:
        return error.looks_like
    except (AudioError, OSError):
        return None
    return None
