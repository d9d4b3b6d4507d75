"""Errors of audio and schemes, and the base class of all errors that earwitness raises on purpose.

Each error names the item and the reason. ``code`` is stable, and part of findings and HTTP problems; ``hint``
says what the user can do.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final


class EarwitnessError(Exception):
    """Base class of all errors that earwitness raises on purpose; handled by the command line and by HTTP."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str) -> None:
        self.message, self.hint = message, hint
        super().__init__(f"{message}: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        # for pickling: subclasses take named values, so the error is rebuilt from its message
        return (_rebuild, (type(self), self.message, self.hint, dict(self.__dict__)))


def _rebuild(
    kind: type[EarwitnessError], message: str, hint: str, state: dict[str, object]
) -> EarwitnessError:
    error = kind.__new__(kind)
    EarwitnessError.__init__(error, message, hint=hint)
    error.__dict__.update(state)
    return error


class AudioError(EarwitnessError):
    """The audio of one item could not be read or used; other items are still processed."""

    code = "audio"


class EmptyFile(AudioError):
    """The item has no bytes."""

    code = "empty_file"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(f"{name} is empty (0 bytes)", hint="fetch or copy the file again")


class NotAudio(AudioError):
    """The bytes are not a supported audio format; the name is not considered."""

    code = "not_audio"

    def __init__(self, *, name: str, looks_like: str) -> None:
        self.name, self.looks_like = name, looks_like
        super().__init__(
            f"{name} is not audio we read (it looks like {looks_like})",
            hint="give wav, flac, mp3, ogg, opus, m4a, webm, or another usual format of sound or video",
        )


class NoAudioTrack(AudioError):
    """A video, or another container, without an audio stream."""

    code = "no_audio_track"

    def __init__(self, *, name: str, looks_like: str) -> None:
        self.name, self.looks_like = name, looks_like
        super().__init__(
            f"{name} holds no sound ({looks_like} without an audio track)",
            hint="leave it out, or give the file that holds its sound",
        )


class BrokenAudio(AudioError):
    """The format is known, but decoding failed."""

    code = "broken_audio"

    def __init__(self, *, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(
            f"{name} could not be decoded ({reason})", hint="fetch the file again or re-encode it"
        )


class TruncatedAudio(AudioError):
    """Something that the file holds or states could not be decoded; it was compared in part."""

    code = "truncated_audio"

    def __init__(self, *, name: str, decoded_s: float, reason: str) -> None:
        self.name, self.decoded_s, self.reason = name, decoded_s, reason
        settings = ", ".join(dict.fromkeys(re.findall(r"EARWITNESS_[A-Z_]+", reason)))
        advice = (
            f"split the file, or raise {settings}" if settings else "fetch the file again or re-encode it"
        )
        super().__init__(
            f"{name} was compared in part: {decoded_s:.1f} s could be decoded ({reason})",
            hint=f"{advice}; the missing part was not compared",
        )


_SETTINGS: Final = {
    "bytes": "EARWITNESS_MAX_ITEM_BYTES",
    "seconds": "EARWITNESS_MAX_SECONDS",
    "samples": "EARWITNESS_MAX_SECONDS",
    "memory while decoding": "EARWITNESS_DECODE_MEMORY_BYTES",
}
"""Setting that raises each limit."""

_HINTS: Final = {
    "bytes": "split the file, or raise {setting} if you trust the source",
    "seconds": "split the file, or raise {setting} if you trust the source",
    "samples": "split the file, or raise {setting}, which this limit follows",
    "channels": "mix the file down to fewer channels",
    "memory while decoding": "split the file, or raise {setting}",
}
"""Hint for each limit."""


class AudioTooLarge(AudioError):
    """A limit on bytes, samples, seconds, channels or memory was reached."""

    code = "too_large"

    def __init__(self, *, name: str, what: str, limit: str) -> None:
        self.name, self.what, self.limit = name, what, limit
        hint = _HINTS.get(what, "split the file").format(setting=self.setting)
        super().__init__(f"{name} exceeds the limit on {what} ({limit})", hint=hint)

    @property
    def setting(self) -> str | None:
        """Setting that raises the limit, if there is one."""
        return _SETTINGS.get(self.what)


class DecodeTimeout(AudioError):
    """Decoding exceeded its time limit and was stopped."""

    code = "decode_timeout"

    def __init__(self, *, name: str, limit_s: float) -> None:
        self.name, self.limit_s = name, limit_s
        super().__init__(
            f"{name} was still decoding after {limit_s:g} s and was stopped",
            hint="re-encode or split the file, or raise EARWITNESS_DECODE_WALL_S",
        )


class DecoderDied(AudioError):
    """The decode worker ended while it decoded this item (memory, a crash in a codec), and was replaced."""

    code = "decoder_died"

    def __init__(self, *, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(
            f"{name} could not be decoded: the decoding process ended ({reason})",
            hint="re-encode the file, or raise EARWITNESS_DECODE_MEMORY_BYTES if it is very large; "
            "other items are not affected",
        )


class TooShortOrSilent(AudioError):
    """Too little active audio for a search."""

    code = "too_short_or_silent"

    def __init__(self, *, name: str, active_s: float, needed_s: float) -> None:
        self.name, self.active_s, self.needed_s = name, active_s, needed_s
        super().__init__(
            f"{name} has {active_s:.1f} s of active audio, {needed_s:g} s are needed",
            hint="give a longer or louder excerpt",
        )


class UnfitReference(AudioError):
    """Silence, noise, tones and bare loops are refused as works, as they would match unrelated audio."""

    code = "unfit_reference"

    def __init__(self, *, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(
            f"{name} cannot be registered as a work: {reason}",
            hint="register the finished piece it is part of (at least 15 s of active, changing audio)",
        )


class SchemeMismatch(EarwitnessError):
    """A fingerprint of one scheme was used with an index of another."""

    code = "scheme_mismatch"

    def __init__(self, *, index_scheme: str, query_scheme: str) -> None:
        self.index_scheme, self.query_scheme = index_scheme, query_scheme
        super().__init__(
            f"this index holds {index_scheme} fingerprints, this program makes {query_scheme}",
            hint=f"use a program that ships {index_scheme}, or index the audio again under a new home",
        )


class ModelDamaged(EarwitnessError):
    """A model file is missing, or does not have the digest in ``model.json``."""

    code = "model_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the fingerprint model is damaged: {path} {reason}", hint="install earwitness again"
        )


class SandboxMissing(EarwitnessError):
    """The sandbox of the decode worker cannot be started as the settings require."""

    code = "sandbox_missing"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the decoding sandbox is not available: {reason}",
            hint="install bubblewrap, or set EARWITNESS_SANDBOX=rlimits to decode with resource limits alone",
        )
