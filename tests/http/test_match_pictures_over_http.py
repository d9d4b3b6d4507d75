"""The figures of an answer: on its page, drawn when they are looked at, and gone after their time."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from earwitness.api.evidence import match_figure
from earwitness.api.evidence.match_pictures import MatchPicture, Stretch, pictures_file, to_bytes
from earwitness.api.http.jobs.findings_journal import prune
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.settings import Settings
from earwitness.index.database.records import CollectionKind, Thumbnail
from earwitness.index.match import Verdict
from earwitness.index.store.jobs import Job
from tests.http.conftest import Serve, wait_for
from tests.http.test_pages import HTML, finding_of

LEVELS = Thumbnail(levels=np.zeros((7, 64), np.uint8), frame_s=0.16, lowest_db=-72.0, step_db=0.3)
PEAKS = np.array([[2.5, 440.0]], np.float32)
PICTURE = MatchPicture(
    number=0,
    low_hz=62.5,
    bands_per_octave=21.3,
    n_bands=128,
    yours=Stretch(start_s=2.0, end_s=3.0, first_s=1.92, spectrogram=LEVELS, peaks=PEAKS),
    theirs=Stretch(start_s=62.0, end_s=63.0, first_s=62.0, spectrogram=None, peaks=PEAKS),
)


def test_a_match_is_shown_with_its_figure(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page names the figure in words, it is drawn once for each language, and goes with the evidence."""
    drawn: list[str] = []

    def draw(_: MatchPicture, language: str) -> bytes:
        drawn.append(language)
        return b"PNG"

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        pictures_file(settings.home, job.id).write_bytes(to_bytes((PICTURE,)))
        return finding_of(Verdict.MATCH)

    monkeypatch.setattr(match_figure, "draw_match", draw)
    with serve(work) as client:
        client.app.state.service.writer.collection(CollectionKind.DATASET, "scraped-2026", "1")
        sent = client.post("/check", files={"file": ("song.wav", b"sound")}, headers=HTML)
        job = wait_for(client, f"/v1{sent.url.path}")
        address, page = f"{sent.url.path}/pictures/0", client.get(sent.url.path).text
        assert f'src="{address}"' in page
        assert "Spectrogram of your file from 0:02.0 to 0:03.0 with its strongest points." in page
        assert "Of their sound no spectrogram is stored here" in page
        shown = [client.get(address, headers={"Accept-Language": each}) for each in ("en", "de", "en")]
        assert [each.content for each in shown] == [b"PNG"] * 3 and drawn == ["en", "de"]
        assert shown[0].headers["Content-Type"] == "image/png"
        assert client.get(f"{sent.url.path}/pictures/1").status_code == 404
        assert client.get(f"{sent.url.path}/pictures/x", headers=HTML).status_code == 422
        kept = pictures_file(settings.home, job["id"])
        os.utime(kept, (1, 1))
        assert prune(settings.home, keep_days=30, unended=lambda: frozenset()) == 1 and not kept.exists()
        assert client.get(address).status_code == 404
        assert "<img" not in client.get(sent.url.path).text
