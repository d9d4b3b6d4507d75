"""The page of one's own works, which needs no scripts: corrected, deleted and watched there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from earwitness.api.pipeline import enroll as enrolling
from earwitness.api.pipeline.stored_works import one_work
from tests.http.conftest import Serve
from tests.http.stored_things import add_works
from tests.unit.api.made_watch import Made, MadeHome, MadePool

HTML = {"Accept": "text/html"}
HOSTILE = '"><script>alert(1)</script>'


def test_a_work_is_watched_on_the_page(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch goes on and off; notices are shown in the reader's language, with their evidence."""
    monkeypatch.setattr(enrolling, "Pool", MadePool)
    with serve() as client:
        service = client.app.state.service
        assert "No work is registered yet." in client.get("/mine").text
        (number,) = add_works(service.writer, HOSTILE)
        page = client.post(f"/mine/{number}/watch", data={"watch": "on"}, headers=HTML)
        assert page.url.path == "/mine" and "Watched since" in page.text and "<script>alert" not in page.text
        assert client.get(f"/v1/works/{number}").json()["watched_since"] is not None
        made = MadeHome(settings=service.settings, writer=service.writer)
        made.index("set", "1", [Made(seed=5, work=one_work(service.writer, number), e_value=1e-3)])
        text = client.get("/mine").text
        assert "may be in set:1" in text and "is in set:1" not in text
        assert f'href="/v1/notices/{made.notices.last_number()}/evidence"' in text
        german = client.get("/mine?lang=de").text
        assert "ist vielleicht in set:1" in german and "Beobachtet seit" in german
        client.post(f"/mine/{number}/watch", data={"watch": "off"}, headers=HTML)
        assert client.get(f"/v1/works/{number}").json()["watched_since"] is None


def test_a_work_is_corrected_on_the_page(serve: Serve) -> None:
    """What was changed is stored, an empty text is removed; a wrong ISRC is explained and changes nothing."""
    with serve() as client:
        (number,) = add_works(client.app.state.service.writer, "Rain")
        fields = {"title": "", "artist": "Night Bus", "album": "", "owner": "", "isrc": "de-a12-24-00001"}
        page = client.post(f"/mine/{number}", data=fields, headers=HTML)
        assert page.status_code == 200 and f"work-{number}" in page.text
        work = client.get(f"/v1/works/{number}").json()
        assert (work["title"], work["artist"], work["isrc"]) == (None, "Night Bus", "DEA122400001")
        refused = client.post(f"/mine/{number}", data={"isrc": "nonsense", "title": "X"}, headers=HTML)
        assert refused.status_code == 422 and 'role="alert"' in refused.text
        assert client.get(f"/v1/works/{number}").json()["title"] is None
        assert client.post(f"/mine/{number}", data={"isrc": "DEA122400001"}, headers=HTML).status_code == 200


def test_a_work_is_deleted_on_the_page_once_that_is_confirmed(serve: Serve) -> None:
    """Without the confirmation nothing is deleted; afterwards it is gone, and so for others."""
    with serve() as client:
        (number,) = add_works(client.app.state.service.writer, "Rain")
        client.post(f"/mine/{number}/delete", headers=HTML)
        assert client.get(f"/v1/works/{number}").status_code == 200
        page = client.post(f"/mine/{number}/delete", data={"confirm": "yes"}, headers=HTML)
        assert (page.status_code, page.url.path) == (200, "/mine")
        assert client.get(f"/v1/works/{number}").status_code == 404
        for path in ("watch", "delete"):
            answer = client.post(
                f"/mine/{number}/{path}", data={"confirm": "yes", "watch": "on"}, headers=HTML
            )
            assert answer.status_code == 404


def test_past_answers_of_a_work_are_listed(serve: Serve) -> None:
    """Checks and registrations of the same bytes are linked from the work, those of others are not."""

    def answer(job: Any, _: Any) -> dict[str, Any]:
        return {"status": "registered", "work": None, "error": None, "finding": None}

    with serve(answer) as client:
        service = client.app.state.service
        service.runner.stop(patience_s=10)
        (number,) = add_works(service.writer, "Rain")
        work = one_work(service.writer, number)
        own, _ = service.jobs.enqueue("work", {"file": "x", "sha256": work.sha256})
        other, _ = service.jobs.enqueue("work", {"file": "x", "sha256": "cd" * 32})
        for job in (own, other):
            claimed = service.jobs.claim(["work"])
            assert claimed is not None
            service.jobs.finish(claimed, answer(job, None))
        text = client.get("/mine").text
        assert f"/jobs/{own.id}" in text and other.id not in text


def test_works_come_a_page_at_a_time(serve: Serve) -> None:
    """Following the link shows each work once; after a change the page begins with the changed work."""
    with serve() as client:
        numbers = add_works(client.app.state.service.writer, *(f"T{number}" for number in range(25)))
        shown, address = [], "/mine"
        while address:
            text = client.get(address).text
            shown += [int(each) for each in re.findall(r'id="work-(\d+)"', text)]
            link = re.search(r'href="(/mine\?cursor=\d+)"', text)
            address = link[1] if link else ""
        assert shown == numbers
        page = client.post(f"/mine/{numbers[-1]}/watch", data={"watch": "on"}, headers=HTML)
        assert f'id="work-{numbers[-1]}"' in page.text
