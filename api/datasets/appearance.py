"""What a file that no reader knows looks like, for the message that says so."""

from __future__ import annotations

import tempfile

from api.datasets.labels import archive_words
from api.datasets.places import Place
from fingerprint.decode.sniff import HEAD_BYTES, sniff
from fingerprint.decode.stored import Stored
from fingerprint.errors import AudioError, NotAudio


def appearance(place: Place) -> str | None:
    """What the first bytes of a file look like, in words; None when they look like nothing known."""
    try:
        head = place.head(HEAD_BYTES)
        if words := archive_words(head):
            return words
        with tempfile.TemporaryFile() as file:
            file.write(head)
            file.flush()
            sniff(Stored(file.fileno()), name=place.name)
    except NotAudio as error:
        return error.looks_like
    except (AudioError, OSError):
        return None
    return None
