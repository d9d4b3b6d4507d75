"""What can go wrong with audio and schemes; the root of every error this product raises on purpose.

Each error names the item, the reason and the way out. ``code`` is stable and travels in findings and
HTTP problems; ``hint`` is the way out, so that a door can show it apart from the message.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final


class EarwitnessError(Exception):
    """Root of every error this product raises on purpose; the doors map it, nobody else catches it."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str) -> None:
        self.message, self.hint = message, hint
        super().__init__(f"{message}: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        # errors cross process borders; subclasses take named values, so rebuild from the finished text
        return (_rebuild, (type(self), self.message, self.hint, dict(self.__dict__)))


def _rebuild(
    kind: type[EarwitnessError], message: str, hint: str, state: dict[str, object]
) -> EarwitnessError:
    error = kind.__new__(kind)
    EarwitnessError.__init__(error, message, hint=hint)
    error.__dict__.update(state)
    return error


class AudioError(EarwitnessError):
    """This item's audio could not be read or used; the rest of the job goes on."""

    code = "audio"


class EmptyFile(AudioError):
    """The item holds no bytes."""

    code = "empty_file"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(f"{name} is empty (0 bytes)", hint="fetch or copy the file again")


class NotAudio(AudioError):
    """The bytes are no audio format on the allow-list, whatever the name says."""

    code = "not_audio"

    def __init__(self, *, name: str, looks_like: str) -> None:
        self.name, self.looks_like = name, looks_like
        super().__init__(
            f"{name} is not audio we read (it looks like {looks_like})",
            hint="give wav, flac, mp3, ogg, opus, m4a, webm, or another usual format of sound or video",
        )


class NoAudioTrack(AudioError):
    """A video, or another container, without a stream of sound."""

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
    """Something that the file holds, or states, could not be decoded; what was compared is not the whole."""

    code = "truncated_audio"

    def __init__(self, *, name: str, decoded_s: float, reason: str) -> None:
        self.name, self.decoded_s, self.reason = name, decoded_s, reason
        settings = ", ".join(dict.fromkeys(re.findall(r"EARWITNESS_[A-Z_]+", reason)))
        way_out = (
            f"split the file, or raise {settings}" if settings else "fetch the file again or re-encode it"
        )
        super().__init__(
            f"{name} was compared in part: {decoded_s:.1f} s could be decoded ({reason})",
            hint=f"{way_out}; nothing can be said about the missing part",
        )


_WAY_OUT: Final = {
    "bytes": "split the file, or raise EARWITNESS_MAX_ITEM_BYTES if you trust the source",
    "seconds": "split the file, or raise EARWITNESS_MAX_SECONDS if you trust the source",
    "samples": "split the file, or raise EARWITNESS_MAX_SECONDS, which this limit follows",
    "channels": "mix the file down to fewer channels",
    "memory while decoding": "split the file, or raise EARWITNESS_DECODE_MEMORY_BYTES",
}
"""What to do about each cap."""


class AudioTooLarge(AudioError):
    """A cap on bytes, samples or seconds was reached."""

    code = "too_large"

    def __init__(self, *, name: str, what: str, limit: str) -> None:
        self.name, self.what, self.limit = name, what, limit
        hint = _WAY_OUT.get(what, "split the file")
        super().__init__(f"{name} exceeds the limit on {what} ({limit})", hint=hint)


class DecodeTimeout(AudioError):
    """Decoding took longer than its wall-time cap and was stopped."""

    code = "decode_timeout"

    def __init__(self, *, name: str, limit_s: float) -> None:
        self.name, self.limit_s = name, limit_s
        super().__init__(
            f"{name} was still decoding after {limit_s:g} s and was stopped",
            hint="re-encode or split the file, or raise EARWITNESS_DECODE_WALL_S",
        )


class DecoderDied(AudioError):
    """The worker process ended while it decoded this item (memory, a crash in a codec); another took over."""

    code = "decoder_died"

    def __init__(self, *, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(
            f"{name} could not be decoded: the decoding process ended ({reason})",
            hint="re-encode the file, or raise EARWITNESS_DECODE_MEMORY_BYTES if it is very large; "
            "other items are not affected",
        )


class TooShortOrSilent(AudioError):
    """Too little active audio to say anything about."""

    code = "too_short_or_silent"

    def __init__(self, *, name: str, active_s: float, needed_s: float) -> None:
        self.name, self.active_s, self.needed_s = name, active_s, needed_s
        super().__init__(
            f"{name} has {active_s:.1f} s of active audio, {needed_s:g} s are needed",
            hint="give a longer or louder excerpt",
        )


class UnfitReference(AudioError):
    """Silence, noise, tones and bare loops are refused as works: they would match everybody's audio."""

    code = "unfit_reference"

    def __init__(self, *, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(
            f"{name} cannot be registered as a work: {reason}",
            hint="register the finished piece it is part of (at least 15 s of active, changing audio)",
        )


class SchemeMismatch(EarwitnessError):
    """A fingerprint made under one scheme was offered to an index built under another."""

    code = "scheme_mismatch"

    def __init__(self, *, index_scheme: str, query_scheme: str) -> None:
        self.index_scheme, self.query_scheme = index_scheme, query_scheme
        super().__init__(
            f"this index holds {index_scheme} fingerprints, this program makes {query_scheme}",
            hint=f"use a program that ships {index_scheme}, or index the audio again under a new home",
        )


class ModelDamaged(EarwitnessError):
    """A shipped model file is missing or does not have the digest the model card states."""

    code = "model_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the fingerprint model is damaged: {path} {reason}", hint="install earwitness again"
        )


class SandboxMissing(EarwitnessError):
    """The decoder's sandbox cannot be set up as the settings demand."""

    code = "sandbox_missing"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the decoding sandbox is not available: {reason}",
            hint="install bubblewrap, or set EARWITNESS_SANDBOX=rlimits to decode with resource limits alone",
        )
