"""Collects and checks the response of the decode worker, which is not trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from earwitness.fingerprint.decode import protocol
from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.protocol import Channel, ProtocolError
from earwitness.fingerprint.errors import (
    AudioError,
    AudioTooLarge,
    BrokenAudio,
    EmptyFile,
    NoAudioTrack,
    NotAudio,
)
from earwitness.fingerprint.sample_spool import SAMPLE_BYTES, Spool
from earwitness.fingerprint.types import RATE_HZ, AudioPart, Decoded, Sound

_REFUSALS: Final[dict[str, Callable[..., AudioError]]] = {
    kind.code: kind for kind in (EmptyFile, NotAudio, NoAudioTrack, BrokenAudio, AudioTooLarge)
}
"""Errors that a worker may send, as a code and named values."""

MAX_PARTS: Final = 70_000
"""Most parts of one file: more than the pieces times the tracks that are decoded."""

MAX_LABEL: Final = 120
CHECK_SAMPLES: Final = 1 << 20
MAX_STATED_S: Final = 1e9

_KINDS: Final[dict[str, Literal["sequential", "parallel"]]] = {
    "sequential": "sequential",
    "parallel": "parallel",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A stream, and the byte of the samples at which it begins."""

    label: str
    kind: Literal["sequential", "parallel"]
    start_byte: int


class WorkerResponse:
    """Response to one request."""

    def __init__(self, *, name: str, limits: Limits) -> None:
        self._name = name
        self._header: dict[str, Any] | None = None
        self._samples = Spool()
        self._parts: list[_Part] = []
        self._max_bytes = int(limits.max_seconds * RATE_HZ) * SAMPLE_BYTES + protocol.MAX_PAYLOAD_BYTES

    def read(self, channel: Channel, deadline: float) -> Decoded:
        """Read frames up to the last one.

        Raises
        ------
        AudioError
            The worker rejects the item.
        ProtocolError
            It ended, or sent something that is not in the protocol.
        TimeoutError
            `deadline` passed.
        """
        while True:
            kind, payload = channel.receive(deadline=deadline)
            if kind == protocol.SAMPLES and self._header is not None:
                self._samples.add(payload)
                if self._samples.n_bytes > self._max_bytes:
                    raise ProtocolError("the worker sent more samples than the limit allows")
            elif kind == protocol.HEADER:
                self._header, self._samples = protocol.read_json(payload), Spool()
                self._parts = []
            elif kind == protocol.PART and self._header is not None:
                self._part(protocol.read_json(payload))
            elif kind == protocol.REFUSAL:
                raise self._refusal(protocol.read_json(payload))
            elif kind == protocol.END and self._header is not None:
                return self._decoded(self._header, protocol.read_json(payload))
            else:
                raise ProtocolError(f"the worker sent {kind!r} out of order")

    def _part(self, message: dict[str, Any]) -> None:
        """Begin a stream with the samples that follow; `again` discards those of the last one."""
        if message.get("again") is True and self._parts:
            self._samples.truncate(self._parts.pop().start_byte)
        kind: object = message.get("kind")
        if kind not in ("sequential", "parallel") or len(self._parts) >= MAX_PARTS:
            raise ProtocolError("the worker sent an invalid part")
        label = _printable(message.get("label"))[:MAX_LABEL]
        self._parts.append(_Part(label=label, kind=_KINDS[str(kind)], start_byte=self._samples.n_bytes))

    def _audio_parts(self) -> tuple[AudioPart, ...]:
        """The streams, placed by the samples received."""
        if not self._parts:
            return ()
        ends = [*(part.start_byte for part in self._parts[1:]), self._samples.n_bytes]
        bytes_per_s = float(SAMPLE_BYTES * RATE_HZ)
        return tuple(
            AudioPart(
                label=part.label,
                start_s=part.start_byte / bytes_per_s,
                duration_s=(end - part.start_byte) / bytes_per_s,
                kind=part.kind,
            )
            for part, end in zip(self._parts, ends, strict=True)
        )

    def _decoded(self, header: dict[str, Any], end: dict[str, Any]) -> Decoded:
        if self._samples.n_bytes % SAMPLE_BYTES:
            raise ProtocolError("the worker sent part of a sample")
        sound = self._samples.sound()
        if not _is_finite(sound):
            raise ProtocolError("the worker sent samples that are not numbers")
        note = end.get("note")
        parts = self._audio_parts()
        return Decoded(
            waveform=sound,
            container=_printable(header.get("container")),
            codec=_printable(header.get("codec")),
            source_rate_hz=_checked_count(header.get("rate_hz")),
            source_channels=_checked_count(header.get("channels")),
            whole=note is None,
            note=None if note is None else _printable(note),
            parts=parts if len(parts) > 1 else (),
            not_compared_s=0.0 if note is None else _checked_seconds(end.get("not_compared_s")),
            complete_s=None if end.get("complete_s") is None else _checked_seconds(end.get("complete_s")),
        )

    def _refusal(self, message: dict[str, Any]) -> AudioError:
        code, values = message.get("code"), message.get("values")
        if code not in _REFUSALS or not isinstance(values, dict):
            raise ProtocolError("the worker sent an unknown error")
        try:
            arguments = {str(key): _printable(value) for key, value in values.items()}
            return _REFUSALS[code](name=self._name, **arguments)
        except TypeError as error:
            raise ProtocolError("the worker sent an error with invalid values") from error


def _is_finite(sound: Sound) -> bool:
    if not sound.n_samples:
        return True
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for first in range(0, sound.n_samples, CHECK_SAMPLES):
        piece = sound.read(first, first + CHECK_SAMPLES)
        lowest, highest = np.minimum(lowest, piece.min()), np.maximum(highest, piece.max())
    return bool(np.isfinite(lowest + highest))


def _printable(value: object) -> str:
    """Text from the worker, without control characters."""
    return "".join(character if character.isprintable() else "?" for character in str(value)[:400])


def _checked_seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < MAX_STATED_S:
        raise ProtocolError("the worker sent an invalid duration")
    return float(value)


def _checked_count(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise ProtocolError("the worker sent an invalid header")
    return value
