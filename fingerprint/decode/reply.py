"""The worker's answer to one item, checked by a parent that believes none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from fingerprint.decode import protocol
from fingerprint.decode.limits import Limits
from fingerprint.decode.protocol import Channel, Hangup
from fingerprint.errors import AudioError, AudioTooLarge, BrokenAudio, EmptyFile, NotAudio
from fingerprint.types import RATE_HZ, Decoded, Waveform

_REFUSALS: Final[dict[str, Callable[..., AudioError]]] = {
    kind.code: kind for kind in (EmptyFile, NotAudio, BrokenAudio, AudioTooLarge)
}
"""What a worker may refuse an item with; it sends the code and the named values."""


class Reply:
    """Collects one answer."""

    def __init__(self, *, name: str, limits: Limits) -> None:
        self._name = name
        self._header: dict[str, Any] | None = None
        self._samples = bytearray()
        self._max_bytes = int(limits.max_seconds * RATE_HZ) * 4 + protocol.MAX_PAYLOAD_BYTES

    def read(self, channel: Channel, deadline: float) -> Decoded:
        """Read frames up to the last one.

        Raises
        ------
        AudioError
            The worker refuses the item.
        Hangup
            It died, or said something that does not fit.
        TimeoutError
            `deadline` passed.
        """
        while True:
            kind, payload = channel.receive(deadline=deadline)
            if kind == protocol.SAMPLES and self._header is not None:
                self._samples += payload
                if len(self._samples) > self._max_bytes:
                    raise Hangup("the worker sent more samples than the cap allows")
            elif kind == protocol.HEADER:
                self._header, self._samples = protocol.read_json(payload), bytearray()
            elif kind == protocol.REFUSAL:
                raise self._refusal(protocol.read_json(payload))
            elif kind == protocol.END and self._header is not None:
                return self._decoded(self._header, protocol.read_json(payload).get("note"))
            else:
                raise Hangup(f"the worker sent {kind!r} out of turn")

    def _decoded(self, header: dict[str, Any], note: object) -> Decoded:
        if len(self._samples) % 4:
            raise Hangup("the worker sent part of a sample")
        samples = np.frombuffer(self._samples, dtype=np.float32)
        if samples.size and not np.isfinite(samples.min() + samples.max()):
            raise Hangup("the worker sent samples that are not numbers")
        return Decoded(
            waveform=Waveform(samples=samples),
            container=_words(header.get("container")),
            codec=_words(header.get("codec")),
            source_rate_hz=_count(header.get("rate_hz")),
            source_channels=_count(header.get("channels")),
            whole=note is None,
            note=None if note is None else _words(note),
        )

    def _refusal(self, message: dict[str, Any]) -> AudioError:
        code, values = message.get("code"), message.get("values")
        if code not in _REFUSALS or not isinstance(values, dict):
            raise Hangup("the worker refused for a reason that we do not know")
        try:
            said = {str(key): _words(value) for key, value in values.items()}
            return _REFUSALS[code](name=self._name, **said)
        except TypeError as error:
            raise Hangup("the worker refused with values that do not fit") from error


def _words(value: object) -> str:
    """Text from the worker, made harmless for a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(value)[:400])


def _count(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise Hangup("the worker sent a header that does not fit")
    return value
