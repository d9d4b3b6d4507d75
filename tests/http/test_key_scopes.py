"""Every route with keys of each scope, and with the objects of another tenant."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from fastapi.routing import APIRoute

from earwitness.api.cli.commands.keys import last_day
from earwitness.api.http import application
from earwitness.api.http.http_errors import BadKeyRecord, KeyExpired
from earwitness.api.http.protection.api_keys import KeyRecord, KeyRing, mint
from earwitness.api.http.protection.scopes import ALL, Scope, needed_for, rule_of
from earwitness.api.http.schemas import JobKind
from earwitness.api.settings import Settings
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.jobs import Jobs, JobState
from earwitness.index.writer import Writer
from tests.http.conftest import Serve
from tests.http.stored_things import add_dataset, add_notice, add_works

OPEN = {"/livez", "/readyz"}
SINGLE = [scope for scope in Scope if scope is not Scope.ADMIN]
VERBS = ("retry", "cancel")
TODAY = datetime.now(UTC).date()


def routes() -> Iterator[tuple[str, str]]:
    """Yield method and path of every route of the API and of the pages."""
    for module in application.ROUTES:
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                yield from ((method, route.path) for method in route.methods or ())


ROUTES = sorted(routes())


def filled(path: str, **values: object) -> str:
    """Return a path with values in place of its parameters."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: str(values.get(found[1], "x1")), path)


def test_every_route_has_a_rule() -> None:
    """No address of the API and no page is left to what holds for all others."""
    assert len(ROUTES) > 30
    served = [*ROUTES, ("GET", "/static/style.css"), ("GET", "/openapi.json")]
    assert [each for each in served if rule_of(*each) is None] == []


def test_a_key_without_the_scope_is_refused(serve: Serve) -> None:
    """403 exactly where the scope is missing, before anything is read; without a key 401."""
    pairs = {scope: mint(scopes=[scope]) for scope in Scope}
    with serve(api_keys=tuple(str(record) for _, record in pairs.values())) as client:
        for method, path in ROUTES:
            address, needed, is_open = filled(path), needed_for(method, path), path in OPEN
            for scope, (key, _) in pairs.items():
                answer = client.request(method, address, headers={"Authorization": f"Bearer {key}"})
                has_it = scope is Scope.ADMIN or needed <= {scope}
                refused = answer.status_code == 403
                assert refused == (not is_open and not has_it), (method, path, scope, answer.text)
            without = client.request(method, address)
            assert (without.status_code == 401) == (not is_open), (method, path, without.text)


@pytest.mark.parametrize("kind", get_args(JobKind))
def test_a_job_is_ended_only_by_a_key_for_its_kind(serve: Serve, kind: str) -> None:
    """Every key can see a job, and only one with the scope of its kind can cancel or retry it."""
    pairs = {scope: mint(scopes=[scope]) for scope in SINGLE}
    allowed = {"work": Scope.REGISTER, "index": Scope.INDEX, "scan": Scope.INDEX}.get(kind, Scope.ASK)
    with serve(api_keys=tuple(str(record) for _, record in pairs.values())) as client:
        service = client.app.state.service
        service.runner.stop(patience_s=10)
        job, _ = service.jobs.enqueue(kind, {"file": "x"})
        for scope, (key, _) in sorted(pairs.items(), key=lambda each: each[0] is allowed):
            headers = {"Authorization": f"Bearer {key}"}
            assert client.get(f"/v1/jobs/{job.id}", headers=headers).status_code == 200
            assert client.get(f"/jobs/{job.id}", headers=headers).status_code == 200
            for address in (f"{start}/jobs/{job.id}/{verb}" for start in ("/v1", "") for verb in VERBS):
                answer = client.post(address, headers=headers)
                assert (answer.status_code == 403) == (scope is not allowed), (address, answer.text)


@pytest.mark.parametrize(("page", "scope"), [("/check", Scope.ASK), ("/register", Scope.REGISTER)])
def test_a_key_that_may_send_a_form_reaches_the_page_that_answers_it(
    serve: Serve, gate: threading.Event, page: str, scope: Scope
) -> None:
    """The key that a form needs is enough to see its job, to see how it looks, and to cancel it."""
    key, record = mint(scopes=[scope])
    with serve(lambda job, _: {"done": gate.wait(20)}, api_keys=(str(record),)) as client:
        add_dataset(client.app.state.service.writer, "set")
        client.headers["Authorization"] = f"Bearer {key}"
        answer = client.post(page, files={"file": ("song.wav", b"RIFF")})
        assert (answer.status_code, answer.url.path[:6]) == (200, "/jobs/")
        assert client.get("/static/style.css").status_code == 200
        assert client.post(f"{answer.url.path}/cancel").status_code == 200
        gate.set()


def test_a_key_that_may_check_an_album_may_end_it_on_its_page(serve: Serve) -> None:
    """Pages of an album need `ask`, as its jobs do, and no more."""
    (key, record), (other, other_record) = mint(scopes=[Scope.ASK]), mint(scopes=[Scope.REGISTER])
    with serve(api_keys=(str(record), str(other_record))) as client:
        service = client.app.state.service
        service.runner.stop(patience_s=10)
        job, _ = service.jobs.enqueue("check", {"file": "x"}, batch="album")
        for sent, status in ((other, 403), (key, 200)):
            headers = {"Authorization": f"Bearer {sent}"}
            assert client.get("/albums/album", headers=headers).status_code == status
            assert client.post("/albums/album/cancel", headers=headers).status_code == status
            assert (service.job(job.id).state is JobState.CANCELLED) == (sent is key)


def test_what_another_tenant_owns_is_not_there(serve: Serve, settings: Settings) -> None:
    """For every route with an object in its path, that of another tenant is answered with 404."""
    with Writer.open(HomeAddress(settings.home, tenant="other")) as writer:
        (work,) = add_works(writer, "Rain")
        add_dataset(writer, "set")
        job, _ = Jobs(writer.catalog, tenant="other").enqueue("check", {"file": "x"}, batch="album")
        notice = add_notice(writer, work)
    walked = 0
    with serve() as client:
        for method, path in ROUTES:
            objects = {"job_id": job.id, "work_id": work, "batch_id": "album", "notice_id": notice}
            address = filled(path, dataset="set:1", **objects)
            if address == path or not path.startswith("/v1"):
                continue
            answer = client.request(method, address, json={} if method == "PATCH" else None)
            assert answer.status_code == 404, (method, path, answer.text)
            walked += 1
        assert walked > 10
        assert client.get("/v1/works").json()["works"] == []
        assert client.get("/v1/datasets").json()["datasets"] == []
        assert client.get("/v1/jobs").json()["jobs"] == []
        assert client.get("/v1/notices").json()["notices"] == []
        assert "<entry>" not in client.get("/v1/notices.atom?every=true").text
        assert client.get("/v1/webhook").status_code == 404
    with Writer.open(HomeAddress(settings.home, tenant="other")) as writer:
        assert Jobs(writer.catalog, tenant="other").get(job.id) == job
        assert [each.n_items for each in writer.collections] == [1, 2]


def test_a_key_is_accepted_until_the_end_of_its_last_day() -> None:
    """On that day it is accepted, after it the answer says that it has expired."""
    key, record = mint(expires=TODAY)
    assert KeyRing([str(record)]).admit(f"Bearer {key}", ALL) == "local"
    key, record = mint(expires=TODAY - timedelta(days=1))
    with pytest.raises(KeyExpired):
        KeyRing([str(record)]).admit(f"Bearer {key}", ALL)


def test_a_record_says_the_same_when_it_is_read() -> None:
    """Name, scopes and last day survive the settings; a record without them is as before."""
    for record in (
        mint()[1],
        mint("studio", name="Studio B-2", scopes=[Scope.ASK, Scope.INDEX], expires=date(2031, 2, 28))[1],
        mint(scopes=[Scope.REGISTER])[1],
    ):
        assert KeyRecord.parse(str(record)) == record
    assert str(mint()[1]).count(":") == 2


@pytest.mark.parametrize(
    "more", [":a:b", ":a:everything:", ":a:ask:2031-02-30", ":,:ask:", "::ask+:", ":::x"]
)
def test_a_wrong_record_stops_the_server(more: str) -> None:
    """An unknown scope, a day that does not exist or a wrong form is refused at the start."""
    with pytest.raises(BadKeyRecord):
        KeyRing([f"{mint()[1]}{more}"])


def test_a_lookup_takes_the_key_as_client(serve: Serve) -> None:
    """AcoustID's clients send their key as `client`, in the query or in the form."""
    key, record = mint(scopes=[Scope.ASK])
    other, other_record = mint(scopes=[Scope.INDEX])
    with serve(api_keys=(str(record), str(other_record))) as client:
        for sent, status, number in (("", 401, 4), ("wrong", 401, 4), (other, 403, 12), (key, 400, 2)):
            in_query = client.get("/v2/lookup", params={"client": sent})
            in_form = client.post("/v2/lookup", data={"client": sent})
            for answer in (in_query, in_form):
                assert (answer.status_code, answer.json()["error"]["code"]) == (status, number)


def test_the_command_understands_days() -> None:
    """A number of days counts from today."""
    assert last_day("90d") == TODAY + timedelta(days=90)
    assert last_day("2031-01-31") == date(2031, 1, 31)
    assert last_day(None) is None
