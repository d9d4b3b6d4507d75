"""The sandboxed process that decodes untrusted bytes: ``python -P -m ...decode_worker FD CONFIG``.

It loads its libraries, locks itself down, and then answers requests until its parent closes the connection.
It receives open files, never a path.
"""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from dataclasses import asdict
from importlib import import_module
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitness.fingerprint.decode import protocol
from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.protocol import Channel
from earwitness.fingerprint.decode.worker.decode_file import Kind, decode_file
from earwitness.fingerprint.decode.worker.downmix import Resampler
from earwitness.fingerprint.decode.worker.lockdown import lock_down
from earwitness.fingerprint.decode.worker.read_stream import Header
from earwitness.fingerprint.decode.worker.read_tags import read_tags
from earwitness.fingerprint.decode.worker.sandbox_probe import probe
from earwitness.fingerprint.errors import AudioError, AudioTooLarge
from earwitness.fingerprint.lifeline import die_with_parent
from earwitness.fingerprint.numeric.scipy_parts import irfft, rfft


def main() -> None:
    """Answer the requests of one parent."""
    die_with_parent()
    channel = Channel(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, int(sys.argv[1])))
    config = json.loads(sys.argv[2])
    limits = Limits(**config["limits"])
    _load_libraries()
    filtered = lock_down(memory_bytes=limits.memory_bytes, cpu_s=config["cpu_s"])
    channel.send_json(protocol.READY, {"calls_filtered": filtered})
    try:
        while True:
            _serve(channel, limits)
    except ConnectionError:
        return  # the parent closed the connection or ended


def _load_libraries() -> None:
    """Decode silence with every backend, so that lazily loaded libraries are loaded before the lock-down."""
    wav = io.BytesIO()
    soundfile.write(wav, np.zeros((64, 2), dtype=np.float32), 8_000, format="WAV")
    with soundfile.SoundFile(io.BytesIO(wav.getvalue())) as file:
        file.read(out=np.empty((64, 2), dtype=np.float32))
    with av.open(io.BytesIO(wav.getvalue()), format="wav", metadata_errors="ignore") as container:
        for frame in container.decode(audio=0):
            frame.to_ndarray()
            for part in av.AudioResampler("flt", frame.layout, frame.sample_rate).resample(frame):
                part.to_ndarray()
    for kind in ("subtitles.stream", "subtitles.codeccontext", "subtitles.subtitle", "video.codeccontext"):
        import_module(f"av.{kind}")  # PyAV loads these when a file has such a stream
    Resampler(8_000).push(np.zeros(64, dtype=np.float32), last=True)
    irfft(rfft(np.zeros((1, 64), dtype=np.float32)))


def _serve(channel: Channel, limits: Limits) -> None:
    kind, payload, fd = channel.receive_with_fd()
    request = protocol.read_json(payload)
    if kind == protocol.PROBE:
        channel.send_json(protocol.ANSWER, probe(home=request["home"], scratch=request["scratch"]))
    elif fd is not None:
        try:
            if kind == protocol.TAGS:
                channel.send_json(protocol.TAGS, read_tags(FileView(fd)))
            elif kind == protocol.DECODE:
                _decode(channel, fd, request["name"], limits)
        finally:
            os.close(fd)


def _decode(channel: Channel, fd: int, name: str, limits: Limits) -> None:
    try:
        outcome = decode_file(FileView(fd), limits, _ChannelSink(channel), name=name)
    except AudioError as error:
        values = {key: value for key, value in vars(error).items() if key not in ("message", "hint", "name")}
        channel.send_json(protocol.REFUSAL, {"code": error.code, "values": values})
    except MemoryError:
        limit = f"{limits.memory_bytes / 2**30:.2g} GiB"
        refusal = {"code": AudioTooLarge.code, "values": {"what": "memory while decoding", "limit": limit}}
        channel.send_json(protocol.REFUSAL, refusal)
    else:
        end = {
            "note": outcome.note,
            "not_compared_s": outcome.not_compared_s,
            "complete_s": outcome.complete_s,
        }
        channel.send_json(protocol.END, end)


class _ChannelSink:
    """Sends decoded audio to the parent."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def header(self, header: Header) -> None:
        fields: dict[str, Any] = asdict(header)
        self._channel.send_json(protocol.HEADER, fields)

    def part(self, label: str, kind: Kind, *, again: bool) -> None:
        self._channel.send_json(protocol.PART, {"label": label, "kind": kind, "again": again})

    def samples(self, samples: NDArray[np.float32]) -> None:
        data = memoryview(samples.tobytes())
        for start in range(0, len(data), protocol.MAX_PAYLOAD_BYTES):
            self._channel.send(protocol.SAMPLES, data[start : start + protocol.MAX_PAYLOAD_BYTES])


if __name__ == "__main__":
    main()
