"""The sandbox: forbidden actions are tried in the worker, and fail."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest

from earwitness.fingerprint.decode import Decoder, SandboxWarning, describe_sandbox
from earwitness.fingerprint.decode.parent import sandbox
from earwitness.fingerprint.decode.parent.sandbox import StartingWorker, WorkerProcess
from earwitness.fingerprint.decode.protocol import Channel
from earwitness.fingerprint.errors import DecoderDied, SandboxMissing
from tests.hostile.encode import encoded

MODES = [
    pytest.param("bwrap", marks=pytest.mark.skipif(not shutil.which("bwrap"), reason="no bubblewrap here")),
    "rlimits",
]
Mode = Literal["bwrap", "rlimits"]


@pytest.mark.parametrize("mode", MODES)
def test_the_worker_can_only_decode(mode: Mode, tmp_path: Path) -> None:
    """Network, home folder, writing, fork, programs and other processes are denied, also to root."""
    with Decoder(sandbox=mode) as decoder:
        results = decoder.probe(home=Path.home(), scratch=tmp_path)
        assert decoder.decode(encoded("flac"), name="clip").whole, "decoding works"
    assert set(results) >= {"network", "home folder", "write", "fork", "program", "another process"}
    assert {action: result for action, result in results.items() if result == "allowed"} == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_checkout_may_be_in_any_folder(mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker imports the package from any folder, also from the one for temporary files."""
    package = tmp_path / "earwitness"
    for name in ("decode", "numeric"):
        shutil.copytree(sandbox.PACKAGE / "fingerprint" / name, package / "fingerprint" / name)
    shutil.copy(sandbox.PACKAGE / "__init__.py", package)
    for name in ("__init__.py", "errors.py", "lifeline.py", "sample_spool.py", "types.py"):
        shutil.copy(sandbox.PACKAGE / "fingerprint" / name, package / "fingerprint")
    monkeypatch.setattr(sandbox, "PACKAGE", package)
    with Decoder(sandbox=mode) as decoder:
        assert decoder.decode(encoded("wav"), name="clip").whole


@pytest.mark.parametrize("mode", MODES)
def test_the_worker_ends_with_its_decoder(mode: Mode) -> None:
    """No process remains when the decoder is closed."""
    before = set(psutil.Process().children(recursive=True))
    with Decoder(sandbox=mode):
        assert set(psutil.Process().children(recursive=True)) - before
    assert not {child for child in psutil.Process().children(recursive=True) if child.is_running()} - before


@pytest.mark.parametrize("mode", MODES)
def test_a_decoder_that_was_not_waited_for_decodes_and_ends(mode: Mode) -> None:
    """The first file waits for a worker that is still starting; a decoder that is not used ends it."""
    before = set(psutil.Process().children(recursive=True))
    with Decoder(sandbox=mode, wait=False) as decoder:
        assert decoder.decode(encoded("flac"), name="clip").whole
        assert decoder.sandbox == mode
    Decoder(sandbox=mode, wait=False).close()
    assert not {child for child in psutil.Process().children(recursive=True) if child.is_running()} - before


def test_a_sandbox_that_is_missing_is_an_error_of_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that was not waited for raises what it would have raised at its start."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with Decoder(sandbox="bwrap", wait=False) as decoder, pytest.raises(SandboxMissing):
        decoder.decode(encoded("flac"), name="clip")


def test_a_worker_killed_between_two_items_is_replaced() -> None:
    """The next item is decoded without an error."""
    with Decoder(sandbox="rlimits") as decoder:
        assert decoder._worker is not None
        os.kill(decoder._worker.process.pid, signal.SIGKILL)
        decoder._worker.process.wait()
        assert decoder.decode(encoded("wav"), name="clip").whole


@pytest.mark.parametrize(("n_killed", "decoded"), [(1, True), (2, False)])
def test_an_item_whose_worker_is_killed_is_decoded_by_another(
    monkeypatch: pytest.MonkeyPatch, n_killed: int, decoded: bool
) -> None:
    """A good file is decoded all the same; one that ends two workers is an error."""
    left, send = [None] * n_killed, Channel.send_json

    def send_to_a_dead_worker(channel: Channel, *args: Any, **named: Any) -> None:
        if left:
            left.pop()
            assert decoder._worker is not None
            decoder._worker.process.kill()
            decoder._worker.process.wait()
        send(channel, *args, **named)

    with Decoder(sandbox="rlimits") as decoder:
        monkeypatch.setattr(Channel, "send_json", send_to_a_dead_worker)
        with nullcontext() if decoded else pytest.raises(DecoderDied):
            assert decoder.decode(BytesIO(encoded("wav")), name="clip").whole
        assert not left
        assert decoder.decode(encoded("wav"), name="the next").whole


@pytest.mark.parametrize("mode", MODES)
def test_a_worker_killed_at_its_start_is_started_again(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox stays the one that was asked for, and no weaker one is chosen."""
    started, ready = [], StartingWorker.ready

    def killed_at_first(starting: StartingWorker) -> WorkerProcess:
        started.append(starting)
        if len(started) == 1:
            starting.worker.process.kill()
        return ready(starting)

    monkeypatch.setattr(StartingWorker, "ready", killed_at_first)
    with Decoder(sandbox="auto" if mode == "bwrap" else mode) as decoder:
        assert decoder.sandbox == mode
        assert decoder.decode(encoded("wav"), name="clip").whole
    assert len(started) == 2


def test_a_worker_is_replaced_after_a_number_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker decodes at most ``RECYCLE_AFTER`` files."""
    monkeypatch.setattr("earwitness.fingerprint.decode.parent.decoder.RECYCLE_AFTER", 2)
    with Decoder(sandbox="rlimits") as decoder:
        pids = []
        for _ in range(4):
            decoder.decode(encoded("wav"), name="clip")
            assert decoder._worker is not None
            pids.append(decoder._worker.process.pid)
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_without_bubblewrap_auto_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning and the report give the reason; a request for bubblewrap is an error with a hint."""
    monkeypatch.setattr("earwitness.fingerprint.decode.parent.sandbox.shutil.which", lambda _: None)
    with pytest.warns(SandboxWarning, match="WITHOUT BUBBLEWRAP"), Decoder(sandbox="auto") as decoder:
        assert decoder.sandbox == "rlimits"
    with pytest.raises(SandboxMissing, match="install bubblewrap"):
        Decoder(sandbox="bwrap")
    report = describe_sandbox()
    assert report.sandbox == "rlimits"
    assert report.reason is not None
    assert "not installed" in report.reason
    assert report.holes == ()
