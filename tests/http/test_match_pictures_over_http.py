"""The figures of an answer: on its page, drawn when they are looked at, and gone after their time."""

from __future__ import annotations

import os
from typing import Any

import pytest

from earwitness.api.evidence import match_figure
from earwitness.api.evidence.picture_types import MatchPicture
from earwitness.api.evidence.pictures_json import pictures_file, to_bytes
from earwitness.api.http.jobs.findings_journal import prune
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.settings import Settings
from earwitness.index.database.records import CollectionKind
from earwitness.index.match import Verdict
from earwitness.index.store.jobs import Job
from tests.http.conftest import Serve, wait_for
from tests.http.test_pages import HTML, finding_of
from tests.unit.api.made_pictures import PICTURE


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
