"""The sandbox: what a broken codec would try is tried in the worker, and denied."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Literal

import psutil
import pytest

from earwitness.fingerprint.decode import Decoder, SandboxWarning, describe_sandbox
from earwitness.fingerprint.decode.parent import sandbox
from earwitness.fingerprint.errors import SandboxMissing
from tests.hostile.encode import encoded

MODES = [
    pytest.param("bwrap", marks=pytest.mark.skipif(not shutil.which("bwrap"), reason="no bubblewrap here")),
    "rlimits",
]
Mode = Literal["bwrap", "rlimits"]


@pytest.mark.parametrize("mode", MODES)
def test_the_worker_is_denied_all_that_decoding_does_not_need(mode: Mode, tmp_path: Path) -> None:
    """No network, no home folder, no writing, no fork, no program, no other process; as root too."""
    with Decoder(sandbox=mode) as decoder:
        tried = decoder.probe(home=Path.home(), scratch=tmp_path)
        assert decoder.decode(encoded("flac"), name="clip").whole, "what decoding needs still works"
    assert set(tried) >= {"network", "home folder", "write", "fork", "program", "another process"}
    assert {deed: answer for deed, answer in tried.items() if answer == "allowed"} == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_checkout_may_be_in_any_folder(mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker imports the package from any folder, also from the one for temporary files."""
    package = tmp_path / "earwitness"
    shutil.copytree(sandbox.PACKAGE / "fingerprint" / "decode", package / "fingerprint" / "decode")
    shutil.copy(sandbox.PACKAGE / "__init__.py", package)
    for name in ("__init__.py", "errors.py", "lifeline.py", "sample_spool.py", "types.py"):
        shutil.copy(sandbox.PACKAGE / "fingerprint" / name, package / "fingerprint")
    monkeypatch.setattr(sandbox, "PACKAGE", package)
    with Decoder(sandbox=mode) as decoder:
        assert decoder.decode(encoded("wav"), name="clip").whole


@pytest.mark.parametrize("mode", MODES)
def test_the_worker_ends_with_its_decoder(mode: Mode) -> None:
    """Nothing stays behind when the decoder is closed."""
    before = set(psutil.Process().children(recursive=True))
    with Decoder(sandbox=mode):
        assert set(psutil.Process().children(recursive=True)) - before
    assert not {child for child in psutil.Process().children(recursive=True) if child.is_running()} - before


def test_a_worker_killed_between_two_items_is_replaced_silently() -> None:
    """The item that comes next is not to blame."""
    with Decoder(sandbox="rlimits") as decoder:
        assert decoder._worker is not None
        os.kill(decoder._worker.process.pid, signal.SIGKILL)
        decoder._worker.process.wait()
        assert decoder.decode(encoded("wav"), name="clip").whole


def test_a_worker_is_recycled_after_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker lives long enough to gather what many files leave behind."""
    monkeypatch.setattr("earwitness.fingerprint.decode.parent.decoder.RECYCLE_AFTER", 2)
    with Decoder(sandbox="rlimits") as decoder:
        pids = []
        for _ in range(4):
            decoder.decode(encoded("wav"), name="clip")
            assert decoder._worker is not None
            pids.append(decoder._worker.process.pid)
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_without_bubblewrap_auto_goes_on_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    """It warns, and the report says why; asked for by name it is an error with the way out."""
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
